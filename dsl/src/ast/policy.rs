//! Policies, their rules and sequences.

use serde::Serialize;
use smol_str::SmolStr;

use crate::ast::*;
use crate::span::Span;

/// `policy name { members }`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Policy {
    /// Its name.
    pub name: Name,
    /// Members that could be parsed, in source order.
    pub members: Vec<Member>,
}

/// A member of a policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Member {
    /// What it is.
    pub kind: MemberKind,
    /// From its keyword to its end.
    pub span: Span,
    /// The comment block directly above.
    pub doc: Option<SmolStr>,
}

/// The kinds of member.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum MemberKind {
    /// `on event, … [where …]`.
    On {
        /// The events judged.
        events: Vec<Name>,
        /// Which of them.
        filter: Option<Expr>,
    },
    /// `requires event mapped`.
    Requires(Name),
    /// `tags ["…"]`.
    Tags(Vec<Text>),
    /// `mode …`.
    Mode(Mode),
    /// `harm at most …`.
    Harm(Harm),
    /// `param …`.
    Param(Param),
    /// `signal name = …`.
    Signal(Signal),
    /// `watch … { … }`.
    Watch(Watch),
    /// `cohort …`.
    Cohort(Cohort),
    /// `sequence …`.
    Sequence(Sequence),
    /// `rule …`.
    Rule(Rule),
    /// `decide …`.
    Decide(Decide),
}

/// `shadow`, `enforce` or `canary 5% per session`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Mode {
    /// Feeds the shadow score only.
    Shadow,
    /// Acts.
    Enforce,
    /// Acts on a share of keys.
    Canary {
        /// The share, a percent literal.
        share: Literal,
        /// Whose hash decides.
        per: Key,
    },
}

/// `harm at most 0.1% of known-good sessions`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Harm {
    /// The share, a percent literal.
    pub share: Literal,
    /// Of what: `sessions`, `users`, `devices`.
    pub population: Name,
    /// The whole clause.
    pub span: Span,
}

/// `param name: type = literal [in low..high]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Param {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: Type,
    /// Its value unless tuned.
    pub default: Literal,
    /// The values a `tune` may give.
    pub range: Option<(Literal, Literal)>,
}

/// `sequence name per key within window { … }`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sequence {
    /// Its name.
    pub name: Name,
    /// Per what.
    pub per: Key,
    /// The horizon.
    pub within: Window,
    /// `first` and the steps after it, in source order.
    pub steps: Vec<Step>,
}

/// A step of a sequence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// What it is.
    pub kind: StepKind,
    /// The event.
    pub event: Name,
    /// Which of them.
    pub filter: Option<Expr>,
    /// The whole clause.
    pub span: Span,
}

/// The kinds of step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum StepKind {
    /// `first event as name`.
    First(Name),
    /// `then event as name`.
    Then(Name),
    /// `then no event within window`: terminal absence.
    ThenNo(Window),
    /// `without event between a and b`.
    Without {
        /// The step before.
        after: Name,
        /// The step behind.
        before: Name,
    },
}

/// `rule name { when … then … because "…" }`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rule {
    /// Its name.
    pub name: Name,
    /// When it fires.
    pub when: Expr,
    /// What it does.
    pub then: Vec<Action>,
    /// Why, for people.
    pub because: Option<Because>,
    /// Its own budget.
    pub harm: Option<Harm>,
    /// What it does when the condition is unknown.
    pub if_unknown: Vec<Action>,
    /// Its own mode, when it has one.
    pub mode: Option<Mode>,
}

/// `because "…"`, split at its placeholders.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Because {
    /// Text and placeholders, in order.
    pub parts: Vec<BecausePart>,
    /// The literal with its quotes.
    pub span: Span,
}

/// A part of a `because`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum BecausePart {
    /// Text, escapes resolved (`{{` and `}}` are braces).
    Text(SmolStr),
    /// `{name}`: what to print there. In a test's strings also `{i % 20}`.
    Hole(Expr),
}

/// `decide { verb when … otherwise verb }`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decide {
    /// In source order.
    pub arms: Vec<(Verb, Expr)>,
    /// Where none holds.
    pub otherwise: Verb,
    /// The whole block.
    pub span: Span,
}
