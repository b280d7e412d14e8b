//! The syntax tree: what the author wrote, typed by form and not yet by meaning.
//!
//! Every node carries its [`Span`]. Names are kept as written: `asn.class` is one [`Name`], for only the
//! type checker knows whether the dot selects a field, a captured event or belongs to the name.
//! Comments stand beside the tree in [`File::comments`], in source order; the formatter places them by span.

use serde::Serialize;
use smol_str::SmolStr;

use crate::span::Span;

/// A name of one or more identifiers joined by dots, as written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Name {
    /// The text, for example `http.request` or `ato-suspected`.
    pub text: SmolStr,
    /// Where it stands.
    pub span: Span,
}

/// A quoted string, its escapes (`\"`, `\\`, `\n`, `\t`, `\u{…}`) resolved.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Text {
    /// The value.
    pub value: SmolStr,
    /// The literal with its quotes.
    pub span: Span,
}

/// A comment: `# …` up to the end of the line, without the line break.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Comment {
    /// The text from `#` on, trailing blanks removed.
    pub text: SmolStr,
    /// Where it stands.
    pub span: Span,
}

/// One file: at most one package, its imports and its items.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct File {
    /// `package a.b`. Missing in a broken file, which is a diagnostic.
    pub package: Option<Name>,
    /// `use a.b { c, d }`.
    pub uses: Vec<Use>,
    /// Items that could be parsed, in source order.
    pub items: Vec<Item>,
    /// All comments, in source order.
    pub comments: Vec<Comment>,
    /// Names whose declaration could not be parsed, and was reported: whoever looks one up must not report
    /// it as unknown again.
    pub broken: Vec<Name>,
}

/// `use package { names }`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Use {
    /// The package imported from.
    pub package: Name,
    /// The names imported.
    pub names: Vec<Name>,
    /// The whole clause.
    pub span: Span,
}

/// A top-level item.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Item {
    /// What it is.
    pub kind: ItemKind,
    /// From its keyword to its end.
    pub span: Span,
    /// The comment block directly above, joined by line breaks, `# ` removed.
    pub doc: Option<SmolStr>,
}

/// The kinds of item.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum ItemKind {
    /// Fields that every event carries.
    Envelope(Vec<Field>),
    /// A typed record.
    Event(Event),
    /// Business events from plain HTTP.
    Derive(Derive),
    /// A typed set.
    List(List),
    /// A typed look-up.
    Table(Table),
    /// A declared tag.
    Tag(Name),
    /// A review queue.
    Queue(Name),
    /// A bounded false answer.
    Decoy(Decoy),
    /// A calendar.
    Schedule(Schedule),
    /// A user-defined client shape.
    Fingerprint(Fingerprint),
    /// An ONNX scoring function.
    Model(Model),
    /// A pure, inlined function.
    Function(Function),
    /// Rules that belong together.
    Policy(Policy),
    /// The most that any rule may do.
    Cap(Cap),
    /// Score thresholds of a package.
    Decide(Decide),
    /// Overrides of a shipped policy.
    Tune(Tune),
    /// Events on a virtual clock and what must come of them.
    Test(Test),
}

/// A declared field of an event or of the envelope.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Field {
    /// Its name, which may contain dots (`asn.class`).
    pub name: Name,
    /// Its type.
    pub ty: Type,
    /// Must not be stored in clear.
    pub personal: bool,
    /// Known only with the response.
    pub response: bool,
    /// `alias old_name`: the names this field had in earlier schemas.
    pub aliases: Vec<Name>,
    /// The whole line.
    pub span: Span,
}

/// A type as written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Type {
    /// Its form.
    pub kind: TypeKind,
    /// `?`: the value can be missing.
    pub optional: bool,
    /// Where it stands.
    pub span: Span,
}

/// The forms of a type.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum TypeKind {
    /// `enum { a, b }`.
    Enum(Vec<Name>),
    /// `int`, `id<user>`, `list<string, 64>`, `string<4096>`: a name and its arguments.
    Named {
        /// The name.
        name: Name,
        /// Types between the angle brackets.
        args: Vec<Type>,
        /// The number that bounds a string, list or map.
        bound: Option<u64>,
    },
}

/// `event name { fields }`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Its name.
    pub name: Name,
    /// `alias old.name`: names this event had in earlier schemas.
    pub aliases: Vec<Name>,
    /// Its own fields, besides the envelope's.
    pub fields: Vec<Field>,
}

/// `derive event from http.exchange where … { field: expr }`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Derive {
    /// The event made.
    pub event: Name,
    /// The source, `http.exchange`.
    pub source: Name,
    /// When it applies.
    pub filter: Option<Expr>,
    /// How each field is filled.
    pub fields: Vec<Assignment>,
}

/// `name: expr` in a derive map, a test event or a list of arguments.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Assignment {
    /// The field.
    pub name: Name,
    /// Its value.
    pub value: Expr,
}

/// `list name: set<T> from "file"` or `= [ … ]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct List {
    /// Its name.
    pub name: Name,
    /// `set<T>`.
    pub ty: Type,
    /// Where its values come from.
    pub source: ListSource,
}

/// Where the values of a list come from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum ListSource {
    /// A file, one value a line.
    File(Text),
    /// Written in place.
    Values(Vec<Expr>),
}

/// `table name: map<K, V> from "file"`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// Its name.
    pub name: Name,
    /// `map<K, V>`.
    pub ty: Type,
    /// The file.
    pub file: Text,
}

/// `decoy name on event from "file" at most RATE else VERB`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decoy {
    /// Its name.
    pub name: Name,
    /// The event it may answer.
    pub event: Name,
    /// The body served.
    pub file: Text,
    /// How often at most.
    pub rate: Literal,
    /// What happens beyond that.
    pub otherwise: Verb,
}

/// `schedule name from "file.ics"`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Schedule {
    /// Its name.
    pub name: Name,
    /// The calendar.
    pub file: Text,
}

/// `fingerprint name = (field, …)`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fingerprint {
    /// Its name, a software key.
    pub name: Name,
    /// What it is made of.
    pub key: Key,
}

/// `model name(inputs) -> type from "file" within D`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Model {
    /// Its name.
    pub name: Name,
    /// Its inputs.
    pub inputs: Vec<Parameter>,
    /// What it answers.
    pub output: Type,
    /// The ONNX file.
    pub file: Text,
    /// The deadline, after which the answer is unknown.
    pub within: Option<Window>,
}

/// `name: type` in a list of inputs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: Type,
}

/// `fn name(params) -> type = expr`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Function {
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub params: Vec<Parameter>,
    /// What it answers.
    pub output: Type,
    /// Its body.
    pub body: Expr,
}

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

/// `signal name = …`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Signal {
    /// Its name.
    pub name: Name,
    /// What it is.
    pub value: SignalValue,
}

/// What a signal is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum SignalValue {
    /// An aggregate over past events.
    Aggregate(Box<Aggregate>),
    /// `usual(signal, floor n)`.
    Usual(Usual),
    /// An expression, for example a model's answer.
    Expr(Expr),
}

/// An aggregate with its population, key and window.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Aggregate {
    /// What is measured.
    pub measure: Measure,
    /// Over which events, which of them, per what and how far back.
    pub population: Population,
    /// `at least n`: below it the value is unknown.
    pub least: Option<Literal>,
    /// `local`, `owned` or `global within D`.
    pub scope: Option<Scope>,
    /// The whole clause.
    pub span: Span,
}

/// `of event [where …] [per key] [over window …]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Population {
    /// The event counted; for `elapsed`, the event that ends the span.
    pub event: Name,
    /// Which of them.
    pub filter: Option<Expr>,
    /// Per what; the whole site without one.
    pub per: Option<Key>,
    /// How far back. Absent only for `bucket` and `gcra`.
    pub over: Option<Over>,
}

/// What an aggregate measures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Measure {
    /// `count`.
    Count,
    /// `rate`: count by time.
    Rate,
    /// `concurrent`: exchanges in flight.
    Concurrent,
    /// `share of predicate`.
    Share(Expr),
    /// `distinct x`, `distinct (x, y)`.
    Distinct(Vec<Name>),
    /// `entropy x`.
    Entropy(Vec<Name>),
    /// `top x`.
    Top(Vec<Name>),
    /// `sequential x`.
    Sequential(Name),
    /// `cv of gaps`.
    CvOfGaps,
    /// `sum of x`, `p95 of x` …
    Of(Statistic, Name),
    /// `elapsed from a [where …]`: the time since the last `a`; the population's event is `b` of `to b`.
    ElapsedFrom {
        /// The event that starts the span.
        event: Name,
        /// Which of them.
        filter: Option<Expr>,
    },
    /// `bucket(capacity, leak)`.
    Bucket(Vec<Expr>),
    /// `gcra(rate, burst)`.
    Gcra(Vec<Expr>),
}

/// Statistics of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[allow(missing_docs, reason = "each is its keyword")]
pub enum Statistic {
    Sum,
    Avg,
    Min,
    Max,
    Stddev,
    P50,
    P95,
    P99,
    First,
    Last,
}

/// `over window [before this] [tumbling | exact | economy]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Over {
    /// How far back.
    pub window: Window,
    /// Without the event at hand.
    pub before_this: bool,
    /// How the window is kept.
    pub kind: WindowKind,
    /// The whole clause.
    pub span: Span,
}

/// How a window is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum WindowKind {
    /// Eight lanes with interpolation and a hard interval.
    #[default]
    Sliding,
    /// Aligned to the epoch.
    Tumbling,
    /// Event times are kept.
    Exact,
    /// Two buckets, no interval.
    Economy,
}

/// A duration literal or the name of a parameter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Window {
    /// `10m`.
    Literal(Literal),
    /// `horizon`.
    Param(Name),
}

/// The scope of a signal past one machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Scope {
    /// This node alone.
    Local,
    /// Exact, traffic routed by key.
    Owned,
    /// Exchanged between nodes within a staleness.
    Global(Window),
}

/// `usual(signal, floor n)`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Usual {
    /// The signal whose baseline it is.
    pub signal: Name,
    /// The least value, and the value while warming.
    pub floor: Option<Literal>,
    /// The whole clause.
    pub span: Span,
}

/// `watch event [where …] [per key] over window { … }`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Watch {
    /// Population, key and window of all its signals.
    pub population: Population,
    /// Its signals.
    pub signals: Vec<Watched>,
}

/// `name = measure [where …] [, at least n]` inside a `watch`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Watched {
    /// Its name.
    pub name: Name,
    /// What it is.
    pub value: WatchedValue,
    /// The whole line.
    pub span: Span,
    /// The comment block directly above.
    pub doc: Option<SmolStr>,
}

/// What a watched signal is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum WatchedValue {
    /// A measure over the watched population, narrowed by its own `where`.
    Measure {
        /// What is measured.
        measure: Measure,
        /// Which of the watched events.
        filter: Option<Expr>,
        /// Below it the value is unknown.
        least: Option<Literal>,
    },
    /// `usual(…)`.
    Usual(Usual),
}

/// `cohort name of event [where …] by key over window against usual, …`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cohort {
    /// Its name.
    pub name: Name,
    /// The events counted; `per` is none.
    pub population: Population,
    /// The dimensions.
    pub by: Key,
    /// `floor n`.
    pub floor: Option<Literal>,
    /// `lift at least n`.
    pub lift: Option<Literal>,
    /// `at least n`.
    pub least: Option<Literal>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
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

/// `cap …`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cap {
    /// What it bounds.
    pub kind: CapKind,
    /// Why, for people.
    pub because: Option<Because>,
}

/// What a cap bounds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum CapKind {
    /// `cap actions by key at verb where …`.
    Actions {
        /// Actions by this key.
        key: Key,
        /// Are at most this strong.
        at: Verb,
        /// When this holds.
        filter: Option<Expr>,
    },
    /// `cap verb on event at N% of sessions over W, at least N, else verb`.
    Share {
        /// The verdict bounded.
        verb: Verb,
        /// On which event.
        event: Name,
        /// Its share, a percent literal.
        share: Literal,
        /// Of what: `sessions` …
        population: Name,
        /// Over how long.
        over: Over,
        /// Below so many the cap does not hold.
        least: Option<Literal>,
        /// What happens beyond.
        otherwise: Verb,
    },
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

/// `tune policy { … }`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tune {
    /// The policy.
    pub policy: Name,
    /// The overrides, in source order.
    pub changes: Vec<Change>,
}

/// One override.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// What it changes.
    pub kind: ChangeKind,
    /// The whole clause.
    pub span: Span,
}

/// The kinds of override.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum ChangeKind {
    /// `mode …`.
    Mode(Mode),
    /// `harm …`.
    Harm(Harm),
    /// `rule name mode …`.
    RuleMode(Name, Mode),
    /// `param = literal`.
    Param(Name, Literal),
}

/// `test "…" { moves }`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Test {
    /// What it shows.
    pub name: Text,
    /// In order.
    pub moves: Vec<Move>,
}

/// A move of a test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Move {
    /// What it is.
    pub kind: MoveKind,
    /// The whole clause.
    pub span: Span,
}

/// The kinds of move.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum MoveKind {
    /// `given …`.
    Given(Given),
    /// `unmapped event`.
    Unmapped(Name),
    /// `repeat n as i [every D] { … }`.
    Repeat {
        /// How often.
        times: u64,
        /// The variable, which counts from 1.
        variable: Name,
        /// The clock moves by this before each round but the first.
        every: Option<Literal>,
        /// What is repeated.
        body: Vec<Move>,
    },
    /// `wait D`.
    Wait(Literal),
    /// `event { … }`.
    Emit {
        /// The event.
        event: Name,
        /// Its fields.
        fields: Vec<Assignment>,
    },
    /// `expect …`.
    Expect(Expect),
}

/// What a test sets up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Given {
    /// `given list contains value`.
    Contains(Name, Expr),
    /// `given model = value`.
    Answer(Name, Expr),
    /// `given table["key"] = value`.
    Entry(Name, Expr, Expr),
    /// `given usual(signal) = value`.
    Usual(Name, Expr),
    /// `given model late`.
    Late(Name),
    /// `given schedule active`.
    Active(Name),
}

/// What a test expects.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Expect {
    /// `no action`.
    NoAction,
    /// `rule name fired [at event n]`.
    Fired(Name, Option<u64>),
    /// `rule name not fired [at event n]`.
    NotFired(Name, Option<u64>),
    /// `rule name unknown [at event n]`.
    Unknown(Name, Option<u64>),
    /// `action verb [at event n]`.
    Action(Verb, Option<u64>),
    /// `score op n [at event n]`.
    Score(CompareOp, i64, Option<u64>),
    /// `stopped from event n`.
    StoppedFrom(u64),
}

/// A key: one or more parts, or an address prefix.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Key {
    /// The fields, in order; one unless written in parentheses.
    pub parts: Vec<Name>,
    /// `ip/24` or `ip/24:56`: prefix lengths for IPv4 and IPv6.
    pub prefix: Option<(u8, Option<u8>)>,
    /// Where it stands.
    pub span: Span,
}

/// An expression.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Expr {
    /// Its form.
    pub kind: ExprKind,
    /// Where it stands, parentheses included.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum ExprKind {
    /// A literal.
    Literal(LiteralKind),
    /// A string with `{holes}`, in test records.
    Template(Vec<BecausePart>),
    /// A name: a field, signal, parameter, list, variant …
    Name(SmolStr),
    /// `name(args)`.
    Call(Name, Vec<Expr>),
    /// `base[key]`.
    Index(Box<Expr>, Box<Expr>),
    /// `(expr)`: kept, so that the formatter changes no meaning and no taste.
    Paren(Box<Expr>),
    /// `[a, b]`.
    Array(Vec<Expr>),
    /// `case subject { pattern => value, … }`.
    Case(Box<Expr>, Vec<Arm>),
    /// `not x`.
    Not(Box<Expr>),
    /// `-x`.
    Negate(Box<Expr>),
    /// `a and b and c`: flat, at least two.
    And(Vec<Expr>),
    /// `a or b or c`: flat, at least two.
    Or(Vec<Expr>),
    /// `a < b`; comparisons do not chain.
    Compare(CompareOp, Box<Expr>, Box<Expr>),
    /// `a == b ignoring case`.
    EqIgnoringCase(Box<Expr>, Box<Expr>),
    /// `a + b` and the like.
    Arithmetic(ArithmeticOp, Box<Expr>, Box<Expr>),
    /// `a ?? b`.
    Fallback(Box<Expr>, Box<Expr>),
    /// `a [not] in b`.
    In {
        /// What is looked for.
        needle: Box<Expr>,
        /// Where.
        haystack: Box<Expr>,
        /// `not in`.
        negated: bool,
    },
    /// `a is [not] …`.
    Is(Box<Expr>, State, bool),
    /// `a [not] matches "…"` and the other tests of text.
    TextTest {
        /// Which test.
        op: TextOp,
        /// What is tested.
        subject: Box<Expr>,
        /// Against what: a literal, or a name for `contains`, `starts with`, `ends with`.
        pattern: Box<Expr>,
        /// `not matches`.
        negated: bool,
    },
}

/// An arm of a `case`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Arm {
    /// What the subject is compared with; none for `_`.
    pub pattern: Option<Expr>,
    /// The value.
    pub value: Expr,
    /// The whole arm.
    pub span: Span,
}

/// What `is` asks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum State {
    /// `is missing`.
    Missing,
    /// `is known`.
    Known,
    /// `is active`, of a schedule.
    Active,
    /// `is tagged name`.
    Tagged(Name),
    /// `is new for key over window`.
    New(Key, Window),
}

/// Tests of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum TextOp {
    /// `matches "glob"`: `*` stops at `/`, `**` does not, `?` is one character but `/`.
    Glob,
    /// `matches regex "…"`.
    Regex,
    /// `contains`.
    Contains,
    /// `starts with`.
    StartsWith,
    /// `ends with`.
    EndsWith,
}

/// Comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[allow(missing_docs, reason = "each is its sign")]
pub enum CompareOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl CompareOp {
    /// The sign.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }
}

/// Arithmetic operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[allow(missing_docs, reason = "each is its sign")]
pub enum ArithmeticOp {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

impl ArithmeticOp {
    /// The sign.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Rem => "%",
        }
    }
}

/// A literal with its place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Literal {
    /// The value.
    pub kind: LiteralKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of literal. Numbers keep their spelling, for the formatter must not change it and the checker
/// wants to say which digits were too many.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum LiteralKind {
    /// `2_000`.
    Int(SmolStr),
    /// `0.25`.
    Float(SmolStr),
    /// `90%`, without the sign.
    Percent(SmolStr),
    /// `10m`, with its unit.
    Duration(SmolStr),
    /// `20/s`, with its unit.
    Rate(SmolStr),
    /// `USD 5`, as written.
    Money(SmolStr),
    /// `"…"`.
    Text(SmolStr),
    /// `true`, `false`.
    Bool(bool),
}
