//! What an expression looks at: found once, when a rule set is loaded.

use std::collections::HashSet;

use weir_compiler::hir::{Action, Expr, ExprKind, Hir, Key, KeyPart, Measure, Part, Spared};
use weir_compiler::ids::*;

/// What a set of expressions may ask of the world.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reads {
    pub(crate) fields: Once<FieldId>,
    pub(crate) signals: Once<SignalId>,
    pub(crate) cohorts: Once<CohortId>,
    pub(crate) sequences: Once<SequenceId>,
    pub(crate) calls: Once<CallId>,
    pub(crate) tags: Vec<(Key, TagId)>,
    /// It asks for something else than constants and the score.
    pub(crate) world: bool,
}

/// Ids in the order in which they came, each once.
#[derive(Clone, Debug)]
pub(crate) struct Once<I> {
    items: Vec<I>,
    /// A bit for each, once there are too many to be gone through.
    bits: Vec<u64>,
}

/// So many are gone through.
const FEW: usize = 24;
/// Ids past this one are of nothing (a reference that was never resolved), and have no bit.
const LAST: usize = 1 << 24;

impl<I> Default for Once<I> {
    fn default() -> Self {
        Self { items: Vec::new(), bits: Vec::new() }
    }
}

impl<I: Id + PartialEq> Once<I> {
    pub(crate) fn add(&mut self, item: I) {
        if self.items.len() < FEW || item.index() > LAST {
            if !self.items.contains(&item) {
                self.items.push(item);
            }
            return;
        }
        if self.bits.is_empty() {
            for item in self.items.clone().into_iter().filter(|item| item.index() <= LAST) {
                self.set(item);
            }
        }
        if self.set(item) {
            self.items.push(item);
        }
    }

    /// Sets an id's bit; whether it was not set.
    fn set(&mut self, item: I) -> bool {
        let (word, bit) = (item.index() / 64, 1 << (item.index() % 64));
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        let Some(word) = self.bits.get_mut(word) else { return false };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    fn join(&mut self, other: &Self) {
        other.items.iter().for_each(|item| self.add(*item));
    }
}

impl<I> std::ops::Deref for Once<I> {
    type Target = [I];

    fn deref(&self) -> &[I] {
        &self.items
    }
}

impl<'a, I> IntoIterator for &'a Once<I> {
    type Item = &'a I;
    type IntoIter = std::slice::Iter<'a, I>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl<I> From<Vec<I>> for Once<I> {
    /// Of items that are each there once.
    fn from(items: Vec<I>) -> Self {
        Self { items, bits: Vec::new() }
    }
}

/// Nodes that have been seen: nearly every condition has few.
#[derive(Default)]
struct Seen {
    few: Vec<ExprId>,
    many: HashSet<ExprId>,
}

impl Seen {
    /// Whether the node is new.
    fn insert(&mut self, id: ExprId) -> bool {
        if self.few.contains(&id) {
            return false;
        }
        if self.few.len() < FEW {
            self.few.push(id);
            return true;
        }
        self.many.insert(id)
    }
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
        let mut seen = Seen::default();
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            let Some(expr) = hir.exprs.get(id) else { continue };
            let kind = &expr.kind;
            let before = open.len();
            each_child(kind, &mut |child| open.push(child));
            self.world |= open.len() == before
                && !matches!(kind, ExprKind::Const(_) | ExprKind::Score | ExprKind::Param(_));
            match kind {
                ExprKind::Field(field) => self.fields.add(*field),
                ExprKind::Fingerprint(shape) => self.fingerprint(hir, *shape),
                ExprKind::Signal(signal) | ExprKind::Absent(signal) => self.signals.add(*signal),
                ExprKind::InCohort(cohort) | ExprKind::CohortValue(cohort, _) => self.cohorts.add(*cohort),
                ExprKind::Holds(sequence)
                | ExprKind::Captured { sequence, .. }
                | ExprKind::Age { sequence, .. } => self.sequences.add(*sequence),
                ExprKind::Call(call) => {
                    self.calls.add(*call);
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
        }
    }

    fn fingerprint(&mut self, hir: &Hir, shape: FingerprintId) {
        for field in hir.declarations.fingerprints.get(shape).into_iter().flat_map(|shape| shape.parts.iter())
        {
            self.fields.add(*field);
        }
    }

    /// Adds the parts of a key.
    pub(crate) fn key(&mut self, hir: &Hir, key: &Key) {
        for part in &key.parts {
            match part {
                KeyPart::Field(field) | KeyPart::Prefix { field, .. } => self.fields.add(*field),
                KeyPart::Fingerprint(shape) => self.fingerprint(hir, *shape),
                KeyPart::Cohort(cohort) => self.cohorts.add(*cohort),
                KeyPart::Captured { sequence, .. } => self.sequences.add(*sequence),
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
                            Spared::InList(field, _) => self.fields.add(*field),
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
        self.fields.join(&other.fields);
        self.signals.join(&other.signals);
        self.cohorts.join(&other.cohorts);
        self.sequences.join(&other.sequences);
        self.calls.join(&other.calls);
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
    let mut found = Vec::new();
    each_child(kind, &mut |child| found.push(child));
    found
}

/// Does something with each operand of a node, in order.
pub(crate) fn each_child(kind: &ExprKind, act: &mut impl FnMut(ExprId)) {
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
        | ExprKind::ScheduleActive(_) => {}
        ExprKind::Named(_, expr)
        | ExprKind::Not(expr)
        | ExprKind::Negate(expr)
        | ExprKind::ToFloat(expr)
        | ExprKind::IsKnown(expr)
        | ExprKind::InList(expr, _)
        | ExprKind::Lookup(_, expr)
        | ExprKind::Matches(expr, _)
        | ExprKind::Convert(expr) => act(*expr),
        ExprKind::Compare(_, a, b)
        | ExprKind::EqIgnoringCase(a, b)
        | ExprKind::Arithmetic(_, a, b)
        | ExprKind::Fallback(a, b)
        | ExprKind::InSet(a, b)
        | ExprKind::TextTest(_, a, b) => {
            act(*a);
            act(*b);
        }
        ExprKind::And(exprs) | ExprKind::Or(exprs) | ExprKind::Builtin(_, exprs) | ExprKind::Array(exprs) => {
            exprs.iter().copied().for_each(act)
        }
        ExprKind::Case(subject, arms) => {
            act(*subject);
            for (pattern, value) in arms {
                pattern.iter().copied().for_each(&mut *act);
                act(*value);
            }
        }
        ExprKind::Template(parts) => {
            for part in parts {
                if let Part::Value(expr) = part {
                    act(*expr);
                }
            }
        }
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
