//! The words of the text form.

use crate::hir::{ArithmeticOp, Builtin, CohortValue, CompareOp, KeyKind, TextOp};
use crate::ir::{Join, Kind, SymbolKind};

/// The first word of a file.
pub(super) const MAGIC: &str = "weir-ir";
/// The version written, and the only one read.
pub(super) const VERSION: &str = "1";

/// Something of which each variant is a word.
pub(super) trait Word: Copy + PartialEq + 'static {
    /// Every variant with its word.
    const WORDS: &'static [(Self, &'static str)];

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(known, _)| *known == self).map_or("?", |(_, word)| word)
    }

    fn of(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(_, known)| *known == word).map(|(item, _)| *item)
    }
}

impl Word for CompareOp {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Eq, "eq"),
        (Self::Ne, "ne"),
        (Self::Lt, "lt"),
        (Self::Le, "le"),
        (Self::Gt, "gt"),
        (Self::Ge, "ge"),
    ];
}

impl Word for ArithmeticOp {
    const WORDS: &'static [(Self, &'static str)] =
        &[(Self::Add, "add"), (Self::Sub, "sub"), (Self::Mul, "mul"), (Self::Div, "div"), (Self::Rem, "rem")];
}

impl Word for TextOp {
    const WORDS: &'static [(Self, &'static str)] =
        &[(Self::Contains, "contains"), (Self::StartsWith, "starts-with"), (Self::EndsWith, "ends-with")];
}

impl Word for CohortValue {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Name, "cohort-name"),
        (Self::Lift, "cohort-lift"),
        (Self::Count, "cohort-count"),
        (Self::Usual, "cohort-usual"),
    ];
}

impl Word for KeyKind {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Actor, "actor"),
        (Self::Place, "place"),
        (Self::Software, "software"),
        (Self::Group, "group"),
    ];
}

impl Word for Kind {
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Truth, "truth"), (Self::Value, "value")];
}

impl Word for Join {
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Set, "="), (Self::And, "and"), (Self::Or, "or")];
}

impl Word for Builtin {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Abs, "abs"),
        (Self::Min, "min"),
        (Self::Max, "max"),
        (Self::Length, "length"),
        (Self::Lower, "lower"),
        (Self::Hour, "hour"),
        (Self::Weekday, "weekday"),
        (Self::Log, "log"),
        (Self::Exp, "exp"),
        (Self::Sqrt, "sqrt"),
        (Self::Host, "host"),
        (Self::Money, "money"),
        (Self::BodyJson, "body.json"),
        (Self::BodyForm, "body.form"),
        (Self::Query, "query"),
        (Self::PathSegment, "path.segment"),
        (Self::Header, "header"),
        (Self::Cookie, "cookie"),
    ];
}

impl Word for SymbolKind {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Field, "field"),
        (Self::Fingerprint, "fingerprint"),
        (Self::Signal, "signal"),
        (Self::Cohort, "cohort"),
        (Self::Sequence, "sequence"),
        (Self::Call, "call"),
        (Self::Pattern, "pattern"),
        (Self::List, "list"),
        (Self::Table, "table"),
        (Self::Tag, "tag"),
        (Self::Schedule, "schedule"),
    ];
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

#[cfg(test)]
mod tests {
    use super::*;

    fn each_is_its_own<T: Word + std::fmt::Debug>() {
        for (item, word) in T::WORDS {
            assert_eq!((T::of(word), item.word()), (Some(*item), *word));
        }
    }

    #[test]
    fn every_word_is_of_one_thing() {
        each_is_its_own::<CompareOp>();
        each_is_its_own::<ArithmeticOp>();
        each_is_its_own::<TextOp>();
        each_is_its_own::<CohortValue>();
        each_is_its_own::<KeyKind>();
        each_is_its_own::<Kind>();
        each_is_its_own::<Join>();
        each_is_its_own::<Builtin>();
        each_is_its_own::<SymbolKind>();
        let letters: std::collections::BTreeSet<char> =
            SymbolKind::WORDS.iter().map(|(kind, _)| kind.letter()).collect();
        assert_eq!(letters.len(), SymbolKind::WORDS.len());
        assert!(letters.is_disjoint(&['e', 'k', 'm', 'r', 't', 'x', 'y'].into()));
    }
}
