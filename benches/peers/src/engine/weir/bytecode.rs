//! The bytecode tier: every rule's program by itself, asking a world of fields. It shares a memo of what several rules ask.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;

use weir_compiler::evaluate::Evaluator;
use weir_compiler::hir::{CohortValue, Key};
use weir_compiler::ids::{CallId, CohortId, ExprId, FieldId, FingerprintId, Id, SequenceId, SignalId, TagId};
use weir_compiler::ir::{self, Memo, Unit};
use weir_compiler::value::{Country, Value};
use weir_compiler::walk::World;

use super::linked::Linked;
use crate::engine::{Compiled, Engine, Matcher};
use crate::event::{self, Event, Field};
use crate::workload::Set;

/// The engine.
pub struct Bytecode;

/// Programs, ready, with room for the event at hand.
pub struct Programs {
    linked: Linked,
    unit: Unit,
    memo: Memo,
    /// Conditions, in the set's order.
    conditions: Vec<ExprId>,
    /// Where a field's value is kept while an event is at hand, by its id.
    places: Vec<Option<(usize, Field)>>,
    values: Vec<OnceCell<Option<Value>>>,
}

impl Engine for Bytecode {
    fn name(&self) -> &'static str {
        "weir-bytecode"
    }

    fn package(&self) -> Option<&'static str> {
        None
    }

    fn compile<'w>(&self, set: Set<'w>) -> Result<Compiled<'w>, String> {
        let programs = Programs::new(Linked::of(set)?, set);
        Ok(Compiled { matcher: Box::new(programs), left_out: Vec::new() })
    }
}

impl Programs {
    /// Of a rule set.
    pub fn new(linked: Linked, set: Set<'_>) -> Self {
        let unit = ir::lower(&linked.hir);
        let read: HashMap<Field, usize> =
            set.fields().into_iter().enumerate().map(|(at, field)| (field, at)).collect();
        let places = linked.hir.schema.fields.iter().map(|(id, _)| {
            let field = linked.fields.get(&id)?;
            Some((*read.get(field)?, *field))
        });
        Self {
            places: places.collect(),
            values: vec![OnceCell::new(); read.len()],
            memo: Memo::new(unit.memos()),
            conditions: linked.conditions(),
            unit,
            linked,
        }
    }

    /// Turns to another event.
    pub fn begin(&mut self) {
        self.memo.begin();
        self.values.iter_mut().for_each(|value| _ = value.take());
    }

    /// Whether a rule, by its place in the set, holds for the event that was turned to.
    pub fn holds(&self, rule: usize, event: &Event<'_>) -> bool {
        let evaluator =
            Evaluator::new(&self.linked.hir, &self.linked.data, Some(&self.unit)).with_memo(&self.memo);
        let asked = Asked { event, places: &self.places, values: &self.values };
        self.conditions.get(rule).is_some_and(|condition| evaluator.truth(*condition, &asked) == Some(true))
    }
}

impl Matcher for Programs {
    fn run(&mut self, events: &[Event<'_>], counts: &mut [u32]) -> Result<(), String> {
        for event in events {
            self.begin();
            for (rule, count) in counts.iter_mut().enumerate() {
                *count += u32::from(self.holds(rule, event));
            }
        }
        Ok(())
    }
}

/// An event as expressions ask it: each field's value is made when it is asked first.
struct Asked<'a> {
    event: &'a Event<'a>,
    places: &'a [Option<(usize, Field)>],
    values: &'a [OnceCell<Option<Value>>],
}

impl World for Asked<'_> {
    fn field(&self, field: FieldId) -> Option<Cow<'_, Value>> {
        let (place, field) = (*self.places.get(field.index())?)?;
        let value = self.values.get(place)?.get_or_init(|| value(self.event, field));
        value.as_ref().map(Cow::Borrowed)
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
    fn holds(&self, _: SequenceId) -> Option<bool> {
        None
    }
    fn tagged(&self, _: &Key, _: TagId) -> Option<bool> {
        None
    }
    fn now(&self) -> i64 {
        self.event.ts
    }
    fn fingerprint(&self, _: FingerprintId) -> Option<Value> {
        None
    }
    fn cohort_value(&self, _: CohortId, _: CohortValue) -> Option<Value> {
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
}

fn value(event: &Event<'_>, field: Field) -> Option<Value> {
    match (field, event.get(field)) {
        (Field::country, event::Value::Text(text)) => Country::parse(text).map(Value::Country),
        (Field::asn, event::Value::Int(int)) => u32::try_from(int).ok().map(Value::Asn),
        (Field::ts, event::Value::Int(int)) => Some(Value::Time(int)),
        (_, event::Value::Text(text)) => Some(Value::text(text)),
        (_, event::Value::Int(int)) => Some(Value::Int(int)),
        (_, event::Value::Float(float)) => Value::float(float),
        (_, event::Value::Truth(truth)) => Some(Value::Bool(truth)),
        (_, event::Value::Ip(ip)) => Some(Value::Ip(ip)),
    }
}
