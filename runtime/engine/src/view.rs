//! The live world of one event: what the walker asks is read from state once and remembered.

use std::borrow::Cow;
use std::sync::Arc;

use weir_compiler::data::Data;
use weir_compiler::evaluate::Evaluator;
use weir_compiler::hir::{CohortValue, ExprKind, Key, Measure, Spared};
use weir_compiler::ids::*;
use weir_compiler::show::show;
use weir_compiler::types::Type;
use weir_compiler::value::{Currency, Value};
use weir_compiler::walk::World;

use crate::cell::{FormKind, Sample, tuple};
use crate::cohort::{InSurplus, SliceKey, Surplus};
use crate::keyhash::{KeyHash, append};
use crate::keys::{Groups, KeyId, NoGroups, PartPlan};
use crate::readings::Readings;
use crate::reads::{Reads, measured};
use crate::record::Record;
use crate::recording::{Captured, Look};
use crate::ruleset::RuleSet;
use crate::sense::{Ask, Sensed, Why};
use crate::sequence::Held;
use crate::store::Store;

/// One event as rules see it.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) set: &'a RuleSet,
    pub(crate) store: &'a Store,
    pub(crate) data: &'a Data,
    pub(crate) readings: &'a Readings,
    pub(crate) record: &'a Record,
    pub(crate) at: i64,
    /// The event is about to be counted: readings that include it are not yet what rules will see, and are not kept.
    pub(crate) counting: bool,
}

/// A field of an event; its time is the input's where the record has none.
pub(crate) fn field<'a>(
    set: &RuleSet,
    record: &'a Record,
    at: i64,
    field: FieldId,
) -> Option<Cow<'a, Value>> {
    match record.get(&set.hir.schema, field) {
        Some(value) => Some(Cow::Borrowed(value)),
        None if set.at_field == Some(field) => Some(Cow::Owned(Value::Time(at))),
        None => None,
    }
}

/// A client shape's value: a keyed hash of its parts.
pub(crate) fn fingerprint(set: &RuleSet, record: &Record, shape: FingerprintId) -> Option<Value> {
    let named = &set.hir.declarations.fingerprints.get(shape)?.named;
    let mut bytes = Vec::with_capacity(128);
    let parts = PartPlan::Fingerprint(crate::keys::shape_fields(&set.hir, shape));
    bytes.extend_from_slice(named.name.as_bytes());
    parts.append(&set.hir.schema, record, &NoGroups, &mut bytes)?;
    Some(Value::text(&format!("{:016x}", set.hasher.value(&bytes))))
}

/// A property of a slice that is a number.
pub(crate) fn cohort_number(surplus: &Surplus, value: CohortValue) -> Option<Value> {
    match value {
        CohortValue::Name => None,
        CohortValue::Lift => Value::float(surplus.lift),
        CohortValue::Count => Some(Value::Int(surplus.count)),
        CohortValue::Usual => Value::float(surplus.usual),
    }
}

/// A captured field of a sequence that holds.
pub(crate) fn captured(
    set: &RuleSet,
    id: SequenceId,
    held: &Held,
    step: u16,
    field: FieldId,
) -> Option<Value> {
    let kept = set.captures.get(id)?.get(usize::from(step))?;
    let place = kept.iter().position(|known| *known == field)?;
    held.marks.get(usize::from(step))?.captures.get(place)?.clone()
}

/// Milliseconds from a step to the last one, which is the event at hand, or stands for it at a deadline.
pub(crate) fn age(held: &Held, step: u16) -> Option<i64> {
    held.marks.last()?.at.checked_sub(held.marks.get(usize::from(step))?.at)
}

impl<'a> View<'a> {
    pub(crate) fn walker(&self) -> Evaluator<'a> {
        self.set.evaluator(self.data).with_memo(&self.readings.shared)
    }

    /// A key's hash, made once an event.
    pub(crate) fn key(&self, id: KeyId) -> Option<KeyHash> {
        if let Some(known) = self.readings.key(id) {
            return known;
        }
        let plan = self.set.keys.get(id)?;
        // A part may be a cohort's slice, whose own key needs the scratch space: hence the swap.
        let mut bytes = std::mem::take(&mut *self.readings.bytes.borrow_mut());
        let hash = plan.hash_by(&self.set.hir.schema, self.record, self, &mut bytes, |bytes| {
            self.readings.hash_of(id, bytes, |bytes| self.set.hasher.key(bytes))
        });
        *self.readings.bytes.borrow_mut() = bytes;
        self.readings.put_key(id, hash);
        hash
    }

    /// The key of a state; nothing when a part is missing.
    pub(crate) fn state_key(&self, state: StateId) -> Option<KeyHash> {
        match self.set.states.get(state)?.key {
            None => Some(KeyHash::SITE),
            Some(key) => self.key(key),
        }
    }

    /// Reads a signal, once an event.
    pub(crate) fn sense(&self, id: SignalId) -> Sensed {
        if let Some(known) = self.readings.with_signal(id, Sensed::clone) {
            return known;
        }
        let sensed = self.read(id);
        let before = self.set.hir.signals.get(id).is_some_and(|signal| signal.before_this);
        if before || !self.counting {
            self.readings.put_signal(id, sensed.clone());
        }
        sensed
    }

    fn read(&self, id: SignalId) -> Sensed {
        let Some(signal) = self.set.hir.signals.get(id) else { return Sensed::unknown(Why::Unmapped) };
        if signal.unmapped.is_some() {
            return Sensed::unknown(Why::Unmapped);
        }
        let Some(plan) = self.set.states.get(signal.state) else { return Sensed::unknown(Why::Unmapped) };
        // What is brought up to date ahead of its turn must have been read ahead of it too.
        let ahead = self.readings.is_prepared() && self.set.early.get(signal.state) == Some(&true);
        debug_assert!(!ahead || self.state_key(signal.state).is_none(), "`{}` is read late", signal.name);
        let Some(key) = self.state_key(signal.state) else { return Sensed::unknown(Why::KeyMissing) };
        let ask = Ask {
            at: self.at,
            least: signal.least,
            ty: &signal.ty,
            currency: if plan.form.money { self.currency(signal.state) } else { None },
            counted: self.readings.is_counted(signal.state),
        };
        let sensed = self.store.read(self.set, signal.state, key, &ask);
        sensed.unwrap_or_else(|| Sensed::unknown(Why::Unmapped))
    }

    /// The currency that the event at hand brings to a state over money, if it is of its population.
    pub(crate) fn currency(&self, state: StateId) -> Option<Currency> {
        let mut state = self.set.hir.states.get(state)?;
        if let Measure::Usual { of, .. } = state.measure {
            state = self.set.hir.states.get(of)?;
        }
        if state.event != self.record.event() {
            return None;
        }
        match &*self.walker().value(*measured(&state.measure).first()?, self)? {
            Value::Money(_, currency) => Some(*currency),
            _ => None,
        }
    }

    /// What the event brings to a state; nothing when a value that is measured is unknown. `id` names the event.
    pub(crate) fn sample(&self, id: StateId, key: KeyHash, event: u64) -> Option<Sample> {
        let state = self.set.hir.states.get(id)?;
        let walker = self.walker();
        match &state.measure {
            Measure::Count
            | Measure::Rate
            | Measure::CvOfGaps
            | Measure::Elapsed
            | Measure::LastSeen
            | Measure::Bucket { .. }
            | Measure::Gcra { .. } => Some(Sample::Event),
            Measure::Concurrent => Some(Sample::Begin(event)),
            Measure::Share(predicate) => walker.truth(*predicate, self).map(Sample::Hit),
            Measure::Distinct(exprs) | Measure::Entropy(exprs) => self.hash_of(exprs).map(Sample::Hash),
            Measure::Top(exprs) => {
                let hash = self.hash_of(exprs)?;
                let values = exprs.iter().map(|expr| walker.value(*expr, self).map(Cow::into_owned));
                Some(Sample::Shown(hash, tuple(values.collect::<Option<_>>()?)?))
            }
            Measure::Sequential(expr) => Sample::number(&*walker.value(*expr, self)?),
            Measure::Of(..) => {
                let exprs = measured(&state.measure);
                let value = walker.value(*exprs.first()?, self)?;
                match self.set.states.get(id)?.form.kind {
                    FormKind::First | FormKind::Last => {
                        Some(Sample::Shown(self.hash_of(exprs)?, value.into_owned()))
                    }
                    _ => Sample::number(&value),
                }
            }
            Measure::Usual { of, .. } => {
                let currency = if self.set.states.get(id)?.form.money { self.currency(id) } else { None };
                let ty = if currency.is_some() { Type::Money } else { Type::Float };
                let ask = Ask { at: self.at, least: None, ty: &ty, currency, counted: true };
                self.store.level(self.set, *of, key, &ask)
            }
        }
    }

    fn hash_of(&self, exprs: &[ExprId]) -> Option<u64> {
        let walker = self.walker();
        let mut bytes = std::mem::take(&mut *self.readings.bytes.borrow_mut());
        bytes.clear();
        let all = exprs.iter().try_for_each(|expr| {
            append(&mut bytes, &*walker.value(*expr, self)?);
            Some(())
        });
        let hash = all.map(|()| self.set.hasher.value(&bytes));
        *self.readings.bytes.borrow_mut() = bytes;
        hash
    }

    /// The slices of a cohort that hold the event: every choice of its known dimensions but the empty one.
    pub(crate) fn slices(&self, id: CohortId) -> Arc<[SliceKey]> {
        if let Some(known) = self.readings.slices(id) {
            return known;
        }
        let slices: Arc<[SliceKey]> = self.find_slices(id).unwrap_or_default().into();
        self.readings.put_slices(id, Arc::clone(&slices));
        slices
    }

    fn find_slices(&self, id: CohortId) -> Option<Vec<SliceKey>> {
        let plan = self.set.cohorts.get(id)?;
        let mut known: Vec<(u8, Vec<u8>)> = Vec::with_capacity(plan.parts.len());
        for (at, part) in plan.parts.iter().enumerate() {
            let mut bytes = Vec::with_capacity(32);
            if part.append(&self.set.hir.schema, self.record, &NoGroups, &mut bytes).is_some() {
                known.push((1_u8.checked_shl(at as u32)?, bytes));
            }
        }
        let mut slices = Vec::with_capacity((1 << known.len()) - 1);
        let mut bytes = Vec::with_capacity(128);
        for choice in 1_u32..1 << known.len() {
            bytes.clear();
            bytes.extend_from_slice(&plan.domain.to_le_bytes());
            bytes.push(0);
            let mut fixed = 0;
            for (at, (bit, part)) in known.iter().enumerate() {
                if choice & (1 << at) != 0 {
                    fixed |= bit;
                    bytes.extend_from_slice(part);
                }
            }
            if let Some(place) = bytes.get_mut(8) {
                *place = fixed;
            }
            slices.push((fixed, self.set.hasher.key(&bytes)));
        }
        Some(slices)
    }

    /// The slice in surplus that holds the event, or none; unknown when no dimension is known, or no level of a
    /// slice that has events enough.
    pub(crate) fn surplus(&self, id: CohortId) -> InSurplus {
        let cohort = self.set.hir.cohorts.get(id)?;
        if cohort.unmapped {
            return None;
        }
        if let Some(known) = self.readings.surplus(id) {
            return known;
        }
        let slices = self.slices(id);
        if slices.is_empty() {
            return None;
        }
        let surplus = self.store.cohorts.get(id)?.surplus(&slices, self.at);
        if !self.counting {
            self.readings.put_surplus(id, surplus);
        }
        surplus
    }

    /// What the slice in surplus is called: its dimensions and their values.
    fn slice_name(&self, id: CohortId) -> Option<Value> {
        let surplus = self.surplus(id)??;
        let cohort = self.set.hir.cohorts.get(id)?;
        let mut name = String::new();
        let parts = cohort.by.iter().zip(&cohort.dimensions).enumerate();
        for (at, (part, dimension)) in parts {
            if 1_u8.checked_shl(at as u32).is_none_or(|bit| surplus.fixed & bit == 0) {
                continue;
            }
            let (value, ty) = match part {
                weir_compiler::hir::KeyPart::Field(field) => {
                    let ty = self.set.hir.schema.fields.get(*field).map(|field| field.ty.clone());
                    (self.field(*field).map(Cow::into_owned), ty)
                }
                weir_compiler::hir::KeyPart::Prefix { field, v4, v6 } => {
                    let network = match self.field(*field).as_deref() {
                        Some(Value::Ip(ip)) => crate::keys::network(*ip, *v4, *v6).map(Value::Cidr),
                        _ => None,
                    };
                    (network, Some(Type::Cidr))
                }
                weir_compiler::hir::KeyPart::Fingerprint(shape) => {
                    (self.fingerprint(*shape), Some(Type::Fingerprint))
                }
                _ => (None, None),
            };
            if !name.is_empty() {
                name.push_str(", ");
            }
            name.push_str(dimension);
            name.push_str(" = ");
            if let (Some(value), Some(ty)) = (value, ty) {
                name.push_str(&show(&value, &ty));
            }
        }
        Some(Value::text(&name))
    }

    /// Whether a sequence holds, and how; unknown when its key is missing, nothing supplies an event of it, or its record was
    /// evicted.
    pub(crate) fn held(&self, id: SequenceId) -> Option<Option<Arc<Held>>> {
        let sequence = self.set.hir.sequences.get(id)?;
        if sequence.unmapped.is_some() {
            return None;
        }
        if let Some(known) = self.readings.held(id) {
            return Some(known);
        }
        let key = self.key(*self.set.sequence_keys.get(id)?)?;
        let tracks = self.store.sequences.get(id)?;
        let lost = tracks.evictions() > 0
            && sequence.steps.last().is_some_and(|step| step.event == self.record.event())
            && self.store.lost_tracks.get(id)?.estimate(key, self.at) > 0.0;
        if lost { None } else { Some(None) }
    }

    pub(crate) fn tag(&self, key: KeyId, tag: TagId) -> Option<bool> {
        Some(self.store.tags.has(self.key(key)?, self.set.names.tag(tag)?, self.at))
    }

    /// Whether somebody is spared.
    pub(crate) fn spares(&self, sparing: &[Spared]) -> bool {
        sparing.iter().any(|spared| match spared {
            Spared::Fact { fact, age } => {
                let key = self.set.fact_keys.get(*fact).and_then(|key| self.key(*key));
                let facts = self.store.facts.get(*fact);
                facts.zip(key).is_some_and(|(facts, key)| facts.holds(key, self.at, age.ms))
            }
            Spared::Tagged(key, tag) => self.tagged(key, *tag) == Some(true),
            Spared::InList(field, list) => {
                let value = self.field(*field);
                let list = self.data.list(*list);
                value.zip(list).is_some_and(|(value, list)| list.contains(&value))
            }
        })
    }

    /// Takes out everything that `reads` may ask, read now.
    pub(crate) fn capture(&self, reads: &Reads) -> Captured {
        let mut captured = Captured {
            signals: reads.signals.iter().map(|id| (*id, self.sense(*id))).collect(),
            ..Captured::default()
        };
        for id in reads.cohorts.iter() {
            captured.cohorts.push((*id, self.surplus(*id)));
            captured.names.push((*id, self.slice_name(*id)));
        }
        captured.sequences = reads.sequences.iter().map(|id| (*id, self.held(*id))).collect();
        let has = |key: &Key, tag: &TagId| self.tagged(key, *tag);
        captured.tags = reads.tags.iter().map(|(key, tag)| (key.clone(), *tag, has(key, tag))).collect();
        captured
    }

    pub(crate) fn look(&self, record: &Record, reads: &Reads) -> Look {
        Look {
            record: record.clone(),
            at: self.at,
            captured: self.capture(reads),
            settled: None,
            assumed: None,
        }
    }

    /// Puts readings that were kept from the request where they are looked for.
    pub(crate) fn restore(&self, kept: &Captured) {
        for (id, sensed) in &kept.signals {
            self.readings.put_signal(*id, sensed.clone());
        }
        for (id, surplus) in &kept.cohorts {
            self.readings.put_surplus(*id, *surplus);
        }
        for (id, held) in &kept.sequences {
            if let Some(held) = held {
                self.readings.put_held(*id, held.clone());
            }
        }
    }

    /// The inputs of a model call, when all of them are known.
    pub(crate) fn inputs(&self, call: CallId) -> Option<Vec<Value>> {
        let call = self.set.hir.calls.get(call)?;
        let walker = self.walker();
        call.inputs.iter().map(|input| walker.value(*input, self).map(Cow::into_owned)).collect()
    }
}

impl World for View<'_> {
    fn field(&self, id: FieldId) -> Option<Cow<'_, Value>> {
        field(self.set, self.record, self.at, id)
    }

    fn fingerprint(&self, shape: FingerprintId) -> Option<Value> {
        fingerprint(self.set, self.record, shape)
    }

    fn signal(&self, id: SignalId) -> Option<Value> {
        match self.readings.with_signal(id, |sensed| sensed.value.clone()) {
            Some(value) => value,
            None => self.sense(id).value,
        }
    }

    fn absent(&self, id: SignalId) -> Option<bool> {
        match self.readings.with_signal(id, |sensed| sensed.absent) {
            Some(absent) => absent,
            None => self.sense(id).absent,
        }
    }

    fn in_cohort(&self, cohort: CohortId) -> Option<bool> {
        self.surplus(cohort).map(|surplus| surplus.is_some())
    }

    fn cohort_value(&self, cohort: CohortId, value: CohortValue) -> Option<Value> {
        match cohort_number(&self.surplus(cohort)??, value) {
            Some(value) => Some(value),
            None => self.slice_name(cohort),
        }
    }

    fn holds(&self, sequence: SequenceId) -> Option<bool> {
        self.held(sequence).map(|held| held.is_some())
    }

    fn captured(&self, sequence: SequenceId, step: u16, field: FieldId) -> Option<Value> {
        captured(self.set, sequence, &*self.held(sequence)??, step, field)
    }

    fn age(&self, sequence: SequenceId, step: u16) -> Option<i64> {
        age(&*self.held(sequence)??, step)
    }

    /// Models are asked by `begin` alone; until they have answered they are unknown.
    fn call(&self, _call: CallId) -> Option<Value> {
        None
    }

    fn tagged(&self, key: &Key, tag: TagId) -> Option<bool> {
        match self.set.keys.find(key) {
            Some(key) => self.tag(key, tag),
            None => {
                // A key that only an expression of a filter names.
                let plan = crate::keys::Keys::default().with(&self.set.hir, &self.set.hasher, key)?;
                let schema = &self.set.hir.schema;
                let hash = plan.hash(&self.set.hasher, schema, self.record, self, &mut Vec::new())?;
                Some(self.store.tags.has(hash, self.set.names.tag(tag)?, self.at))
            }
        }
    }

    fn now(&self) -> i64 {
        self.at
    }
}

impl Groups for View<'_> {
    fn slice(&self, cohort: CohortId) -> Option<KeyHash> {
        Some(self.surplus(cohort)??.key)
    }

    fn captured(&self, sequence: SequenceId, step: u16, field: FieldId) -> Option<Value> {
        World::captured(self, sequence, step, field)
    }
}

/// A condition that is the named one of a conjunction, for coverage: `and` taken apart, names looked through.
pub(crate) fn conjuncts(set: &RuleSet, root: ExprId) -> Vec<ExprId> {
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        match set.hir.exprs.get(id).map(|expr| &expr.kind) {
            Some(ExprKind::And(operands)) => open.extend(operands.iter().rev()),
            Some(_) => found.push(id),
            None => {}
        }
    }
    found
}
