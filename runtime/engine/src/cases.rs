//! Cases: what is held for a person, until they decide or the deadline does.
//!
//! `hold payment.auth for fraud-desk within 2h else pass` parks the transaction as a case of the queue. A person ends
//! it with [`crate::Command::Release`]; at the deadline, when the watermark has reached it, the `else` action does. A
//! queue holds a bounded number of open cases: past it the `else` action comes at once.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};
use weir_compiler::hir::{Phase, Verb};
use weir_compiler::ids::*;
use weir_compiler::types::Type;

use crate::decision::{Decision, Effect, EffectKind, Ruling, Source};
use crate::engine::Engine;
use crate::privacy;
use crate::record::Record;
use crate::ruleset::RuleSet;

/// Keys shown of a case at most, and characters of its reason.
const KEYS: usize = 16;
const REASON: usize = 500;

/// Something held for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Its number, given out in order from 1.
    pub id: u64,
    /// The decision that held it, as printed.
    pub decision: SmolStr,
    /// The queue, in full.
    pub queue: SmolStr,
    /// The event's name.
    pub event: SmolStr,
    /// The event's identifiers by name, as keyed hashes.
    pub keys: Vec<(SmolStr, String)>,
    /// The rule that held it, by full name.
    pub rule: SmolStr,
    /// Why, for people.
    pub because: String,
    /// When, in ms UTC.
    pub opened: i64,
    /// When the `else` action comes.
    pub deadline: i64,
    /// The `else` action.
    #[serde(with = "word")]
    pub otherwise: Verb,
    /// The response it is given.
    pub status: Option<u16>,
}

/// A case that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// The case.
    pub case: Case,
    /// The verdict on what was held.
    #[serde(with = "word")]
    pub verdict: Verb,
    /// The response it is given.
    pub status: Option<u16>,
    /// A person has decided; otherwise the deadline.
    pub by_person: bool,
}

/// A verdict as its keyword.
pub(crate) mod word {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use weir_compiler::hir::Verb;

    pub(crate) fn serialize<S: Serializer>(verb: &Verb, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(verb.word())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Verb, D::Error> {
        let word = smol_str::SmolStr::deserialize(from)?;
        Verb::from_word(&word).ok_or_else(|| D::Error::custom(format!("`{word}` is no verdict")))
    }
}

/// The open cases of every queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub(crate) struct Cases {
    open: BTreeMap<u64, Case>,
    due: BTreeSet<(i64, u64)>,
    queues: BTreeMap<SmolStr, usize>,
    /// The number of the latest.
    last: u64,
}

/// What is written of them; the rest follows.
#[derive(Serialize, Deserialize)]
struct Saved {
    last: u64,
    open: Vec<Case>,
}

impl From<Cases> for Saved {
    fn from(cases: Cases) -> Self {
        Self { last: cases.last, open: cases.open.into_values().collect() }
    }
}

impl From<Saved> for Cases {
    fn from(saved: Saved) -> Self {
        let mut cases = Self::default();
        let newest = saved.open.iter().map(|case| case.id).max().unwrap_or(0);
        saved.open.into_iter().for_each(|case| cases.add(case));
        cases.last = saved.last.max(newest);
        cases
    }
}

impl Cases {
    fn add(&mut self, case: Case) {
        *self.queues.entry(case.queue.clone()).or_default() += 1;
        self.due.insert((case.deadline, case.id));
        self.open.insert(case.id, case);
    }

    /// Opens a case under the next number.
    fn open(&mut self, mut case: Case) -> u64 {
        self.last = self.last.saturating_add(1);
        case.id = self.last;
        self.add(case);
        self.last
    }

    fn remove(&mut self, id: u64) -> Option<Case> {
        let case = self.open.remove(&id)?;
        self.due.remove(&(case.deadline, id));
        if let Some(count) = self.queues.get_mut(&case.queue) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.queues.remove(&case.queue);
            }
        }
        Some(case)
    }

    /// Whether a queue has room for no other case.
    pub(crate) fn is_full(&self, queue: &str, room: usize) -> bool {
        self.queues.get(queue).is_some_and(|count| *count >= room.max(1))
    }

    /// Ends a case with a person's verdict.
    pub(crate) fn release(&mut self, id: u64, verdict: Verb) -> Option<Closed> {
        self.remove(id).map(|case| Closed { case, verdict, status: None, by_person: true })
    }

    /// The next case whose deadline the watermark has reached, ended by its `else` action.
    pub(crate) fn pop(&mut self, watermark: i64) -> Option<Closed> {
        let (deadline, id) = *self.due.first()?;
        if deadline > watermark {
            return None;
        }
        let case = self.remove(id)?;
        Some(Closed { verdict: case.otherwise, status: case.status, case, by_person: false })
    }
}

/// A queue's full name.
pub(crate) fn queue_name(set: &RuleSet, queue: QueueId) -> SmolStr {
    let named = set.hir.declarations.queues.get(queue);
    named.map(|queue| format_smolstr!("{}.{}", queue.package, queue.name)).unwrap_or_default()
}

/// The identifiers of an event, as keyed hashes.
fn keys(set: &RuleSet, record: &Record) -> Vec<(SmolStr, String)> {
    let slots = set.hir.schema.events.get(record.event()).into_iter().flat_map(|event| &event.slots);
    let identifiers = slots.filter_map(|slot| {
        let field = set.hir.schema.fields.get(slot.field)?;
        let value = record.get(&set.hir.schema, slot.field)?;
        let names = field.personal || matches!(field.ty, Type::Id(_));
        names.then(|| (field.name.clone(), privacy::pseudonym(&set.hasher, std::slice::from_ref(value))))
    });
    identifiers.take(KEYS).collect()
}

impl Engine {
    /// Open cases, in order of their numbers.
    pub fn cases(&self) -> impl Iterator<Item = &Case> {
        self.control.cases.open.values()
    }

    /// Queues that have no room.
    pub(crate) fn full_queues(&self, set: &RuleSet) -> Vec<QueueId> {
        let cases = &self.control.cases;
        let room = self.options.limits.cases;
        if cases.queues.values().all(|count| *count < room.max(1)) {
            return Vec::new();
        }
        set.hir.declarations.queues.ids().filter(|id| cases.is_full(&queue_name(set, *id), room)).collect()
    }

    /// The case that a ruling would open.
    pub(crate) fn case_of(
        &self,
        set: &RuleSet,
        record: &Record,
        decision: &crate::EventDecision,
    ) -> Option<Box<Case>> {
        let ruling = &decision.verdict;
        let (Verb::Hold, Some((queue, within, otherwise, status))) = (ruling.verb, ruling.hold) else {
            return None;
        };
        let (Source::Rule(rule) | Source::Unknown(rule)) = ruling.source else { return None };
        let because = decision.matches.iter().find(|found| found.rule == rule);
        let because: String =
            because.map(|found| found.because.chars().take(REASON).collect()).unwrap_or_default();
        Some(Box::new(Case {
            id: 0,
            decision: SmolStr::default(),
            queue: queue_name(set, queue),
            event: set.hir.schema.events.get(record.event())?.name.clone(),
            keys: keys(set, record),
            rule: set.hir.rules.get(rule)?.full_name.clone(),
            because,
            opened: decision.at,
            deadline: decision.at.saturating_add(within),
            otherwise,
            status,
        }))
    }

    /// Parks what a decision holds. When the queue has been filled since, the `else` action comes at once.
    pub(crate) fn park(&mut self, decision: &mut Decision) {
        if decision.phase != Phase::Request || decision.verdict.verb != Verb::Hold {
            return;
        }
        let id = self.decision_id(decision.seq);
        let Some(event) = decision.events.iter_mut().find(|event| event.parked.is_some()) else { return };
        let (Some(mut case), Some((queue, ..))) = (event.parked.take(), event.verdict.hold) else { return };
        let rule = match event.verdict.source {
            Source::Rule(rule) | Source::Unknown(rule) => rule,
            _ => return,
        };
        if self.control.cases.is_full(&case.queue, self.options.limits.cases) {
            let source = event.verdict.source;
            event.verdict = Ruling { status: case.status, ..Ruling::plain(case.otherwise, source) };
            event.stopped = case.otherwise >= Verb::Challenge;
            event.effects.push(Effect { rule, kind: EffectKind::QueueFull(queue) });
            decision.verdict = event.verdict.clone();
            decision.stopped = decision.events.iter().any(|event| event.stopped);
            return;
        }
        case.decision = id.to_string().into();
        let until = case.deadline;
        let case = self.control.cases.open(*case);
        event.effects.push(Effect { rule, kind: EffectKind::Held { case, queue, until } });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(queue: &str, deadline: i64) -> Case {
        Case {
            id: 0,
            decision: "1-0".into(),
            queue: queue.into(),
            event: "payment.auth".into(),
            keys: Vec::new(),
            rule: "t.p.r".into(),
            because: String::new(),
            opened: 0,
            deadline,
            otherwise: Verb::Pass,
            status: None,
        }
    }

    #[test]
    fn cases_end_by_a_person_or_at_their_deadline() {
        let mut cases = Cases::default();
        let (late, soon) = (cases.open(case("desk", 20)), cases.open(case("desk", 10)));
        assert_eq!((late, soon), (1, 2));
        assert!(cases.is_full("desk", 2) && !cases.is_full("desk", 3) && !cases.is_full("other", 1));
        assert_eq!(cases.pop(9), None);
        let closed = cases.pop(10).unwrap();
        assert_eq!((closed.case.id, closed.verdict, closed.by_person), (2, Verb::Pass, false));
        let closed = cases.release(1, Verb::Block).unwrap();
        assert_eq!((closed.verdict, closed.by_person), (Verb::Block, true));
        assert_eq!(cases.release(1, Verb::Pass), None);
        assert_eq!((cases.open.len(), cases.pop(i64::MAX)), (0, None));
        assert!(cases.queues.is_empty() && cases.due.is_empty());
    }

    #[test]
    fn cases_survive_being_written() {
        let mut cases = Cases::default();
        for deadline in [5, 3, 9] {
            cases.open(case("desk", deadline));
        }
        cases.release(3, Verb::Pass);
        let text = serde_json::to_string(&cases).unwrap();
        assert_eq!(serde_json::from_str::<Cases>(&text).unwrap(), cases);
        assert!(serde_json::from_str::<Cases>(&text.replace("\"pass\"", "\"perhaps\"")).is_err());
    }
}
