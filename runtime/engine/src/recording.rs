//! Readings taken out of an engine: kept for a response, for a model's answer, or for an explanation.

use std::borrow::Cow;
use std::sync::Arc;

use weir_compiler::hir::{CohortValue, Key};
use weir_compiler::ids::*;
use weir_compiler::value::Value;
use weir_compiler::walk::World;

use crate::cohort::{InSurplus, Surplus};
use crate::names::NameHash;
use crate::record::Record;
use crate::ruleset::RuleSet;
use crate::sense::Sensed;
use crate::sequence::Held;
use crate::view;

/// What was read, by what was asked. The lists are short, and searched in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Captured {
    pub(crate) signals: Vec<(SignalId, Sensed)>,
    /// In surplus or not, and the slice; `None` when unknown.
    pub(crate) cohorts: Vec<(CohortId, InSurplus)>,
    /// What its slice is called.
    pub(crate) names: Vec<(CohortId, Option<Value>)>,
    /// Held or not; `None` when unknown.
    pub(crate) sequences: Vec<(SequenceId, Option<Option<Arc<Held>>>)>,
    pub(crate) tags: Vec<(Key, TagId, Option<bool>)>,
    pub(crate) answers: Vec<(CallId, Option<Value>)>,
}

/// A look at an event whose readings are all recorded: evaluating it asks no state.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) record: Record,
    pub(crate) at: i64,
    pub(crate) captured: Captured,
    /// In a record of a decision: what the expressions were that it cannot work out again, in order of their names.
    pub(crate) settled: Option<Vec<(NameHash, Option<Value>)>>,
    /// For counterfactuals: a condition that is taken to be this, wherever it is written.
    pub(crate) assumed: Option<(NameHash, bool)>,
}

fn find<'a, K: PartialEq, V>(items: &'a [(K, V)], key: &K) -> Option<&'a V> {
    items.iter().find(|(known, _)| known == key).map(|(_, item)| item)
}

/// A [`Look`] as the walker sees it.
#[derive(Clone, Copy)]
pub(crate) struct Recorded<'a> {
    pub(crate) set: &'a RuleSet,
    pub(crate) look: &'a Look,
}

impl Recorded<'_> {
    fn held(&self, sequence: SequenceId) -> Option<&Option<Arc<Held>>> {
        find(&self.look.captured.sequences, &sequence)?.as_ref()
    }

    fn surplus(&self, cohort: CohortId) -> Option<&Option<Surplus>> {
        find(&self.look.captured.cohorts, &cohort)?.as_ref()
    }
}

impl World for Recorded<'_> {
    fn field(&self, field: FieldId) -> Option<Cow<'_, Value>> {
        view::field(self.set, &self.look.record, self.look.at, field)
    }

    fn fingerprint(&self, fingerprint: FingerprintId) -> Option<Value> {
        view::fingerprint(self.set, &self.look.record, fingerprint)
    }

    fn signal(&self, signal: SignalId) -> Option<Value> {
        find(&self.look.captured.signals, &signal)?.value.clone()
    }

    fn absent(&self, signal: SignalId) -> Option<bool> {
        find(&self.look.captured.signals, &signal)?.absent
    }

    fn in_cohort(&self, cohort: CohortId) -> Option<bool> {
        self.surplus(cohort).map(Option::is_some)
    }

    fn cohort_value(&self, cohort: CohortId, value: CohortValue) -> Option<Value> {
        let surplus = self.surplus(cohort)?.as_ref()?;
        match view::cohort_number(surplus, value) {
            Some(value) => Some(value),
            None => find(&self.look.captured.names, &cohort)?.clone(),
        }
    }

    fn holds(&self, sequence: SequenceId) -> Option<bool> {
        self.held(sequence).map(Option::is_some)
    }

    fn captured(&self, sequence: SequenceId, step: u16, field: FieldId) -> Option<Value> {
        view::captured(self.set, sequence, self.held(sequence)?.as_ref()?, step, field)
    }

    fn age(&self, sequence: SequenceId, step: u16) -> Option<i64> {
        view::age(self.held(sequence)?.as_ref()?, step)
    }

    fn call(&self, call: CallId) -> Option<Value> {
        find(&self.look.captured.answers, &call)?.clone()
    }

    fn tagged(&self, key: &Key, tag: TagId) -> Option<bool> {
        let tags = &self.look.captured.tags;
        tags.iter().find(|(known, t, _)| *t == tag && known.parts == key.parts).and_then(|(.., has)| *has)
    }

    fn now(&self) -> i64 {
        self.look.at
    }

    fn settled(&self, expr: ExprId) -> Option<Option<Value>> {
        if let Some((assumed, truth)) = self.look.assumed
            && self.set.conditions().name(expr) == Some(assumed)
        {
            return Some(Some(Value::Bool(truth)));
        }
        let settled = self.look.settled.as_ref()?;
        let name = self.set.boundaries().name(expr)?;
        let place = settled.binary_search_by_key(&name, |(name, _)| *name);
        // A record without it is refused before anything is evaluated.
        Some(place.ok().and_then(|at| settled.get(at)).and_then(|(_, value)| value.clone()))
    }
}

/// A world with a score: that of `decide`.
pub(crate) struct Scored<'a, W> {
    pub(crate) world: &'a W,
    pub(crate) score: i64,
}

impl<W: World> World for Scored<'_, W> {
    fn field(&self, field: FieldId) -> Option<Cow<'_, Value>> {
        self.world.field(field)
    }
    fn fingerprint(&self, fingerprint: FingerprintId) -> Option<Value> {
        self.world.fingerprint(fingerprint)
    }
    fn signal(&self, signal: SignalId) -> Option<Value> {
        self.world.signal(signal)
    }
    fn absent(&self, signal: SignalId) -> Option<bool> {
        self.world.absent(signal)
    }
    fn in_cohort(&self, cohort: CohortId) -> Option<bool> {
        self.world.in_cohort(cohort)
    }
    fn cohort_value(&self, cohort: CohortId, value: CohortValue) -> Option<Value> {
        self.world.cohort_value(cohort, value)
    }
    fn holds(&self, sequence: SequenceId) -> Option<bool> {
        self.world.holds(sequence)
    }
    fn captured(&self, sequence: SequenceId, step: u16, field: FieldId) -> Option<Value> {
        self.world.captured(sequence, step, field)
    }
    fn age(&self, sequence: SequenceId, step: u16) -> Option<i64> {
        self.world.age(sequence, step)
    }
    fn call(&self, call: CallId) -> Option<Value> {
        self.world.call(call)
    }
    fn tagged(&self, key: &Key, tag: TagId) -> Option<bool> {
        self.world.tagged(key, tag)
    }
    fn now(&self) -> i64 {
        self.world.now()
    }
    fn settled(&self, expr: ExprId) -> Option<Option<Value>> {
        self.world.settled(expr)
    }
    fn score(&self) -> Option<i64> {
        Some(self.score)
    }
}
