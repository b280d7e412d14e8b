//! Expressions.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use weir_dsl::FileSpan;

use crate::hir::*;
use crate::types::Type;
use crate::value::Value;

/// An expression node.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its type.
    pub ty: Type,
    /// Where it was written.
    pub at: FileSpan,
}

/// The kinds of expression. Operands have been widened: both sides of an operator are of one type, unless
/// the variant says otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ExprKind {
    /// A constant.
    Const(Value),
    /// A parameter of the policy; constant after linking.
    Param(ParamId),
    /// A field of the event at hand; unknown when missing or not a field of it.
    Field(FieldId),
    /// A user-defined client shape of the event at hand.
    Fingerprint(FingerprintId),
    /// A reading of state. `count == 0` and its kin are compiled to [`ExprKind::Absent`].
    Signal(SignalId),
    /// No event is inside the window for certain: the reading's upper bound is zero.
    Absent(SignalId),
    /// The expression signal of that name, inlined; kept for explanations.
    Named(SmolStr, ExprId),
    /// The event's slice is in surplus.
    InCohort(CohortId),
    /// A property of the slice that holds the event; unknown when it is in none.
    CohortValue(CohortId, CohortValue),
    /// The sequence is complete at this event (or, with terminal absence, at this deadline).
    Holds(SequenceId),
    /// A field captured by a step of a sequence that holds.
    Captured {
        /// The sequence.
        sequence: SequenceId,
        /// Which of its steps.
        step: u16,
        /// Which field.
        field: FieldId,
    },
    /// Time since a step of a sequence that holds.
    Age {
        /// The sequence.
        sequence: SequenceId,
        /// Which of its steps.
        step: u16,
    },
    /// A model's answer; unknown when late, failed, absent or an input is unknown.
    Call(CallId),
    /// The score so far; in `decide` only.
    Score,
    /// The time of the event at hand.
    Now,
    /// A variable of a test's `repeat`, by depth from outside.
    Variable(u16),
    /// Kleene conjunction.
    And(Vec<ExprId>),
    /// Kleene disjunction.
    Or(Vec<ExprId>),
    /// Kleene negation.
    Not(ExprId),
    /// Comparison. Money of two currencies, and anything with an unknown operand, is unknown.
    Compare(CompareOp, ExprId, ExprId),
    /// Equality of text by simple Unicode case folding.
    EqIgnoringCase(ExprId, ExprId),
    /// Arithmetic. Total: overflow, division by zero, not-a-number and mixed currencies are unknown.
    /// `int / int` is float.
    Arithmetic(ArithmeticOp, ExprId, ExprId),
    /// Negation of a number, duration or money.
    Negate(ExprId),
    /// `int` to `float`.
    ToFloat(ExprId),
    /// The first unless unknown, else the second.
    Fallback(ExprId, ExprId),
    /// Known or not; never unknown itself.
    IsKnown(ExprId),
    /// Membership in a list. Unknown when the list is not loaded.
    InList(ExprId, ListId),
    /// Membership in a set, list or literal array of the same member type.
    InSet(ExprId, ExprId),
    /// A look-up. Unknown when the table is not loaded or has no such key.
    Lookup(TableId, ExprId),
    /// Text against a pattern.
    Matches(ExprId, PatternId),
    /// Text against text: `contains`, `starts with`, `ends with`.
    TextTest(TextOp, ExprId, ExprId),
    /// An actor, place or other key carries the tag now.
    Tagged(Key, TagId),
    /// A schedule is active at the event's time.
    ScheduleActive(ScheduleId),
    /// The first arm whose pattern equals the subject; unknown without one. A pattern is absent for `_`.
    Case(ExprId, Vec<(Option<ExprId>, ExprId)>),
    /// A pure built-in function.
    Builtin(Builtin, Vec<ExprId>),
    /// A list or set written in place.
    Array(Vec<ExprId>),
    /// Text and values, joined; in tests.
    Template(Vec<Part>),
    /// Text or a number turned into a value of the node's type; in tests and `derive` maps. Unknown when
    /// it cannot be.
    Convert(ExprId),
}

/// Properties of a cohort's slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CohortValue {
    /// What it is called: its dimensions and their values.
    Name,
    /// How many times its usual level, relative to the rest.
    Lift,
    /// Events inside the window.
    Count,
    /// Its usual level.
    Usual,
}

/// Pure built-in functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Builtin {
    /// `abs(x)`: of int, float, duration or money.
    Abs,
    /// `min(a, b)`.
    Min,
    /// `max(a, b)`.
    Max,
    /// `length(text)`: in characters; of lists and sets: members.
    Length,
    /// `lower(text)`: simple Unicode lower case.
    Lower,
    /// `hour(timestamp)`: 0 to 23, UTC.
    Hour,
    /// `weekday(timestamp)`: 1 Monday to 7 Sunday, UTC.
    Weekday,
    /// `log(x)`: natural.
    Log,
    /// `exp(x)`.
    Exp,
    /// `sqrt(x)`.
    Sqrt,
    /// `host(text)`: the host of a URL, lower case, without port.
    Host,
    /// `number(text)`: the int that a whole text is.
    Number,
    /// `between(text, left, right)`: what stands behind `left` up to `right`.
    Between,
    /// `decoded(text)`: percent-decoded once.
    Decoded,
    /// `address(text)`: the address that a host is written as.
    Address,
    /// `card_number(text)`: whether a payment card's number stands in it.
    CardNumber,
    /// `letter_entropy(text)`: of its characters, in bits.
    LetterEntropy,
    /// `edits(a, b)`: how many characters differ, by Levenshtein's distance.
    Edits,
    /// `mailbox(text)`: the mailbox that a mail address reaches.
    Mailbox,
    /// `distance(north, east, north, east)`: kilometres between two places.
    Distance,
    /// `money(minor, currency)`: in `derive` maps.
    Money,
    /// `body.json("/pointer")`: in `derive` maps.
    BodyJson,
    /// `body.form("name")`: in `derive` maps.
    BodyForm,
    /// `query("name")`: in `derive` maps.
    Query,
    /// `path.segment(n)`, from 1: in `derive` maps.
    PathSegment,
    /// `header("name")`: in `derive` maps.
    Header,
    /// `cookie("name")`: in `derive` maps.
    Cookie,
}

impl Builtin {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Abs => "abs",
            Self::Min => "min",
            Self::Max => "max",
            Self::Length => "length",
            Self::Lower => "lower",
            Self::Hour => "hour",
            Self::Weekday => "weekday",
            Self::Log => "log",
            Self::Exp => "exp",
            Self::Sqrt => "sqrt",
            Self::Host => "host",
            Self::Number => "number",
            Self::Between => "between",
            Self::Decoded => "decoded",
            Self::Address => "address",
            Self::CardNumber => "card_number",
            Self::LetterEntropy => "letter_entropy",
            Self::Edits => "edits",
            Self::Mailbox => "mailbox",
            Self::Distance => "distance",
            Self::Money => "money",
            Self::BodyJson => "body.json",
            Self::BodyForm => "body.form",
            Self::Query => "query",
            Self::PathSegment => "path.segment",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }
}

/// A compiled text pattern.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub struct Pattern {
    /// The kind: glob or regular expression.
    pub op: TextOp,
    /// As written.
    pub source: SmolStr,
    /// Compiled, linear in the text's length.
    pub regex: regex::Regex,
}

/// A pattern as it is kept: compiled anew when it is read.
#[derive(Serialize, Deserialize)]
struct Written(TextOp, SmolStr);

impl From<Pattern> for Written {
    fn from(pattern: Pattern) -> Self {
        Self(pattern.op, pattern.source)
    }
}

impl TryFrom<Written> for Pattern {
    type Error = regex::Error;

    fn try_from(Written(op, source): Written) -> Result<Self, regex::Error> {
        let regex = crate::check::pattern_of(op, &source)?;
        Ok(Self { op, source, regex })
    }
}

/// A parameter.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Param {
    /// Its name.
    pub name: SmolStr,
    /// Its type.
    pub ty: Type,
    /// Its value: the default, or a `tune`'s.
    pub value: Value,
    /// The values a `tune` may give.
    pub range: Option<(Value, Value)>,
    /// Where it is declared.
    pub at: FileSpan,
}

/// A model call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The model.
    pub model: ModelId,
    /// Its inputs, of the types it declares.
    pub inputs: Vec<ExprId>,
}

/// A part of a `because` or of a template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Part {
    /// Text.
    Text(SmolStr),
    /// A value, printed; `not known` when unknown.
    Value(ExprId),
}
