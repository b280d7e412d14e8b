//! Policies, rules and what they do.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use weir_dsl::FileSpan;

use crate::hir::*;

/// A policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Its package.
    pub package: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// The events judged.
    pub events: Vec<EventId>,
    /// Which of them: the rules of the policy look at an event only when this is true, and are unknown when
    /// it is unknown.
    pub filter: Option<ExprId>,
    /// `tags [ … ]`.
    pub tags: Vec<SmolStr>,
    /// Its mode, unless a rule has its own.
    pub mode: Mode,
    /// Its budget, for each of its rules.
    pub harm: Option<Harm>,
    /// Its thresholds; the package's or the standard ones otherwise.
    pub decide: Decide,
    /// Where it is declared.
    pub at: FileSpan,
    /// Its documentation.
    pub doc: SmolStr,
    /// Its rules.
    pub rules: Vec<RuleId>,
}

/// Whether rules act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Mode {
    /// They feed the shadow score and shadow matches.
    Shadow,
    /// They act on a share of keys.
    Canary {
        /// 0 to 1.
        share: f64,
        /// Whose hash decides. A missing key is not in the canary.
        per: Key,
    },
    /// They act.
    Enforce,
}

impl Mode {
    /// The keyword.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::Canary { .. } => "canary",
            Self::Enforce => "enforce",
        }
    }
}

/// `harm at most …`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Harm {
    /// 0 to 1.
    pub share: f64,
    /// Of which known-good actors: `sessions`, `users`, `devices`.
    pub population: SmolStr,
}

/// Score thresholds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decide {
    /// The first true one counts.
    pub arms: Vec<(Verb, ExprId)>,
    /// Where none is.
    pub otherwise: Verb,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Its name.
    pub name: SmolStr,
    /// `package.policy.rule`.
    pub full_name: SmolStr,
    /// Its policy.
    pub policy: PolicyId,
    /// Its condition, without the policy's filter.
    pub when: ExprId,
    /// When it can be decided.
    pub phase: Phase,
    /// What it does when true.
    pub then: Vec<Action>,
    /// What it does when unknown.
    pub if_unknown: Vec<Action>,
    /// Why, for people.
    pub because: Vec<Part>,
    /// Its mode.
    pub mode: Mode,
    /// Its budget.
    pub harm: Option<Harm>,
    /// It only exempts and asks no state: it comes first and is enforced in every mode.
    pub exempts: bool,
    /// Why nothing can wake it in this rule set, if so.
    pub inactive: Option<SmolStr>,
    /// Where it is declared.
    pub at: FileSpan,
    /// Its documentation.
    pub doc: SmolStr,
}

/// An action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// Points for the policy's score.
    Score(i32),
    /// Lifts the actions and scores of a package from this event.
    Exempt(SmolStr),
    /// A verdict on the event, or on a key for a time.
    Verdict(Verdict),
    /// Parks the transaction for a person.
    Hold {
        /// The queue.
        queue: QueueId,
        /// The deadline.
        within: Span,
        /// What happens at the deadline.
        otherwise: Verb,
        /// The response it is then given.
        status: Option<u16>,
    },
    /// Tags a key for a time.
    Tag {
        /// Whom.
        key: Key,
        /// The tag.
        tag: TagId,
        /// How long.
        duration: Span,
    },
    /// Tells somebody.
    Aside(Aside, QueueId),
    /// Ends a session.
    Revoke(Key),
    /// Locks the password of the event's user.
    LockPassword(Key),
    /// Switches a package's rules on for a time.
    Activate {
        /// The package or policy.
        target: SmolStr,
        /// How long.
        duration: Span,
    },
    /// Masks a field of the response.
    Mask(FieldId),
}

/// A verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// How strong.
    pub verb: Verb,
    /// On whom; the event at hand alone without one.
    pub target: Option<Key>,
    /// The only event it touches; every event of the key without one.
    pub on: Option<EventId>,
    /// `with status n`.
    pub status: Option<u16>,
    /// `with decoy`.
    pub decoy: Option<DecoyId>,
    /// `to …`.
    pub to: Option<To>,
    /// `by …`.
    pub by: Option<Span>,
    /// `for …`; there is one if and only if there is a target.
    pub duration: Option<Span>,
    /// The time counts from the last attempt.
    pub renewing: bool,
    /// Who is spared; any of them suffices.
    pub sparing: Vec<Spared>,
}

/// The rate or place of a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum To {
    /// A throttle's rate.
    Rate(Rate),
    /// The usual rate of the cohort that is the target.
    Usual,
    /// Where a redirect goes.
    Place(SmolStr),
}

/// Someone an action spares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Spared {
    /// The fact is known: a first time at least so long ago, or a last time at most so long ago.
    Fact {
        /// The fact.
        fact: FactId,
        /// How long, in milliseconds.
        age: Span,
    },
    /// The key carries the tag.
    Tagged(Key, TagId),
    /// The field is in the list.
    InList(FieldId, ListId),
}

/// A cap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cap {
    /// Its package.
    pub package: SmolStr,
    /// What it bounds.
    pub kind: CapKind,
    /// Why, for people.
    pub because: Vec<Part>,
    /// Where it is declared.
    pub at: FileSpan,
}

/// What a cap bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CapKind {
    /// Actions by a key are at most this strong where the condition is true.
    Actions {
        /// The key.
        key: Key,
        /// The strongest left.
        at: Verb,
        /// When.
        filter: Option<ExprId>,
    },
    /// At most a share of the actors seen on an event may be given this verdict or a stronger one.
    Share {
        /// The verdict.
        verb: Verb,
        /// On which event.
        event: EventId,
        /// 0 to 1.
        share: f64,
        /// Whose number counts.
        population: Key,
        /// Over how long; counted exactly.
        over: Span,
        /// With fewer actors seen than this, the cap does not hold.
        least: i64,
        /// What happens beyond.
        otherwise: Verb,
    },
}
