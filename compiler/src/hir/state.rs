//! What is kept of past events, and the keys it is kept by.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use weir_dsl::FileSpan;

use crate::hir::*;
use crate::types::Type;

/// So many in so much time; exact, for throttles and decoys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rate {
    /// How many.
    pub count: u64,
    /// In how many milliseconds.
    pub per: i64,
}

/// A length of time: written in place or a parameter's. Linking copies the parameter's value to `ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    /// Milliseconds, at least 1.
    pub ms: i64,
    /// The parameter, if it is one.
    pub param: Option<ParamId>,
}

/// What a key is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum KeyKind {
    /// A session, user, device, card …: one party.
    Actor,
    /// An address, network or country.
    Place,
    /// What software looks like; one build shares one.
    Software,
    /// A cohort or campaign.
    Group,
}

/// A key: what state, tags and actions are about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Key {
    /// Its parts, in order; one unless written in parentheses.
    pub parts: Vec<KeyPart>,
    /// The strongest kind of its parts: place and software parts make it a crowd unless an actor is
    /// among them.
    pub kind: KeyKind,
    /// As written, for people: `ip/24`, `(user, shape)`.
    pub text: SmolStr,
}

/// A part of a key. A missing part makes the key missing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyPart {
    /// A field of the event at hand.
    Field(FieldId),
    /// An address cut to a prefix.
    Prefix {
        /// The address.
        field: FieldId,
        /// Bits kept of IPv4.
        v4: u8,
        /// Bits kept of IPv6.
        v6: u8,
    },
    /// A user-defined client shape.
    Fingerprint(FingerprintId),
    /// The slice of a cohort that holds the event; as a target only.
    Cohort(CohortId),
    /// A field captured by a sequence's step; as a target only.
    Captured {
        /// The sequence.
        sequence: SequenceId,
        /// Which of its steps.
        step: u16,
        /// Which field.
        field: FieldId,
    },
}

/// When something is known or happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Phase {
    /// At the request, before it is answered.
    Request,
    /// At the response; acts from the next request of the key on.
    Response,
    /// At a deadline on the watermark.
    Timer,
}

/// A named reading of state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Its name in its policy.
    pub name: SmolStr,
    /// What is read.
    pub state: StateId,
    /// Read before the event at hand is counted.
    pub before_this: bool,
    /// Below so many events the value is unknown.
    pub least: Option<i64>,
    /// The type of the value.
    pub ty: Type,
    /// When its value is known at an event of its own population: response when the state updates at the
    /// response and the reading includes the event at hand.
    pub phase: Phase,
    /// Where it is declared.
    pub at: FileSpan,
    /// Why its value is always unknown in this rule set, if so: nothing supplies its event.
    pub unmapped: Option<EventId>,
}

/// State kept per key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// What is kept.
    pub measure: Measure,
    /// The event that updates it.
    pub event: EventId,
    /// Which of them, all `where`s joined; an event for which it is not true counts nothing.
    pub filter: Option<ExprId>,
    /// Per what; the whole site without one.
    pub key: Option<Key>,
    /// How far back and how kept. `None` for `bucket`, `gcra` and `usual`.
    pub window: Option<Window>,
    /// When it is updated.
    pub phase: Phase,
    /// Two states with equal text are one. Made from the canonical form with parameters resolved.
    pub identity: Arc<str>,
    /// Worst-case bytes a key.
    pub bytes_per_key: u32,
}

/// A window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    /// Its length.
    pub span: Span,
    /// How it is kept.
    pub kind: WindowKind,
}

/// What state keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Measure {
    /// Events.
    Count,
    /// Events by time; kept like a count.
    Rate,
    /// Exchanges in flight.
    Concurrent,
    /// The share of events for which the predicate is true among those for which it is known.
    Share(ExprId),
    /// Different values of the tuple.
    Distinct(Vec<ExprId>),
    /// Shannon entropy of the tuple, in bits.
    Entropy(Vec<ExprId>),
    /// The most frequent value.
    Top(Vec<ExprId>),
    /// The longest run of consecutive values.
    Sequential(ExprId),
    /// Coefficient of variation of the gaps between events.
    CvOfGaps,
    /// A statistic of a value. Money keeps one lane set a currency.
    Of(Statistic, ExprId),
    /// Time since the last event of the population (`elapsed from` it). The reading event is any.
    Elapsed,
    /// The last time a value of the tuple was seen: `is new`.
    LastSeen,
    /// The baseline of another state, with its floor.
    Usual {
        /// The state whose level is learnt.
        of: StateId,
        /// The least value, and the value while warming.
        floor: Option<f64>,
    },
    /// A leaky bucket: its level.
    Bucket {
        /// Its capacity.
        capacity: i64,
        /// How fast it leaks.
        leak: Rate,
    },
    /// Generic cell rate algorithm: whether the event conforms.
    Gcra {
        /// The sustained rate.
        rate: Rate,
        /// How many may come at once.
        burst: i64,
    },
}

/// A cohort.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cohort {
    /// Its name.
    pub name: SmolStr,
    /// The event counted.
    pub event: EventId,
    /// Which of them.
    pub filter: Option<ExprId>,
    /// The dimensions.
    pub by: Vec<KeyPart>,
    /// How each is written.
    pub dimensions: Vec<SmolStr>,
    /// The window.
    pub window: Window,
    /// The least usual level, and the level while warming.
    pub floor: Option<f64>,
    /// The lift from which a slice is in surplus.
    pub lift: f64,
    /// The count from which a slice can be in surplus.
    pub least: i64,
    /// When it is updated.
    pub phase: Phase,
    /// Where it is declared.
    pub at: FileSpan,
    /// Nothing supplies its event.
    pub unmapped: bool,
}

/// A sequence. It holds at an event that matches its last step when earlier events matched the steps
/// before it in order, within the horizon, with no excluded event between. Of several starts the latest
/// wins; of several events for a step, the first after the step before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sequence {
    /// Its name.
    pub name: SmolStr,
    /// Per what.
    pub key: Key,
    /// From the first step to the last.
    pub horizon: Span,
    /// The steps, at least one.
    pub steps: Vec<Step>,
    /// Excluded events.
    pub without: Vec<Without>,
    /// Terminal absence.
    pub then_no: Option<ThenNo>,
    /// When it can hold: at the last step's phase, or at a deadline.
    pub phase: Phase,
    /// Where it is declared.
    pub at: FileSpan,
    /// An event of it that nothing supplies.
    pub unmapped: Option<EventId>,
}

/// A step of a sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub name: SmolStr,
    /// The event.
    pub event: EventId,
    /// Which of them.
    pub filter: Option<ExprId>,
    /// The fields kept of it.
    pub captures: Vec<FieldId>,
    /// When it can match.
    pub phase: Phase,
}

/// `without event between a and b`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Without {
    /// The event.
    pub event: EventId,
    /// Which of them.
    pub filter: Option<ExprId>,
    /// The step after which it is looked for.
    pub after: u16,
    /// The step before which.
    pub before: u16,
    /// When it can match.
    pub phase: Phase,
}

/// `then no event within D`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThenNo {
    /// The event.
    pub event: EventId,
    /// Which of them.
    pub filter: Option<ExprId>,
    /// For how long after the last step.
    pub within: Span,
    /// When it can match.
    pub phase: Phase,
}

/// A fact about an actor, kept for `sparing`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// The event that makes it true.
    pub event: EventId,
    /// Which of them.
    pub filter: Option<ExprId>,
    /// Whom it is about.
    pub key: Key,
    /// The first time counts (`known 30d`), or the last (`that passed`, `with cart.add`).
    pub first: bool,
    /// When it is learnt.
    pub phase: Phase,
}
