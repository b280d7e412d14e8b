//! The engine: inputs in, decisions out.
//!
//! ```text
//!  Request ──begin──▶ Decided(Decision)
//!                └──▶ Pending { calls } ──resume(outcomes)──▶ Decision
//!  Response, Tick ──begin──▶ Decided(Decision)
//! ```
//!
//! It reads no clock and does no IO; it has no threads and starts none. Its state and its decisions are a function of
//! the rule set, the secret and the order of the inputs. State is updated in `begin` and nowhere else, but for
//! what rules do that waited for a model.

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use weir_compiler::data::Data;
use weir_compiler::hir::{Hir, Phase};
use weir_compiler::ids::*;
use weir_compiler::ir::Unit;
use weir_compiler::value::Value;

use crate::batch::Prepared;
use crate::cases::Closed;
use crate::control::Control;
use crate::decision::{Decision, EventDecision};
use crate::exchange::{Exchange, Waiting};
use crate::input::{CallRequest, Input, Outcome, Pending, Seq, Step};
use crate::judge::Exemptions;
use crate::keyhash::KeyHash;
use crate::limits::Options;
use crate::privacy;
use crate::readings::{Readings, Sizes};
use crate::record::{Record, RecordBuilder, conforms};
use crate::recording::Recorded;
use crate::resolve::{Scores, Sheet, scores, settle};
use crate::ruleset::{PackageId, PhasePlan, RuleSet};
use crate::screen::{Says, Screening, Screens};
use crate::store::{Store, Tallies};
use crate::version::Version;

/// An engine with its state. Give it one rule set and feed it inputs in order.
#[derive(Debug)]
pub struct Engine {
    pub(crate) set: Arc<RuleSet>,
    pub(crate) data: Arc<Data>,
    pub(crate) options: Arc<Options>,
    pub(crate) store: Store,
    pub(crate) readings: Readings,
    /// What tells which rules may hold.
    pub(crate) screens: Arc<Screens>,
    pub(crate) screening: Screening,
    /// What stands over the rules.
    pub(crate) control: Control,
    pub(crate) counters: Counters,
    /// A sheet that is done with: its lists have room already.
    pub(crate) spare: Option<Box<Sheet>>,
    pub(crate) scratch: Scratch,
}

/// Lists that are filled and emptied for every event: they keep their room.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) keys: Vec<KeyHash>,
    pub(crate) rules: Vec<(RuleId, Says)>,
    exemptions: Vec<Exemptions>,
    /// A record of nothing.
    nothing: Option<Record>,
}

/// What an engine counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counters {
    /// The number of the next request.
    pub(crate) next: u64,
    /// The highest time seen.
    pub(crate) seen: i64,
    /// Responses without a request that waits for one.
    pub(crate) unmatched: u64,
}

/// A decision on its way.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) seq: Seq,
    at: i64,
    phase: Phase,
    /// Looks at events that are settled, which nearly all are at once.
    settled: Vec<EventDecision>,
    /// Those of which a rule waits for a model, by their place among all.
    open: Vec<(usize, Box<Sheet>)>,
    due: Due,
    /// What it began with, where it has to wait for models.
    began: Option<(Arc<RuleSet>, Arc<Data>)>,
    panic: bool,
}

/// What has come due before an input.
#[derive(Debug)]
struct Due {
    fired: Vec<EventDecision>,
    closed: Vec<Closed>,
}

impl Engine {
    /// An engine over a linked rule set and what has been loaded for it, with empty state.
    pub fn new(hir: Hir, data: Data, options: Options) -> Self {
        Self::of(Version::new(hir, data, options))
    }

    /// An engine over a rule set that is ready, with empty state.
    pub fn of(version: Version) -> Self {
        let Version { set, data, screens, options } = version;
        let mut control = Control::default();
        control.bind(&set);
        Self {
            store: Store::new(&set, &options),
            readings: Readings::new(sizes(&set)),
            screening: Screening::default(),
            screens,
            control,
            set,
            data,
            options,
            counters: Counters { next: 0, seen: i64::MIN, unmatched: 0 },
            spare: None,
            scratch: Scratch::default(),
        }
    }

    /// The rule set that runs.
    pub fn hir(&self) -> &Hir {
        &self.set.hir
    }

    /// What is loaded.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// Replaces what is loaded, for every input from now on. Decisions that wait keep what they began with.
    pub fn load(&mut self, data: Data) {
        self.screens = Arc::new(Screens::new(&self.set, self.options.tier));
        self.screening = Screening::default();
        self.data = Arc::new(data);
    }

    /// Values as this tenant's keyed hash, for people: equal values have equal ones.
    pub fn pseudonym(&self, values: &[Value]) -> String {
        privacy::pseudonym(&self.set.hasher, values)
    }

    /// The same of a client, by its address and its user agent: what stands for a session where there are no cookies.
    pub fn client(&self, ip: IpAddr, agent: &str) -> SmolStr {
        self.readings.client(ip, agent, |bytes| privacy::client(&self.set.hasher, ip, agent, bytes))
    }

    /// Begins a record of an event.
    pub fn record(&self, event: EventId) -> RecordBuilder<'_> {
        RecordBuilder::new(&self.set.hir.schema, event)
    }

    /// What left or was refused for want of room.
    pub fn tallies(&self) -> Tallies {
        self.store.tallies(self.counters.unmatched)
    }

    /// The highest time seen less the lateness.
    pub fn watermark(&self) -> i64 {
        self.counters.seen.saturating_sub(self.options.lateness)
    }

    /// The highest time seen.
    pub fn seen(&self) -> i64 {
        self.counters.seen
    }

    /// Takes an input.
    pub fn begin(&mut self, input: Input) -> Step {
        self.begin_prepared(input, Vec::new())
    }

    /// Takes an input whose events have been prepared, or none of them.
    pub(crate) fn begin_prepared(&mut self, input: Input, prepared: Vec<Prepared>) -> Step {
        match input {
            Input::Request { at, events } => self.request(at, events, prepared),
            Input::Response { request, at, fields, events } => self.response(request, at, fields, events),
            Input::Command { at, command } => {
                let due = self.advance(at);
                let seq = Seq(self.counters.next);
                let mut decision = self.draft(seq, at, Phase::Timer, due).finish();
                let (answer, closed) = self.obey(command, at);
                decision.closed.extend(closed);
                decision.answer = Some(answer);
                Step::Decided(decision)
            }
            Input::Tick { at } => {
                let due = self.advance(at);
                let seq = Seq(self.counters.next);
                Step::Decided(self.draft(seq, at, Phase::Timer, due).finish())
            }
        }
    }

    /// Moves the watermark, fires what is due and drops what has ended.
    fn advance(&mut self, at: i64) -> Due {
        self.counters.seen = self.counters.seen.max(at);
        let watermark = self.watermark();
        let mut fired = Vec::new();
        while let Some(timer) = self.store.timers.pop(watermark) {
            fired.extend(self.deadline(timer));
        }
        self.store.live.expire(watermark);
        self.store.shadow.expire(watermark);
        let closed = std::iter::from_fn(|| self.control.cases.pop(watermark)).collect();
        Due { fired, closed }
    }

    #[inline]
    fn draft(&self, seq: Seq, at: i64, phase: Phase, due: Due) -> Draft {
        let panic = self.control.panics().is_some();
        Draft { seq, at, phase, settled: Vec::new(), open: Vec::new(), due, began: None, panic }
    }

    fn request(&mut self, at: i64, events: Vec<Record>, prepared: Vec<Prepared>) -> Step {
        let due = self.advance(at);
        let seq = Seq(self.counters.next);
        self.counters.next = self.counters.next.wrapping_add(1);
        let set = Arc::clone(&self.set);

        // Exemptions ask no state, so those of any event hold for the whole request.
        let mut exempted: Vec<PackageId> = Vec::new();
        let mut exemptions = std::mem::take(&mut self.scratch.exemptions);
        for record in &events {
            let found = match set.events.get(record.event()) {
                Some(plan) if !plan.request.exempting.is_empty() => {
                    self.readings.begin();
                    self.exempt(&set, record, at, &plan.request, &mut exempted)
                }
                _ => Exemptions::default(),
            };
            exemptions.push(found);
        }

        let mut draft = self.draft(seq, at, Phase::Request, due);
        draft.settled.reserve_exact(events.len());
        let mut waiting = Vec::new();
        let mut prepared = prepared.into_iter();
        for ((record, found), nth) in events.into_iter().zip(exemptions.drain(..)).zip(0..) {
            let known = prepared.next();
            let Some(plan) = set.events.get(record.event()) else { continue };
            self.readings.begin();
            if let Some(known) = known {
                known.fill(&self.readings);
            }
            self.read_before(&set, &record, at, &plan.before);
            self.count(&set, &record, at, &plan.request, in_flight(seq, nth));
            let mut sheet = self.sheet(&set, &record, at, Phase::Request);
            sheet.exempted.clone_from(&exempted);
            self.explain_exemptions(&set, &mut sheet, found);
            self.meet_caps(&set, &record, &mut sheet);
            self.meet_entries(&set, plan, &record, &mut sheet);
            self.judge(&set, &plan.request, &record, &mut sheet);
            self.expose(&set, &mut sheet);
            if plan.wants_response() {
                let kept = self.keep(&set, plan, &record, at);
                waiting.push(Waiting { nth, record: record.clone(), kept });
            }
            self.learn(&set, &record, at);
            self.close(&set, sheet, &mut draft);
            let nothing =
                draft.settled.last().is_some_and(|found| found.matches.is_empty() && !found.stopped);
            if !nothing || draft.waits_for_last() {
                self.remember(&set, &record, at, seq);
            }
        }
        self.scratch.exemptions = exemptions;
        let exchange = Exchange { at, events: waiting, exempted };
        self.answer(draft, Some(exchange))
    }

    /// Settles a sheet unless a rule of it waits for a model.
    fn close(&mut self, set: &RuleSet, sheet: Box<Sheet>, draft: &mut Draft) {
        if !sheet.open.is_empty() {
            draft.open.push((draft.settled.len() + draft.open.len(), sheet));
            return;
        }
        let scores = scores(set, &self.data, &sheet, &self.view(&sheet.record, sheet.at, false));
        self.settle(set, sheet, scores, &mut draft.settled);
    }

    /// Settles a sheet, and notes what came of it for the brake and for the case it opens.
    /// The decision goes to the end of `into`: it is too large to be handed from one to the next.
    fn settle(
        &mut self,
        set: &RuleSet,
        mut sheet: Box<Sheet>,
        scores: Scores,
        into: &mut Vec<EventDecision>,
    ) {
        let exposed = std::mem::take(&mut sheet.exposed);
        into.push(settle(set, &mut self.store, &mut sheet, scores, self.options.record));
        if let Some(decision) = into.last_mut() {
            decision.parked = self.case_of(set, &sheet.record, decision);
            self.brake(set, &exposed, decision);
        }
        self.spare = Some(sheet);
    }

    /// Asks what must be asked, or decides.
    #[inline]
    fn answer(&mut self, mut draft: Draft, exchange: Option<Exchange>) -> Step {
        let calls = if draft.open.is_empty() { Vec::new() } else { self.calls(&draft) };
        if !calls.is_empty() {
            draft.began = Some((Arc::clone(&self.set), Arc::clone(&self.data)));
            if let Some(exchange) = exchange {
                self.open(draft.seq, exchange);
            }
            return Step::Pending(Pending { calls, draft: Box::new(draft) });
        }
        // No rule is open that could be asked about, so nothing changes by closing those that are.
        let decision = self.conclude(&mut draft, &[], &[]);
        if let Some(exchange) = exchange {
            if decision.stopped && !self.options.observe {
                self.end(decision.seq, &exchange);
            } else {
                self.open(decision.seq, exchange);
            }
        }
        Step::Decided(decision)
    }

    fn open(&mut self, seq: Seq, exchange: Exchange) {
        if !exchange.events.is_empty()
            && let Some((left, exchange)) = self.store.exchanges.open(seq, exchange)
        {
            self.end(left, &exchange);
        }
    }

    /// An exchange is in flight no more.
    fn end(&mut self, seq: Seq, exchange: &Exchange) {
        let set = Arc::clone(&self.set);
        for waiting in &exchange.events {
            let Some(plan) = set.events.get(waiting.record.event()) else { continue };
            if plan.concurrent.is_empty() {
                continue;
            }
            self.readings.begin();
            for state in &plan.concurrent {
                let key = self.view(&waiting.record, exchange.at, false).state_key(*state);
                if let Some(key) = key {
                    self.store.end(&set, *state, key, in_flight(seq, waiting.nth));
                }
            }
        }
    }

    /// The questions of the rules that wait.
    fn calls(&self, draft: &Draft) -> Vec<CallRequest> {
        let mut calls: Vec<CallRequest> = Vec::new();
        for (nth, sheet) in &draft.open {
            let nth = *nth;
            let Some(look) = &sheet.look else { continue };
            let (world, walker) = (Recorded { set: &self.set, look }, self.set.evaluator(&self.data));
            for open in &sheet.open {
                for call in self.set.rules.get(open.rule).into_iter().flat_map(|plan| &plan.calls) {
                    if calls.iter().any(|known| known.event == nth && known.call == *call) {
                        continue;
                    }
                    let Some(declared) = self.set.hir.calls.get(*call) else { continue };
                    let inputs =
                        declared.inputs.iter().map(|input| Some(walker.value(*input, &world)?.into_owned()));
                    if let Some(inputs) = inputs.collect::<Option<Vec<Value>>>() {
                        calls.push(CallRequest { call: *call, model: declared.model, inputs, event: nth });
                    }
                }
            }
        }
        calls
    }

    /// Finishes a decision that waited, with what came of its calls, in their order; one that is not given has failed.
    pub fn resume(&mut self, pending: Pending, outcomes: &[Outcome]) -> Decision {
        let Pending { calls, mut draft } = pending;
        let phase = draft.phase;
        let former = draft.began.as_ref().map(|(set, _)| set).filter(|set| !Arc::ptr_eq(set, &self.set));
        let decision = match former.map(Arc::clone) {
            None => self.conclude(&mut draft, &calls, outcomes),
            Some(former) => self.conclude_former(former, &mut draft, &calls, outcomes),
        };
        if decision.stopped
            && !self.options.observe
            && phase == Phase::Request
            && let Some(exchange) = self.store.exchanges.close(decision.seq)
        {
            self.end(decision.seq, &exchange);
        }
        decision
    }

    /// Finishes a decision of a rule set that has been replaced since: by its own rules, on the present entries and tags. What
    /// its caps and decoys count begins anew, for there is nobody left to go on with it.
    fn conclude_former(
        &mut self,
        former: Arc<RuleSet>,
        draft: &mut Draft,
        calls: &[CallRequest],
        outcomes: &[Outcome],
    ) -> Decision {
        let mut store = Store::new(&former, &self.options);
        let lend = |a: &mut Store, b: &mut Store| {
            std::mem::swap(&mut a.tags, &mut b.tags);
            std::mem::swap(&mut a.live, &mut b.live);
            std::mem::swap(&mut a.shadow, &mut b.shadow);
        };
        lend(&mut self.store, &mut store);
        std::mem::swap(&mut self.store, &mut store);
        let present = std::mem::replace(&mut self.set, former);
        let decision = self.conclude(draft, calls, outcomes);
        self.set = present;
        self.control.bind(&self.set);
        std::mem::swap(&mut self.store, &mut store);
        lend(&mut self.store, &mut store);
        decision
    }

    #[inline]
    fn conclude(&mut self, draft: &mut Draft, calls: &[CallRequest], outcomes: &[Outcome]) -> Decision {
        if !draft.open.is_empty() {
            self.close_open(draft, calls, outcomes);
        }
        let mut decision = draft.finish();
        self.park(&mut decision);
        decision
    }

    /// Settles the looks that have waited, with what came of their calls.
    fn close_open(&mut self, draft: &mut Draft, calls: &[CallRequest], outcomes: &[Outcome]) {
        let data = draft.began.as_ref().map_or_else(|| Arc::clone(&self.data), |(_, data)| Arc::clone(data));
        for (nth, mut sheet) in std::mem::take(&mut draft.open) {
            let set = Arc::clone(&self.set);
            for (call, outcome) in calls.iter().zip(outcomes).filter(|(call, _)| call.event == nth) {
                let output = set.hir.declarations.models.get(call.model).map(|model| &model.output);
                let answer = match outcome {
                    Outcome::Answer(value) if output.is_some_and(|ty| conforms(value, ty)) => {
                        Some(value.clone())
                    }
                    _ => None,
                };
                if let Some(look) = &mut sheet.look {
                    look.captured.answers.push((call.call, answer));
                }
            }
            let place = nth.min(draft.settled.len());
            self.settle_open(&set, &data, sheet, &mut draft.settled);
            // In order: everything before it is in its place.
            if let Some(behind) = draft.settled.get_mut(place..) {
                behind.rotate_right(1);
            }
        }
    }

    fn settle_open(
        &mut self,
        set: &RuleSet,
        data: &Arc<Data>,
        mut sheet: Box<Sheet>,
        into: &mut Vec<EventDecision>,
    ) {
        let Some(look) = sheet.look.take() else {
            return self.settle(set, sheet, empty(), into);
        };
        let world = Recorded { set, look: &look };
        self.judge_open(set, data, &mut sheet, &world);
        let scores = scores(set, data, &sheet, &world);
        if self.options.record {
            sheet.look = Some(look);
        }
        self.settle(set, sheet, scores, into);
    }

    fn response(
        &mut self,
        request: Seq,
        at: i64,
        fields: Vec<Vec<(FieldId, Value)>>,
        events: Vec<Record>,
    ) -> Step {
        let due = self.advance(at);
        let set = Arc::clone(&self.set);
        let schema = Arc::clone(&set.hir.schema);
        let exchange = self.store.exchanges.close(request);
        if exchange.is_none() && fields.iter().any(|fields| !fields.is_empty()) {
            self.counters.unmatched = self.counters.unmatched.saturating_add(1);
        }
        // Events of a response without a request that waits have the response's time.
        let stamp = exchange.as_ref().map_or(at, |exchange| exchange.at);
        if let Some(exchange) = &exchange {
            self.end(request, exchange);
        }
        let (waiting, mut exempted) =
            exchange.map(|exchange| (exchange.events, exchange.exempted)).unwrap_or_default();

        if !waiting.is_empty()
            && let Some(spare) = &mut self.spare
        {
            // It holds a record still, and one that is held elsewhere is copied before anything is added to it.
            let nothing = &mut self.scratch.nothing;
            spare.record =
                nothing.get_or_insert_with(|| Record::empty(&schema, EventId::from_index(0))).clone();
        }
        let mut fields = fields;
        let mut answered = Vec::with_capacity(waiting.len());
        let mut exemptions = Vec::with_capacity(waiting.len());
        for Waiting { nth, mut record, kept } in waiting {
            let known = fields.get_mut(nth).map(std::mem::take).unwrap_or_default();
            let slots = schema.events.get(record.event());
            for (field, value) in known {
                if slots.and_then(|event| event.slot_info(field)).is_some_and(|slot| slot.response) {
                    // A value that the schema refuses is as good as missing.
                    let _ = record.set(&schema, field, value);
                }
            }
            self.readings.begin();
            let plan = set.events.get(record.event());
            let found = plan.map(|plan| self.exempt(&set, &record, stamp, &plan.response, &mut exempted));
            exemptions.push(found.unwrap_or_default());
            answered.push((record, kept));
        }

        let mut draft = self.draft(request, stamp, Phase::Response, due);
        draft.settled.reserve_exact(answered.len() + events.len());
        for ((record, kept), found) in answered.into_iter().zip(exemptions) {
            let Some(plan) = set.events.get(record.event()) else { continue };
            self.readings.begin();
            self.view(&record, stamp, false).restore(&kept);
            self.look_again(&set, &record, stamp, &plan.response, &exempted, found, &mut draft);
        }
        for record in events {
            let Some(plan) = set.events.get(record.event()).filter(|plan| plan.touches()) else { continue };
            self.readings.begin();
            self.read_before(&set, &record, stamp, &plan.before);
            // It begins and ends here: what is of the request's phase comes first.
            for phase in [&plan.request, &plan.response].into_iter().filter(|phase| !phase.is_empty()) {
                // They come too late to lift anything, and only what is unknown of them is noted.
                let mut seen = self.exempt(&set, &record, stamp, &plan.response, &mut Vec::new());
                seen.found.clear();
                self.look_again(&set, &record, stamp, phase, &exempted, seen, &mut draft);
            }
        }
        self.answer(draft, None)
    }

    /// Counts and judges an event in a phase that cannot stop it.
    #[expect(clippy::too_many_arguments, reason = "what is looked at, how, and where the result goes")]
    fn look_again(
        &mut self,
        set: &RuleSet,
        record: &Record,
        at: i64,
        phase: &PhasePlan,
        exempted: &[PackageId],
        exemptions: Exemptions,
        draft: &mut Draft,
    ) {
        self.count(set, record, at, phase, 0);
        let mut sheet = self.sheet(set, record, at, Phase::Response);
        sheet.exempted = exempted.to_vec();
        self.explain_exemptions(set, &mut sheet, exemptions);
        self.judge(set, phase, record, &mut sheet);
        self.close(set, sheet, draft);
    }
}

/// The id of an exchange in flight: of the request, and which of its events.
fn in_flight(seq: Seq, nth: usize) -> u64 {
    seq.0.wrapping_shl(8) | (nth as u64 & 0xff)
}

pub(crate) fn sizes(set: &RuleSet) -> Sizes {
    Sizes {
        signals: set.hir.signals.len(),
        keys: set.keys.len(),
        cohorts: set.hir.cohorts.len(),
        sequences: set.hir.sequences.len(),
        filters: set.filters.len(),
        states: set.hir.states.len(),
        shared: set.unit.as_ref().map_or(0, Unit::memos),
    }
}

fn empty() -> Scores {
    Scores { live: 0, shadow: 0, candidates: Vec::new() }
}

impl Draft {
    /// Whether the look that came last is open.
    fn waits_for_last(&self) -> bool {
        self.open.last().is_some_and(|(nth, _)| *nth + 1 == self.settled.len() + self.open.len())
    }

    /// The decision; every look has been settled before.
    #[inline]
    fn finish(&mut self) -> Decision {
        let (settled, Due { fired, closed }) = (&mut self.settled, &mut self.due);
        let (settled, fired) = (std::mem::take(settled), std::mem::take(fired));
        let mut decision = Decision::of(self.seq, self.at, self.phase, settled, fired);
        (decision.closed, decision.panic) = (std::mem::take(closed), self.panic);
        decision
    }
}
