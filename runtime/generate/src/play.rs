//! Shows a stream to an engine and writes down what it decides.

use std::collections::VecDeque;
use std::fmt::Write as _;

use weir_compiler::hir::Phase;
use weir_compiler::ids::FieldId;
use weir_compiler::value::Value;
use weir_engine::{
    CallRequest, Decision, Engine, EventDecision, Input, Options, Outcome, Record, Seq, Source, Step,
};

use crate::Set;
use crate::stream::{Feed, Move, Occurrence};

/// An engine and the requests whose responses it still waits for.
#[derive(Debug)]
pub struct Play {
    /// The engine.
    pub engine: Engine,
    open: Open,
}

/// Requests that wait for their responses, oldest first.
pub type Open = VecDeque<(Seq, Vec<Vec<(FieldId, Value)>>)>;

impl Play {
    /// A play from the beginning.
    pub fn new(set: &Set, options: Options) -> Self {
        Self::with(Engine::new(set.hir.clone(), set.data.clone(), options), Open::new())
    }

    /// A play that goes on with an engine that has seen something.
    pub fn with(engine: Engine, open: Open) -> Self {
        Self { engine, open }
    }

    /// Makes all moves of a feed; what each decision says.
    pub fn all(&mut self, feed: &Feed, print: fn(&Engine, &Decision) -> String) -> Vec<String> {
        let told = feed.moves.iter().map(|next| match self.make(next) {
            Some(decision) => print(&self.engine, &decision),
            None => "nothing waits".into(),
        });
        told.collect()
    }

    /// The engine, and what it waits for.
    pub fn into_parts(self) -> (Engine, Open) {
        (self.engine, self.open)
    }

    /// The input of a move; none when it answers a request that does not wait.
    pub fn input(&mut self, next: &Move) -> Option<Input> {
        Some(match next {
            Move::Request { at, events } => {
                Input::Request { at: *at, events: events.iter().map(|one| self.record(one)).collect() }
            }
            Move::Response { at, nth } => {
                let last = self.open.len().checked_sub(1)?;
                let (request, fields) = self.open.remove((*nth).min(last))?;
                Input::Response { request, at: *at, fields, events: Vec::new() }
            }
            Move::Stray { at } => {
                Input::Response { request: Seq(u64::MAX), at: *at, fields: Vec::new(), events: Vec::new() }
            }
            Move::Command { at, command } => Input::Command { at: *at, command: command.clone() },
            Move::Tick { at } => Input::Tick { at: *at },
        })
    }

    fn record(&self, one: &Occurrence) -> Record {
        let event = self.engine.hir().schema.event(one.event).expect("the set declares it");
        let mut record = self.engine.record(event);
        for (name, value) in &one.fields {
            record.set_named(name, value.clone()).expect("the value is of the field's type");
        }
        record.finish()
    }

    fn responses(&self, events: &[Occurrence]) -> Vec<Vec<(FieldId, Value)>> {
        let schema = &self.engine.hir().schema;
        let of = |one: &Occurrence| {
            let event = schema.event(one.event).expect("the set declares it");
            let field = |name: &str| schema.field(event, name).expect("the event has it");
            one.response.iter().map(|(name, value)| (field(name), value.clone())).collect()
        };
        events.iter().map(of).collect()
    }

    /// Makes a move.
    pub fn make(&mut self, next: &Move) -> Option<Decision> {
        let input = self.input(next)?;
        let decision = self.give(input);
        self.note(next, &decision);
        Some(decision)
    }

    /// Gives the engine an input, and what models say of it.
    pub fn give(&mut self, input: Input) -> Decision {
        let step = self.engine.begin(input);
        self.settle(step)
    }

    /// The decision of a step, with what models say.
    pub fn settle(&mut self, step: Step) -> Decision {
        match step {
            Step::Decided(decision) => decision,
            Step::Pending(pending) => {
                let outcomes: Vec<Outcome> = pending.calls.iter().map(answer).collect();
                self.engine.resume(pending, &outcomes)
            }
        }
    }

    /// Remembers a request that was let through.
    pub fn note(&mut self, next: &Move, decision: &Decision) {
        if let Move::Request { events, .. } = next
            && !decision.stopped
        {
            let fields = self.responses(events);
            self.open.push_back((decision.seq, fields));
        }
    }
}

/// What a model says: a function of what it is asked, and not always an answer.
pub fn answer(call: &CallRequest) -> Outcome {
    let asked = format!("{:?}", call.inputs);
    let hash = asked
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    match hash % 8 {
        0 => Outcome::Late,
        1 => Outcome::Failed,
        2 => Outcome::Answer(Value::Int(1)),
        3 => Outcome::Answer(Value::Float(f64::NAN)),
        n => Outcome::Answer(Value::Float((n - 4) as f64 / 3.0)),
    }
}

/// Plays a whole stream; what was decided, a text a move.
pub fn play(
    set: &Set,
    options: Options,
    feed: &Feed,
    print: fn(&Engine, &Decision) -> String,
) -> Vec<String> {
    Play::new(set, options).all(feed, print)
}

/// Everything that a decision and its explanation say. Equal for engines that run one rule set.
pub fn everything(engine: &Engine, decision: &Decision) -> String {
    let mut out = decided(engine, decision);
    for look in engine.explain(decision).looks {
        let _ = writeln!(out, " explained {look:?}");
    }
    out
}

/// Everything that a decision says, without its explanation, which costs twenty times as much.
pub fn decided(_: &Engine, decision: &Decision) -> String {
    let mut out = format!(
        "{:?} at {} {:?} {:?} shadow {:?} score {} {} stopped {} panic {} closed {:?} answer {:?}\n",
        decision.seq,
        decision.at,
        decision.phase,
        decision.verdict,
        decision.shadow,
        decision.score,
        decision.shadow_score,
        decision.stopped,
        decision.panic,
        decision.closed,
        decision.answer,
    );
    for look in decision.looks() {
        let _ = writeln!(
            out,
            " {:?} at {} {:?} {:?} shadow {:?} score {} {} stopped {} by {:?}\n  matches {:?}\n  unknown {:?}\n  exempt {:?}\n  entries {:?}\n  caps {:?}\n  effects {:?}",
            look.event,
            look.at,
            look.phase,
            look.verdict,
            look.shadow,
            look.score,
            look.shadow_score,
            look.stopped,
            look.stopped_by,
            look.matches,
            look.unknown,
            look.exemptions,
            look.entries,
            look.caps,
            look.effects
        );
    }
    out
}

/// What a decision says in any wording of its rule set: by name, and sorted where rules have no order.
pub fn essence(engine: &Engine, decision: &Decision) -> String {
    let mut out = format!(
        "{:?} at {} {:?} {} shadow {} score {} {} stopped {} panic {} closed {} answer {:?}\n",
        decision.seq,
        decision.at,
        decision.phase,
        decision.verdict.verb.word(),
        decision.shadow.word(),
        decision.score,
        decision.shadow_score,
        decision.stopped,
        decision.panic,
        decision.closed.len(),
        decision.answer,
    );
    let mut looks: Vec<String> = decision.looks().map(|look| essence_of(engine, look)).collect();
    // Deadlines of one instant have no order among sequences.
    if decision.phase == Phase::Timer {
        looks.sort();
    }
    out.extend(looks);
    out
}

fn essence_of(engine: &Engine, look: &EventDecision) -> String {
    let hir = engine.hir();
    let rule = |id| hir.rules[id].full_name.as_str();
    let sorted = |mut lines: Vec<String>| {
        lines.sort();
        lines
    };
    let matches = look.matches.iter().map(|found| {
        let mut values: Vec<String> =
            found.values.iter().map(|shown| format!("{}={:?}", shown.name, shown.value)).collect();
        values.sort();
        values.dedup();
        let mut keys = found.keys.clone();
        keys.sort_by(|a, b| a.0.cmp(&b.0));
        format!(
            "{} {:?} {} {:?} {} {values:?} {keys:?}",
            rule(found.rule),
            found.acting,
            found.unknown,
            found.action,
            found.because
        )
    });
    let unknown = look.unknown.iter().map(|id| rule(*id).to_owned());
    let exempt = look.exemptions.iter().map(|id| rule(*id).to_owned());
    let entries = look.entries.iter().map(|hit| {
        format!(
            "{} {} {:?} {:?} {} {} {:?}",
            rule(hit.rule),
            hit.key,
            hit.hash,
            hit.verb,
            hit.until,
            hit.shadow,
            hit.fate
        )
    });
    let effects = look.effects.iter().map(|effect| format!("{} {:?}", rule(effect.rule), effect.kind));
    let verdict = &look.verdict;
    let source = match verdict.source {
        Source::Nothing => "nothing".to_owned(),
        Source::Rule(id) => format!("rule {}", rule(id)),
        Source::Unknown(id) => format!("unknown {}", rule(id)),
        Source::Entry(id) => format!("entry of {}", rule(id)),
        Source::Score(id) => format!("score of {}", hir.policies[id].name),
    };
    let details = (verdict.status, verdict.decoy, &verdict.place, verdict.by, verdict.hold);
    format!(
        " {} at {} {:?} {} {details:?} by {source} shadow {} score {} {} stopped {}\n  matches {:#?}\n  unknown {:?}\n  exempt {:?}\n  entries {:?}\n  effects {:?}\n",
        hir.schema.events[look.event].name,
        look.at,
        look.phase,
        look.verdict.verb.word(),
        look.shadow.word(),
        look.score,
        look.shadow_score,
        look.stopped,
        sorted(matches.collect()),
        sorted(unknown.collect()),
        sorted(exempt.collect()),
        sorted(entries.collect()),
        sorted(effects.collect()),
    )
}
