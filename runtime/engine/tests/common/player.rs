//! A policy with a bit of everything, and somebody who plays any moves on it.

use proptest::prelude::*;
use weir_compiler::hir::Phase;
use weir_engine::{Decision, EventDecision, Input, Options, Outcome, Seq, Step};

use super::Site;

/// A bit of everything: keys of all kinds, windows, a baseline, a cohort, sequences with and without terminal absence,
/// entries, throttles, caps, exemptions, scores, a model.
pub(crate) const POLICY: &str = r#"package t
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
pub(crate) enum Move {
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

pub(crate) fn moves() -> impl Strategy<Value = Vec<Move>> {
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

pub(crate) struct Player {
    pub(crate) site: Site,
    pub(crate) open: Vec<(Seq, Vec<(weir_compiler::ids::FieldId, weir_compiler::value::Value)>)>,
    ticks: bool,
    /// What it has put in, when told to keep it.
    pub(crate) inputs: Option<Vec<Input>>,
}

impl Player {
    pub(crate) fn new(options: Options, ticks: bool) -> Self {
        Self::of(POLICY, options, ticks)
    }

    pub(crate) fn of(policy: &str, options: Options, ticks: bool) -> Self {
        Self { site: Site::with(policy, options), open: Vec::new(), ticks, inputs: None }
    }

    pub(crate) fn keep_inputs(&mut self) {
        self.inputs = Some(Vec::new());
    }

    pub(crate) fn begin(&mut self, input: Input) -> Decision {
        self.inputs.iter_mut().for_each(|inputs| inputs.push(input.clone()));
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

    pub(crate) fn play(&mut self, moves: &[Move]) -> Vec<Decision> {
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

pub(crate) fn print(look: &EventDecision) -> String {
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
pub(crate) fn split(decisions: &[Decision]) -> (Vec<String>, Vec<String>) {
    let about = decisions.iter().filter(|d| d.phase != Phase::Timer);
    let about = about.map(|d| {
        let looks: Vec<String> = d.events.iter().map(print).collect();
        format!("{:?} {} {:?} {looks:?}", d.seq, d.at, d.verdict)
    });
    let deadlines = decisions.iter().flat_map(|d| &d.deadlines).map(print);
    (about.collect(), deadlines.collect())
}
