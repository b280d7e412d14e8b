//! Runs the tests of policies on a virtual clock.
//!
//! Every test has an engine of its own, in which every rule acts. The clock starts on Monday, 5 January 2026,
//! at midnight UTC and is moved by `wait` and `every` alone. An event is a request, followed at once by its
//! response where the test gives it response fields and it was not stopped. Lists and tables that come from
//! files are loaded and empty, schedules are inactive, models absent and baselines without history unless the
//! test says otherwise.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smol_str::SmolStr;
use weir_compiler::data::{Data, ListData, ScheduleData, TableData};
use weir_compiler::evaluate::Tier;
use weir_compiler::hir::{
    CohortValue, Expect, Hir, Key, Measure, Move, MoveKind, Phase, Source as ListSource, Test, Verb,
};
use weir_compiler::ids::*;
use weir_compiler::link::Reading;
use weir_compiler::value::Value;
use weir_compiler::walk::{Walker, World};
use weir_dsl::FileSpan;

use crate::command::{Answer, Command};
pub use crate::coverage::{ConjunctCoverage, Coverage, RuleCoverage};
use crate::decision::{Decision, EventDecision};
use crate::engine::Engine;
use crate::input::{Input, Outcome, Step};
use crate::limits::Options;
use crate::ruleset::RuleSet;

/// Monday, 5 January 2026, 00:00:00 UTC.
pub const START: i64 = 1_767_571_200_000;

/// The most events of one test.
pub const MOST_EVENTS: usize = 100_000;

/// What came of one test.
#[derive(Clone, Debug, PartialEq)]
pub struct TestResult {
    /// What it shows.
    pub name: SmolStr,
    /// Its package.
    pub package: SmolStr,
    /// Where it is written.
    pub at: FileSpan,
    /// Expectations that failed; without any, it has passed.
    pub failures: Vec<Failure>,
    /// What happened at each event, in order.
    pub events: Vec<EventLine>,
}

/// An expectation that failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Where it is written.
    pub at: FileSpan,
    /// What was expected.
    pub expected: String,
    /// What came instead.
    pub came: String,
}

/// What happened at one event of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct EventLine {
    /// The event.
    pub event: EventId,
    /// Its time.
    pub at: i64,
    /// Its verdict.
    pub verdict: Verb,
    /// It was stopped.
    pub stopped: bool,
    /// Its score.
    pub score: i32,
    /// Rules that fired at it, in either phase or at a deadline that passed after it.
    pub fired: BTreeSet<RuleId>,
    /// Rules that were unknown at it and did not fire.
    pub unknown: BTreeSet<RuleId>,
    /// Something was put on a key, somebody told, something masked.
    pub acted: bool,
}

/// Runs a test over a rule set linked for it. `names` finds baselines (`package.policy.signal`).
pub fn run(hir: &Hir, names: &BTreeMap<SmolStr, Reading>, test: &Test) -> (TestResult, Coverage) {
    run_on(Tier::default(), hir, names, test)
}

/// [`run`], on one tier.
pub fn run_on(
    tier: Tier,
    hir: &Hir,
    names: &BTreeMap<SmolStr, Reading>,
    test: &Test,
) -> (TestResult, Coverage) {
    watch(tier, hir, names, test, &mut |_, _| ())
}

/// As [`run_on`], and shows every decision to `watcher` with the engine that has made it.
pub fn watch(
    tier: Tier,
    hir: &Hir,
    names: &BTreeMap<SmolStr, Reading>,
    test: &Test,
    watcher: &mut dyn FnMut(&Engine, &Decision),
) -> (TestResult, Coverage) {
    let mut hir = hir.clone();
    for event in unmapped(&test.moves) {
        take_away(&mut hir, event);
    }
    let options = Options { as_enforced: true, record: true, tier, ..Options::default() };
    let data = blank(&hir);
    let engine = Engine::new(hir, data, options);
    let mut run = Run {
        coverage: Coverage::of(&engine.set),
        set: Arc::clone(&engine.set),
        engine,
        watcher,
        names,
        test,
        clock: START,
        rounds: Vec::new(),
        answers: BTreeMap::new(),
        lines: Vec::new(),
        failures: Vec::new(),
        expects: Vec::new(),
        closed: BTreeMap::new(),
    };
    run.moves(&test.moves);
    run.tick();
    run.judge();
    let result = TestResult {
        name: test.name.clone(),
        package: test.package.clone(),
        at: test.at,
        failures: run.failures,
        events: run.lines,
    };
    (result, run.coverage)
}

/// Lists written in place with their values; everything else loaded and empty.
fn blank(hir: &Hir) -> Data {
    let mut data = Data::default();
    for (id, list) in hir.declarations.lists.iter() {
        let mut members = ListData::empty(&list.member);
        if let ListSource::Values(values) = &list.source {
            values.iter().for_each(|value| members.insert(value));
        }
        data.set_list(id, Arc::new(members));
    }
    for id in hir.declarations.tables.ids() {
        data.set_table(id, Arc::new(TableData::default()));
    }
    for id in hir.declarations.schedules.ids() {
        data.set_schedule(id, Arc::new(ScheduleData::default()));
    }
    data
}

fn unmapped(moves: &[Move]) -> Vec<EventId> {
    let mut found = Vec::new();
    let mut open: Vec<&Move> = moves.iter().collect();
    while let Some(next) = open.pop() {
        match &next.kind {
            MoveKind::Unmapped(event) => found.push(*event),
            MoveKind::Repeat { body, .. } => open.extend(body),
            _ => {}
        }
    }
    found
}

/// Nothing supplies `event` any more.
fn take_away(hir: &mut Hir, event: EventId) {
    let mut gone: Vec<bool> = hir.states.values().map(|state| state.event == event).collect();
    for (id, state) in hir.states.iter() {
        if let Measure::Usual { of, .. } = state.measure
            && gone.get(of.index()) == Some(&true)
            && let Some(place) = gone.get_mut(id.index())
        {
            *place = true;
        }
    }
    for signal in hir.signals.values_mut() {
        if gone.get(signal.state.index()) == Some(&true) {
            signal.unmapped = Some(event);
        }
    }
    for cohort in hir.cohorts.values_mut() {
        cohort.unmapped |= cohort.event == event;
    }
    for sequence in hir.sequences.values_mut() {
        let asks = sequence.steps.iter().map(|step| step.event);
        let asks = asks.chain(sequence.without.iter().map(|without| without.event));
        if asks.chain(sequence.then_no.iter().map(|no| no.event)).any(|of| of == event) {
            sequence.unmapped = Some(event);
        }
    }
}

/// A test that runs.
struct Run<'a> {
    engine: Engine,
    set: Arc<RuleSet>,
    names: &'a BTreeMap<SmolStr, Reading>,
    test: &'a Test,
    clock: i64,
    /// The round of each `repeat`, from outside.
    rounds: Vec<i64>,
    answers: BTreeMap<ModelId, Outcome>,
    lines: Vec<EventLine>,
    failures: Vec<Failure>,
    expects: Vec<(&'a Expect, FileSpan)>,
    /// Verdicts on cases that have ended.
    closed: BTreeMap<u64, Verb>,
    coverage: Coverage,
    watcher: &'a mut dyn FnMut(&Engine, &Decision),
}

impl<'a> Run<'a> {
    fn moves(&mut self, moves: &'a [Move]) {
        for next in moves {
            if self.lines.len() >= MOST_EVENTS {
                let expected = format!("at most {MOST_EVENTS} events");
                if self.failures.is_empty() {
                    self.failures.push(Failure { at: next.at, expected, came: "more".to_owned() });
                }
                return;
            }
            self.make(next);
        }
    }

    fn value(&self, expr: ExprId) -> Option<Value> {
        let world = Rounds { rounds: &self.rounds, clock: self.clock };
        Walker::plain(&self.test.exprs).value(expr, &world).map(Cow::into_owned)
    }

    /// Changes what is loaded.
    fn load(&mut self, change: impl FnOnce(&mut Data)) {
        let mut data = self.engine.data().clone();
        change(&mut data);
        self.engine.load(data);
    }

    fn make(&mut self, next: &'a Move) {
        match &next.kind {
            MoveKind::ListContains(id, member) => {
                let Some(member) = self.value(*member) else { return };
                self.load(|data| {
                    if let Some(list) = data.list(*id) {
                        let mut list = ListData::clone(list);
                        list.insert(&member);
                        data.set_list(*id, Arc::new(list));
                    }
                });
            }
            MoveKind::TableEntry(id, key, value) => {
                let (Some(key), Some(value)) = (self.value(*key), self.value(*value)) else { return };
                self.load(|data| {
                    if let Some(table) = data.table(*id) {
                        let mut table = TableData::clone(table);
                        table.insert(&key, value);
                        data.set_table(*id, Arc::new(table));
                    }
                });
            }
            MoveKind::ModelAnswers(model, answer) => {
                if let Some(answer) = self.value(*answer) {
                    self.answers.insert(*model, Outcome::Answer(answer));
                }
            }
            MoveKind::ModelLate(model) => drop(self.answers.insert(*model, Outcome::Late)),
            MoveKind::ScheduleActive(id) => {
                self.load(|data| data.set_schedule(*id, Arc::new(ScheduleData::always())));
            }
            MoveKind::Usual(name, level) => {
                let level = match self.value(*level) {
                    Some(Value::Int(level) | Value::Duration(level) | Value::Money(level, _)) => level as f64,
                    Some(Value::Float(level)) => level,
                    _ => return,
                };
                self.usual(name, level);
            }
            MoveKind::Unmapped(_) => {}
            MoveKind::Repeat { times, every, body } => {
                let times = i64::try_from(*times).unwrap_or(i64::MAX);
                for round in 1..=times {
                    if round > 1 {
                        self.clock = self.clock.saturating_add(*every);
                    }
                    if self.lines.len() >= MOST_EVENTS || (body.is_empty() && round > 1) {
                        break;
                    }
                    self.rounds.push(round);
                    self.moves(body);
                    self.rounds.pop();
                }
            }
            MoveKind::Wait(ms) => {
                self.clock = self.clock.saturating_add(*ms);
                self.tick();
            }
            MoveKind::Release(case, verdict) => {
                let (case, verdict) = (*case, *verdict);
                let command = Command::Release { case, verdict };
                let answer = self.begin(Input::Command { at: self.clock, command });
                if answer.is_some_and(|decision| decision.answer == Some(Answer::NotFound)) {
                    let expected = format!("an open case {case}");
                    self.failures.push(Failure { at: next.at, expected, came: "there is none".to_owned() });
                }
            }
            MoveKind::Emit(event, fields) => self.emit(*event, fields),
            MoveKind::Expect(expect) => self.expects.push((expect, next.at)),
        }
    }

    /// Gives a signal or cohort a baseline.
    fn usual(&mut self, name: &SmolStr, level: f64) {
        match self.names.get(name) {
            Some(Reading::Signal(signal)) => {
                let Some(state) = self.set.hir.signals.get(*signal).map(|signal| signal.state) else {
                    return;
                };
                let set = Arc::clone(&self.set);
                for (id, found) in set.hir.states.iter() {
                    let of_it =
                        matches!(found.measure, Measure::Usual { of, .. } if of == state || id == state);
                    if of_it {
                        self.engine.store.give_usual(id, level);
                    }
                }
            }
            Some(Reading::Cohort(cohort)) => {
                if let Some(cohort) = self.engine.store.cohorts.get_mut(*cohort) {
                    cohort.give_usual(level);
                }
            }
            _ => {}
        }
    }

    fn tick(&mut self) {
        self.begin(Input::Tick { at: self.clock });
    }

    /// Takes an input through to its decision and notes what happened.
    fn begin(&mut self, input: Input) -> Option<Decision> {
        let decision = match self.engine.begin(input) {
            Step::Decided(decision) => decision,
            Step::Pending(pending) => {
                let outcome = |model| self.answers.get(model).cloned().unwrap_or(Outcome::Failed);
                let outcomes: Vec<Outcome> = pending.calls.iter().map(|call| outcome(&call.model)).collect();
                self.engine.resume(pending, &outcomes)
            }
        };
        (self.watcher)(&self.engine, &decision);
        self.closed.extend(decision.closed.iter().map(|closed| (closed.case.id, closed.verdict)));
        for look in decision.looks() {
            self.coverage.look(&self.set, self.engine.data(), look);
        }
        if let Some(line) = self.lines.last_mut() {
            decision.deadlines.iter().for_each(|look| line.take(look));
        }
        Some(decision)
    }

    fn emit(&mut self, event: EventId, fields: &[(FieldId, ExprId)]) {
        let schema = Arc::clone(&self.set.hir.schema);
        let mut record = self.engine.record(event).finish();
        let mut response = Vec::new();
        for (field, expr) in fields {
            let Some(value) = self.value(*expr) else { continue };
            let slot = schema.events.get(event).and_then(|event| event.slot_info(*field));
            if slot.is_some_and(|slot| slot.response) {
                response.push((*field, value));
            } else if let Err(error) = record.set(&schema, *field, value) {
                let at = self.test.exprs.get(*expr).map_or(self.test.at, |expr| expr.at);
                let expected = "a value that the schema allows".to_owned();
                self.failures.push(Failure { at, expected, came: error.to_string() });
            }
        }
        let at = self.clock;
        let Some(decision) = self.begin(Input::Request { at, events: vec![record] }) else { return };
        let mut line = EventLine {
            event,
            at,
            verdict: decision.verdict.verb,
            stopped: decision.stopped,
            score: 0,
            fired: BTreeSet::new(),
            unknown: BTreeSet::new(),
            acted: false,
        };
        decision.events.iter().for_each(|look| line.take(look));
        self.lines.push(line);
        if !decision.stopped && !response.is_empty() {
            let input =
                Input::Response { request: decision.seq, at, fields: vec![response], events: Vec::new() };
            let answered = self.begin(input);
            if let (Some(decision), Some(line)) = (answered, self.lines.last_mut()) {
                decision.events.iter().for_each(|look| line.take(look));
            }
        }
    }

    /// Checks the expectations, once everything has happened.
    fn judge(&mut self) {
        for (expect, at) in std::mem::take(&mut self.expects) {
            if let Err((expected, came)) = self.check(expect) {
                self.failures.push(Failure { at, expected, came });
            }
        }
    }

    fn check(&self, expect: &Expect) -> Result<(), (String, String)> {
        let rule = |name: &SmolStr| {
            let found = self.set.hir.rules.iter().find(|(_, rule)| rule.full_name == *name);
            found
                .map(|(id, _)| id)
                .ok_or_else(|| (format!("rule `{name}`"), "it is not in the rule set".to_owned()))
        };
        let line = |number: u64| {
            let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
            place.and_then(|place| self.lines.get(place)).ok_or_else(|| {
                (format!("an event {number}"), format!("there are {} events", self.lines.len()))
            })
        };
        let asked = |number: Option<u64>| line(number.unwrap_or(self.lines.len() as u64));
        let place =
            |number: Option<u64>| number.map_or("the last event".to_owned(), |n| format!("event {n}"));
        match expect {
            Expect::NoAction => {
                let acted =
                    self.lines.iter().zip(1..).find(|(line, _)| line.acted || line.verdict > Verb::Log);
                acted.map_or(Ok(()), |(line, n)| {
                    Err(("no action".to_owned(), format!("at event {n}: {}", self.describe(line))))
                })
            }
            Expect::Fired(name, number) => {
                let rule = rule(name)?;
                let first =
                    self.lines.iter().position(|line| line.fired.contains(&rule)).map(|at| at as u64 + 1);
                match (first, number) {
                    (Some(first), Some(number)) if first != *number => Err((
                        format!("`{name}` to fire first at event {number}"),
                        format!("it fired first at event {first}"),
                    )),
                    (None, _) => Err((
                        format!("`{name}` to fire"),
                        format!("it did not; at {} it was {}", place(*number), asked(*number)?.state(rule)),
                    )),
                    _ => Ok(()),
                }
            }
            Expect::NotFired(name, number) => {
                let rule = rule(name)?;
                let fired = match number {
                    Some(number) => line(*number)?.fired.contains(&rule).then_some(*number),
                    None => self
                        .lines
                        .iter()
                        .zip(1..)
                        .find(|(line, _)| line.fired.contains(&rule))
                        .map(|(_, n)| n),
                };
                fired.map_or(Ok(()), |n| {
                    Err((format!("`{name}` not to fire"), format!("it fired at event {n}")))
                })
            }
            Expect::Unknown(name, number) => {
                let rule = rule(name)?;
                let (state, ever) =
                    (asked(*number)?.state(rule), self.lines.iter().any(|line| line.fired.contains(&rule)));
                match (state, number, ever) {
                    ("unknown", Some(_), _) | ("unknown", None, false) => Ok(()),
                    ("unknown", None, true) => {
                        Err((format!("`{name}` to be unknown and never to fire"), "it fired".to_owned()))
                    }
                    _ => Err((
                        format!("`{name}` to be unknown at {}", place(*number)),
                        format!("it was {state}"),
                    )),
                }
            }
            Expect::Action(verb, number) => {
                let line = asked(*number)?;
                if line.verdict == *verb {
                    return Ok(());
                }
                Err((format!("action `{}` at {}", verb.word(), place(*number)), self.describe(line)))
            }
            Expect::Score(op, score, number) => {
                let line = asked(*number)?;
                let holds =
                    weir_compiler::arith::compare(*op, &Value::Int(line.score.into()), &Value::Int(*score));
                if holds == Some(true) {
                    return Ok(());
                }
                Err((
                    format!("a score {} {score} at {}", op.sign(), place(*number)),
                    format!("the score is {}", line.score),
                ))
            }
            Expect::Case(case, verb) => {
                let open = self.engine.cases().any(|open| open.id == *case);
                let came = match self.closed.get(case) {
                    Some(verdict) => format!("it ended with {}", verdict.word()),
                    None if open => "it is open".to_owned(),
                    None => "there was no such case".to_owned(),
                };
                let holds = match verb {
                    Some(verb) => self.closed.get(case) == Some(verb),
                    None => open,
                };
                let expected = verb.map_or("open".to_owned(), |verb| format!("to end with {}", verb.word()));
                if holds { Ok(()) } else { Err((format!("case {case} {expected}"), came)) }
            }
            Expect::StoppedFrom(number) => {
                line(*number)?;
                let expected = || format!("every event from {number} on to be stopped, and none before");
                for (line, n) in self.lines.iter().zip(1..) {
                    if line.stopped != (n >= *number) {
                        let what = if line.stopped { "was" } else { "was not" };
                        return Err((expected(), format!("event {n} {what} stopped")));
                    }
                }
                Ok(())
            }
        }
    }

    fn describe(&self, line: &EventLine) -> String {
        let names = |rules: &BTreeSet<RuleId>| {
            let names = rules
                .iter()
                .filter_map(|id| self.set.hir.rules.get(*id))
                .map(|rule| format!("`{}`", rule.name));
            names.collect::<Vec<_>>().join(", ")
        };
        let mut text = format!("action `{}`, score {}", line.verdict.word(), line.score);
        if !line.fired.is_empty() {
            text.push_str(&format!(", fired: {}", names(&line.fired)));
        }
        if !line.unknown.is_empty() {
            text.push_str(&format!(", unknown: {}", names(&line.unknown)));
        }
        text
    }
}

impl EventLine {
    fn take(&mut self, look: &EventDecision) {
        for found in look.matches.iter().filter(|found| !found.unknown) {
            self.fired.insert(found.rule);
        }
        self.fired.extend(look.exemptions.iter().copied());
        self.unknown.extend(look.unknown.iter().copied());
        let fired = &self.fired;
        self.unknown.retain(|rule| !fired.contains(rule));
        if look.phase == Phase::Request {
            self.score = self.score.max(look.score);
        }
        self.acted |= !look.effects.is_empty();
    }

    /// What a rule was here.
    fn state(&self, rule: RuleId) -> &'static str {
        if self.fired.contains(&rule) {
            "fired"
        } else if self.unknown.contains(&rule) {
            "unknown"
        } else {
            "false, or did not look at it"
        }
    }
}

/// The world of a test's own expressions: the rounds of its repeats and its clock.
struct Rounds<'a> {
    rounds: &'a [i64],
    clock: i64,
}

impl World for Rounds<'_> {
    fn field(&self, _: FieldId) -> Option<Cow<'_, Value>> {
        None
    }
    fn fingerprint(&self, _: FingerprintId) -> Option<Value> {
        None
    }
    fn signal(&self, _: SignalId) -> Option<Value> {
        None
    }
    fn absent(&self, _: SignalId) -> Option<bool> {
        None
    }
    fn in_cohort(&self, _: CohortId) -> Option<bool> {
        None
    }
    fn cohort_value(&self, _: CohortId, _: CohortValue) -> Option<Value> {
        None
    }
    fn holds(&self, _: SequenceId) -> Option<bool> {
        None
    }
    fn captured(&self, _: SequenceId, _: u16, _: FieldId) -> Option<Value> {
        None
    }
    fn age(&self, _: SequenceId, _: u16) -> Option<i64> {
        None
    }
    fn call(&self, _: CallId) -> Option<Value> {
        None
    }
    fn tagged(&self, _: &Key, _: TagId) -> Option<bool> {
        None
    }
    fn now(&self) -> i64 {
        self.clock
    }
    fn variable(&self, depth: u16) -> Option<i64> {
        self.rounds.get(usize::from(depth)).copied()
    }
}
