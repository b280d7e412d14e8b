//! The words of the text form.

use crate::hir::{ArithmeticOp, Builtin, CohortValue, CompareOp, KeyKind, TextOp};
use crate::ir::{Join, Kind, SymbolKind};

/// The first word of a file.
pub(super) const MAGIC: &str = "weir-ir";
/// The version written, and the only one read.
pub(super) const VERSION: &str = "1";

/// Something of which each variant is a word.
pub(super) trait Word: Sized {
    fn word(self) -> &'static str;
    fn of(word: &str) -> Option<Self>;
}

/// Gives each variant its word. The `match` names every one, so a new variant without a word does not compile.
macro_rules! words {
    ($($type:ty { $($variant:ident => $word:literal),* $(,)? $(; $none:pat => $instead:literal)? })*) => {$(
        impl Word for $type {
            fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                    $($none => $instead,)?
                }
            }

            fn of(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    )*};
}

words! {
    CompareOp { Eq => "eq", Ne => "ne", Lt => "lt", Le => "le", Gt => "gt", Ge => "ge" }
    ArithmeticOp { Add => "add", Sub => "sub", Mul => "mul", Div => "div", Rem => "rem" }
    // The two kinds of pattern are never asked as text; `matches` names a pattern.
    TextOp {
        Contains => "contains", StartsWith => "starts-with", EndsWith => "ends-with";
        Self::Glob | Self::Regex => "?"
    }
    CohortValue { Name => "cohort-name", Lift => "cohort-lift", Count => "cohort-count", Usual => "cohort-usual" }
    KeyKind { Actor => "actor", Place => "place", Software => "software", Group => "group" }
    Kind { Truth => "truth", Value => "value" }
    Join { Set => "=", And => "and", Or => "or" }
    SymbolKind {
        Field => "field", Fingerprint => "fingerprint", Signal => "signal", Cohort => "cohort", Sequence => "sequence",
        Call => "call", Pattern => "pattern", List => "list", Table => "table", Tag => "tag", Schedule => "schedule",
    }
    Builtin {
        Abs => "abs", Min => "min", Max => "max", Length => "length", Lower => "lower", Hour => "hour", Weekday => "weekday",
        Log => "log", Exp => "exp", Sqrt => "sqrt", Host => "host", Number => "number", Between => "between",
        Decoded => "decoded", Address => "address", CardNumber => "card_number", LetterEntropy => "letter_entropy",
        Edits => "edits", Mailbox => "mailbox", Distance => "distance", Money => "money", BodyJson => "body.json",
        BodyForm => "body.form", Query => "query", PathSegment => "path.segment", Header => "header", Cookie => "cookie",
    }
}

impl SymbolKind {
    /// The letter before its ids.
    pub(super) const fn letter(self) -> char {
        match self {
            Self::Field => 'f',
            Self::Fingerprint => 'p',
            Self::Signal => 's',
            Self::Cohort => 'h',
            Self::Sequence => 'q',
            Self::Call => 'c',
            Self::Pattern => 'g',
            Self::List => 'l',
            Self::Table => 'b',
            Self::Tag => 'a',
            Self::Schedule => 'd',
        }
    }
}
