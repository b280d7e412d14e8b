//! The bytecode tier: programs over registers, made from the [`Hir`](crate::hir::Hir) in linear time.
//!
//! ```text
//!  Hir ──node──▶ one graph of expressions ──emit──▶ Unit ──vm──▶ truth, value
//!                (equal ones are one node,            │
//!                 `not` at the literals,        print ▼ ▲ parse
//!                 cheap operands first)              text
//! ```
//!
//! A [`Unit`] holds a [`Program`] for each expression that an engine asks for: conditions, filters, what state
//! measures, the values of reasons. A program is a list of instructions that only jump forward, so it ends after at
//! most as many steps as it has instructions. It works on a few truth registers (true, false, unknown) and
//! a few value registers; a register without a value is unknown.
//!
//! The walker is the meaning; a program gives the same answer. Operands of `and` and `or` are reordered, which
//! changes nothing: conditions are total, and asking the world has no effect. Equal literals of several conditions that
//! are dear and look at the record alone are remembered for the event at hand in a [`Memo`].
//!
//! The text form is described in `docs/reference/ir.md`.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use crate::hir::{ArithmeticOp, Builtin, CohortValue, CompareOp, Key, TextOp};
use crate::ids::*;
use crate::shared::SharedVec;
use crate::types::Type;
use crate::value::Value;

mod again;
mod constant;
mod emit;
mod lower;
mod memo;
mod node;
mod parse;
mod print;
mod roots;
mod select;
mod verify;
mod vm;
mod words;

pub use again::lower_again;
pub use lower::{lower, lower_to_run};
pub use memo::Memo;
pub use parse::{IrError, parse};
pub(crate) use vm::Machine;

/// The most registers of each kind that a program may use. What needs more stays with the walker.
pub const MOST_REGISTERS: u8 = 32;
/// The most instructions of a program. What needs more stays with the walker.
pub const MOST_INSTRUCTIONS: usize = 1 << 14;

/// The most expressions of a rule set that can have programs. Those beyond stay with the walker.
pub const MOST_EXPRESSIONS: usize = 1 << 22;
/// The most places of a [`Memo`].
pub const MOST_MEMOS: u32 = 1 << 20;

/// A rule set's programs with what they share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unit {
    pub(crate) consts: Vec<Value>,
    pub(crate) keys: Vec<Key>,
    pub(crate) types: Vec<Type>,
    /// How many places a [`Memo`] needs.
    pub(crate) memos: u32,
    /// What the ids in the programs are called.
    pub(crate) symbols: BTreeMap<(SymbolKind, u32), SmolStr>,
    pub(crate) programs: SharedVec<ProgramId, Program>,
    /// By expression, the program that gives its truth, and the one that gives its value.
    pub(crate) entries: SharedVec<ExprId, Entry>,
}

/// A program of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProgramId(u32);

impl Id for ProgramId {
    fn from_index(index: usize) -> Self {
        Self(index as u32)
    }
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// The programs of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    truth: ProgramId,
    value: ProgramId,
}

impl Entry {
    /// Without programs.
    const NONE: Self = Self { truth: ProgramId(u32::MAX), value: ProgramId(u32::MAX) };

    fn set(&mut self, kind: Kind, program: ProgramId) {
        match kind {
            Kind::Truth => self.truth = program,
            Kind::Value => self.value = program,
        }
    }
}

/// What an id in a program is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SymbolKind {
    /// A field.
    Field,
    /// A client shape.
    Fingerprint,
    /// A reading.
    Signal,
    /// A cohort.
    Cohort,
    /// A sequence.
    Sequence,
    /// A model call.
    Call,
    /// A text pattern.
    Pattern,
    /// A list.
    List,
    /// A table.
    Table,
    /// A tag.
    Tag,
    /// A schedule.
    Schedule,
}

/// What a program answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// True, false or unknown, in truth register 0.
    Truth,
    /// A value or unknown, in value register 0.
    Value,
}

/// A program.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    pub(crate) kind: Kind,
    /// How many truth registers it uses.
    pub(crate) truths: u8,
    /// How many value registers.
    pub(crate) registers: u8,
    /// The expressions it is of.
    pub(crate) roots: Vec<Root>,
    pub(crate) code: Vec<Instruction>,
}

/// An expression that an engine asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Which.
    pub expr: ExprId,
    /// What it is there for: `rule std.web.scan.fast`.
    pub label: SmolStr,
}

/// Where an instruction takes a value from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    Register(u8),
    Const(u32),
    Field(FieldId),
    Signal(SignalId),
}

/// What a test does with its truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Join {
    /// Writes it.
    Set,
    /// Kleene's conjunction with what is there.
    And,
    /// Kleene's disjunction.
    Or,
}

/// When a test jumps, looking at the register after joining.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Never,
    False(u32),
    True(u32),
}

/// An instruction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Instruction {
    /// Tests, negates if asked, joins, and jumps if that decides.
    Test { to: u8, join: Join, not: bool, memo: Option<u32>, test: Test, exit: Exit },
    /// Computes a value.
    Set { to: u8, op: Op },
    /// Jumps.
    Jump { when: When, to: u32 },
}

/// What decides a jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    /// A truth is unknown.
    Unknown(u8),
    /// A value is known.
    Known(Operand),
    Missing(Operand),
    /// A truth is remembered.
    Remembered(u32),
}

/// What gives a truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Test {
    Const(Option<bool>),
    Truth(u8),
    /// A value that is a truth.
    Bool(Operand),
    Known(Operand),
    Compare(CompareOp, Operand, Operand),
    EqIgnoringCase(Operand, Operand),
    Text(TextOp, Operand, Operand),
    Matches(Operand, PatternId),
    InList(Operand, ListId),
    InSet(Operand, Operand),
    Absent(SignalId),
    InCohort(CohortId),
    Holds(SequenceId),
    /// The key is of the unit's keys.
    Tagged(u32, TagId),
    Schedule(ScheduleId),
}

/// What gives a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Op {
    Unknown,
    Load(Operand),
    /// A truth register as a value.
    Truth(u8),
    Fingerprint(FingerprintId),
    CohortValue(CohortId, CohortValue),
    Captured(SequenceId, u16, FieldId),
    Age(SequenceId, u16),
    Call(CallId),
    Score,
    Now,
    Variable(u16),
    Arithmetic(ArithmeticOp, Operand, Operand),
    Negate(Operand),
    ToFloat(Operand),
    Lookup(TableId, Operand),
    /// Of so many registers from one on.
    Builtin(Builtin, u8, u8),
    List(u8, u8),
    /// As people read it; the type is of the unit's.
    Show(Operand, u32),
    /// Two texts, joined.
    Join(Operand, Operand),
    /// To a type of the unit's.
    Convert(Operand, u32),
}

impl Unit {
    /// How many programs.
    pub fn len(&self) -> usize {
        self.programs.len()
    }

    /// True without programs.
    pub fn is_empty(&self) -> bool {
        self.programs.is_empty()
    }

    /// The programs.
    pub fn programs(&self) -> impl ExactSizeIterator<Item = &Program> {
        self.programs.values()
    }

    /// How many instructions all programs have together.
    pub fn instructions(&self) -> usize {
        self.programs.values().map(|program| program.code.len()).sum()
    }

    /// How many places its [`Memo`] needs.
    pub fn memos(&self) -> usize {
        self.memos as usize
    }

    pub(crate) fn truth_program(&self, expr: ExprId) -> Option<&Program> {
        self.programs.get(self.entries.get(expr)?.truth)
    }

    pub(crate) fn value_program(&self, expr: ExprId) -> Option<&Program> {
        self.programs.get(self.entries.get(expr)?.value)
    }

    /// Makes the look-up by expression from what the programs say they are of.
    pub(crate) fn index(&mut self) {
        let roots = || self.programs.values().flat_map(|program| &program.roots);
        let most = roots().map(|root| root.expr.index() + 1).max().unwrap_or(0).min(MOST_EXPRESSIONS);
        let mut entries = vec![Entry::NONE; most];
        for (id, program) in self.programs.iter() {
            for root in &program.roots {
                if let Some(entry) = entries.get_mut(root.expr.index()) {
                    entry.set(program.kind, id);
                }
            }
        }
        self.entries = entries.into_iter().collect();
    }
}

impl Program {
    /// What it answers.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The expressions it is of.
    pub fn roots(&self) -> &[Root] {
        &self.roots
    }
}
