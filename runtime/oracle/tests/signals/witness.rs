//! What the page says of the same moves.

use weir_compiler::value::Value;
use weir_oracle::baseline::Baseline;
use weir_oracle::cohort::Cohort;
use weir_oracle::others::{Bucket, Flight, Times};
use weir_oracle::sequence::{Event, Sequence};
use weir_oracle::spread::Gaps;
use weir_oracle::truth::{self, Aggregate};
use weir_oracle::window::{LOG, VALUE_LOG};
use weir_oracle::{Kind, Number, Reading, Trail, Why, numbers, spread, values};

use crate::site::{CURRENCIES, DIMENSIONS, Plan, Read, WORDS};
use crate::{Move, Observation};

/// What a signal should say.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// Any of these; `None` is unknown.
    values: Vec<Option<Value>>,
    /// Where the interval is known to the last bit.
    interval: Option<Option<(f64, f64)>>,
    why: Option<String>,
    /// The true value over the effective window, where it means something.
    pub(crate) truth: Option<f64>,
    pub(crate) estimated: bool,
    is_open: bool,
}

impl Page {
    pub(crate) fn matches(&self, read: &Read) -> bool {
        (self.is_open || self.values.contains(&read.value))
            && (!read.explained || self.interval.is_none_or(|interval| interval == read.interval))
            && (!read.explained || self.why.is_none() || self.why == read.why)
    }

    fn any(values: Vec<Value>) -> Self {
        let values = match values.is_empty() {
            true => vec![None],
            false => values.into_iter().map(Some).collect(),
        };
        Self { values, interval: None, why: None, truth: None, estimated: false, is_open: false }
    }

    /// Anything: the interval alone is looked at.
    fn open() -> Self {
        Self { is_open: true, ..Self::any(Vec::new()) }
    }

    /// A reading in the words of the engine.
    fn of(reading: Reading, unit: Unit) -> Self {
        let none = |why: String| Self { why: Some(why), ..Self::any(Vec::new()) };
        match reading {
            Reading::Unknown(why) => none(words(why)),
            Reading::Known { value, lo, hi, estimated } => {
                let exact = !estimated && lo == value && value == hi;
                let Some(value) = unit.value(value) else { return none(words(Why::Overflow)) };
                Self {
                    values: vec![Some(value)],
                    interval: Some((!exact).then(|| (lo.float(), hi.float()))),
                    why: None,
                    truth: None,
                    estimated,
                    is_open: false,
                }
            }
        }
    }
}

fn words(why: Why) -> String {
    match why {
        Why::Empty => "nothing has happened in the window".into(),
        Why::TooFew { have, need } => format!("{have} events are fewer than {need}"),
        Why::Warming => "the baseline is still warming".into(),
        Why::Overflow => "the result leaves its range".into(),
        Why::Undefined => "the result is not defined".into(),
    }
}

/// What a number counts.
#[derive(Clone, Copy, Debug)]
enum Unit {
    Plain,
    /// A float, though its reading may be whole.
    Float,
    Duration,
    Money(usize),
}

impl Unit {
    fn value(self, number: Number) -> Option<Value> {
        // To the nearest unit, ties to even; out of range is unknown.
        let whole = || match number {
            Number::Int(n) => i64::try_from(n).ok(),
            Number::Float(x) => {
                let x = x.round_ties_even();
                (x >= -2_f64.powi(63) && x < 2_f64.powi(63)).then_some(x as i64)
            }
        };
        match (self, number) {
            (Self::Duration, _) => whole().map(Value::Duration),
            (Self::Money(currency), _) => whole().map(|minor| Value::Money(minor, CURRENCIES[currency])),
            (Self::Float, number) => Value::float(number.float()),
            (Self::Plain, Number::Int(n)) => i64::try_from(n).ok().map(Value::Int),
            (Self::Plain, Number::Float(x)) => Value::float(x),
        }
    }
}

/// What should be said at an event.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    pub(crate) signals: Vec<(&'static str, Page)>,
    pub(crate) fired: Vec<String>,
    /// The baselines of the cohort are still warming, so what is said of it is known.
    pub(crate) warming: bool,
}

/// Everything that came for one key.
struct Record {
    all: Trail<()>,
    narrow: Trail<()>,
    hit: Trail<bool>,
    large: Trail<bool>,
    word: Trail<usize>,
    word_numbers: Trail<usize>,
    pair: Trail<(usize, i64)>,
    n: Trail<i64>,
    n_values: Trail<i64>,
    x: Trail<f64>,
    x_values: Trail<f64>,
    took: Trail<i64>,
    took_values: Trail<i64>,
    amount: [Trail<i64>; 2],
    gaps: Gaps,
    begun: Times,
    flight: Flight,
    bucket: Bucket,
    usual: Baseline,
    usual_average: Baseline,
    shown: Vec<Times>,
    past: Vec<(Event, i64)>,
    past_pair: Vec<(Event, i64)>,
    past_silent: Vec<(Event, i64)>,
}

/// The oracle's side of a case.
pub(crate) struct Witness {
    plan: Plan,
    keys: Vec<Record>,
    sequence: Sequence,
    pair: Sequence,
    /// Completions that wait for an absence: until when, of which key, which.
    waiting: Vec<(i64, usize, String)>,
    crowd: Cohort,
    /// When the first observation came: baselines warm from then on.
    begun: Option<i64>,
    now: Option<i64>,
}

/// The completions of a key that may wait.
const PATIENT: usize = 8;

impl Witness {
    pub(crate) fn new(plan: &Plan) -> Self {
        let record = || {
            let (kind, length) = (plan.kind, plan.length);
            let floor = plan.floor.map(|floor| floor as f64);
            Record {
                all: Trail::new(kind, length, LOG),
                narrow: Trail::new(kind, length, LOG),
                hit: Trail::new(kind, length, LOG),
                large: Trail::new(kind, length, LOG),
                word: Trail::new(kind, length, VALUE_LOG),
                word_numbers: Trail::new(kind, length, LOG),
                pair: Trail::new(kind, length, VALUE_LOG),
                n: Trail::new(kind, length, LOG),
                n_values: Trail::new(kind, length, VALUE_LOG),
                x: Trail::new(kind, length, LOG),
                x_values: Trail::new(kind, length, VALUE_LOG),
                took: Trail::new(kind, length, LOG),
                took_values: Trail::new(kind, length, VALUE_LOG),
                amount: [Trail::new(kind, length, LOG), Trail::new(kind, length, LOG)],
                gaps: Gaps::new(kind, length),
                begun: Times::default(),
                flight: Flight::default(),
                bucket: Bucket::new(plan.capacity, plan.leak.0, plan.leak.1),
                usual: Baseline::new(floor, true),
                usual_average: Baseline::new(floor, false),
                shown: vec![Times::default(); WORDS.len()],
                past: Vec::new(),
                past_pair: Vec::new(),
                past_silent: Vec::new(),
            }
        };
        Self {
            plan: plan.clone(),
            keys: vec![record(), record()],
            sequence: Sequence { steps: 3, horizon: plan.horizon, without: vec![(0, 1), (1, 2)] },
            waiting: Vec::new(),
            crowd: Cohort::new(
                plan.kind,
                plan.length,
                plan.floor.map(|floor| floor as f64),
                plan.lift as f64,
                plan.crowd,
            ),
            begun: None,
            now: None,
            pair: Sequence { steps: 2, horizon: plan.horizon, without: Vec::new() },
        }
    }

    /// What should be said of a move. `answered` is the request that a response belongs to.
    pub(crate) fn make(&mut self, next: &Move, answered: Option<i64>, in_order: bool) -> Expected {
        let at = match next {
            Move::Answer { at, .. } | Move::Begin { at, .. } | Move::Probe { at, .. } => *at,
            Move::Observe(seen) => seen.at,
        };
        // A response that nobody waits for is no input.
        let is_input = !matches!(next, Move::Answer { .. }) || answered.is_some();
        let due = if is_input && in_order { self.advance(at) } else { Vec::new() };
        let mut expected = self.look(next, answered, in_order);
        expected.fired.extend(due);
        expected.fired.sort();
        expected
    }

    /// Absences that are certain once this time has come.
    fn advance(&mut self, at: i64) -> Vec<String> {
        let now = self.now.map_or(at, |now| now.max(at));
        self.now = Some(now);
        let (due, waiting) =
            std::mem::take(&mut self.waiting).into_iter().partition(|(until, ..)| *until < now);
        self.waiting = waiting;
        let due: Vec<(i64, usize, String)> = due;
        due.into_iter().map(|(until, _, what)| format!("{what} at {until}")).collect()
    }

    fn look(&mut self, next: &Move, answered: Option<i64>, in_order: bool) -> Expected {
        match next {
            Move::Answer { .. } => {
                if let Some(i) = answered {
                    self.keys.iter_mut().for_each(|record| record.flight.end(i as u64));
                }
                Expected::default()
            }
            Move::Begin { at, key } => {
                self.keys[*key].begun.add(*at);
                Expected::default()
            }
            Move::Probe { at, key } => {
                let mut signals = self.readings(*key, *at, None);
                signals.extend(self.own(*key, *at, None, true));
                self.judge_truth(&mut signals, *key, *at);
                Expected { signals, ..Expected::default() }
            }
            Move::Observe(seen) => self.observe(seen, in_order),
        }
    }

    fn observe(&mut self, seen: &Observation, in_order: bool) -> Expected {
        let mut expected = Expected::default();
        let before = self.plan.before.then(|| self.readings(seen.key, seen.at, Some(seen)));
        let usual_before = self.plan.before.then(|| self.usual(seen.key, seen.at));
        let length = self.plan.length;
        let record = &mut self.keys[seen.key];
        let is_new = seen.word.map(|word| record.shown[word].is_new(seen.at, length));
        let conforms = record.count(seen);
        self.level(seen);
        expected.signals = match before {
            Some(before) => before,
            None => {
                let mut after = self.readings(seen.key, seen.at, Some(seen));
                self.judge_truth(&mut after, seen.key, seen.at);
                after
            }
        };
        let usual = usual_before.unwrap_or_else(|| self.usual(seen.key, seen.at));
        expected.signals.extend(self.own(seen.key, seen.at, Some(conforms), false));
        expected.signals.retain(|(name, _)| !name.starts_with("s_usual"));
        expected.signals.extend(usual);
        if is_new == Some(true) {
            expected.fired.push("fresh".into());
        }
        expected.warming = self.crowd(seen, &mut expected.fired);
        // The page orders the events of a sequence and does not say what becomes of one that comes late.
        if in_order {
            expected.fired.extend(self.sequences(seen));
        }
        expected.fired.sort();
        expected
    }

    /// What the cohort says of an observation, and whether its baselines still warm.
    fn crowd(&mut self, seen: &Observation, fired: &mut Vec<String>) -> bool {
        let begun = *self.begun.get_or_insert(seen.at);
        let warming = (seen.at - begun).abs() < 13 * 86_400_000;
        self.crowd.add(seen.at, &seen.slice);
        if !warming {
            return false;
        }
        match self.crowd.surplus(seen.at, &seen.slice) {
            None => {}
            Some(None) => fired.push("crowd none".into()),
            Some(Some(surplus)) => {
                let fixed = surplus.slice.iter().zip(DIMENSIONS).filter_map(|(value, (name, values))| {
                    value.map(|value| format!("{name} = {}", values[value]))
                });
                let name = fixed.collect::<Vec<_>>().join(", ");
                fired.push(format!("crowd {name} {}", surplus.count));
            }
        }
        true
    }

    /// The levels that baselines follow: of the aggregate itself, for `at least` is the signal's.
    fn level(&mut self, seen: &Observation) {
        let record = &mut self.keys[seen.key];
        if let Some(level) = numbers::count(&record.all.cover(seen.at)).value() {
            record.usual.add(seen.at, level.float());
        }
        if let Some(level) = numbers::average_of_ints(&record.n.cover(seen.at), 0).value() {
            record.usual_average.add(seen.at, level.float());
        }
    }

    fn usual(&self, key: usize, at: i64) -> Vec<(&'static str, Page)> {
        let record = &self.keys[key];
        vec![
            ("s_usual", Page::of(record.usual.read(at), Unit::Plain)),
            ("s_usual_x", Page::of(record.usual_average.read(at), Unit::Float)),
        ]
    }

    fn own(&self, key: usize, at: i64, conforms: Option<bool>, probe: bool) -> Vec<(&'static str, Page)> {
        let (record, length) = (&self.keys[key], self.plan.length);
        let mut signals = vec![
            ("s_concurrent", Page::of(record.flight.count(at, length), Unit::Plain)),
            ("s_bucket", Page::of(record.bucket.level(at), Unit::Plain)),
            ("s_gcra", Page::any(vec![Value::Bool(conforms.unwrap_or_else(|| record.bucket.would_fit(at)))])),
        ];
        if probe {
            signals.push(("s_elapsed", Page::of(record.begun.elapsed(at, length), Unit::Duration)));
            signals.extend(self.usual(key, at));
        }
        signals
    }

    fn readings(&self, key: usize, at: i64, seen: Option<&Observation>) -> Vec<(&'static str, Page)> {
        let (record, least, length) = (&self.keys[key], self.plan.least, self.plan.length);
        let (n, x, took) = (record.n.cover(at), record.x.cover(at), record.took.cover(at));
        let ints = |trail: &Trail<i64>| numbers_of(trail, |n| Number::Int(n.into()), at);
        let floats = |trail: &Trail<f64>| numbers_of(trail, |x| Number::Float(x + 0.0), at);
        let word =
            |word: Option<usize>| Page::any(word.map(|word| Value::text(WORDS[word])).into_iter().collect());
        // Money: the currency of the event at hand, else the only one there is.
        let held: Vec<usize> = (0..2).filter(|currency| !record.amount[*currency].is_empty()).collect();
        let currency = match (seen.and_then(|seen| seen.amount), held.as_slice()) {
            (Some((_, currency)), _) => Ok(currency),
            (None, [only]) => Ok(*only),
            (None, []) => Err("nothing"),
            (None, _) => Err("several"),
        };
        let money = |of: &dyn Fn(&Trail<i64>) -> Reading| match currency {
            Ok(currency) => Page::of(of(&record.amount[currency]), Unit::Money(currency)),
            Err(_) => Page::any(Vec::new()),
        };
        let float_deviation = |trail: &Trail<i64>| {
            let cover = trail.cover(at);
            let lane =
                |lane: Vec<(i128, i64)>| lane.into_iter().map(|(at, n)| (at, n as f64)).collect::<Vec<_>>();
            weir_oracle::Cover {
                inner: cover.inner.into_iter().map(lane).collect(),
                edge: lane(cover.edge),
                k: cover.k,
                width: cover.width,
                estimated: cover.estimated,
                collapsed: cover.collapsed,
            }
        };
        vec![
            ("s_count", Page::of(numbers::count(&record.all.cover(at)), Unit::Plain)),
            ("s_narrow", Page::of(numbers::count(&record.narrow.cover(at)), Unit::Plain)),
            ("s_rate", Page::of(numbers::rate(&record.all.cover(at), length), Unit::Float)),
            ("s_share", Page::of(numbers::share(&record.hit.cover(at), least), Unit::Float)),
            ("s_share_n", Page::of(numbers::share(&record.large.cover(at), least), Unit::Float)),
            ("s_distinct", Page::of(values::distinct(&record.word.cover(at)), Unit::Plain)),
            ("s_pairs", Page::of(values::distinct(&record.pair.cover(at)), Unit::Plain)),
            ("s_sum_n", Page::of(numbers::sum_of_ints(&n), Unit::Plain)),
            ("s_sum_x", Page::of(numbers::sum_of_floats(&x), Unit::Float)),
            ("s_sum_t", Page::of(numbers::sum_of_ints(&took), Unit::Duration)),
            ("s_sum_m", money(&|trail| numbers::sum_of_ints(&trail.cover(at)))),
            ("s_avg_n", Page::of(numbers::average_of_ints(&n, least), Unit::Float)),
            ("s_avg_x", Page::open()),
            ("s_avg_t", Page::of(numbers::average_of_ints(&took, least), Unit::Duration)),
            ("s_avg_m", money(&|trail| numbers::average_of_ints(&trail.cover(at), least))),
            ("s_min_n", Page::of(numbers::min(&ints(&record.n)), Unit::Plain)),
            ("s_max_n", Page::of(numbers::max(&ints(&record.n)), Unit::Plain)),
            ("s_min_x", Page::of(numbers::min(&floats(&record.x)), Unit::Float)),
            ("s_max_x", Page::of(numbers::max(&floats(&record.x)), Unit::Float)),
            ("s_max_t", Page::of(numbers::max(&ints(&record.took)), Unit::Duration)),
            ("s_min_m", money(&|trail| numbers::min(&ints(trail)))),
            ("s_first", word(numbers::first(&record.word_numbers.cover(at)))),
            ("s_last", word(numbers::last(&record.word_numbers.cover(at)))),
            ("s_last_n", Page::any(numbers::last(&n).map(Value::Int).into_iter().collect())),
            ("s_dev_n", Page::of(spread::deviation(&float_deviation(&record.n), least), Unit::Float)),
            ("s_dev_x", Page::of(spread::deviation(&x, least), Unit::Float)),
            ("s_dev_t", Page::of(spread::deviation(&float_deviation(&record.took), least), Unit::Duration)),
            ("s_gaps", Page::of(record.gaps.variation(at, least), Unit::Float)),
            ("s_p50_n", Page::of(values::quantile(&ints(&record.n_values), 50, least), Unit::Plain)),
            ("s_p95_n", Page::of(values::quantile(&ints(&record.n_values), 95, least), Unit::Plain)),
            ("s_p99_x", Page::of(values::quantile(&floats(&record.x_values), 99, least), Unit::Float)),
            ("s_p50_t", Page::of(values::quantile(&ints(&record.took_values), 50, least), Unit::Duration)),
            ("s_entropy", Page::of(values::entropy(&record.word.cover(at)), Unit::Float)),
            ("s_entropy_n", Page::of(values::entropy(&record.n_values.cover(at)), Unit::Float)),
            (
                "s_top",
                Page::any(
                    values::top(&record.word.cover(at))
                        .iter()
                        .map(|word| Value::text(WORDS[*word]))
                        .collect(),
                ),
            ),
            (
                "s_top_n",
                Page::any(values::top(&record.n_values.cover(at)).into_iter().map(Value::Int).collect()),
            ),
            ("s_run", Page::of(values::sequential(&record.n_values.cover(at)), Unit::Plain)),
        ]
    }

    /// Adds the true values, where no event of the key lies after the reading.
    fn judge_truth(&self, signals: &mut [(&'static str, Page)], key: usize, at: i64) {
        let record = &self.keys[key];
        if self.plan.kind == Kind::Economy
            || record.all.latest().is_some_and(|latest| latest > i128::from(at))
        {
            return;
        }
        let small = |number: &Number| number.float().abs() < 1e9;
        for (name, page) in signals {
            let ints = |trail: &Trail<i64>| {
                trail.since(at).iter().map(|(_, n)| Number::Int((*n).into())).collect::<Vec<_>>()
            };
            let floats = |trail: &Trail<f64>| {
                trail.since(at).iter().map(|(_, x)| Number::Float(*x)).collect::<Vec<_>>()
            };
            let (aggregate, values) = match *name {
                "s_count" => {
                    (Aggregate::Count, record.all.since(at).iter().map(|_| Number::Int(1)).collect())
                }
                "s_narrow" => {
                    (Aggregate::Count, record.narrow.since(at).iter().map(|_| Number::Int(1)).collect())
                }
                "s_share" => {
                    let hits = record.hit.since(at);
                    (Aggregate::Share, hits.iter().map(|(_, hit)| Number::Int((*hit).into())).collect())
                }
                "s_distinct" => {
                    let words = record.word.since(at);
                    (Aggregate::Distinct, words.iter().map(|(_, word)| Number::Int(*word as i128)).collect())
                }
                "s_sum_n" => (Aggregate::Sum, ints(&record.n)),
                "s_sum_x" => (Aggregate::Sum, floats(&record.x)),
                "s_avg_n" => (Aggregate::Avg, ints(&record.n)),
                // Whether its interval is hard is known from what was observed with it.
                "s_avg_x" if !record.x.cover(at).estimated => (Aggregate::Avg, floats(&record.x)),
                "s_min_n" => (Aggregate::Min, ints(&record.n)),
                "s_max_n" => (Aggregate::Max, ints(&record.n)),
                "s_max_x" => (Aggregate::Max, floats(&record.x)),
                "s_dev_n" => (Aggregate::Stddev, ints(&record.n)),
                "s_dev_x" => (Aggregate::Stddev, floats(&record.x)),
                "s_p50_n" => (Aggregate::Quantile(50), ints(&record.n_values)),
                "s_p95_n" => (Aggregate::Quantile(95), ints(&record.n_values)),
                "s_run" => (Aggregate::Sequential, ints(&record.n_values)),
                _ => continue,
            };
            if values.iter().all(small) {
                page.truth = truth::value(aggregate, &values);
            }
        }
    }

    fn sequences(&mut self, seen: &Observation) -> Vec<String> {
        let record = &mut self.keys[seen.key];
        let mut event = Event { at: seen.at, ..Event::default() };
        if let Some(n) = seen.n {
            event.steps = (0..3).filter(|step| [n == 1 || n == 3, n > 3, n == 1 || n == 2][*step]).collect();
            event.without = (0..2).filter(|nth| [n == 0, n < 0][*nth]).collect();
        }
        let mut pair = Event { at: seen.at, ..Event::default() };
        pair.steps = seen.hit.map(|hit| usize::from(!hit)).into_iter().collect();
        record.past.push((event, seen.i));
        record.past_pair.push((pair, seen.i));
        let held = |sequence: &Sequence, past: &[(Event, i64)]| {
            let events: Vec<Event> = past.iter().map(|(event, _)| event.clone()).collect();
            let marks = sequence.held(&events)?;
            let age = seen.at - events[marks[0]].at;
            Some((marks.iter().map(|at| past[*at].1.to_string()).collect::<Vec<_>>().join(" "), age))
        };
        let mut fired = Vec::new();
        if let Some((steps, age)) = held(&self.sequence, &record.past) {
            let age = weir_compiler::show::show(&Value::Duration(age), &weir_compiler::types::Type::Duration);
            fired.push(format!("q {steps} {age}"));
        }
        if let Some((steps, _)) = held(&self.pair, &record.past_pair) {
            fired.push(format!("pair {steps}"));
        }
        // An excluded event at the deadline itself is in time; it does not end what it completes itself.
        if seen.hit == Some(false) {
            self.waiting.retain(|(until, key, _)| *key != seen.key || seen.at > *until);
        }
        let mut silent = Event { at: seen.at, ..Event::default() };
        silent.steps.extend((seen.hit == Some(true)).then_some(0));
        silent.steps.extend(seen.n.is_some_and(|n| n > 3).then_some(1));
        record.past_silent.push((silent, seen.i));
        let waits = self.waiting.iter().filter(|(_, key, _)| *key == seen.key).count();
        if let Some((steps, _)) = held(&self.pair, &record.past_silent)
            && waits < PATIENT
        {
            self.waiting.push((seen.at + self.plan.patience, seen.key, format!("silent {steps}")));
        }
        fired
    }
}

fn numbers_of<V: Copy>(
    trail: &Trail<V>,
    number: impl Fn(V) -> Number,
    at: i64,
) -> weir_oracle::Cover<Number> {
    let cover = trail.cover(at);
    let lane = |lane: Vec<(i128, V)>| lane.into_iter().map(|(at, v)| (at, number(v))).collect::<Vec<_>>();
    weir_oracle::Cover {
        inner: cover.inner.into_iter().map(lane).collect(),
        edge: lane(cover.edge),
        k: cover.k,
        width: cover.width,
        estimated: cover.estimated,
        collapsed: cover.collapsed,
    }
}

impl Record {
    /// Takes an observation; true when it conforms to the rate.
    fn count(&mut self, seen: &Observation) -> bool {
        let at = seen.at;
        self.all.add(at, ());
        self.gaps.add(at);
        if let Some(hit) = seen.hit {
            self.hit.add(at, hit);
            if hit {
                self.narrow.add(at, ());
            }
        }
        if let Some(n) = seen.n {
            self.n.add(at, n);
            self.n_values.add(at, n);
            self.large.add(at, n > 4);
        }
        if let Some(x) = seen.x {
            self.x.add(at, x);
            self.x_values.add(at, x);
        }
        if let Some(took) = seen.took {
            self.took.add(at, took);
            self.took_values.add(at, took);
        }
        if let Some((minor, currency)) = seen.amount {
            self.amount[currency].add(at, minor);
        }
        if let Some(word) = seen.word {
            self.word.add(at, word);
            self.word_numbers.add(at, word);
            self.shown[word].add(at);
            if let Some(n) = seen.n {
                self.pair.add(at, (word, n));
            }
        }
        self.flight.begin(seen.i as u64, at);
        self.bucket.add(at)
    }
}
