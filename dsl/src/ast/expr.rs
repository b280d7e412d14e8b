//! Expressions and literals.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::ast::*;
use crate::span::Span;

/// An expression.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Expr {
    /// Its form.
    pub kind: ExprKind,
    /// Where it stands, parentheses included.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum ExprKind {
    /// A literal.
    Literal(LiteralKind),
    /// A string with `{holes}`, in test records.
    Template(Vec<BecausePart>),
    /// A name: a field, signal, parameter, list, variant …
    Name(SmolStr),
    /// `name(args)`.
    Call(Name, Vec<Expr>),
    /// `base[key]`.
    Index(Box<Expr>, Box<Expr>),
    /// `(expr)`: kept, so that the formatter changes no meaning and no taste.
    Paren(Box<Expr>),
    /// `[a, b]`.
    Array(Vec<Expr>),
    /// `case subject { pattern => value, … }`.
    Case(Box<Expr>, Vec<Arm>),
    /// `not x`.
    Not(Box<Expr>),
    /// `-x`.
    Negate(Box<Expr>),
    /// `a and b and c`: flat, at least two.
    And(Vec<Expr>),
    /// `a or b or c`: flat, at least two.
    Or(Vec<Expr>),
    /// `a < b`; comparisons do not chain.
    Compare(CompareOp, Box<Expr>, Box<Expr>),
    /// `a == b ignoring case`.
    EqIgnoringCase(Box<Expr>, Box<Expr>),
    /// `a + b` and the like.
    Arithmetic(ArithmeticOp, Box<Expr>, Box<Expr>),
    /// `a ?? b`.
    Fallback(Box<Expr>, Box<Expr>),
    /// `a [not] in b`.
    In {
        /// What is looked for.
        needle: Box<Expr>,
        /// Where.
        haystack: Box<Expr>,
        /// `not in`.
        negated: bool,
    },
    /// `a is [not] …`.
    Is(Box<Expr>, State, bool),
    /// `a [not] matches "…"` and the other tests of text.
    TextTest {
        /// Which test.
        op: TextOp,
        /// What is tested.
        subject: Box<Expr>,
        /// Against what: a literal, or a name for `contains`, `starts with`, `ends with`.
        pattern: Box<Expr>,
        /// `not matches`.
        negated: bool,
    },
}

/// An arm of a `case`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Arm {
    /// What the subject is compared with; none for `_`.
    pub pattern: Option<Expr>,
    /// The value.
    pub value: Expr,
    /// The whole arm.
    pub span: Span,
}

/// What `is` asks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum State {
    /// `is missing`.
    Missing,
    /// `is known`.
    Known,
    /// `is active`, of a schedule.
    Active,
    /// `is tagged name`.
    Tagged(Name),
    /// `is new for key over window`.
    New(Key, Window),
}

/// Tests of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TextOp {
    /// `matches "glob"`: `*` stops at `/`, `**` does not, `?` is one character but `/`.
    Glob,
    /// `matches regex "…"`.
    Regex,
    /// `contains`.
    Contains,
    /// `starts with`.
    StartsWith,
    /// `ends with`.
    EndsWith,
}

/// Comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is its sign")]
pub enum CompareOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl CompareOp {
    /// The sign.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }
}

/// Arithmetic operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is its sign")]
pub enum ArithmeticOp {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

impl ArithmeticOp {
    /// The sign.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Rem => "%",
        }
    }
}

/// A literal with its place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Literal {
    /// The value.
    pub kind: LiteralKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of literal. Numbers keep their spelling, for the formatter must not change it and the checker
/// wants to say which digits were too many.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum LiteralKind {
    /// `2_000`.
    Int(SmolStr),
    /// `0.25`.
    Float(SmolStr),
    /// `90%`, without the sign.
    Percent(SmolStr),
    /// `10m`, with its unit.
    Duration(SmolStr),
    /// `20/s`, with its unit.
    Rate(SmolStr),
    /// `USD 5`, as written.
    Money(SmolStr),
    /// `"…"`.
    Text(SmolStr),
    /// `true`, `false`.
    Bool(bool),
}
