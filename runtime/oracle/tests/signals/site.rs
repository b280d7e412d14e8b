//! An engine over a policy with a signal of every kind.

use std::collections::BTreeMap;

use weir_compiler::evaluate::Tier;
use weir_compiler::value::{Country, Currency, Value};
use weir_engine::{Decision, Engine, Input, Options, Outcome, Seq, Step, Trace};
use weir_generate::Set;
use weir_oracle::Kind;

use crate::{Move, Observation};

/// What the signals of a case have in common.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    pub(crate) length: i64,
    pub(crate) before: bool,
    /// Of `at least`; 0 is none.
    pub(crate) least: u64,
    pub(crate) floor: Option<i64>,
    pub(crate) capacity: i64,
    pub(crate) leak: (i64, i64),
    /// The bounds of a cohort.
    pub(crate) lift: i64,
    pub(crate) crowd: i64,
    /// The horizon of sequences, and how long an absence is waited for.
    pub(crate) horizon: i64,
    pub(crate) patience: i64,
}

pub(crate) const WORDS: [&str; 9] = ["", "a", "A", "abc", "\u{df}", "ss", "\u{1f600}", "e\u{301}", "\u{e9}"];
/// The dimensions of the cohort, in order, and their values.
pub(crate) const DIMENSIONS: [(&str, [&str; 2]); 3] =
    [("shape", ["a", "b"]), ("country", ["DE", "FR"]), ("ja4", ["a", "c"])];
pub(crate) const CURRENCIES: [Currency; 2] = [Currency(*b"USD"), Currency(*b"JPY")];

/// The signals that a watch holds, with their measures; `{}` is an `at least`, where there may be one.
pub(crate) const WATCHED: [(&str, &str); 37] = [
    ("s_count", "count"),
    ("s_narrow", "count where hit == true"),
    ("s_rate", "rate"),
    ("s_share", "share of hit == true{}"),
    ("s_share_n", "share of n > 4{}"),
    ("s_distinct", "distinct word"),
    ("s_pairs", "distinct (word, n)"),
    ("s_sum_n", "sum of n"),
    ("s_sum_x", "sum of x"),
    ("s_sum_t", "sum of took"),
    ("s_sum_m", "sum of amount"),
    ("s_avg_n", "avg of n{}"),
    ("s_avg_x", "avg of x{}"),
    ("s_avg_t", "avg of took{}"),
    ("s_avg_m", "avg of amount{}"),
    ("s_min_n", "min of n"),
    ("s_max_n", "max of n"),
    ("s_min_x", "min of x"),
    ("s_max_x", "max of x"),
    ("s_max_t", "max of took"),
    ("s_min_m", "min of amount"),
    ("s_first", "first of word"),
    ("s_last", "last of word"),
    ("s_last_n", "last of n"),
    ("s_dev_n", "stddev of n{}"),
    ("s_dev_x", "stddev of x{}"),
    ("s_dev_t", "stddev of took{}"),
    ("s_gaps", "cv of gaps{}"),
    ("s_p50_n", "p50 of n{}"),
    ("s_p95_n", "p95 of n{}"),
    ("s_p99_x", "p99 of x{}"),
    ("s_p50_t", "p50 of took{}"),
    ("s_entropy", "entropy word"),
    ("s_entropy_n", "entropy n"),
    ("s_top", "top word"),
    ("s_run", "sequential n"),
    ("s_top_n", "top n"),
];

/// Signals of their own.
pub(crate) const OWN: [&str; 6] = ["s_elapsed", "s_concurrent", "s_bucket", "s_gcra", "s_usual", "s_usual_x"];

fn duration(ms: i64) -> String {
    format!("{ms}ms")
}

/// The policy of a plan.
pub(crate) fn policy(plan: &Plan) -> String {
    let window = duration(plan.length);
    let kind = match plan.kind {
        Kind::Sliding => "",
        Kind::Exact => " exact",
        Kind::Economy => " economy",
        Kind::Tumbling => " tumbling",
    };
    let before = if plan.before { " before this" } else { "" };
    let least = if plan.least > 0 { format!(", at least {}", plan.least) } else { String::new() };
    let watched: String = WATCHED
        .iter()
        .map(|(name, measure)| format!("    {name} = {}\n", measure.replace("{}", &least)))
        .collect();
    let floor = plan.floor.map(|floor| format!(", floor {floor}")).unwrap_or_default();
    let (lift, least_crowd) = (plan.lift, plan.crowd);
    let (horizon, patience) = (duration(plan.horizon), duration(plan.patience));
    let (n, per) = plan.leak;
    let unit = match per {
        1_000 => "s",
        60_000 => "min",
        3_600_000 => "h",
        _ => "d",
    };
    let (capacity, leak) = (plan.capacity, format!("{n}/{unit}"));
    let names = WATCHED.iter().map(|(name, _)| *name).chain(OWN);
    let rules: String = names
        .map(|name| {
            format!("  rule r_{name} {{ when {name} is known or {name} is missing then log because \"\" }}\n")
        })
        .collect();
    format!(
        "package gen

envelope {{
  id: id<event>?
  at: timestamp
  session: id<session>?
  shape: fingerprint?
  ja4: fingerprint?
  country: country?
}}

event obs {{
  n: int?
  x: float?
  took: duration?
  amount: money?
  word: string?
  hit: bool?
  i: int?
}}
event probe {{
  i: int?
}}
event begin {{
  i: int?
}}
tag quiet

policy readings {{
  on obs, probe
  mode enforce
  watch obs per session over {window}{before}{kind} {{
{watched}  }}
  signal s_elapsed = elapsed from begin to probe per session over {window}
  signal s_concurrent = concurrent of obs per session over {window}
  signal s_bucket = bucket({capacity}, {leak}) of obs per session
  signal s_gcra = gcra({leak}, {capacity}) of obs per session
  signal s_usual = usual(s_count{floor})
  signal s_usual_x = usual(s_avg_n{floor})
{rules}}}

policy looks {{
  on obs
  mode enforce
  sequence q per session within {horizon} {{
    first obs as a where n == 1 or n == 3
    then obs as b where n > 3
    then obs as c where n == 2 or n == 1
    without obs where n == 0 between a and b
    without obs where n < 0 between b and c
  }}
  sequence pair per session within {horizon} {{
    first obs as a where hit == true
    then obs as b where hit == false
  }}
  sequence silent per session within {horizon} {{
    first obs as a where hit == true
    then obs as b where n > 3
    then no obs where hit == false within {patience}
  }}
  cohort crowd of obs by (shape, country, ja4) over {window}{kind} against usual{floor}, lift at least {lift}, at least {least_crowd}
  rule crowd {{ when event in crowd then log because \"crowd {{crowd}} {{crowd.count}}\" }}
  rule no_crowd {{ when event not in crowd then log because \"crowd none\" }}
  rule fresh {{ when word is new for session over {window} then log because \"fresh\" }}
  rule q {{ when q then log because \"q {{q.a.i}} {{q.b.i}} {{q.c.i}} {{q.a.age}}\" }}
  rule silent {{ when silent then tag session quiet for 1s because \"silent {{silent.a.i}} {{silent.b.i}}\" }}
  rule pair {{ when pair then log because \"pair {{pair.a.i}} {{pair.b.i}}\" }}
}}
"
    )
}

/// What was said of a signal.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) value: Option<Value>,
    /// Where it is not exact.
    pub(crate) interval: Option<(f64, f64)>,
    pub(crate) why: Option<String>,
    /// Interval and reason have been asked for.
    pub(crate) explained: bool,
}

impl Read {
    pub(crate) fn number(&self) -> Option<f64> {
        Some(match self.value.as_ref()? {
            Value::Int(n) | Value::Duration(n) | Value::Time(n) | Value::Money(n, _) => *n as f64,
            Value::Float(x) => *x,
            _ => return None,
        })
    }
}

/// What was said at an event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) signals: BTreeMap<String, Read>,
    /// Reasons of the rules that fired beside the readings.
    pub(crate) fired: Vec<String>,
    /// The request that was answered.
    pub(crate) answered: Option<i64>,
}

/// The engine.
pub(crate) struct Site {
    engine: Engine,
    open: Vec<(Seq, i64)>,
}

impl Site {
    pub(crate) fn new(plan: &Plan, tier: Tier) -> Self {
        let text = policy(plan);
        let (hir, data) = Set::link(&text).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
        // Everything is waited for, so nothing is dropped before its lane has passed.
        let options = Options { record: true, tier, ..Options::default() };
        Self { engine: Engine::new(hir, data, options), open: Vec::new() }
    }

    fn decide(&mut self, input: Input) -> Decision {
        match self.engine.begin(input) {
            Step::Decided(decision) => decision,
            Step::Pending(pending) => self.engine.resume(pending, &[] as &[Outcome]),
        }
    }

    fn request(&mut self, event: &str, at: i64, fields: Vec<(&str, Value)>) -> Decision {
        let event = self.engine.hir().schema.event(event).unwrap();
        let mut record = self.engine.record(event);
        for (name, value) in fields {
            record.set_named(name, value).unwrap();
        }
        let record = record.finish();
        self.decide(Input::Request { at, events: vec![record] })
    }

    /// Makes a move; nothing where nothing waits for the answer.
    pub(crate) fn make(&mut self, next: &Move, explained: bool) -> Option<Told> {
        let session = |key: usize| ("session", Value::text(["s1", "s2"][key]));
        let decision = match next {
            Move::Observe(seen) => {
                let decision = self.request("obs", seen.at, [vec![session(seen.key)], fields(seen)].concat());
                self.open.push((decision.seq, seen.i));
                decision
            }
            Move::Probe { at, key } => self.request("probe", *at, vec![session(*key)]),
            Move::Begin { at, key } => self.request("begin", *at, vec![session(*key)]),
            Move::Answer { at, nth } => {
                if *nth >= self.open.len() {
                    return None;
                }
                let (request, i) = self.open.remove(*nth);
                let fields = vec![Vec::new()];
                let decision = self.decide(Input::Response { request, at: *at, fields, events: Vec::new() });
                return Some(Told { answered: Some(i), ..self.tell(&decision, false) });
            }
        };
        Some(self.tell(&decision, explained))
    }

    fn tell(&self, decision: &Decision, explained: bool) -> Told {
        let mut told = Told::default();
        let explanation = explained.then(|| self.engine.explain(decision));
        let rules = &self.engine.hir().rules;
        let due =
            decision.deadlines.iter().flat_map(|look| look.matches.iter().map(|found| (look.at, found)));
        told.fired.extend(due.map(|(at, found)| format!("{} at {at}", found.because)));
        for look in &decision.events {
            for found in &look.matches {
                let name = rules[found.rule].name.as_str();
                let Some(signal) = name.strip_prefix("r_") else {
                    told.fired.push(found.because.clone());
                    continue;
                };
                let value = found
                    .values
                    .iter()
                    .find(|shown| shown.name == signal)
                    .and_then(|shown| shown.value.clone());
                let mut read = Read { value, interval: None, why: None, explained };
                if let Some(explanation) = &explanation {
                    let mut traces = explanation.looks.iter().flat_map(|look| &look.rules);
                    let rule = traces.find(|rule| rule.rule == found.rule).expect("every rule is explained");
                    let trace = find(&rule.condition, signal)
                        .unwrap_or_else(|| panic!("`{signal}` is not explained"));
                    (read.interval, read.why) = (trace.interval, trace.why.clone());
                }
                told.signals.insert(signal.to_owned(), read);
            }
        }
        told.fired.sort();
        told
    }
}

fn find<'t>(trace: &'t Trace, text: &str) -> Option<&'t Trace> {
    if trace.text == text { Some(trace) } else { trace.operands.iter().find_map(|inner| find(inner, text)) }
}

fn fields(seen: &Observation) -> Vec<(&'static str, Value)> {
    let money = |(minor, currency): (i64, usize)| Value::Money(minor, CURRENCIES[currency]);
    let all = [
        ("n", seen.n.map(Value::Int)),
        ("x", seen.x.map(Value::Float)),
        ("took", seen.took.map(Value::Duration)),
        ("amount", seen.amount.map(money)),
        ("word", seen.word.map(|word| Value::text(WORDS[word]))),
        ("hit", seen.hit.map(Value::Bool)),
        ("i", Some(Value::Int(seen.i))),
        ("shape", seen.slice[0].map(|value| Value::text(DIMENSIONS[0].1[value]))),
        (
            "country",
            seen.slice[1].map(|value| Value::Country(Country::parse(DIMENSIONS[1].1[value]).unwrap())),
        ),
        ("ja4", seen.slice[2].map(|value| Value::text(DIMENSIONS[2].1[value]))),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
