//! What rules do.

use serde::{Deserialize, Serialize};

use crate::ast::*;
use crate::span::Span;

/// An action.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Action {
    /// What it does.
    pub kind: ActionKind,
    /// The whole clause, `sparing` included.
    pub span: Span,
}

/// The kinds of action.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum ActionKind {
    /// `score +60`.
    Score {
        /// The points, signed.
        points: i64,
        /// Where the number stands.
        span: Span,
    },
    /// `exempt from package`.
    Exempt(Name),
    /// `hold event for queue within D else action`.
    Hold {
        /// The event parked.
        event: Name,
        /// The queue.
        queue: Name,
        /// The deadline.
        within: Window,
        /// What happens at the deadline.
        otherwise: Verb,
        /// `with status n`.
        with: Option<With>,
    },
    /// `tag key name for D`.
    Tag {
        /// Whom.
        key: Key,
        /// The tag.
        tag: Name,
        /// How long.
        duration: Window,
    },
    /// `alert`, `notify`, `ticket` to a queue.
    Aside(Aside, Name),
    /// `revoke session`.
    Revoke(Name),
    /// `lock password`.
    LockPassword,
    /// `activate package for D`.
    Activate {
        /// The rule set.
        target: Name,
        /// How long.
        duration: Window,
    },
    /// `mask field`.
    Mask(Name),
    /// One of the lattice, on the event or on a key.
    Verdict(Verdict),
}

/// Actions beside the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is its keyword")]
pub enum Aside {
    Alert,
    Notify,
    Ticket,
}

/// `block session on login with status 402 for 30m renewing, sparing …`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// How strong.
    pub verb: Verb,
    /// On whom; the event at hand without one.
    pub target: Option<Key>,
    /// `on event`: the scope it touches.
    pub on: Option<Name>,
    /// `with status n` or `with decoy`.
    pub with: Option<With>,
    /// `to RATE`, `to usual`, `to "/wait"`.
    pub to: Option<To>,
    /// `by 2s`.
    pub by: Option<Window>,
    /// `for D`.
    pub duration: Option<Window>,
    /// `renewing`: the time counts from the last attempt.
    pub renewing: bool,
    /// `sparing …`.
    pub sparing: Vec<Spared>,
}

/// The lattice of verdicts, weakest first; the order of the variants is the order of strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each is its keyword")]
pub enum Verb {
    Pass,
    Log,
    Throttle,
    Delay,
    Challenge,
    StepUp,
    Redirect,
    Deceive,
    Hold,
    Block,
}

impl Verb {
    /// All of them, weakest first.
    pub const ALL: [Self; 10] = [
        Self::Pass,
        Self::Log,
        Self::Throttle,
        Self::Delay,
        Self::Challenge,
        Self::StepUp,
        Self::Redirect,
        Self::Deceive,
        Self::Hold,
        Self::Block,
    ];

    /// The keyword.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Log => "log",
            Self::Throttle => "throttle",
            Self::Delay => "delay",
            Self::Challenge => "challenge",
            Self::StepUp => "step-up",
            Self::Redirect => "redirect",
            Self::Deceive => "deceive",
            Self::Hold => "hold",
            Self::Block => "block",
        }
    }

    /// The verb of a keyword.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.word() == word)
    }
}

/// `with …`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum With {
    /// `with status 402`.
    Status(u64, Span),
    /// `with decoy`.
    Decoy(Name),
}

/// `to …`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum To {
    /// A cohort's usual rate.
    Usual(Span),
    /// `1/s`.
    Rate(Literal),
    /// A place to redirect to.
    Place(Text),
}

/// Someone an action spares.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spared {
    /// Plural of an actor: `sessions`, `devices`, `users`.
    pub who: Name,
    /// Which of them.
    pub how: SparedHow,
    /// The whole clause.
    pub span: Span,
}

/// Which actors are spared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum SparedHow {
    /// `that passed`.
    Passed,
    /// `known 30d`.
    Known(Window),
    /// `with cart.add`.
    With(Name),
    /// `tagged name`.
    Tagged(Name),
    /// `in list`.
    In(Name),
}
