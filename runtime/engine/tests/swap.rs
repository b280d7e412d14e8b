//! A change of rule set between two inputs moves what an engine remembers, and is no restart.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use std::sync::LazyLock;

use common::player::{Move, POLICY, Player, moves, split};
use common::{Site, data, link};
use proptest::prelude::*;
use weir_compiler::canonical;
use weir_compiler::hir::{Hir, Verb};
use weir_compiler::value::Value;
use weir_engine::{Command, Engine, Input, Limits, Options, Outcome, Pending, Replacement, Step, Version};

/// The policy after edits of every kind, from none to the loss of nearly everything.
fn edits() -> Vec<String> {
    let first = "\npolicy early { on login mode enforce\n  signal all = count of login per ip over 2m\n  rule r { when all >= 5 then score +7 because \"{all}\" }\n}\n\npolicy logins {";
    let event = "\nevent noise { loudness: int }\n\npolicy logins {";
    let money = POLICY.find("\npolicy money").unwrap();
    let logins = POLICY.find("\npolicy logins").unwrap();
    vec![
        POLICY.to_owned(),
        POLICY.replace("users >= 3", "users >= 2"),
        POLICY.replace("\npolicy logins {", first),
        POLICY.replace("\npolicy logins {", event),
        POLICY.replace("over 1m {\n    n", "over 2m {\n    n"),
        format!("{}{}{}", &POLICY[..logins], &POLICY[money..], &POLICY[logins..money]),
        POLICY[..money].to_owned(),
        format!("{}{}", &POLICY[..logins], &POLICY[money..]),
        POLICY.replace("then no mfa where outcome == success within 20s", "then no mfa within 40s"),
        POLICY.replace("lift at least 2", "lift at least 3"),
        POLICY.replace("at 50% of sessions over 1m", "at 50% of sessions over 2m"),
    ]
}

fn versions(first: &Version) -> Vec<Version> {
    static LINKED: LazyLock<Vec<Hir>> =
        LazyLock::new(|| edits().into_iter().map(|text| link(&text).hir).collect());
    LINKED.iter().map(|hir| first.next(hir.clone(), data(hir))).collect()
}

fn options(small: bool) -> Options {
    let tight = Limits {
        keys: 64,
        state_bytes: 1 << 17,
        tagged: 4,
        entries: 4,
        exchanges: 4,
        timers: 3,
        actors: 8,
        ..Limits::default()
    };
    Options { limits: if small { tight } else { Limits::default() }, ..Options::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// What goes on over a change is what goes on over a restart with the other rules.
    #[test]
    fn a_change_is_a_restart_without_the_stop(
        legs in prop::collection::vec((moves(), 0_usize..11), 1..4),
        after in moves(),
        small in any::<bool>(),
    ) {
        let (mut moved, mut restarted) = (Player::new(options(small), false), Player::new(options(small), false));
        let versions = versions(&moved.site.engine.version());
        let (mut one, mut other) = (Vec::new(), Vec::new());
        for (moves, to) in legs {
            one.extend(moved.play(&moves));
            other.extend(restarted.play(&moves));
            let running = moved.site.engine.version();
            let replacement = Replacement::new(versions[to].clone(), &running).unwrap();
            let (carried, retired) = moved.site.engine.swap(replacement);
            prop_assert!(retired.version().is_set_of(&running));

            let bytes = restarted.site.engine.snapshot();
            let hir = versions[to].hir().clone();
            let mut next = Engine::new(hir.clone(), data(&hir), options(small));
            prop_assert_eq!(next.restore(&bytes).unwrap(), carried);
            restarted.site.engine = next;
            prop_assert_eq!(moved.site.engine.snapshot(), restarted.site.engine.snapshot());
        }
        one.extend(moved.play(&after));
        other.extend(restarted.play(&after));
        prop_assert_eq!(split(&one), split(&other));
        prop_assert_eq!(moved.site.engine.snapshot(), restarted.site.engine.snapshot());
    }

    /// A rule set that takes its own place, at any time and any number of times, changes nothing.
    ///
    /// + swap: the same rules change nothing
    #[test]
    fn the_same_rules_change_nothing(legs in prop::collection::vec(moves(), 1..6)) {
        let (mut plain, mut changed) = (Player::new(options(true), false), Player::new(options(true), false));
        let (mut one, mut other) = (Vec::new(), Vec::new());
        for moves in &legs {
            one.extend(plain.play(moves));
            other.extend(changed.play(moves));
            let running = changed.site.engine.version();
            let again = running.next(running.hir().clone(), data(running.hir()));
            let (carried, _) = changed.site.engine.swap(Replacement::new(again, &running).unwrap());
            prop_assert_eq!((carried.fresh, carried.dropped), (0, 0));
        }
        prop_assert_eq!(split(&one), split(&other));
        prop_assert_eq!(plain.site.engine.snapshot(), changed.site.engine.snapshot());
    }
}

fn event(kind: u8) -> Move {
    Move::Event { kind, who: 1, place: 1, outcome: 1, answered: true }
}

/// A replacement that was made for another rule set than the one that runs by now is as good.
#[test]
fn a_replacement_may_be_late() {
    let play = || {
        let mut player = Player::new(Options::default(), false);
        player.play(&[event(0), event(3), event(4), Move::Wait(400), event(0)]);
        player
    };
    let (mut late, mut timely) = (play(), play());
    let first = late.site.engine.version();
    let others = versions(&timely.site.engine.version());
    let versions = versions(&first);
    let made_too_early = Replacement::new(versions[2].clone(), &first).unwrap();
    late.site.engine.swap(Replacement::new(versions[6].clone(), &first).unwrap());
    late.site.engine.swap(made_too_early);
    for to in [6, 2] {
        let running = timely.site.engine.version();
        timely.site.engine.swap(Replacement::new(others[to].clone(), &running).unwrap());
    }
    assert_eq!(late.site.engine.snapshot(), timely.site.engine.snapshot());
}

/// The version that ran can be put back, and is free when nobody holds it any more.
#[test]
fn what_ran_can_be_put_back() {
    let mut player = Player::new(Options::default(), false);
    player.play(&[event(0), event(0)]);
    let running = player.site.engine.version();
    let next = versions(&running).remove(1);
    let (_, retired) = player.site.engine.swap(Replacement::new(next, &running).unwrap());
    drop(running);
    let former = retired.version().clone();
    drop(retired);
    assert!(former.is_alone());
    let running = player.site.engine.version();
    let (carried, retired) = player.site.engine.swap(Replacement::new(former.clone(), &running).unwrap());
    assert_eq!((carried.fresh, carried.dropped), (0, 0));
    assert!(player.site.engine.version().is_set_of(&former) && !former.is_alone());
    drop((running, former));
    assert!(!retired.version().is_set_of(&player.site.engine.version()));
    assert!(retired.version().is_alone());
}

/// State keeps the text that linking has given it: what is named after it is named alike.
#[test]
fn states_know_their_texts() {
    for text in edits() {
        let hir = link(&text).hir;
        for (id, state) in hir.states.iter() {
            assert_eq!(canonical::state(&hir, id), *state.identity);
        }
        for id in hir.signals.ids() {
            assert_eq!(canonical::linked_signal(&hir, id), canonical::signal(&hir, id));
        }
        for rule in hir.rules.values() {
            assert_eq!(canonical::linked_expr(&hir, rule.when), canonical::expr(&hir, rule.when));
        }
    }
}

#[test]
fn other_options_are_no_replacement() {
    let player = Player::new(Options::default(), false);
    let hir = player.site.engine.hir().clone();
    let other = Version::new(hir.clone(), data(&hir), Options::default());
    assert!(Replacement::new(other, &player.site.engine.version()).is_none());
}

const ASKING: &str = r#"package t
use std.events { login }
model odd(user: string) -> probability from "m.onnx" within 2ms
policy p {
  on login
  mode enforce
  rule asks { when odd("x") >= 50% then block because "odd" }
  rule says { when shape == "a" then score +1 because "a" }
}
"#;

/// A decision that waits over a change is finished by the rules that began it, and as they stood then; another rule that has
/// the place of one of them by now has no say.
#[test]
fn what_waits_is_finished_by_its_own_rules() {
    let answer = |off: &str| {
        let mut site = Site::with(ASKING, Options { record: true, ..Options::default() });
        let (record, _) = site.record("login", &[("session", "s"), ("shape", "a")]);
        let Step::Pending(pending): Step =
            site.engine.begin(Input::Request { at: site.now, events: vec![record] })
        else {
            panic!("it asks a model")
        };
        // The rules change places.
        let says = ASKING.find("  rule says").unwrap();
        let asks = ASKING.find("  rule asks").unwrap();
        let text =
            format!("{}{}{}}}\n", &ASKING[..asks], &ASKING[says..ASKING.len() - 2], &ASKING[asks..says]);
        let hir = link(&text).hir;
        let loaded = data(&hir);
        common::swap(&mut site.engine, hir, loaded);
        let command = Command::Switch { name: format!("t.p.{off}").into(), off: true };
        site.decided(Input::Command { at: site.now, command });
        let resume = |site: &mut Site, pending: Pending| {
            site.engine.resume(pending, &[Outcome::Answer(Value::Float(0.9))])
        };
        let decision = resume(&mut site, pending);
        // What comes next is judged by the present rules, and what stands over them.
        let (record, _) = site.record("login", &[("session", "s"), ("shape", "a")]);
        let next = match site.engine.begin(Input::Request { at: site.now, events: vec![record] }) {
            Step::Decided(decision) => decision,
            Step::Pending(pending) => resume(&mut site, pending),
        };
        (decision.verdict.verb, next.verdict.verb)
    };
    assert_eq!(answer("says"), (Verb::Block, Verb::Block));
    assert_eq!(answer("asks"), (Verb::Block, Verb::Pass));
}

#[test]
fn rule_sets_change_on_the_walker_too() {
    common::run_on_the_walker("rule_sets_change_on_the_walker_too");
}
