//! The typed form of a rule set: what the engines run.
//!
//! Names are resolved, types agree, functions and expression signals are inlined, parameters have their
//! values, and state is shared: two policies that count the same thing name the same [`State`].
//!
//! Checking makes one [`Hir`] fragment an item; linking copies the fragments of the policies selected into
//! one, shifts their ids and merges equal states.
//!
//! Evaluation is Kleene's: an expression yields a value or *unknown*; a rule fires on *true* alone.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
pub use weir_dsl::ast::{ArithmeticOp, Aside, CompareOp, Statistic, TextOp, Verb, WindowKind};

use crate::ids::*;

use crate::schema::Schema;
use crate::shared::SharedVec;

mod declaration;
mod expr;
mod rule;
mod state;
mod test;

pub use declaration::*;
pub use expr::*;
pub use rule::*;
pub use state::*;
pub use test::*;

/// A rule set, or a fragment of one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Hir {
    /// Events and fields.
    pub schema: Arc<Schema>,
    /// Package-level declarations, shared by all fragments of a project.
    pub declarations: Arc<Declarations>,
    /// Expression nodes; children stand before their parents.
    pub exprs: SharedVec<ExprId, Expr>,
    /// Text patterns.
    pub patterns: SharedVec<PatternId, Pattern>,
    /// Parameters.
    pub params: SharedVec<ParamId, Param>,
    /// Readings.
    pub signals: SharedVec<SignalId, Signal>,
    /// State.
    pub states: SharedVec<StateId, State>,
    /// Cohorts.
    pub cohorts: SharedVec<CohortId, Cohort>,
    /// Sequences.
    pub sequences: SharedVec<SequenceId, Sequence>,
    /// Model calls.
    pub calls: SharedVec<CallId, Call>,
    /// Facts that `sparing` asks for.
    pub facts: SharedVec<FactId, Fact>,
    /// Who is known to be good, for harm budgets: any of these suffices. Empty without a budget.
    pub good: Vec<Spared>,
    /// Policies.
    pub policies: SharedVec<PolicyId, Policy>,
    /// Rules, each of one policy.
    pub rules: SharedVec<RuleId, Rule>,
    /// Caps.
    pub caps: Vec<Cap>,
    /// Maps from plain HTTP.
    pub derives: Vec<Derive>,
}
