//! One graph of all expressions of a rule set: equal ones are one node, wherever they are written.
//!
//! On the way in, names vanish, parameters become constants, constants are folded with the functions that every engine shares,
//! `not` moves to the literals, nested `and`s and `or`s become one, comparisons have their constant on the right,
//! and operands of `and` and `or` are put in order of what they cost. Each of these keeps Kleene's truth table:
//! De Morgan's laws, double negation, associativity, commutativity and idempotence hold in it, and `a < b` is false exactly
//! where `a >= b` is true. (`a or not a` is not folded: it can be unknown.)

use std::collections::HashMap;

use crate::arith;
use crate::convert;
use crate::hir::{
    ArithmeticOp, Builtin, CohortValue, CompareOp, Expr, ExprKind, Hir, Key, Part, Pattern, TextOp,
};
use crate::ids::*;
use crate::ir::constant::Constants;
use crate::types::Type;
use crate::value::Value;

/// A node of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct NodeId(u32);

impl Id for NodeId {
    fn from_index(index: usize) -> Self {
        Self(index as u32)
    }
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a node is. As [`ExprKind`], without what vanishes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    Unknown,
    Const(u32),
    Field(FieldId),
    Fingerprint(FingerprintId),
    Signal(SignalId),
    Absent(SignalId),
    InCohort(CohortId),
    CohortValue(CohortId, CohortValue),
    Holds(SequenceId),
    Captured(SequenceId, u16, FieldId),
    Age(SequenceId, u16),
    Call(CallId),
    Score,
    Now,
    Variable(u16),
    And(Box<[NodeId]>),
    Or(Box<[NodeId]>),
    /// Of a literal.
    Not(NodeId),
    Compare(CompareOp, NodeId, NodeId),
    EqIgnoringCase(NodeId, NodeId),
    Arithmetic(ArithmeticOp, NodeId, NodeId),
    Negate(NodeId),
    ToFloat(NodeId),
    Fallback(NodeId, NodeId),
    IsKnown(NodeId),
    InList(NodeId, ListId),
    InSet(NodeId, NodeId),
    Lookup(TableId, NodeId),
    Matches(NodeId, PatternId),
    Text(TextOp, NodeId, NodeId),
    Tagged(u32, TagId),
    Schedule(ScheduleId),
    Case(NodeId, Box<[(Option<NodeId>, NodeId)]>),
    Builtin(Builtin, Box<[NodeId]>),
    Array(Box<[NodeId]>),
    /// Texts and values with their types, joined.
    Template(Box<[(NodeId, Option<u32>)]>),
    Convert(NodeId, u32),
}

/// What evaluating a node costs, by the dearest thing it asks.
pub(super) mod class {
    /// Fields and constants.
    pub(in crate::ir) const PLAIN: u8 = 0;
    /// Readings, tags, sequences, cohorts.
    pub(in crate::ir) const STATE: u8 = 1;
    /// Patterns, lists, searches in text.
    pub(in crate::ir) const SEARCH: u8 = 2;
    /// Models.
    pub(in crate::ir) const MODEL: u8 = 3;
}

/// What is known of a node.
#[derive(Clone, Copy, Debug)]
struct Facts {
    class: u8,
    /// It asks for nothing but the record and what is loaded, so it stays what it is while an event is at hand.
    steady: bool,
}

/// The graph.
#[derive(Debug, Default)]
pub(super) struct Graph {
    nodes: IdVec<NodeId, Node>,
    facts: IdVec<NodeId, Facts>,
    negated: IdVec<NodeId, Option<NodeId>>,
    known: HashMap<Node, NodeId>,
    pub(super) constants: Constants,
    pub(super) keys: Vec<Key>,
    known_keys: HashMap<Key, u32>,
    pub(super) types: Vec<Type>,
    known_types: HashMap<Type, u32>,
}

impl Graph {
    /// The node of each expression; none for one whose operands do not stand before it.
    pub(super) fn build(hir: &Hir) -> (Self, IdVec<ExprId, Option<NodeId>>) {
        let mut graph = Self { known: HashMap::with_capacity(hir.exprs.len()), ..Self::default() };
        let mut found: IdVec<ExprId, Option<NodeId>> = IdVec::default();
        let patterns = Patterns::new(hir);
        for expr in hir.exprs.values() {
            let node = Build { hir, patterns: &patterns, found: &found, graph: &mut graph }.expr(expr);
            found.push(node);
        }
        (graph, found)
    }

    /// The same for some expressions, which stand in order with all that they are made of; there is none of the others.
    pub(super) fn build_some(
        hir: &Hir,
        exprs: impl IntoIterator<Item = ExprId>,
    ) -> (Self, IdVec<ExprId, Option<NodeId>>) {
        let mut graph = Self::default();
        let mut found: IdVec<ExprId, Option<NodeId>> = hir.exprs.ids().map(|_| None).collect();
        let patterns = Patterns::new(hir);
        for id in exprs {
            let Some(expr) = hir.exprs.get(id) else { continue };
            let node = Build { hir, patterns: &patterns, found: &found, graph: &mut graph }.expr(expr);
            if let Some(found) = found.get_mut(id) {
                *found = node;
            }
        }
        (graph, found)
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(id).unwrap_or(&Node::Unknown)
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    fn class(&self, id: NodeId) -> u8 {
        self.facts.get(id).map_or(class::PLAIN, |facts| facts.class)
    }

    /// Whether remembering the truth of a literal that several ask is worth a place.
    pub(super) fn is_memorable(&self, id: NodeId) -> bool {
        let literal = matches!(
            self.node(id),
            Node::Compare(..)
                | Node::EqIgnoringCase(..)
                | Node::IsKnown(_)
                | Node::InList(..)
                | Node::InSet(..)
                | Node::Matches(..)
                | Node::Text(..)
                | Node::Builtin(Builtin::CardNumber, _)
        );
        literal && self.facts.get(id).is_some_and(|facts| facts.steady && facts.class >= class::SEARCH)
    }

    pub(super) fn constant(&self, id: NodeId) -> Option<&Value> {
        match self.node(id) {
            Node::Const(place) => self.constants.get(*place),
            _ => None,
        }
    }

    fn add(&mut self, node: Node) -> NodeId {
        if let Some(known) = self.known.get(&node) {
            return *known;
        }
        let facts = self.facts_of(&node);
        let id = self.nodes.push(node.clone());
        self.facts.push(facts);
        self.negated.push(None);
        self.known.insert(node, id);
        id
    }

    fn facts_of(&self, node: &Node) -> Facts {
        let (class, steady) = match node {
            Node::Unknown | Node::Const(_) | Node::Field(_) | Node::Now => (class::PLAIN, true),
            Node::Score | Node::Variable(_) => (class::PLAIN, false),
            Node::Fingerprint(_) | Node::Schedule(_) => (class::STATE, true),
            Node::Signal(_)
            | Node::Absent(_)
            | Node::InCohort(_)
            | Node::CohortValue(..)
            | Node::Holds(_)
            | Node::Captured(..)
            | Node::Age(..)
            | Node::Tagged(..) => (class::STATE, false),
            Node::Call(_) => (class::MODEL, false),
            Node::InList(..) | Node::Lookup(..) | Node::Matches(..) | Node::Text(TextOp::Contains, ..) => {
                (class::SEARCH, true)
            }
            Node::Builtin(builtin, _) => match builtin {
                Builtin::Lower
                | Builtin::Host
                | Builtin::Between
                | Builtin::Decoded
                | Builtin::Address
                | Builtin::CardNumber
                | Builtin::LetterEntropy
                | Builtin::Edits
                | Builtin::Mailbox
                | Builtin::Distance => (class::SEARCH, true),
                Builtin::Abs
                | Builtin::Min
                | Builtin::Max
                | Builtin::Length
                | Builtin::Hour
                | Builtin::Weekday
                | Builtin::Log
                | Builtin::Exp
                | Builtin::Sqrt
                | Builtin::Number
                | Builtin::Money => (class::PLAIN, true),
                Builtin::BodyJson
                | Builtin::BodyForm
                | Builtin::Query
                | Builtin::PathSegment
                | Builtin::Header
                | Builtin::Cookie => (class::SEARCH, false),
            },
            _ => (class::PLAIN, true),
        };
        let mut facts = Facts { class, steady };
        self.each_child(node, |child| {
            if let Some(child) = self.facts.get(child) {
                facts.class = facts.class.max(child.class);
                facts.steady &= child.steady;
            }
        });
        facts
    }

    /// The operands of a node, in order.
    pub(super) fn each_child(&self, node: &Node, mut with: impl FnMut(NodeId)) {
        match node {
            Node::And(operands) | Node::Or(operands) | Node::Builtin(_, operands) | Node::Array(operands) => {
                operands.iter().for_each(|operand| with(*operand));
            }
            Node::Not(a)
            | Node::Negate(a)
            | Node::ToFloat(a)
            | Node::IsKnown(a)
            | Node::InList(a, _)
            | Node::Lookup(_, a)
            | Node::Matches(a, _)
            | Node::Convert(a, _) => with(*a),
            Node::Compare(_, a, b)
            | Node::EqIgnoringCase(a, b)
            | Node::Arithmetic(_, a, b)
            | Node::Fallback(a, b)
            | Node::InSet(a, b)
            | Node::Text(_, a, b) => {
                with(*a);
                with(*b);
            }
            Node::Case(subject, arms) => {
                with(*subject);
                for (pattern, value) in arms.iter() {
                    pattern.iter().for_each(|pattern| with(*pattern));
                    with(*value);
                }
            }
            Node::Template(parts) => parts.iter().for_each(|(part, _)| with(*part)),
            Node::Unknown
            | Node::Const(_)
            | Node::Field(_)
            | Node::Fingerprint(_)
            | Node::Signal(_)
            | Node::Absent(_)
            | Node::InCohort(_)
            | Node::CohortValue(..)
            | Node::Holds(_)
            | Node::Captured(..)
            | Node::Age(..)
            | Node::Call(_)
            | Node::Score
            | Node::Now
            | Node::Variable(_)
            | Node::Tagged(..)
            | Node::Schedule(_) => {}
        }
    }

    fn value(&mut self, value: &Value) -> NodeId {
        let place = self.constants.add(value);
        self.add(Node::Const(place))
    }

    fn folded(&mut self, value: Option<Value>) -> NodeId {
        match value {
            Some(value) => self.value(&value),
            None => self.add(Node::Unknown),
        }
    }

    fn is_unknown(&self, id: NodeId) -> bool {
        matches!(self.node(id), Node::Unknown)
    }

    fn truth_of(&self, id: NodeId) -> Option<bool> {
        match self.constant(id) {
            Some(Value::Bool(truth)) => Some(*truth),
            _ => None,
        }
    }

    /// A conjunction (`decides` is false) or a disjunction (`decides` is true).
    fn join(&mut self, operands: &[NodeId], decides: bool) -> NodeId {
        let mut flat: Vec<NodeId> = Vec::with_capacity(operands.len());
        for operand in operands {
            match (self.node(*operand), decides) {
                (Node::And(inner), false) | (Node::Or(inner), true) => flat.extend(inner.iter()),
                _ => flat.push(*operand),
            }
        }
        if flat.iter().any(|operand| self.truth_of(*operand) == Some(decides)) {
            return self.value(&Value::Bool(decides));
        }
        flat.retain(|operand| self.truth_of(*operand) != Some(!decides));
        // Of equals any will do, and the first is where people have put it. Sorting twice keeps this linear but for the sort.
        let mut ordered: Vec<(u8, usize, NodeId)> =
            flat.iter().enumerate().map(|(at, id)| (self.class(*id), at, *id)).collect();
        ordered.sort_unstable_by_key(|(_, at, id)| (*id, *at));
        ordered.dedup_by_key(|(.., id)| *id);
        ordered.sort_unstable_by_key(|(class, at, _)| (*class, *at));
        let flat: Box<[NodeId]> = ordered.into_iter().map(|(.., id)| id).collect();
        match &*flat {
            [] => self.value(&Value::Bool(!decides)),
            [one] => *one,
            _ if decides => self.add(Node::Or(flat)),
            _ => self.add(Node::And(flat)),
        }
    }

    fn not(&mut self, id: NodeId) -> NodeId {
        if let Some(Some(known)) = self.negated.get(id) {
            return *known;
        }
        let negated = match self.node(id).clone() {
            Node::Unknown => id,
            Node::Const(_) => match self.truth_of(id) {
                Some(truth) => self.value(&Value::Bool(!truth)),
                None => self.add(Node::Not(id)),
            },
            Node::Not(inner) => inner,
            Node::And(operands) => {
                let negated: Vec<NodeId> = operands.iter().map(|operand| self.not(*operand)).collect();
                self.join(&negated, true)
            }
            Node::Or(operands) => {
                let negated: Vec<NodeId> = operands.iter().map(|operand| self.not(*operand)).collect();
                self.join(&negated, false)
            }
            Node::Compare(op, a, b) => self.add(Node::Compare(opposite(op), a, b)),
            _ => self.add(Node::Not(id)),
        };
        for (from, to) in [(id, negated), (negated, id)] {
            if let Some(place) = self.negated.get_mut(from) {
                *place = Some(to);
            }
        }
        negated
    }

    fn compare(&mut self, op: CompareOp, a: NodeId, b: NodeId) -> NodeId {
        if self.is_unknown(a) || self.is_unknown(b) {
            return self.add(Node::Unknown);
        }
        if let (Some(left), Some(right)) = (self.constant(a), self.constant(b)) {
            let folded = arith::compare(op, left, right).map(Value::Bool);
            return self.folded(folded);
        }
        let symmetric = matches!(op, CompareOp::Eq | CompareOp::Ne);
        let swap = self.constant(a).is_some() || (symmetric && self.constant(b).is_none() && b < a);
        if swap { self.add(Node::Compare(mirrored(op), b, a)) } else { self.add(Node::Compare(op, a, b)) }
    }

    fn key(&mut self, key: &Key) -> u32 {
        if let Some(known) = self.known_keys.get(key) {
            return *known;
        }
        let place = self.keys.len() as u32;
        self.keys.push(key.clone());
        self.known_keys.insert(key.clone(), place);
        place
    }

    fn ty(&mut self, ty: &Type) -> u32 {
        if let Some(known) = self.known_types.get(ty) {
            return *known;
        }
        let place = self.types.len() as u32;
        self.types.push(ty.clone());
        self.known_types.insert(ty.clone(), place);
        place
    }
}

fn opposite(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq => CompareOp::Ne,
        CompareOp::Ne => CompareOp::Eq,
        CompareOp::Lt => CompareOp::Ge,
        CompareOp::Le => CompareOp::Gt,
        CompareOp::Gt => CompareOp::Le,
        CompareOp::Ge => CompareOp::Lt,
    }
}

fn mirrored(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq | CompareOp::Ne => op,
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Le => CompareOp::Ge,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Ge => CompareOp::Le,
    }
}

/// The first pattern of each kind and source: equal ones are one.
struct Patterns(IdVec<PatternId, PatternId>);

impl Patterns {
    fn new(hir: &Hir) -> Self {
        let mut known: HashMap<(TextOp, &str), PatternId> = HashMap::new();
        let first = |(id, pattern)| {
            let pattern: &Pattern = pattern;
            *known.entry((pattern.op, pattern.source.as_str())).or_insert(id)
        };
        Self(hir.patterns.iter().map(first).collect())
    }

    fn of(&self, id: PatternId) -> PatternId {
        self.0.get(id).copied().unwrap_or(id)
    }
}

/// One expression on its way into the graph.
struct Build<'a> {
    hir: &'a Hir,
    patterns: &'a Patterns,
    found: &'a IdVec<ExprId, Option<NodeId>>,
    graph: &'a mut Graph,
}

impl Build<'_> {
    fn operand(&self, id: ExprId) -> Option<NodeId> {
        *self.found.get(id)?
    }

    fn operands(&self, ids: &[ExprId]) -> Option<Vec<NodeId>> {
        ids.iter().map(|id| self.operand(*id)).collect()
    }

    fn expr(&mut self, expr: &Expr) -> Option<NodeId> {
        let node = match &expr.kind {
            ExprKind::Const(value) => return Some(self.graph.value(value)),
            ExprKind::Param(param) => {
                return Some(match self.hir.params.get(*param) {
                    Some(param) => self.graph.value(&param.value),
                    None => self.graph.add(Node::Unknown),
                });
            }
            ExprKind::Named(_, operand) => return self.operand(*operand),
            ExprKind::And(operands) => {
                let operands = self.operands(operands)?;
                return Some(self.graph.join(&operands, false));
            }
            ExprKind::Or(operands) => {
                let operands = self.operands(operands)?;
                return Some(self.graph.join(&operands, true));
            }
            ExprKind::Not(operand) => {
                let operand = self.operand(*operand)?;
                return Some(self.graph.not(operand));
            }
            ExprKind::Compare(op, a, b) => {
                let (a, b) = (self.operand(*a)?, self.operand(*b)?);
                return Some(self.graph.compare(*op, a, b));
            }
            ExprKind::Field(field) => Node::Field(*field),
            ExprKind::Fingerprint(shape) => Node::Fingerprint(*shape),
            ExprKind::Signal(signal) => Node::Signal(*signal),
            ExprKind::Absent(signal) => Node::Absent(*signal),
            ExprKind::InCohort(cohort) => Node::InCohort(*cohort),
            ExprKind::CohortValue(cohort, value) => Node::CohortValue(*cohort, *value),
            ExprKind::Holds(sequence) => Node::Holds(*sequence),
            ExprKind::Captured { sequence, step, field } => Node::Captured(*sequence, *step, *field),
            ExprKind::Age { sequence, step } => Node::Age(*sequence, *step),
            ExprKind::Call(call) => Node::Call(*call),
            ExprKind::Score => Node::Score,
            ExprKind::Now => Node::Now,
            ExprKind::Variable(depth) => Node::Variable(*depth),
            ExprKind::EqIgnoringCase(a, b) => Node::EqIgnoringCase(self.operand(*a)?, self.operand(*b)?),
            ExprKind::IsKnown(a) => {
                let operand = self.operand(*a)?;
                match self.graph.node(operand) {
                    Node::Unknown => return Some(self.graph.value(&Value::Bool(false))),
                    Node::Const(_) => return Some(self.graph.value(&Value::Bool(true))),
                    _ => Node::IsKnown(operand),
                }
            }
            ExprKind::InList(a, list) => Node::InList(self.operand(*a)?, *list),
            ExprKind::InSet(a, set) => Node::InSet(self.operand(*a)?, self.operand(*set)?),
            ExprKind::Lookup(table, key) => Node::Lookup(*table, self.operand(*key)?),
            ExprKind::Matches(a, pattern) => Node::Matches(self.operand(*a)?, self.patterns.of(*pattern)),
            // Those two are patterns, which `Matches` has; of plain text they are unknown.
            ExprKind::TextTest(TextOp::Glob | TextOp::Regex, ..) => Node::Unknown,
            ExprKind::TextTest(op, a, b) => Node::Text(*op, self.operand(*a)?, self.operand(*b)?),
            ExprKind::Tagged(key, tag) => Node::Tagged(self.graph.key(key), *tag),
            ExprKind::ScheduleActive(schedule) => Node::Schedule(*schedule),
            ExprKind::Arithmetic(..)
            | ExprKind::Negate(_)
            | ExprKind::ToFloat(_)
            | ExprKind::Fallback(..)
            | ExprKind::Case(..)
            | ExprKind::Builtin(..)
            | ExprKind::Array(_)
            | ExprKind::Template(_)
            | ExprKind::Convert(_) => return self.computed(expr),
        };
        Some(self.graph.add(node))
    }

    /// What computes a value; of constants, the constant.
    fn computed(&mut self, expr: &Expr) -> Option<NodeId> {
        let node = match &expr.kind {
            ExprKind::Arithmetic(op, a, b) => {
                let (a, b) = (self.operand(*a)?, self.operand(*b)?);
                if let (Some(left), Some(right)) = (self.graph.constant(a), self.graph.constant(b)) {
                    let folded = arith::arithmetic(*op, left, right);
                    return Some(self.graph.folded(folded));
                }
                Node::Arithmetic(*op, a, b)
            }
            ExprKind::Negate(a) => {
                let operand = self.operand(*a)?;
                if let Some(constant) = self.graph.constant(operand) {
                    let folded = arith::negate(constant);
                    return Some(self.graph.folded(folded));
                }
                Node::Negate(operand)
            }
            ExprKind::ToFloat(a) => {
                let operand = self.operand(*a)?;
                match self.graph.constant(operand) {
                    Some(Value::Int(int)) => {
                        let folded = Some(Value::Float(*int as f64));
                        return Some(self.graph.folded(folded));
                    }
                    Some(Value::Float(_)) => return Some(operand),
                    _ => Node::ToFloat(operand),
                }
            }
            ExprKind::Fallback(a, b) => {
                let (first, second) = (self.operand(*a)?, self.operand(*b)?);
                match self.graph.node(first) {
                    Node::Const(_) => return Some(first),
                    Node::Unknown => return Some(second),
                    _ => Node::Fallback(first, second),
                }
            }
            ExprKind::Case(subject, arms) => {
                let arm = |(pattern, value): &(Option<ExprId>, ExprId)| {
                    let pattern = match pattern {
                        Some(pattern) => Some(self.operand(*pattern)?),
                        None => None,
                    };
                    Some((pattern, self.operand(*value)?))
                };
                let arms = arms.iter().map(arm).collect::<Option<_>>()?;
                Node::Case(self.operand(*subject)?, arms)
            }
            ExprKind::Builtin(builtin, arguments) => {
                Node::Builtin(*builtin, self.operands(arguments)?.into())
            }
            ExprKind::Array(members) => {
                let members = self.operands(members)?;
                let constants: Option<Vec<Value>> =
                    members.iter().map(|member| self.graph.constant(*member).cloned()).collect();
                match constants {
                    Some(values) => return Some(self.graph.value(&Value::List(values.into()))),
                    None => Node::Array(members.into()),
                }
            }
            ExprKind::Template(parts) => {
                if parts.is_empty() {
                    return Some(self.graph.value(&Value::text("")));
                }
                let mut joined = Vec::with_capacity(parts.len());
                for part in parts {
                    joined.push(match part {
                        Part::Text(text) => (self.graph.value(&Value::text(text)), None),
                        Part::Value(value) => {
                            let ty = self.graph.ty(&self.hir.exprs.get(*value)?.ty);
                            (self.operand(*value)?, Some(ty))
                        }
                    });
                }
                Node::Template(joined.into())
            }
            ExprKind::Convert(a) => {
                let operand = self.operand(*a)?;
                if let Some(constant) = self.graph.constant(operand) {
                    let folded = convert::convert(constant, &expr.ty);
                    return Some(self.graph.folded(folded));
                }
                Node::Convert(operand, self.graph.ty(&expr.ty))
            }
            _ => return None,
        };
        Some(self.graph.add(node))
    }
}
