//! What must hold whatever comes in.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use common::{START, Site};
use proptest::prelude::*;
use weir_compiler::hir::Phase;
use weir_engine::{Decision, EventDecision, Input, Limits, Options, Outcome, Seq, Step};

/// A bit of everything: keys of all kinds, windows, a baseline, a cohort, sequences with and without terminal absence,
/// entries, throttles, caps, exemptions, scores, a model.
const POLICY: &str = r#"package t
use std.events { checkout, inventory.lookup, login, mfa, password.reset, transfer }
use std.shared { shared-address, soc, fraud-desk, stale_stock }

model odd(user: string) -> probability from "m.onnx" within 2ms

cap actions by ip at challenge where ip is tagged shared-address because "crowd"
cap block on login at 50% of sessions over 1m, at least 3, else challenge because "many"

policy exemptions {
  on login, transfer
  mode shadow
  rule free { when asn.class == cellular then exempt from t because "x" }
}

policy logins {
  on login
  mode enforce
  watch login per session over 1m {
    n = count
    users = distinct user
    failed = share of outcome == failure, at least 2
    pace = cv of gaps
  }
  signal before = count of login where outcome == success per user over 1h before this
  signal usual_n = usual(n, floor 2)
  signal in_flight = concurrent of login per session over 1m
  cohort surplus of login by (shape, channel) over 1m against usual, floor 2, lift at least 2, at least 4
  rule many { when n >= 2 * usual_n then challenge session on login for 20s renewing because "{n}" }
  rule failing { when failed >= 50% and before == 0 then block ip on login for 30s, sparing sessions that passed or devices known 30d, tag ip shared-address for 1m because "{failed}" }
  rule crowd { when users >= 3 then throttle session on login to 1/s for 1m because "{users}" }
  rule fleet { when event in surplus then throttle surplus on login to usual for 30s, sparing devices known 30d, alert soc because "{surplus}" }
  rule strange { when n >= 2 and odd("x") >= 50% then score +60 because "x" if unknown then score +5 }
  rule busy { when in_flight >= 3 then score +20 because "{in_flight}" }
}

policy money {
  on transfer, password.reset
  mode enforce
  signal out = sum of amount of transfer per user over 1h
  sequence drain per user within 1m {
    first login as entry where outcome == success
    then transfer as cash
    without mfa where outcome == success between entry and cash
  }
  sequence silent per user within 1m {
    first login as entry
    then password.reset as reset where step == completed
    then no mfa where outcome == success within 20s
  }
  rule drained { when drain and out >= USD 2 then hold transfer for fraud-desk within 1h else block because "{out} {drain.entry.age}" }
  rule unconfirmed { when silent then lock password, tag user shared-address for 1h, alert soc because "{silent.entry.age}" }
}
"#;

#[derive(Clone, Debug)]
enum Move {
    Wait(i64),
    /// An event with a few keys; whether and how soon its response comes.
    Event {
        kind: u8,
        who: u8,
        place: u8,
        outcome: u8,
        answered: bool,
    },
    /// Answers the oldest request that is still open.
    Answer,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let event = (0_u8..5, 0_u8..4, 0_u8..3, 0_u8..3, any::<bool>());
    let event = event.prop_map(|(kind, who, place, outcome, answered)| Move::Event {
        kind,
        who,
        place,
        outcome,
        answered,
    });
    let one = prop_oneof![2 => (0_i64..15_000).prop_map(Move::Wait), 8 => event, 1 => Just(Move::Answer)];
    prop::collection::vec(one, 1..80)
}

struct Player {
    site: Site,
    open: Vec<(Seq, Vec<(weir_compiler::ids::FieldId, weir_compiler::value::Value)>)>,
    ticks: bool,
}

impl Player {
    fn new(options: Options, ticks: bool) -> Self {
        Self { site: Site::with(POLICY, options), open: Vec::new(), ticks }
    }

    fn begin(&mut self, input: Input) -> Decision {
        match self.site.engine.begin(input) {
            Step::Decided(decision) => decision,
            Step::Pending(pending) => {
                let outcomes: Vec<_> = pending
                    .calls
                    .iter()
                    .map(|_| Outcome::Answer(weir_compiler::value::Value::Float(0.75)))
                    .collect();
                self.site.engine.resume(pending, &outcomes)
            }
        }
    }

    fn play(&mut self, moves: &[Move]) -> Vec<Decision> {
        let mut decisions = Vec::new();
        for next in moves {
            match next {
                Move::Wait(ms) => {
                    if self.ticks {
                        for part in 1..4 {
                            decisions.push(self.begin(Input::Tick { at: self.site.now + ms * part / 4 }));
                        }
                    }
                    self.site.now += ms;
                }
                Move::Answer => {
                    if !self.open.is_empty() {
                        let (request, fields) = self.open.remove(0);
                        let at = self.site.now;
                        decisions.push(self.begin(Input::Response {
                            request,
                            at,
                            fields: vec![fields],
                            events: vec![],
                        }));
                    }
                }
                Move::Event { kind, who, place, outcome, answered } => {
                    let (user, session) = (format!("u{}", who % 3), format!("s{who}"));
                    let ip = format!("192.0.2.{place}");
                    let mut fields = vec![("user", user.as_str()), ("ip", ip.as_str()), ("channel", "web")];
                    if *who != 3 {
                        fields.push(("session", &session));
                    }
                    if *place == 2 && *outcome == 2 {
                        fields.push(("asn.class", "cellular"));
                    }
                    let outcomes = ["success", "failure", "error"];
                    let outcome = ("outcome", outcomes[usize::from(*outcome)]);
                    let (name, more): (_, &[(&str, &str)]) = match kind {
                        0 | 1 => ("login", &[("shape", "a"), outcome]),
                        2 => ("mfa", &[outcome]),
                        3 => ("password.reset", &[("step", "completed"), outcome]),
                        _ => ("transfer", &[("amount", "USD 1.50"), ("payee", "p")]),
                    };
                    fields.extend(more);
                    let (record, response) = self.site.record(name, &fields);
                    let decision = self.begin(Input::Request { at: self.site.now, events: vec![record] });
                    if !decision.stopped {
                        self.open.push((decision.seq, response));
                        if *answered {
                            let (request, fields) = self.open.pop().unwrap();
                            let at = self.site.now;
                            let input = Input::Response { request, at, fields: vec![fields], events: vec![] };
                            decisions.push(decision);
                            decisions.push(self.begin(input));
                            continue;
                        }
                    }
                    decisions.push(decision);
                }
            }
        }
        decisions
    }
}

fn print(look: &EventDecision) -> String {
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        look.phase,
        look.at,
        look.verdict,
        look.shadow,
        look.score,
        look.matches,
        look.unknown,
        look.entries,
        look.effects
    )
}

/// What was decided about requests and responses, without their deadlines, and the deadlines apart.
fn split(decisions: &[Decision]) -> (Vec<String>, Vec<String>) {
    let about = decisions.iter().filter(|d| d.phase != Phase::Timer);
    let about = about.map(|d| {
        let looks: Vec<String> = d.events.iter().map(print).collect();
        format!("{:?} {} {:?} {looks:?}", d.seq, d.at, d.verdict)
    });
    let deadlines = decisions.iter().flat_map(|d| &d.deadlines).map(print);
    (about.collect(), deadlines.collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn the_same_inputs_give_the_same_decisions(moves in moves()) {
        let one = Player::new(Options::default(), false).play(&moves);
        let other = Player::new(Options::default(), false).play(&moves);
        prop_assert_eq!(split(&one), split(&other));
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
        let limits = Limits { state_bytes: 0, keys: 16, tagged: 2, entries: 2, exchanges: 2, timers: 2, actors: 2 };
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
