//! Overrides of a policy, checked: what `tune` says.

use smol_str::SmolStr;
use weir_dsl::FileSpan;

use crate::hir::{Harm, Mode};
use crate::value::Value;

/// The overrides of one policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Tune {
    /// The policy, by full name.
    pub policy: SmolStr,
    /// The package that tunes.
    pub package: SmolStr,
    /// The overrides, in source order.
    pub changes: Vec<Change>,
    /// Where it is written.
    pub at: FileSpan,
}

/// One override.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What it changes.
    pub kind: ChangeKind,
    /// Where it is written.
    pub at: FileSpan,
}

/// The kinds of override.
#[derive(Clone, Debug, PartialEq)]
pub enum ChangeKind {
    /// The policy's mode, for rules without one of their own.
    Mode(Mode),
    /// The policy's budget, for rules without one of their own.
    Harm(Harm),
    /// A rule's mode.
    RuleMode(SmolStr, Mode),
    /// A parameter's value, of the parameter's type.
    Param(SmolStr, Value),
}
