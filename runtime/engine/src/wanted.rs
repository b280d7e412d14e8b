//! Which fields a rule set reads at all: whoever fills records may leave out the rest.
//!
//! A field is read by conditions and whatever else is an expression, as part of a key, of a client shape, of a cohort or of a sequence, to
//! spare somebody, and by what cases and labels take down. More may be named here than is ever looked at, never less: a decision over
//! a record without the others is the same to the byte.

use weir_compiler::hir::{Action, Expr, ExprKind, Hir, Key, KeyPart};
use weir_compiler::ids::*;
use weir_compiler::types::Type;

use crate::engine::Engine;
use crate::reads::Reads;
use crate::ruleset::{RuleSet, rule_keys};

/// The fields that are read.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    fields: IdVec<FieldId, bool>,
}

impl Wanted {
    /// Cost: linear in the rule set.
    pub(crate) fn new(set: &RuleSet) -> Self {
        let hir = &set.hir;
        let mut wanted = Self { fields: hir.schema.fields.values().map(|_| false).collect() };
        hir.exprs.values().for_each(|expr| wanted.expr(hir, expr));
        set.keys.fields().for_each(|field| wanted.add(field));
        let parts = hir.cohorts.values().flat_map(|cohort| &cohort.by);
        parts.for_each(|part| wanted.part(hir, part));
        set.captures.values().flatten().flatten().for_each(|field| wanted.add(*field));
        let mut holds = false;
        for rule in hir.rules.values() {
            let mut reads = Reads::default();
            for actions in [&rule.then, &rule.if_unknown] {
                reads.actions(hir, actions);
                holds |= actions.iter().any(|action| matches!(action, Action::Hold { .. }));
            }
            reads.fields.iter().for_each(|field| wanted.add(*field));
        }
        if holds {
            // A case takes down who it is about.
            let names = |(_, field): &(FieldId, &weir_compiler::schema::Field)| {
                field.personal || matches!(field.ty, Type::Id(_))
            };
            hir.schema.fields.iter().filter(names).for_each(|(id, _)| wanted.add(id));
        }
        let others = set.maps.fields().chain(set.truth.fields()).chain(set.at_field);
        others.for_each(|field| wanted.add(field));
        wanted
    }

    /// The same for the rule set that follows, of which some expressions and rules have changed. What only the others asked is still
    /// named.
    pub(crate) fn again(
        &self,
        hir: &Hir,
        exprs: impl Iterator<Item = ExprId>,
        rules: &[RuleId],
    ) -> Option<Self> {
        let mut wanted = self.clone();
        exprs.filter_map(|id| hir.exprs.get(id)).for_each(|expr| wanted.expr(hir, expr));
        for rule in rules.iter().filter_map(|id| hir.rules.get(*id)) {
            let mut reads = Reads::default();
            for actions in [&rule.then, &rule.if_unknown] {
                reads.actions(hir, actions);
                if actions.iter().any(|action| matches!(action, Action::Hold { .. })) {
                    // Whether cases are opened is asked of all rules.
                    return None;
                }
            }
            reads.fields.iter().for_each(|field| wanted.add(*field));
            for key in rule_keys(rule) {
                wanted.key(hir, key);
            }
        }
        Some(wanted)
    }

    fn expr(&mut self, hir: &Hir, expr: &Expr) {
        match &expr.kind {
            ExprKind::Field(field) | ExprKind::Captured { field, .. } => self.add(*field),
            ExprKind::Fingerprint(shape) => self.shape(hir, *shape),
            ExprKind::Tagged(key, _) => self.key(hir, key),
            _ => {}
        }
    }

    pub(crate) fn has(&self, field: FieldId) -> bool {
        self.fields.get(field) == Some(&true)
    }

    fn add(&mut self, field: FieldId) {
        if let Some(place) = self.fields.get_mut(field) {
            *place = true;
        }
    }

    fn shape(&mut self, hir: &Hir, shape: FingerprintId) {
        let declared = hir.declarations.fingerprints.get(shape);
        declared.into_iter().flat_map(|shape| &shape.parts).for_each(|field| self.add(*field));
    }

    fn key(&mut self, hir: &Hir, key: &Key) {
        key.parts.iter().for_each(|part| self.part(hir, part));
    }

    fn part(&mut self, hir: &Hir, part: &KeyPart) {
        match part {
            KeyPart::Field(field) | KeyPart::Prefix { field, .. } | KeyPart::Captured { field, .. } => {
                self.add(*field)
            }
            KeyPart::Fingerprint(shape) => self.shape(hir, *shape),
            // Its own parts are named with it.
            KeyPart::Cohort(_) => {}
        }
    }
}

impl Engine {
    /// Whether an event touches anything: no rule looks at another, and nothing counts it.
    pub fn looks_at(&self, event: EventId) -> bool {
        self.set.events.get(event).is_some_and(|plan| plan.touches())
    }

    /// Whether anything reads a field: an event without the others is decided the same. Where decisions are to be explained or recorded
    /// everything is read. To be asked again when another rule set is put in place.
    pub fn wants(&self, field: FieldId) -> bool {
        self.options.record || self.set.wanted().has(field)
    }
}
