//! What must hold whatever comes in.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use common::START;
use common::player::{Move, Player, moves, split};
use proptest::prelude::*;
use weir_compiler::evaluate::Tier;
use weir_compiler::hir::Phase;
use weir_engine::{Input, Limits, Options};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn the_same_inputs_give_the_same_decisions(moves in moves()) {
        let one = Player::new(Options::default(), false).play(&moves);
        let other = Player::new(Options::default(), false).play(&moves);
        prop_assert_eq!(split(&one), split(&other));
    }

    /// All tiers decide alike, and explain alike.
    #[test]
    fn the_tiers_agree(moves in moves()) {
        let mut players = Tier::ALL.map(|tier| Player::new(Options { tier, record: true, ..Options::default() }, true));
        let decided = players.each_mut().map(|player| player.play(&moves));
        let explain = |decision, player: &Player| format!("{:?}", player.site.engine.explain(decision));
        for (run, player) in decided.iter().zip(&players).skip(1) {
            prop_assert_eq!(split(&decided[0]), split(run));
            for (one, other) in decided[0].iter().zip(run) {
                prop_assert_eq!(explain(one, &players[0]), explain(other, player));
            }
        }
    }

    /// Ticks let timers fire; they fire at their deadline whether a tick or the next event brings them.
    #[test]
    fn ticks_change_nothing_else(moves in moves()) {
        let mut plain = Player::new(Options::default(), false);
        let mut ticking = Player::new(Options::default(), true);
        let (one, other) = (plain.play(&moves), ticking.play(&moves));
        let end = Input::Tick { at: plain.site.now + 100_000 };
        let (last, other_last) = (plain.begin(end.clone()), ticking.begin(end));
        let one: Vec<_> = one.into_iter().chain([last]).collect();
        let other: Vec<_> = other.into_iter().chain([other_last]).collect();
        prop_assert_eq!(split(&one), split(&other));
    }

    /// Recording readings for explanations changes no decision, and every recorded look can be explained.
    #[test]
    fn recording_changes_nothing(moves in moves()) {
        let one = Player::new(Options::default(), false).play(&moves);
        let mut recording = Player::new(Options { record: true, ..Options::default() }, false);
        let other = recording.play(&moves);
        prop_assert_eq!(split(&one), split(&other));
        for decision in &other {
            let explanation = recording.site.engine.explain(decision);
            prop_assert_eq!(explanation.looks.len(), decision.looks().count());
            for (look, event) in explanation.looks.iter().zip(decision.looks()) {
                prop_assert_eq!(look.verdict, event.verdict.verb);
                for rule in &look.rules {
                    let fired = event.matches.iter().any(|m| m.rule == rule.rule && !m.unknown) || event.exemptions.contains(&rule.rule);
                    prop_assert_eq!(rule.outcome == Some(true), fired, "{}", rule.name);
                }
                if let Some(nearest) = &look.nearest {
                    prop_assert_ne!(nearest.verdict, look.verdict);
                }
            }
        }
    }

    /// Tiny tables, any input: nothing grows, nothing panics, and time may go backwards.
    #[test]
    fn everything_is_bounded(moves in moves(), jumps in prop::collection::vec(-100_000_i64..100_000, 1..5)) {
        let limits = Limits { state_bytes: 0, keys: 16, tagged: 2, entries: 2, exchanges: 2, timers: 2, actors: 2, braked: 2, cases: 2, remembered: 2, labelled: 2, switches: 2 };
        let mut player = Player::new(Options { limits, lateness: 5_000, ..Options::default() }, true);
        let tables = player.site.engine.hir().states.len()
            + player.site.engine.hir().sequences.len()
            + player.site.engine.hir().cohorts.len()
            + player.site.engine.hir().facts.len();
        for jump in jumps {
            player.site.now += jump;
            player.play(&moves);
            player.open.truncate(1);
            let held = player.site.engine.tallies().held;
            prop_assert!(held <= (tables * 16 + 2 + 2 * 2 + 2 + 2) as u64, "{held}");
        }
    }
}

#[test]
fn times_at_the_ends_of_the_range_are_taken() {
    for at in [i64::MIN, i64::MAX, 0, -1] {
        let mut player = Player::new(Options { lateness: 1_000, ..Options::default() }, false);
        player.site.now = at;
        let event = |kind| Move::Event { kind, who: 1, place: 1, outcome: 0, answered: true };
        let moves: Vec<Move> = (0..5).chain(0..5).map(event).collect();
        assert!(player.play(&moves).len() >= 10);
        player.site.now = START;
        assert!(player.play(&moves).len() >= 10);
    }
}

#[test]
fn a_silent_reset_fires_at_its_deadline_and_not_before() {
    let mut player = Player::new(Options::default(), false);
    let event = |kind| Move::Event { kind, who: 1, place: 0, outcome: 0, answered: true };
    player.play(&[event(0), Move::Wait(1_000), event(3)]);
    let tick = |player: &mut Player, after: i64| player.begin(Input::Tick { at: START + 1_000 + after });
    assert!(tick(&mut player, 20_000).deadlines.is_empty(), "an mfa now would still be in time");
    let due = tick(&mut player, 20_001);
    let look = &due.deadlines[0];
    assert_eq!((look.phase, look.at), (Phase::Timer, START + 21_000));
    assert_eq!(look.matches[0].because, "1s");
    assert_eq!(look.effects.len(), 3, "{:?}", look.effects);

    let mut player = Player::new(Options::default(), false);
    player.play(&[event(0), Move::Wait(1_000), event(3), Move::Wait(20_000), event(2)]);
    assert!(tick(&mut player, 30_000).deadlines.is_empty());
}
