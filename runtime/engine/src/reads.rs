//! What an expression looks at: found once, when a rule set is loaded.

use std::collections::HashSet;

use weir_compiler::hir::{Action, Expr, ExprKind, Hir, Key, KeyPart, Measure, Part, Spared};
use weir_compiler::ids::*;

/// What a set of expressions may ask of the world.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reads {
    pub(crate) fields: Vec<FieldId>,
    pub(crate) signals: Vec<SignalId>,
    pub(crate) cohorts: Vec<CohortId>,
    pub(crate) sequences: Vec<SequenceId>,
    pub(crate) calls: Vec<CallId>,
    pub(crate) tags: Vec<(Key, TagId)>,
    /// It asks for something else than constants and the score.
    pub(crate) world: bool,
}

fn add<T: PartialEq>(items: &mut Vec<T>, item: T) {
    if !items.contains(&item) {
        items.push(item);
    }
}

impl Reads {
    /// Of an expression.
    pub(crate) fn of(hir: &Hir, expr: ExprId) -> Self {
        let mut reads = Self::default();
        reads.expr(hir, expr);
        reads
    }

    /// Adds an expression, each of its nodes once. Cost: linear in it, whatever the size of the rule set.
    pub(crate) fn expr(&mut self, hir: &Hir, root: ExprId) {
        let mut open = vec![root];
        let mut seen: HashSet<ExprId> = HashSet::new();
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            let Some(expr) = hir.exprs.get(id) else { continue };
            let kind = &expr.kind;
            self.world |= !matches!(kind, ExprKind::Const(_) | ExprKind::Score | ExprKind::Param(_))
                && children(kind).is_empty();
            match kind {
                ExprKind::Field(field) => add(&mut self.fields, *field),
                ExprKind::Fingerprint(shape) => self.fingerprint(hir, *shape),
                ExprKind::Signal(signal) | ExprKind::Absent(signal) => add(&mut self.signals, *signal),
                ExprKind::InCohort(cohort) | ExprKind::CohortValue(cohort, _) => {
                    add(&mut self.cohorts, *cohort)
                }
                ExprKind::Holds(sequence)
                | ExprKind::Captured { sequence, .. }
                | ExprKind::Age { sequence, .. } => add(&mut self.sequences, *sequence),
                ExprKind::Call(call) => {
                    add(&mut self.calls, *call);
                    open.extend(
                        hir.calls.get(*call).into_iter().flat_map(|call| call.inputs.iter().copied()),
                    );
                }
                ExprKind::Tagged(key, tag) => {
                    add(&mut self.tags, (key.clone(), *tag));
                    self.key(hir, key);
                }
                _ => {}
            }
            open.extend(children(kind));
        }
    }

    fn fingerprint(&mut self, hir: &Hir, shape: FingerprintId) {
        for field in hir.declarations.fingerprints.get(shape).into_iter().flat_map(|shape| shape.parts.iter())
        {
            add(&mut self.fields, *field);
        }
    }

    /// Adds the parts of a key.
    pub(crate) fn key(&mut self, hir: &Hir, key: &Key) {
        for part in &key.parts {
            match part {
                KeyPart::Field(field) | KeyPart::Prefix { field, .. } => add(&mut self.fields, *field),
                KeyPart::Fingerprint(shape) => self.fingerprint(hir, *shape),
                KeyPart::Cohort(cohort) => add(&mut self.cohorts, *cohort),
                KeyPart::Captured { sequence, .. } => add(&mut self.sequences, *sequence),
            }
        }
    }

    /// Adds a text's values.
    pub(crate) fn parts(&mut self, hir: &Hir, parts: &[Part]) {
        for part in parts {
            if let Part::Value(expr) = part {
                self.expr(hir, *expr);
            }
        }
    }

    /// Adds what actions are about.
    pub(crate) fn actions(&mut self, hir: &Hir, actions: &[Action]) {
        for action in actions {
            match action {
                Action::Verdict(verdict) => {
                    if let Some(key) = &verdict.target {
                        self.key(hir, key);
                    }
                    for spared in &verdict.sparing {
                        match spared {
                            Spared::Fact { fact, .. } => {
                                if let Some(fact) = hir.facts.get(*fact) {
                                    self.key(hir, &fact.key);
                                }
                            }
                            Spared::Tagged(key, tag) => {
                                add(&mut self.tags, (key.clone(), *tag));
                                self.key(hir, key);
                            }
                            Spared::InList(field, _) => add(&mut self.fields, *field),
                        }
                    }
                }
                Action::Tag { key, .. } | Action::Revoke(key) | Action::LockPassword(key) => {
                    self.key(hir, key)
                }
                _ => {}
            }
        }
    }

    /// Adds what a state's update looks at, its key left out.
    pub(crate) fn state(&mut self, hir: &Hir, state: StateId) {
        let Some(state) = hir.states.get(state) else { return };
        if let Some(filter) = state.filter {
            self.expr(hir, filter);
        }
        for expr in measured(&state.measure) {
            self.expr(hir, *expr);
        }
    }

    /// Joins two.
    pub(crate) fn join(&mut self, other: &Self) {
        other.fields.iter().for_each(|item| add(&mut self.fields, *item));
        other.signals.iter().for_each(|item| add(&mut self.signals, *item));
        other.cohorts.iter().for_each(|item| add(&mut self.cohorts, *item));
        other.sequences.iter().for_each(|item| add(&mut self.sequences, *item));
        other.calls.iter().for_each(|item| add(&mut self.calls, *item));
        other.tags.iter().for_each(|item| add(&mut self.tags, item.clone()));
        self.world |= other.world;
    }
}

/// The expressions a measure takes from an event.
pub(crate) fn measured(measure: &Measure) -> &[ExprId] {
    match measure {
        Measure::Share(expr) | Measure::Sequential(expr) | Measure::Of(_, expr) => std::slice::from_ref(expr),
        Measure::Distinct(exprs) | Measure::Entropy(exprs) | Measure::Top(exprs) => exprs,
        _ => &[],
    }
}

/// The operands of a node, in order.
pub(crate) fn children(kind: &ExprKind) -> Vec<ExprId> {
    match kind {
        ExprKind::Const(_)
        | ExprKind::Param(_)
        | ExprKind::Field(_)
        | ExprKind::Fingerprint(_)
        | ExprKind::Signal(_)
        | ExprKind::Absent(_)
        | ExprKind::InCohort(_)
        | ExprKind::CohortValue(..)
        | ExprKind::Holds(_)
        | ExprKind::Captured { .. }
        | ExprKind::Age { .. }
        | ExprKind::Call(_)
        | ExprKind::Score
        | ExprKind::Now
        | ExprKind::Variable(_)
        | ExprKind::Tagged(..)
        | ExprKind::ScheduleActive(_) => Vec::new(),
        ExprKind::Named(_, expr)
        | ExprKind::Not(expr)
        | ExprKind::Negate(expr)
        | ExprKind::ToFloat(expr)
        | ExprKind::IsKnown(expr)
        | ExprKind::InList(expr, _)
        | ExprKind::Lookup(_, expr)
        | ExprKind::Matches(expr, _)
        | ExprKind::Convert(expr) => vec![*expr],
        ExprKind::Compare(_, a, b)
        | ExprKind::EqIgnoringCase(a, b)
        | ExprKind::Arithmetic(_, a, b)
        | ExprKind::Fallback(a, b)
        | ExprKind::InSet(a, b)
        | ExprKind::TextTest(_, a, b) => vec![*a, *b],
        ExprKind::And(exprs) | ExprKind::Or(exprs) | ExprKind::Builtin(_, exprs) | ExprKind::Array(exprs) => {
            exprs.clone()
        }
        ExprKind::Case(subject, arms) => {
            let arms = arms.iter().flat_map(|(pattern, value)| pattern.iter().copied().chain([*value]));
            std::iter::once(*subject).chain(arms).collect()
        }
        ExprKind::Template(parts) => parts
            .iter()
            .filter_map(|part| match part {
                Part::Value(expr) => Some(*expr),
                Part::Text(_) => None,
            })
            .collect(),
    }
}

/// A key that tells equal conditions from different ones: the structure of an expression without its places.
pub(crate) fn structure(hir: &Hir, root: ExprId) -> String {
    let mut text = String::new();
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        let Some(Expr { kind, ty, .. }) = hir.exprs.get(id) else { continue };
        let children = children(kind);
        // A node prints its children's ids; they are replaced by their own structure, which follows.
        let mut node = format!("{kind:?}");
        for (at, child) in children.iter().enumerate() {
            node = node.replacen(&format!("{child:?}"), &format!("#{at}"), 1);
        }
        text.push_str(&format!("{node}:{ty}/{};", children.len()));
        open.extend(children.into_iter().rev());
        if text.len() > 1 << 16 {
            // Not worth sharing; its own place is its name.
            return format!("{root:?}");
        }
    }
    text
}
