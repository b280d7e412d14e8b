//! Signals, watches, cohorts and the keys they are kept by.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::ast::*;
use crate::span::Span;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is its keyword")]
pub enum Statistic {
    Sum,
    Avg,
    Min,
    Max,
    Stddev,
    P1,
    P5,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
