//! What an engine remembers is carried over restarts and changes of rule set, and nothing else changes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use common::player::{Move, POLICY, Player, moves, split};
use common::{Site, data, link};
use proptest::prelude::*;
use weir_engine::{Carried, Engine, Limits, Options, Secret, SnapshotError, Why};

/// Another engine that goes on from a snapshot of this one.
fn restarted(player: &mut Player) -> Carried {
    let bytes = player.site.engine.snapshot();
    let hir = player.site.engine.hir().clone();
    let mut other = Engine::new(hir.clone(), data(&hir), Options::default());
    let carried = other.restore(&bytes).unwrap();
    assert_eq!(other.snapshot(), bytes, "what is restored is what was written");
    player.site.engine = other;
    carried
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    /// Wherever an engine is stopped and another goes on from its snapshot, decisions and state are the same.
    ///
    /// + restart, snapshot: another engine goes on from anywhere
    #[test]
    fn any_restart_point(before in moves(), after in moves()) {
        let mut plain = Player::new(Options::default(), false);
        let mut stopped = Player::new(Options::default(), false);
        let mut one = plain.play(&before);
        let mut other = stopped.play(&before);
        let carried = restarted(&mut stopped);
        prop_assert_eq!((carried.fresh, carried.dropped), (0, 0));
        one.extend(plain.play(&after));
        other.extend(stopped.play(&after));
        prop_assert_eq!(split(&one), split(&other));
        prop_assert_eq!(plain.site.engine.snapshot(), stopped.site.engine.snapshot());
    }

    /// Looking at the state, by a snapshot after every move, changes nothing.
    #[test]
    fn snapshots_change_nothing(moves in moves()) {
        let limits = Limits { keys: 16, tagged: 2, entries: 3, exchanges: 3, timers: 2, actors: 4, ..Limits::default() };
        let options = || Options { limits, ..Options::default() };
        let (mut plain, mut watched) = (Player::new(options(), false), Player::new(options(), false));
        for one in &moves {
            let (a, b) = (plain.play(std::slice::from_ref(one)), watched.play(std::slice::from_ref(one)));
            prop_assert_eq!(split(&a), split(&b));
            watched.site.engine.snapshot();
        }
        prop_assert_eq!(plain.site.engine.snapshot(), watched.site.engine.snapshot());
    }

    /// + swap: state goes on by what it keeps
    ///
    /// A rule set whose parts stand in another order, and has one policy more, goes on with the same state.
    #[test]
    fn positions_do_not_matter(before in moves(), after in moves()) {
        let moved = format!(
            "{}\npolicy last {{ on login mode shadow rule r {{ when shape == \"zzz\" then challenge because \"x\" }} }}\n",
            reordered(POLICY)
        );
        let mut plain = Player::new(Options::default(), false);
        let mut changed = Player::new(Options::default(), false);
        let mut one = plain.play(&before);
        let mut other = changed.play(&before);
        let hir = link(&moved).hir;
        let loaded = data(&hir);
        let carried = common::swap(&mut changed.site.engine, hir, loaded);
        prop_assert_eq!((carried.fresh, carried.dropped), (0, 0));
        one.extend(plain.play(&after));
        other.extend(changed.play(&after));
        // Rules have other ids now; what they say has not changed.
        let said = |decisions: &[weir_engine::Decision]| -> Vec<_> {
            decisions.iter().map(|d| {
                let mut because: Vec<_> = d.looks().flat_map(|l| l.matches.iter().map(|m| m.because.clone())).collect();
                because.sort();
                (d.seq, d.verdict.verb, d.score, d.stopped, because)
            }).collect()
        };
        prop_assert_eq!(said(&one), said(&other));
    }

    /// A snapshot that is damaged anywhere is refused, and the engine stays as it was.
    ///
    /// - restart, snapshot: not from one that is damaged
    #[test]
    fn damage_is_refused(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut player = Player::new(Options::default(), false);
        player.play(&[event(0), event(3), event(4)]);
        let bytes = player.site.engine.snapshot();
        let mut damaged = bytes.clone();
        let at = at.index(damaged.len());
        damaged[at] ^= 1 << bit;
        prop_assert!(player.site.engine.restore(&damaged).is_err());
        prop_assert!(player.site.engine.restore(&bytes[..at]).is_err());
        prop_assert_eq!(player.site.engine.snapshot(), bytes);
    }
}

fn event(kind: u8) -> Move {
    Move::Event { kind, who: 1, place: 1, outcome: 1, answered: true }
}

/// The text with its policies in the opposite order.
fn reordered(text: &str) -> String {
    let at: Vec<usize> = text.match_indices("\npolicy ").map(|(at, _)| at).collect();
    let ends = at.iter().skip(1).copied().chain([text.len()]);
    let policies: Vec<&str> = at.iter().zip(ends).map(|(from, to)| &text[*from..to]).collect();
    text[..at[0]].to_owned() + &policies.into_iter().rev().collect::<String>()
}

#[test]
fn another_secret_tenant_or_format_is_refused() {
    let mut player = Player::new(Options::default(), false);
    player.play(&[event(0)]);
    let mut bytes = player.site.engine.snapshot();
    let hir = player.site.engine.hir().clone();
    let refusal = |options: Options, bytes: &[u8]| {
        Engine::new(hir.clone(), data(&hir), options).restore(bytes).unwrap_err()
    };
    let secret = Options { secret: Secret::new([7; 16]), ..Options::default() };
    assert_eq!(refusal(secret, &bytes), SnapshotError::Seal);
    let tenant = Options { tenant: "other".into(), ..Options::default() };
    assert_eq!(refusal(tenant, &bytes), SnapshotError::Seal);
    assert_eq!(refusal(Options::default(), b"WEIRSNA"), SnapshotError::Magic);
    assert_eq!(refusal(Options::default(), b"WEIRSNAP"), SnapshotError::Length);
    bytes[8] = 9;
    assert_eq!(
        refusal(Options::default(), &bytes).to_string(),
        "the snapshot has format version 9; this is version 1"
    );
}

const LOGINS: &str = r#"package t
use std.events { login }
policy p {
  on login
  mode enforce
  signal n = count of login per session over 1h
  rule many { when n >= 3 then block session for 1h because "{n}" }
}
"#;

/// - swap: an entry does not outlive its rule
#[test]
fn entries_and_counts_survive_a_change_and_end_with_their_rule() {
    let options = || Options { record: true, ..Options::default() };
    let mut site = Site::with(LOGINS, options());
    let ask = |site: &mut Site| site.ask("login", &[("session", "s"), ("shape", "a")]);
    ask(&mut site);
    ask(&mut site);
    let swap = |site: &mut Site, text: &str| {
        let hir = link(text).hir;
        let loaded = data(&hir);
        common::swap(&mut site.engine, hir, loaded)
    };
    // Another threshold is the same state.
    let carried = swap(&mut site, &LOGINS.replace("n >= 3", "n >= 2 + 1"));
    assert_eq!(carried, Carried { kept: 1, fresh: 0, dropped: 0 });
    let decision = ask(&mut site);
    assert_eq!((decision.stopped, decision.events[0].matches[0].because.as_str()), (true, "3"));
    // The entry outlives an edit of the rule's text, and not the rule.
    swap(&mut site, &LOGINS.replace("n >= 3", "n >= 100"));
    assert!(ask(&mut site).stopped);
    swap(&mut site, &LOGINS.replace("rule many", "rule few").replace("n >= 3", "n >= 100"));
    assert!(!ask(&mut site).stopped);
}

/// + warming: absence is unknown until a new signal has counted for its window
/// - warming: after that it is known
#[test]
fn what_is_new_is_warming_and_says_so() {
    let mut site = Site::with(LOGINS, Options { record: true, ..Options::default() });
    let ask = |site: &mut Site| site.ask("login", &[("session", "s"), ("shape", "a"), ("user", "u")]);
    ask(&mut site);
    let more = LOGINS.replace(
        "  rule many",
        "  signal m = count of login per user over 10m before this\n  rule first { when m == 0 then challenge because \"x\" }\n  rule many",
    );
    let hir = link(&more).hir;
    let loaded = data(&hir);
    let carried = common::swap(&mut site.engine, hir, loaded);
    assert_eq!(carried, Carried { kept: 1, fresh: 1, dropped: 0 });
    // Nobody can tell whether the user has been here within the last ten minutes.
    let decision = ask(&mut site);
    assert_eq!(site.unknown(&decision), ["first"]);
    // Ten minutes and a seventh of them: then nothing of the window is from before.
    site.now += 685_000;
    let decision = ask(&mut site);
    assert_eq!(site.unknown(&decision), ["first"]);
    site.now += 1_000;
    let late = site.ask("login", &[("session", "z"), ("shape", "a"), ("user", "another")]);
    assert_eq!(site.fired(&late), ["first"]);
    assert_eq!(Why::Warming.to_string(), "it is new, and has counted for less than its window");
}

#[test]
fn state_is_carried_on_the_walker_too() {
    common::run_on_the_walker("state_is_carried_on_the_walker_too");
}
