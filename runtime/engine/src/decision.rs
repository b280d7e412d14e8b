//! What the engine answers.

use smol_str::SmolStr;
use weir_compiler::hir::{Aside, Phase, Verb};
use weir_compiler::ids::*;
use weir_compiler::types::Type;
use weir_compiler::value::Value;

use crate::brake::Suspension;
use crate::cases::{Case, Closed};
use crate::command::Answer;
use crate::input::Seq;
use crate::keyhash::KeyHash;
use crate::resolve::Sheet;

/// A decision over an input.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The request's number; of a response, its request's; of a tick, the next request's.
    pub seq: Seq,
    /// The request's time.
    pub at: i64,
    /// What it is about; a tick's is [`Phase::Timer`].
    pub phase: Phase,
    /// The strongest verdict of the events.
    pub verdict: Ruling,
    /// The strongest that shadow rules would have added.
    pub shadow: Verb,
    /// The highest score of the events, 0 to 100.
    pub score: i32,
    /// The highest score of shadow rules.
    pub shadow_score: i32,
    /// Challenged or more, or over the rate of a throttle: there will be no response.
    pub stopped: bool,
    /// Each event, in order.
    pub events: Vec<EventDecision>,
    /// Terminal absences that had come due before.
    pub deadlines: Vec<EventDecision>,
    /// Cases that ended: their deadline had come before, or this is a person's verdict.
    pub closed: Vec<Closed>,
    /// `panic off` is in force: nothing acted.
    pub panic: bool,
    /// What came of a command.
    pub answer: Option<Answer>,
}

/// A decision over one event.
#[derive(Clone, Debug)]
pub struct EventDecision {
    /// The event; of a deadline, that of the sequence's last step.
    pub event: EventId,
    /// Its time, or the deadline.
    pub at: i64,
    /// In which phase it was looked at.
    pub phase: Phase,
    /// The verdict.
    pub verdict: Ruling,
    /// The strongest verdict of shadow rules and their entries.
    pub shadow: Verb,
    /// The highest of its policies' scores, 0 to 100.
    pub score: i32,
    /// The same of shadow rules.
    pub shadow_score: i32,
    /// Stopped, as in [`Decision::stopped`].
    pub stopped: bool,
    /// Rules that fired, and those that acted because they were unknown.
    pub matches: Vec<Match>,
    /// Rules whose condition was unknown.
    pub unknown: Vec<RuleId>,
    /// Exemptions that were true.
    pub exemptions: Vec<RuleId>,
    /// Entries for a key of the event, met or passed under.
    pub entries: Vec<EntryHit>,
    /// Caps that lowered something.
    pub caps: Vec<CapHit>,
    /// What was put on keys, who was told, what was masked.
    pub effects: Vec<Effect>,
    /// Rules whose verdict, entry or points stopped it.
    pub stopped_by: Vec<RuleId>,
    /// The case that its verdict opens.
    pub(crate) parked: Option<Box<Case>>,
    /// Everything that was read, when the engine was told to keep it.
    pub(crate) sheet: Option<Box<Sheet>>,
}

/// A verdict with its details.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruling {
    /// How strong.
    pub verb: Verb,
    /// The status to answer with.
    pub status: Option<u16>,
    /// The decoy to answer with.
    pub decoy: Option<DecoyId>,
    /// Where a redirect goes.
    pub place: Option<SmolStr>,
    /// How long a delay is, in ms.
    pub by: Option<i64>,
    /// For which queue, for how many ms, what then, with which status.
    pub hold: Option<(QueueId, i64, Verb, Option<u16>)>,
    /// Whence it comes.
    pub source: Source,
}

impl Ruling {
    /// Nothing stands against it.
    pub const PASS: Self = Self::plain(Verb::Pass, Source::Nothing);

    pub(crate) const fn plain(verb: Verb, source: Source) -> Self {
        Self { verb, status: None, decoy: None, place: None, by: None, hold: None, source }
    }
}

/// Whence a verdict comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// No rule.
    Nothing,
    /// A rule that fired.
    Rule(RuleId),
    /// A rule that is unknown, and says what then.
    Unknown(RuleId),
    /// An entry that a rule has put on a key.
    Entry(RuleId),
    /// The score of a policy.
    Score(PolicyId),
}

/// Whether a rule acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acting {
    /// It does.
    Live,
    /// It only says what it would do.
    Shadow,
    /// It would act, but an exemption lifts it.
    Lifted,
}

/// A rule that fired.
#[derive(Clone, Debug)]
pub struct Match {
    /// Which.
    pub rule: RuleId,
    /// Whether it acts.
    pub acting: Acting,
    /// It did not fire, but is unknown and says what then.
    pub unknown: bool,
    /// Its strongest verdict, on the event or on a key.
    pub action: Option<Verb>,
    /// Why, for people.
    pub because: String,
    /// The readings and fields that its condition looks at.
    pub values: Vec<Shown>,
    /// The keys it acts on, as written, with their hashes; `None` where a part is missing.
    pub keys: Vec<(SmolStr, Option<KeyHash>)>,
}

/// A value that mattered.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Its name in the policy or schema.
    pub name: SmolStr,
    /// The value; `None` is unknown.
    pub value: Option<Value>,
    /// Its type.
    pub ty: Type,
    /// It is personal: print no more than a hash of it.
    pub personal: bool,
}

/// An entry of the enforcement table that the event met.
#[derive(Clone, Debug, PartialEq)]
pub struct EntryHit {
    /// The rule that put it.
    pub rule: RuleId,
    /// The key, as written.
    pub key: SmolStr,
    /// Its hash.
    pub hash: KeyHash,
    /// Its verdict.
    pub verb: Verb,
    /// Until when it holds.
    pub until: i64,
    /// Of a shadow rule.
    pub shadow: bool,
    /// What became of it.
    pub fate: Fate,
}

/// What became of an entry at an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It contributed its verdict.
    Applied,
    /// The event is within its rate.
    Within,
    /// The event is spared.
    Spared,
    /// An exemption, or a switch, lifts it.
    Lifted,
}

/// A cap that lowered a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapHit {
    /// Its position in the rule set.
    pub cap: usize,
    /// From.
    pub from: Verb,
    /// To.
    pub to: Verb,
}

/// Something done beside the verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// The rule.
    pub rule: RuleId,
    /// What.
    pub kind: EffectKind,
}

/// The kinds of effect.
#[derive(Clone, Debug, PartialEq)]
pub enum EffectKind {
    /// A key is under a verdict until then.
    Entry {
        /// The key.
        key: KeyHash,
        /// The verdict.
        verb: Verb,
        /// Until when.
        until: i64,
        /// It is new; otherwise renewed.
        fresh: bool,
        /// Of a shadow rule: it stops nobody.
        shadow: bool,
    },
    /// A key carries a tag until then.
    Tagged {
        /// The key.
        key: KeyHash,
        /// The tag.
        tag: TagId,
        /// Until when.
        until: i64,
    },
    /// Somebody is told.
    Told(Aside, QueueId),
    /// A session ends.
    Revoked(KeyHash),
    /// A password is locked.
    PasswordLocked(KeyHash),
    /// Policies act until then.
    Activated(SmolStr, i64),
    /// A field of the response is masked.
    Masked(FieldId),
    /// It waits for a person.
    Held {
        /// The case's number.
        case: u64,
        /// The queue.
        queue: QueueId,
        /// When the `else` action comes.
        until: i64,
    },
    /// The queue has no room for another case: the `else` action came at once.
    QueueFull(QueueId),
    /// The brake has suspended the rule: from the next event on it acts as in shadow.
    Suspended {
        /// What was counted.
        suspension: Box<Suspension>,
        /// Why, for people.
        why: String,
    },
}

impl EventDecision {
    /// Whether a rule fired here.
    pub fn fired(&self, rule: RuleId) -> bool {
        self.matches.iter().any(|found| found.rule == rule && !found.unknown)
            || self.exemptions.contains(&rule)
    }
}

impl Decision {
    /// Joins the decisions over the events of an input.
    #[inline]
    pub(crate) fn of(
        seq: Seq,
        at: i64,
        phase: Phase,
        events: Vec<EventDecision>,
        deadlines: Vec<EventDecision>,
    ) -> Self {
        // A response is judged for the next request: what its rules say of the event at hand comes too late.
        let stops = phase == Phase::Request;
        let strongest = events.iter().filter(|_| stops).map(|event| &event.verdict).max_by_key(|v| v.verb);
        Self {
            seq,
            at,
            phase,
            verdict: strongest.filter(|v| v.verb > Verb::Pass).cloned().unwrap_or(Ruling::PASS),
            shadow: events.iter().filter(|_| stops).map(|event| event.shadow).max().unwrap_or(Verb::Pass),
            score: events.iter().map(|event| event.score).max().unwrap_or(0),
            shadow_score: events.iter().map(|event| event.shadow_score).max().unwrap_or(0),
            stopped: stops && events.iter().any(|event| event.stopped),
            events,
            deadlines,
            closed: Vec::new(),
            panic: false,
            answer: None,
        }
    }

    /// Every look at an event that it holds, deadlines first.
    pub fn looks(&self) -> impl Iterator<Item = &EventDecision> {
        self.deadlines.iter().chain(&self.events)
    }
}
