//! Tests: events on a virtual clock.

use serde::Serialize;

use crate::ast::*;
use crate::span::Span;

/// `test "…" { moves }`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Test {
    /// What it shows.
    pub name: Text,
    /// In order.
    pub moves: Vec<Move>,
}

/// A move of a test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Move {
    /// What it is.
    pub kind: MoveKind,
    /// The whole clause.
    pub span: Span,
}

/// The kinds of move.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum MoveKind {
    /// `given …`.
    Given(Given),
    /// `unmapped event`.
    Unmapped(Name),
    /// `repeat n as i [every D] { … }`.
    Repeat {
        /// How often.
        times: u64,
        /// The variable, which counts from 1.
        variable: Name,
        /// The clock moves by this before each round but the first.
        every: Option<Literal>,
        /// What is repeated.
        body: Vec<Move>,
    },
    /// `wait D`.
    Wait(Literal),
    /// `release case n as verb`.
    Release(u64, Verb),
    /// `event { … }`.
    Emit {
        /// The event.
        event: Name,
        /// Its fields.
        fields: Vec<Assignment>,
    },
    /// `expect …`.
    Expect(Expect),
}

/// What a test sets up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Given {
    /// `given list contains value`.
    Contains(Name, Expr),
    /// `given model = value`.
    Answer(Name, Expr),
    /// `given table["key"] = value`.
    Entry(Name, Expr, Expr),
    /// `given usual(signal) = value`.
    Usual(Name, Expr),
    /// `given model late`.
    Late(Name),
    /// `given schedule active`.
    Active(Name),
}

/// What a test expects.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Expect {
    /// `no action`.
    NoAction,
    /// `rule name fired [at event n]`.
    Fired(Name, Option<u64>),
    /// `rule name not fired [at event n]`.
    NotFired(Name, Option<u64>),
    /// `rule name unknown [at event n]`.
    Unknown(Name, Option<u64>),
    /// `action verb [at event n]`.
    Action(Verb, Option<u64>),
    /// `score op n [at event n]`.
    Score(CompareOp, i64, Option<u64>),
    /// `stopped from event n`.
    StoppedFrom(u64),
    /// `case n open`, or `case n verb`: it has ended so.
    Case(u64, Option<Verb>),
}
