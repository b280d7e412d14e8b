//! Which rules may hold of an event, found for all of them at once before any is evaluated.
//!
//! The conditions of a phase, as far as they look at the event's own fields, are one [plan](weir_plan). It rules most of them out
//! and decides those that ask nothing else; the rest, which ask state or models too, are left to the evaluator. What comes
//! out is what evaluating each by itself would give.

use std::sync::{Arc, OnceLock};

use weir_compiler::data::Data;
use weir_compiler::evaluate::Tier;
use weir_compiler::ids::{EventId, FieldId, Id, IdVec, RuleId};
use weir_plan::{Column, Conditions, Frame, Kernel, Plan, Row, Scalar};

use crate::evidence::Judged;
use crate::record::Record;
use crate::ruleset::{PhasePlan, RuleSet};

mod again;

/// What is known of a condition before it is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    No,
    Yes,
    Unknown,
    /// It has to be evaluated.
    Open,
}

impl Says {
    /// The truth, where there is no need to evaluate; `or` evaluates.
    pub(crate) fn truth(self, or: impl FnOnce() -> Option<bool>) -> Option<bool> {
        match self {
            Self::No => Some(false),
            Self::Yes => Some(true),
            Self::Unknown => None,
            Self::Open => or(),
        }
    }
}

/// The conditions of the rules of an event in a phase.
#[derive(Clone, Debug)]
struct Screen {
    plan: Arc<Plan>,
    /// What works out the plan's groups, once there is such a thing; the plan does it by itself until then.
    kernel: OnceLock<Arc<dyn Kernel>>,
    columns: Arc<[FieldId]>,
    /// By policy of the phase, the condition of its filter, if it has one, and that of its first rule.
    policies: Arc<[(Option<u32>, u32)]>,
    /// Conditions that have changed since the plan was made, ascending.
    open: Arc<[u32]>,
}

/// The screens of a rule set with what is loaded for it, by event: of requests and of responses. Each is made when it is first
/// asked for, or ahead of that by [`Screens::warm`].
#[derive(Debug, Default)]
pub(crate) struct Screens {
    events: IdVec<EventId, [OnceLock<Option<Screen>>; 2]>,
}

/// Scratch space for screens, and what came out for the event at hand.
#[derive(Debug, Default)]
pub(crate) struct Screening {
    frames: Vec<[Option<Frame>; 2]>,
    /// The conditions that may hold, ascending, and whether they do; nothing without a screen.
    found: Option<Vec<(u32, Says)>>,
    spare: Vec<(u32, Says)>,
}

fn place(judged: Judged) -> Option<usize> {
    match judged {
        Judged::Request => Some(0),
        Judged::Response => Some(1),
        Judged::Deadline(_) => None,
    }
}

impl Screens {
    /// The screens of a rule set; none on tiers that evaluate each condition by itself.
    pub(crate) fn new(set: &RuleSet, tier: Tier) -> Self {
        if tier != Tier::Plan {
            return Self::default();
        }
        Self { events: set.events.values().map(|_| [OnceLock::new(), OnceLock::new()]).collect() }
    }

    /// Makes all screens. Cost: linear in the rules and in what is loaded.
    pub(crate) fn warm(&self, set: &RuleSet, data: &Data) {
        for (id, event) in set.events.iter() {
            self.make(set, data, id, &event.request);
            self.make(set, data, id, &event.response);
        }
    }

    /// The screen of a phase, made now unless it has been.
    fn make(&self, set: &RuleSet, data: &Data, event: EventId, phase: &PhasePlan) -> Option<&Screen> {
        let place = self.events.get(event)?.get(place(phase.judged)?)?;
        place.get_or_init(|| (!phase.policies.is_empty()).then(|| Screen::new(set, data, phase))).as_ref()
    }

    /// The plans that have been made: of which event and phase, 0 for requests and 1 for responses.
    pub(crate) fn plans(&self) -> impl Iterator<Item = (EventId, usize, &Arc<Plan>)> {
        self.events.iter().flat_map(|(event, phases)| {
            let made = phases.iter().map(|screen| screen.get().and_then(Option::as_ref)).enumerate();
            made.filter_map(move |(place, screen)| Some((event, place, &screen?.plan)))
        })
    }

    /// Has the groups of a plan worked out by a kernel from now on, for every engine that runs these screens. False where the plan is
    /// not the one of that place, or has a kernel.
    pub(crate) fn set_kernel(
        &self,
        (event, place): (EventId, usize),
        plan: &Arc<Plan>,
        kernel: Arc<dyn Kernel>,
    ) -> bool {
        let screen = self.events.get(event).and_then(|phases| phases.get(place)?.get()?.as_ref());
        screen.is_some_and(|screen| Arc::ptr_eq(&screen.plan, plan) && screen.kernel.set(kernel).is_ok())
    }

    fn get(&self, event: EventId, judged: Judged) -> Option<&Screen> {
        self.events.get(event)?.get(place(judged)?)?.get()?.as_ref()
    }
}

impl Screen {
    fn new(set: &RuleSet, data: &Data, phase: &PhasePlan) -> Self {
        let hir = &set.hir;
        let mut conditions = Conditions::new(hir);
        let mut found = Vec::new();
        let mut policies = Vec::with_capacity(phase.policies.len());
        for (policy, rules) in &phase.policies {
            let filter = hir.policies.get(*policy).and_then(|policy| policy.filter);
            let at = filter.map(|filter| {
                found.push(conditions.condition(filter));
                found.len() as u32 - 1
            });
            policies.push((at, found.len() as u32));
            let rules = rules.iter().filter_map(|rule| hir.rules.get(*rule));
            found.extend(rules.map(|rule| conditions.condition(rule.when)));
        }
        let plan = Arc::new(Plan::new(&conditions.literals, &found, data, &[]));
        let columns = plan.columns().iter().map(|(field, _)| *field).collect();
        Self { plan, kernel: OnceLock::new(), columns, policies: policies.into(), open: Arc::from([]) }
    }
}

/// The fields of a record as a plan asks for them.
struct Fields<'a> {
    set: &'a RuleSet,
    record: &'a Record,
    at: i64,
    columns: &'a [FieldId],
}

impl Row for Fields<'_> {
    fn value(&self, column: Column) -> Scalar<'_> {
        let Some(field) = self.columns.get(usize::from(column.0)) else { return Scalar::Missing };
        match self.record.get(&self.set.hir.schema, *field) {
            Some(value) => Scalar::of(value),
            // As everywhere, an event without a time has that of its input.
            None if self.set.at_field == Some(*field) => Scalar::Int(self.at),
            None => Scalar::Missing,
        }
    }
}

impl Screening {
    /// Screens the rules of a phase for an event.
    pub(crate) fn begin(
        &mut self,
        screens: &Screens,
        (set, data): (&RuleSet, &Data),
        phase: &PhasePlan,
        record: &Record,
        at: i64,
    ) {
        let mut found = self.found.take().unwrap_or_else(|| std::mem::take(&mut self.spare));
        found.clear();
        let event = record.event();
        let frame = place(phase.judged).and_then(|place| {
            if self.frames.len() <= event.index() {
                self.frames.resize_with(event.index() + 1, Default::default);
            }
            self.frames.get_mut(event.index())?.get_mut(place)
        });
        let (Some(screen), Some(frame)) = (screens.make(set, data, event, phase), frame) else {
            self.spare = found;
            return;
        };
        let frame = frame.get_or_insert_with(|| Frame::new(&screen.plan));
        let row = Fields { set, record, at, columns: &screen.columns };
        screen.plan.possible(&row, frame, screen.kernel.get().map(|kernel| &**kernel as _), |id, certain| {
            if screen.open.binary_search(&id).is_ok() {
                return;
            }
            let says = match (screen.plan.is_exact(id), certain) {
                (false, _) => Says::Open,
                (true, true) => Says::Yes,
                (true, false) => Says::Unknown,
            };
            found.push((id, says));
        });
        found.extend(screen.open.iter().map(|id| (*id, Says::Open)));
        found.sort_unstable_by_key(|(id, _)| *id);
        self.found = Some(found);
    }

    /// What is known of the filter of a phase's policy.
    pub(crate) fn filter(&self, screens: &Screens, event: EventId, phase: &PhasePlan, nth: usize) -> Says {
        let condition = screens.get(event, phase.judged).and_then(|screen| screen.policies.get(nth)?.0);
        match (&self.found, condition) {
            (Some(found), Some(condition)) => says(found, condition),
            _ => Says::Open,
        }
    }

    /// The rules of a phase's policy that may hold, in order, with what is known of each; with `all`, the others as well.
    pub(crate) fn rules(
        &self,
        screens: &Screens,
        event: EventId,
        phase: &PhasePlan,
        nth: usize,
        all: bool,
        into: &mut Vec<(RuleId, Says)>,
    ) {
        into.clear();
        let Some((_, rules)) = phase.policies.get(nth) else { return };
        let first = screens.get(event, phase.judged).and_then(|screen| Some(screen.policies.get(nth)?.1));
        match (&self.found, first) {
            (Some(found), Some(first)) if all => {
                into.extend(rules.iter().zip(first..).map(|(rule, id)| (*rule, says(found, id))));
            }
            (Some(found), Some(first)) => {
                let from = found.partition_point(|(id, _)| *id < first);
                let found = found.get(from..).unwrap_or_default();
                into.extend(
                    found.iter().map_while(|(id, says)| Some((*rules.get((id - first) as usize)?, *says))),
                );
            }
            _ => into.extend(rules.iter().map(|rule| (*rule, Says::Open))),
        }
    }
}

fn says(found: &[(u32, Says)], condition: u32) -> Says {
    let at = found.binary_search_by_key(&condition, |(id, _)| *id);
    at.ok().and_then(|at| found.get(at)).map_or(Says::No, |(_, says)| *says)
}
