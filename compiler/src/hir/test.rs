//! Tests.

use smol_str::SmolStr;
use weir_dsl::FileSpan;

use crate::hir::*;
use crate::shared::SharedVec;

/// A test.
#[derive(Clone, Debug)]
pub struct Test {
    /// What it shows.
    pub name: SmolStr,
    /// Its package.
    pub package: SmolStr,
    /// Expressions of its moves; they use constants, variables, templates, arithmetic and `case`.
    pub exprs: SharedVec<ExprId, Expr>,
    /// In order.
    pub moves: Vec<Move>,
    /// Where it is written.
    pub at: FileSpan,
}

/// A move of a test.
#[derive(Clone, Debug)]
pub struct Move {
    /// What it is.
    pub kind: MoveKind,
    /// Where it is written.
    pub at: FileSpan,
}

/// The kinds of move.
#[derive(Clone, Debug)]
pub enum MoveKind {
    /// The list also has this member.
    ListContains(ListId, ExprId),
    /// The table has this entry.
    TableEntry(TableId, ExprId, ExprId),
    /// The model answers this.
    ModelAnswers(ModelId, ExprId),
    /// The model is late.
    ModelLate(ModelId),
    /// The schedule is active.
    ScheduleActive(ScheduleId),
    /// The baseline of a signal or cohort, by full name `package.policy.name`.
    Usual(SmolStr, ExprId),
    /// Nothing supplies this event.
    Unmapped(EventId),
    /// Repeats moves, the clock moving by `every` before each round but the first.
    Repeat {
        /// How often.
        times: u64,
        /// Milliseconds.
        every: i64,
        /// What is repeated.
        body: Vec<Move>,
    },
    /// Moves the clock, in milliseconds.
    Wait(i64),
    /// A person ends the case of this number.
    Release(u64, Verb),
    /// An event, with its response where it has response fields.
    Emit(EventId, Vec<(FieldId, ExprId)>),
    /// An expectation, judged at the end.
    Expect(Expect),
}

/// What a test expects. Events count from 1.
#[derive(Clone, Debug, PartialEq)]
pub enum Expect {
    /// No verdict above `log`, nothing put on a key, nobody told.
    NoAction,
    /// The rule, by full name, fired; its first firing at this event.
    Fired(SmolStr, Option<u64>),
    /// It did not fire, at all or at this event.
    NotFired(SmolStr, Option<u64>),
    /// It was unknown at this event, or at the last one and never fired.
    Unknown(SmolStr, Option<u64>),
    /// The verdict of this event, or of the last one.
    Action(Verb, Option<u64>),
    /// The score of this event, or of the last one.
    Score(CompareOp, i64, Option<u64>),
    /// Every event from this one on was challenged or more, and the one before was not.
    StoppedFrom(u64),
    /// The case of this number has ended with this verdict, or is open.
    Case(u64, Option<Verb>),
}
