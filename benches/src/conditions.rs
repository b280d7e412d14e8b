//! The conditions of the standard library alone, over the events of a log: no state, nothing counted, nothing decided.

use std::borrow::Cow;

use weir_cli::replay::Setup;
use weir_compiler::evaluate::{Evaluator, Tier};
use weir_compiler::hir::{CohortValue, Hir, Key};
use weir_compiler::ids::*;
use weir_compiler::ir::{self, Memo, Unit};
use weir_compiler::types::Type;
use weir_compiler::value::Value;
use weir_compiler::walk::World;
use weir_engine::{Engine, Record};

use crate::replay;

/// A rule set with events to try it on.
#[derive(Debug)]
pub struct Conditions {
    engine: Engine,
    unit: Unit,
    memo: Memo,
    events: Vec<Record>,
}

impl Conditions {
    /// The standard library's default profile over the events of a log.
    ///
    /// # Errors
    /// With the first diagnostic, when the library does not link.
    pub fn library(log: &str) -> Result<Self, String> {
        let setup = Setup { as_if_enforce: true, plain_http: true, ..Setup::default() };
        let first = |diagnostics: Vec<weir_dsl::Diagnostic>| {
            diagnostics.first().map_or(String::new(), |d| d.title.clone())
        };
        let engine = setup.library("default").map_err(first)?;
        let events = replay::events(&setup.mapper(&engine), &engine, log);
        let unit = ir::lower(engine.hir());
        Ok(Self { memo: Memo::new(unit.memos()), engine, unit, events })
    }

    /// How many events.
    pub fn events(&self) -> usize {
        self.events.len()
    }

    /// Evaluates the condition of every rule whose policy looks at the event, and its policy's filter; answers how many were
    /// true.
    pub fn evaluate(&self, tier: Tier) -> u64 {
        let hir = self.engine.hir();
        let unit = (tier == Tier::Bytecode).then_some(&self.unit);
        let evaluator = Evaluator::new(hir, self.engine.data(), unit).with_memo(&self.memo);
        let mut held = 0;
        for record in &self.events {
            self.memo.begin();
            let world = Glance { hir, record };
            for policy in hir.policies.values().filter(|policy| policy.events.contains(&record.event())) {
                if policy.filter.is_some_and(|filter| evaluator.truth(filter, &world) == Some(false)) {
                    continue;
                }
                let rules = policy.rules.iter().filter_map(|rule| hir.rules.get(*rule));
                held += rules.filter(|rule| evaluator.truth(rule.when, &world) == Some(true)).count() as u64;
            }
        }
        held
    }
}

/// A rule set of many rules, for lowering.
pub fn generated(files: &[(String, String)]) -> Hir {
    let mut session = crate::session::checked(files);
    let found = session.found();
    found.link(&found.everything(), &weir_compiler::link::Options::default()).hir
}

/// An event whose readings are all the same.
struct Glance<'a> {
    hir: &'a Hir,
    record: &'a Record,
}

impl World for Glance<'_> {
    fn field(&self, field: FieldId) -> Option<Cow<'_, Value>> {
        self.record.get(&self.hir.schema, field).map(Cow::Borrowed)
    }
    fn signal(&self, signal: SignalId) -> Option<Value> {
        match self.hir.signals.get(signal)?.ty {
            Type::Int => Some(Value::Int(7)),
            Type::Float | Type::Probability | Type::Rate => Some(Value::Float(0.5)),
            Type::Duration => Some(Value::Duration(60_000)),
            Type::Bool => Some(Value::Bool(false)),
            _ => None,
        }
    }
    fn absent(&self, _: SignalId) -> Option<bool> {
        Some(false)
    }
    fn in_cohort(&self, _: CohortId) -> Option<bool> {
        Some(false)
    }
    fn holds(&self, _: SequenceId) -> Option<bool> {
        Some(false)
    }
    fn tagged(&self, _: &Key, _: TagId) -> Option<bool> {
        Some(false)
    }
    fn now(&self) -> i64 {
        0
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
