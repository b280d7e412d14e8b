//! From a node of the graph to a program.
//!
//! Registers are handed out like a stack: what computes into one uses those above it. Jumps go to labels, which have
//! their places only when everything is emitted.

use crate::hir::CompareOp;
use crate::ids::*;
use crate::ir::node::{Graph, Node, NodeId};
use crate::ir::{
    Exit, Instruction, Join, Kind, MOST_INSTRUCTIONS, MOST_REGISTERS, Op, Operand, Program, Test, When,
};
use crate::value::Value;

/// A place in the code that is not known yet. Until the end, the targets of jumps are numbers of labels.
#[derive(Clone, Copy)]
struct Label(u32);

/// The first registers that nobody uses.
#[derive(Clone, Copy)]
struct Free {
    truth: u8,
    value: u8,
}

impl Free {
    fn truth(self) -> Self {
        Self { truth: self.truth.saturating_add(1), ..self }
    }
    fn value(self) -> Self {
        Self { value: self.value.saturating_add(1), ..self }
    }
}

/// What a test is to do with its truth.
#[derive(Clone, Copy)]
struct Goal {
    to: u8,
    join: Join,
    not: bool,
    exit: Exit,
}

/// A program on its way.
pub(super) struct Emitter<'g> {
    graph: &'g Graph,
    /// By node, its place in the memo.
    memos: &'g IdVec<NodeId, Option<u32>>,
    code: Vec<Instruction>,
    labels: Vec<u32>,
    /// How many registers are used so far.
    used: Free,
}

impl<'g> Emitter<'g> {
    /// A program for a node, unless it would be too large.
    pub(super) fn program(
        graph: &'g Graph,
        memos: &'g IdVec<NodeId, Option<u32>>,
        node: NodeId,
        kind: Kind,
    ) -> Option<Program> {
        let mut emitter =
            Self { graph, memos, code: Vec::new(), labels: Vec::new(), used: Free { truth: 0, value: 0 } };
        match kind {
            Kind::Truth => {
                let goal = Goal { to: 0, join: Join::Set, not: false, exit: Exit::Never };
                emitter.truth(node, goal, Free { truth: 1, value: 0 })?;
                emitter.used.truth = emitter.used.truth.max(1);
            }
            Kind::Value => {
                emitter.value(node, 0, Free { truth: 0, value: 1 })?;
                emitter.used.value = emitter.used.value.max(1);
            }
        }
        emitter.patch()?;
        Some(Program {
            kind,
            truths: emitter.used.truth,
            registers: emitter.used.value,
            roots: Vec::new(),
            code: emitter.code,
        })
    }

    fn push(&mut self, instruction: Instruction) -> Option<()> {
        if self.code.len() >= MOST_INSTRUCTIONS {
            return None;
        }
        self.code.push(instruction);
        Some(())
    }

    fn label(&mut self) -> Label {
        self.labels.push(0);
        Label(self.labels.len() as u32 - 1)
    }

    fn place(&mut self, label: Label) {
        let here = self.code.len() as u32;
        if let Some(place) = self.labels.get_mut(label.0 as usize) {
            *place = here;
        }
    }

    /// Turns numbers of labels into places.
    fn patch(&mut self) -> Option<()> {
        for instruction in &mut self.code {
            match instruction {
                Instruction::Test { exit: Exit::False(to) | Exit::True(to), .. }
                | Instruction::Jump { to, .. } => *to = *self.labels.get(*to as usize)?,
                Instruction::Test { exit: Exit::Never, .. } | Instruction::Set { .. } => {}
            }
        }
        Some(())
    }

    fn uses_truth(&mut self, register: u8) -> Option<u8> {
        self.used.truth = self.used.truth.max(register.checked_add(1)?);
        (register < MOST_REGISTERS).then_some(register)
    }

    fn uses_value(&mut self, register: u8) -> Option<u8> {
        self.used.value = self.used.value.max(register.checked_add(1)?);
        (register < MOST_REGISTERS).then_some(register)
    }

    fn jump(&mut self, when: When, label: Label) -> Option<()> {
        self.push(Instruction::Jump { when, to: label.0 })
    }

    /// Emits what gives the truth of a node.
    fn truth(&mut self, id: NodeId, goal: Goal, free: Free) -> Option<()> {
        self.uses_truth(goal.to)?;
        let graph = self.graph;
        match graph.node(id) {
            Node::And(operands) => self.operands(operands, Join::And, goal, free),
            Node::Or(operands) => self.operands(operands, Join::Or, goal, free),
            Node::Not(inner) => self.truth(*inner, Goal { not: !goal.not, ..goal }, free),
            node => self.literal(id, node, goal, free),
        }
    }

    fn operands(&mut self, operands: &[NodeId], join: Join, goal: Goal, free: Free) -> Option<()> {
        // `not` stands before literals alone, so a conjunction is never negated here. Where it is to be joined to something
        // it is worked out in a register of its own.
        let plain = goal.join == Join::Set && !goal.not && goal.exit == Exit::Never;
        let (to, inner) = if plain { (goal.to, free) } else { (free.truth, free.truth()) };
        self.uses_truth(to)?;
        let end = self.label();
        let decided = if join == Join::And { Exit::False(end.0) } else { Exit::True(end.0) };
        for (at, operand) in operands.iter().enumerate() {
            let last = at + 1 == operands.len();
            let goal = Goal {
                to,
                join: if at == 0 { Join::Set } else { join },
                not: false,
                exit: if last { Exit::Never } else { decided },
            };
            self.truth(*operand, goal, inner)?;
        }
        self.place(end);
        if plain { Some(()) } else { self.test(goal, None, Test::Truth(to)) }
    }

    fn test(&mut self, goal: Goal, memo: Option<u32>, test: Test) -> Option<()> {
        let Goal { to, join, not, exit } = goal;
        self.push(Instruction::Test { to, join, not, memo, test, exit })
    }

    fn literal(&mut self, id: NodeId, node: &Node, goal: Goal, free: Free) -> Option<()> {
        let memo = self.memos.get(id).copied().flatten();
        let before = self.code.len();
        let skip = match memo {
            // What is remembered needs no operand: the jump is taken out again where there is nothing to skip.
            Some(memo) => {
                let label = self.label();
                self.jump(When::Remembered(memo), label)?;
                Some(label)
            }
            None => None,
        };
        let test = match node {
            Node::Unknown => Test::Const(None),
            Node::Const(_) if self.graph.constant(id).is_some_and(|value| as_bool(value).is_some()) => {
                Test::Const(self.graph.constant(id).and_then(as_bool))
            }
            Node::Compare(op, a, b) => {
                let (a, b) = self.pair(*a, *b, free)?;
                Test::Compare(*op, a, b)
            }
            Node::EqIgnoringCase(a, b) => {
                let (a, b) = self.pair(*a, *b, free)?;
                Test::EqIgnoringCase(a, b)
            }
            Node::Text(op, a, b) => {
                let (a, b) = self.pair(*a, *b, free)?;
                Test::Text(*op, a, b)
            }
            Node::InSet(a, b) => {
                let (a, b) = self.pair(*a, *b, free)?;
                Test::InSet(a, b)
            }
            Node::IsKnown(a) => Test::Known(self.operand(*a, free)?.0),
            Node::InList(a, list) => Test::InList(self.operand(*a, free)?.0, *list),
            Node::Matches(a, pattern) => Test::Matches(self.operand(*a, free)?.0, *pattern),
            Node::Absent(signal) => Test::Absent(*signal),
            Node::InCohort(cohort) => Test::InCohort(*cohort),
            Node::Holds(sequence) => Test::Holds(*sequence),
            Node::Tagged(key, tag) => Test::Tagged(*key, *tag),
            Node::Schedule(schedule) => Test::Schedule(*schedule),
            _ => Test::Bool(self.operand(id, free)?.0),
        };
        if let Some(label) = skip {
            if self.code.len() == before + 1 {
                self.code.pop();
            }
            self.place(label);
        }
        self.test(goal, memo, test)
    }

    /// A value to be looked at once: in place where it can be, else in the next register.
    fn operand(&mut self, id: NodeId, free: Free) -> Option<(Operand, Free)> {
        match self.graph.node(id) {
            Node::Const(place) => Some((Operand::Const(*place), free)),
            Node::Field(field) => Some((Operand::Field(*field), free)),
            Node::Signal(signal) => Some((Operand::Signal(*signal), free)),
            _ => {
                self.value(id, free.value, free.value())?;
                Some((Operand::Register(free.value), free.value()))
            }
        }
    }

    fn pair(&mut self, a: NodeId, b: NodeId, free: Free) -> Option<(Operand, Operand)> {
        let (a, free) = self.operand(a, free)?;
        let (b, _) = self.operand(b, free)?;
        Some((a, b))
    }

    fn set(&mut self, to: u8, op: Op) -> Option<()> {
        self.push(Instruction::Set { to, op })
    }

    /// Emits what computes a node's value into a register. Registers from `free` on may be used; `to` is none of them.
    fn value(&mut self, id: NodeId, to: u8, free: Free) -> Option<()> {
        self.uses_value(to)?;
        // Operands may be computed in the register that the result goes to.
        let inner = Free { value: to, ..free };
        let graph = self.graph;
        let op = match graph.node(id) {
            Node::Unknown => Op::Unknown,
            Node::Const(_) | Node::Field(_) | Node::Signal(_) => Op::Load(self.operand(id, free)?.0),
            Node::Fingerprint(shape) => Op::Fingerprint(*shape),
            Node::CohortValue(cohort, value) => Op::CohortValue(*cohort, *value),
            Node::Captured(sequence, step, field) => Op::Captured(*sequence, *step, *field),
            Node::Age(sequence, step) => Op::Age(*sequence, *step),
            Node::Call(call) => Op::Call(*call),
            Node::Score => Op::Score,
            Node::Now => Op::Now,
            Node::Variable(depth) => Op::Variable(*depth),
            Node::Arithmetic(op, a, b) => {
                let (a, b) = self.pair(*a, *b, inner)?;
                Op::Arithmetic(*op, a, b)
            }
            Node::Negate(a) => Op::Negate(self.operand(*a, inner)?.0),
            Node::ToFloat(a) => Op::ToFloat(self.operand(*a, inner)?.0),
            Node::Lookup(table, key) => Op::Lookup(*table, self.operand(*key, inner)?.0),
            Node::Convert(a, ty) => Op::Convert(self.operand(*a, inner)?.0, *ty),
            Node::Fallback(first, second) => {
                let end = self.label();
                self.value(*first, to, free)?;
                self.jump(When::Known(Operand::Register(to)), end)?;
                self.value(*second, to, free)?;
                self.place(end);
                return Some(());
            }
            Node::Builtin(builtin, arguments) => {
                let (first, count) = self.row(arguments, inner)?;
                Op::Builtin(*builtin, first, count)
            }
            Node::Array(members) => {
                let (first, count) = self.row(members, inner)?;
                Op::List(first, count)
            }
            Node::Template(parts) => return self.template(parts, to, free),
            Node::Case(subject, arms) => return self.case(*subject, arms, to, free),
            Node::And(_)
            | Node::Or(_)
            | Node::Not(_)
            | Node::Compare(..)
            | Node::EqIgnoringCase(..)
            | Node::IsKnown(_)
            | Node::InList(..)
            | Node::InSet(..)
            | Node::Matches(..)
            | Node::Text(..)
            | Node::Absent(_)
            | Node::InCohort(_)
            | Node::Holds(_)
            | Node::Tagged(..)
            | Node::Schedule(_) => {
                let goal = Goal { to: free.truth, join: Join::Set, not: false, exit: Exit::Never };
                self.truth(id, goal, Free { value: to, ..free.truth() })?;
                Op::Truth(free.truth)
            }
        };
        self.set(to, op)
    }

    /// Computes values into registers that follow each other.
    fn row(&mut self, nodes: &[NodeId], free: Free) -> Option<(u8, u8)> {
        let first = free.value;
        let mut free = free;
        for node in nodes {
            self.value(*node, free.value, free.value())?;
            free = free.value();
        }
        Some((first, u8::try_from(nodes.len()).ok()?))
    }

    /// Texts and values one after the other; unknown as soon as one is.
    fn template(&mut self, parts: &[(NodeId, Option<u32>)], to: u8, free: Free) -> Option<()> {
        for (at, (part, ty)) in parts.iter().enumerate() {
            let inner = if at == 0 { Free { value: to, ..free } } else { free };
            let (operand, _) = self.operand(*part, inner)?;
            let shown = match ty {
                None => operand,
                Some(ty) => {
                    self.uses_value(inner.value)?;
                    self.set(inner.value, Op::Show(operand, *ty))?;
                    Operand::Register(inner.value)
                }
            };
            let op = if at == 0 { Op::Load(shown) } else { Op::Join(Operand::Register(to), shown) };
            self.set(to, op)?;
        }
        Some(())
    }

    fn case(&mut self, subject: NodeId, arms: &[(Option<NodeId>, NodeId)], to: u8, free: Free) -> Option<()> {
        let end = self.label();
        let (subject, free) = self.operand(subject, free)?;
        let truth = self.uses_truth(free.truth)?;
        self.set(to, Op::Unknown)?;
        self.jump(When::Missing(subject), end)?;
        for (pattern, value) in arms {
            let next = self.label();
            if let Some(pattern) = pattern {
                let (pattern, _) = self.operand(*pattern, free.truth())?;
                let goal = Goal { to: truth, join: Join::Set, not: false, exit: Exit::False(next.0) };
                self.test(goal, None, Test::Compare(CompareOp::Eq, subject, pattern))?;
                self.jump(When::Unknown(truth), end)?;
            }
            self.value(*value, to, free.truth())?;
            self.jump(When::Always, end)?;
            self.place(next);
        }
        self.place(end);
        Some(())
    }
}

fn as_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        _ => None,
    }
}
