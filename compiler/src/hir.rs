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

use smol_str::SmolStr;
use weir_dsl::FileSpan;
pub use weir_dsl::ast::{ArithmeticOp, Aside, CompareOp, Statistic, TextOp, Verb, WindowKind};

use crate::ids::*;
use crate::schema::Schema;
use crate::types::Type;
use crate::value::Value;

/// A rule set, or a fragment of one.
#[derive(Clone, Debug, Default)]
pub struct Hir {
    /// Events and fields.
    pub schema: Arc<Schema>,
    /// Package-level declarations, shared by all fragments of a project.
    pub declarations: Arc<Declarations>,
    /// Expression nodes; children stand before their parents.
    pub exprs: IdVec<ExprId, Expr>,
    /// Text patterns.
    pub patterns: IdVec<PatternId, Pattern>,
    /// Parameters.
    pub params: IdVec<ParamId, Param>,
    /// Readings.
    pub signals: IdVec<SignalId, Signal>,
    /// State.
    pub states: IdVec<StateId, State>,
    /// Cohorts.
    pub cohorts: IdVec<CohortId, Cohort>,
    /// Sequences.
    pub sequences: IdVec<SequenceId, Sequence>,
    /// Model calls.
    pub calls: IdVec<CallId, Call>,
    /// Facts that `sparing` asks for.
    pub facts: IdVec<FactId, Fact>,
    /// Policies.
    pub policies: IdVec<PolicyId, Policy>,
    /// Rules, each of one policy.
    pub rules: IdVec<RuleId, Rule>,
    /// Caps.
    pub caps: Vec<Cap>,
    /// Maps from plain HTTP.
    pub derives: Vec<Derive>,
}

/// What packages declare beside events and policies.
#[derive(Clone, Debug, Default)]
pub struct Declarations {
    /// Lists.
    pub lists: IdVec<ListId, List>,
    /// Tables.
    pub tables: IdVec<TableId, Table>,
    /// Models.
    pub models: IdVec<ModelId, Model>,
    /// Tags, by full name (`std.shared.ato-suspected`).
    pub tags: IdVec<TagId, Named>,
    /// Queues.
    pub queues: IdVec<QueueId, Named>,
    /// Decoys.
    pub decoys: IdVec<DecoyId, Decoy>,
    /// Schedules.
    pub schedules: IdVec<ScheduleId, Schedule>,
    /// User-defined client shapes.
    pub fingerprints: IdVec<FingerprintId, Fingerprint>,
}

/// A declared name.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// Its name within its package.
    pub name: SmolStr,
    /// Its package.
    pub package: SmolStr,
    /// Where it is declared.
    pub at: FileSpan,
}

/// A typed set.
#[derive(Clone, Debug)]
pub struct List {
    /// Its name.
    pub named: Named,
    /// The type of its members; [`Type::Cidr`] matches addresses inside.
    pub member: Type,
    /// Where its members come from.
    pub source: Source,
}

/// Where the contents of a list come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A file, relative to the project's root or to the library.
    File(SmolStr),
    /// Written in place.
    Values(Arc<[Value]>),
}

/// A typed look-up from a file.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name.
    pub named: Named,
    /// The type of its keys.
    pub key: Type,
    /// The type of its values.
    pub value: Type,
    /// The file.
    pub file: SmolStr,
}

/// A scoring function.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its name.
    pub named: Named,
    /// Names and types of its inputs.
    pub inputs: Vec<(SmolStr, Type)>,
    /// The type of its answer.
    pub output: Type,
    /// The file.
    pub file: SmolStr,
    /// The deadline in milliseconds.
    pub within: Option<i64>,
}

/// A bounded false answer.
#[derive(Clone, Debug)]
pub struct Decoy {
    /// Its name.
    pub named: Named,
    /// The event it may answer.
    pub event: EventId,
    /// The body served.
    pub file: SmolStr,
    /// How often at most.
    pub rate: Rate,
    /// What happens beyond that.
    pub otherwise: Verb,
}

/// A calendar.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Its name.
    pub named: Named,
    /// The file.
    pub file: SmolStr,
}

/// A user-defined client shape: the hash of its parts, unknown when one is missing.
#[derive(Clone, Debug)]
pub struct Fingerprint {
    /// Its name.
    pub named: Named,
    /// Its parts.
    pub parts: Vec<FieldId>,
}

/// So many in so much time; exact, for throttles and decoys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    /// How many.
    pub count: u64,
    /// In how many milliseconds.
    pub per: i64,
}

/// An expression node.
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug, PartialEq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

/// A compiled text pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// The kind: glob or regular expression.
    pub op: TextOp,
    /// As written.
    pub source: SmolStr,
    /// Compiled, linear in the text's length.
    pub regex: regex::Regex,
}

/// A parameter.
#[derive(Clone, Debug)]
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

/// A length of time: written in place or a parameter's. Linking copies the parameter's value to `ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// Milliseconds, at least 1.
    pub ms: i64,
    /// The parameter, if it is one.
    pub param: Option<ParamId>,
}

/// What a key is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// At the request, before it is answered.
    Request,
    /// At the response; acts from the next request of the key on.
    Response,
    /// At a deadline on the watermark.
    Timer,
}

/// A named reading of state.
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Its length.
    pub span: Span,
    /// How it is kept.
    pub kind: WindowKind,
}

/// What state keeps.
#[derive(Clone, Debug, PartialEq)]
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
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
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

/// A model call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The model.
    pub model: ModelId,
    /// Its inputs, of the types it declares.
    pub inputs: Vec<ExprId>,
}

/// A fact about an actor, kept for `sparing`.
#[derive(Clone, Debug, PartialEq)]
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

/// A policy.
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug, PartialEq)]
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
#[derive(Clone, Debug, PartialEq)]
pub struct Harm {
    /// 0 to 1.
    pub share: f64,
    /// Of which known-good actors: `sessions`, `users`, `devices`.
    pub population: SmolStr,
}

/// Score thresholds.
#[derive(Clone, Debug, PartialEq)]
pub struct Decide {
    /// The first true one counts.
    pub arms: Vec<(Verb, ExprId)>,
    /// Where none is.
    pub otherwise: Verb,
}

/// A rule.
#[derive(Clone, Debug)]
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

/// A part of a `because` or of a template.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Text.
    Text(SmolStr),
    /// A value, printed; `not known` when unknown.
    Value(ExprId),
}

/// An action.
#[derive(Clone, Debug, PartialEq)]
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
#[derive(Clone, Debug, PartialEq)]
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
#[derive(Clone, Debug, PartialEq)]
pub enum To {
    /// A throttle's rate.
    Rate(Rate),
    /// The usual rate of the cohort that is the target.
    Usual,
    /// Where a redirect goes.
    Place(SmolStr),
}

/// Someone an action spares.
#[derive(Clone, Debug, PartialEq)]
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
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
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

/// A map from plain HTTP to a business event.
#[derive(Clone, Debug)]
pub struct Derive {
    /// The event made.
    pub event: EventId,
    /// When it applies; over the exchange's request fields, and its response fields where there is one.
    pub filter: Option<ExprId>,
    /// How each field is filled. Fields not named are copied from the request where it has them.
    pub fields: Vec<(FieldId, ExprId, Phase)>,
    /// Its package.
    pub package: SmolStr,
    /// Where it is declared.
    pub at: FileSpan,
}

/// A test.
#[derive(Clone, Debug)]
pub struct Test {
    /// What it shows.
    pub name: SmolStr,
    /// Its package.
    pub package: SmolStr,
    /// Expressions of its moves; they use constants, variables, templates, arithmetic and `case`.
    pub exprs: IdVec<ExprId, Expr>,
    /// In order.
    pub moves: Vec<Move>,
    /// Where it is written.
    pub at: FileSpan,
}

/// A move of a test.
#[derive(Clone, Debug)]
pub struct Move {
    /// What it is.
    pub kind: MoveKind,
    /// Where it is written.
    pub at: FileSpan,
}

/// The kinds of move.
#[derive(Clone, Debug)]
pub enum MoveKind {
    /// The list also has this member.
    ListContains(ListId, ExprId),
    /// The table has this entry.
    TableEntry(TableId, ExprId, ExprId),
    /// The model answers this.
    ModelAnswers(ModelId, ExprId),
    /// The model is late.
    ModelLate(ModelId),
    /// The schedule is active.
    ScheduleActive(ScheduleId),
    /// The baseline of a signal or cohort, by full name `package.policy.name`.
    Usual(SmolStr, ExprId),
    /// Nothing supplies this event.
    Unmapped(EventId),
    /// Repeats moves, the clock moving by `every` before each round but the first.
    Repeat {
        /// How often.
        times: u64,
        /// Milliseconds.
        every: i64,
        /// What is repeated.
        body: Vec<Move>,
    },
    /// Moves the clock, in milliseconds.
    Wait(i64),
    /// An event, with its response where it has response fields.
    Emit(EventId, Vec<(FieldId, ExprId)>),
    /// An expectation, judged at the end.
    Expect(Expect),
}

/// What a test expects. Events count from 1.
#[derive(Clone, Debug, PartialEq)]
pub enum Expect {
    /// No verdict above `log`, nothing put on a key, nobody told.
    NoAction,
    /// The rule, by full name, fired; its first firing at this event.
    Fired(SmolStr, Option<u64>),
    /// It did not fire, at all or at this event.
    NotFired(SmolStr, Option<u64>),
    /// It was unknown at this event, or at the last one and never fired.
    Unknown(SmolStr, Option<u64>),
    /// The verdict of this event, or of the last one.
    Action(Verb, Option<u64>),
    /// The score of this event, or of the last one.
    Score(CompareOp, i64, Option<u64>),
    /// Every event from this one on was challenged or more, and the one before was not.
    StoppedFrom(u64),
}
