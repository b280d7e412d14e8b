//! One record of state: which aggregate it is, what an event brings to it and what a reading says.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

use weir_compiler::hir::{Expr, Hir, Measure, Statistic, WindowKind};
use weir_compiler::ids::StateId;
use weir_compiler::types::Type;
use weir_compiler::value::{Currency, Value};

use crate::sense::{Ask, Sensed, Why};
use crate::state;
use crate::state::{
    Admission, Bucket, Concurrent, Count, Distinct, Ends, Entropy, Extremes, FloatAverage, FloatSum, Gaps,
    Gcra, IntAverage, IntSum, Latest, Number, Pace, Percent, Quantile, Reading, Scale, Sequential, Share,
    Spread, Top, Usual, UsualForm, Window,
};

/// The currencies that one key may hold.
const CURRENCIES: usize = 4;
/// The values that one record of `first`, `last` or `top` may remember in full.
const REMEMBERED: usize = 128;

/// What a state keeps, with its constants.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub(crate) kind: FormKind,
    /// Placeholder of 1 ms for kinds without a window.
    pub(crate) window: Window,
    /// One lane set a currency.
    pub(crate) money: bool,
    /// How long a record holds something after its last update, in ms.
    pub(crate) retention: i64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum FormKind {
    Count,
    Rate,
    Share,
    Distinct,
    Entropy,
    Top,
    Sequential,
    Gaps,
    Sum(Scale),
    Average(Scale),
    Min(Scale),
    Max(Scale),
    Stddev,
    Quantile(Percent, Scale),
    First,
    Last,
    Elapsed,
    LastSeen,
    Concurrent,
    Usual(UsualForm),
    Bucket {
        capacity: u32,
        leak: Pace,
    },
    Gcra {
        rate: Pace,
        burst: u32,
    },
    /// Constants no record can be made of: always unknown.
    Never,
}

/// The scale of a statistic over values of a type.
fn scale(expr: Option<&Expr>) -> Scale {
    match expr.map(|expr| &expr.ty) {
        Some(Type::Float | Type::Probability | Type::Rate) => Scale::Float,
        _ => Scale::Int,
    }
}

/// `count` events in `per` ms, in lowest terms.
pub(crate) fn pace(count: u64, per: i64) -> Option<Pace> {
    let per = u64::try_from(per).ok()?;
    let (mut a, mut b) = (count, per);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    Pace::new(u32::try_from(count.checked_div(a)?).ok()?, u32::try_from(per.checked_div(a)?).ok()?)
}

fn window_kind(kind: WindowKind) -> state::WindowKind {
    match kind {
        WindowKind::Sliding => state::WindowKind::Sliding,
        WindowKind::Tumbling => state::WindowKind::Tumbling,
        WindowKind::Exact => state::WindowKind::Exact,
        WindowKind::Economy => state::WindowKind::Economy,
    }
}

/// The window of the state module for one of a rule set.
pub(crate) fn window(window: weir_compiler::hir::Window) -> Option<Window> {
    Window::new(window_kind(window.kind), window.span.ms)
}

const YEAR: i64 = 366 * 86_400_000;

impl Form {
    /// The form of a state.
    pub(crate) fn of(hir: &Hir, id: StateId) -> Self {
        let never = |window| Self { kind: FormKind::Never, window, money: false, retention: 1 };
        #[expect(clippy::unwrap_used, reason = "1 ms is a valid length")]
        let moment = Window::new(state::WindowKind::Tumbling, 1).unwrap();
        let Some(state) = hir.states.get(id) else { return never(moment) };
        let declared = state.window.and_then(window);
        let (kind, windowless) = match &state.measure {
            Measure::Count => (FormKind::Count, false),
            Measure::Rate => (FormKind::Rate, false),
            Measure::Concurrent => (FormKind::Concurrent, false),
            Measure::Share(_) => (FormKind::Share, false),
            Measure::Distinct(_) => (FormKind::Distinct, false),
            Measure::Entropy(_) => (FormKind::Entropy, false),
            Measure::Top(_) => (FormKind::Top, false),
            Measure::Sequential(_) => (FormKind::Sequential, false),
            Measure::CvOfGaps => (FormKind::Gaps, false),
            Measure::Elapsed => (FormKind::Elapsed, false),
            Measure::LastSeen => (FormKind::LastSeen, false),
            Measure::Of(statistic, expr) => {
                let scale = scale(hir.exprs.get(*expr));
                let percent = |percent| match Percent::new(percent) {
                    Some(percent) => FormKind::Quantile(percent, scale),
                    None => FormKind::Never,
                };
                let kind = match statistic {
                    Statistic::Sum => FormKind::Sum(scale),
                    Statistic::Avg => FormKind::Average(scale),
                    Statistic::Min => FormKind::Min(scale),
                    Statistic::Max => FormKind::Max(scale),
                    Statistic::Stddev => FormKind::Stddev,
                    Statistic::P1 => percent(1),
                    Statistic::P5 => percent(5),
                    Statistic::P50 => percent(50),
                    Statistic::P95 => percent(95),
                    Statistic::P99 => percent(99),
                    Statistic::First => FormKind::First,
                    Statistic::Last => FormKind::Last,
                };
                (kind, false)
            }
            Measure::Usual { of, floor } => {
                let level = hir.states.get(*of).map(|state| &state.measure);
                let scale = match level {
                    Some(Measure::Of(Statistic::Sum | Statistic::Min | Statistic::Max, expr)) => {
                        scale(hir.exprs.get(*expr))
                    }
                    Some(
                        Measure::Count | Measure::Distinct(_) | Measure::Sequential(_) | Measure::Concurrent,
                    ) => Scale::Int,
                    _ => Scale::Float,
                };
                let floor = floor.filter(|floor| floor.is_finite()).map(|floor| match scale {
                    // A level that is whole is compared with whole levels: the floor's ceiling.
                    Scale::Int => Number::Int(floor.ceil() as i64),
                    Scale::Float => Number::Float(floor),
                });
                (FormKind::Usual(UsualForm { floor, scale }), true)
            }
            Measure::Bucket { capacity, leak } => {
                match (u32::try_from(*capacity), pace(leak.count, leak.per)) {
                    (Ok(capacity), Some(leak)) => (FormKind::Bucket { capacity, leak }, true),
                    _ => (FormKind::Never, true),
                }
            }
            Measure::Gcra { rate, burst } => match (u32::try_from(*burst), pace(rate.count, rate.per)) {
                (Ok(burst), Some(rate)) => (FormKind::Gcra { rate, burst }, true),
                _ => (FormKind::Never, true),
            },
        };
        let money = match &state.measure {
            Measure::Of(statistic, expr) => {
                !matches!(statistic, Statistic::First | Statistic::Last)
                    && hir.exprs.get(*expr).is_some_and(|expr| expr.ty == Type::Money)
            }
            Measure::Usual { of, .. } => {
                matches!(hir.states.get(*of).map(|state| &state.measure),
                    Some(Measure::Of(_, expr)) if hir.exprs.get(*expr).is_some_and(|expr| expr.ty == Type::Money))
            }
            _ => false,
        };
        match (windowless, declared) {
            (true, _) => {
                let retention = match &state.measure {
                    Measure::Bucket { capacity, leak } => drain(*capacity, leak.count, leak.per),
                    Measure::Gcra { rate, burst } => drain(*burst, rate.count, rate.per),
                    _ => 2 * YEAR,
                };
                Self { kind, window: moment, money, retention }
            }
            // Eight lanes of a seventh each reach back at most 8/7 of the window; twice is more than that.
            (false, Some(window)) => {
                Self { kind, window, money, retention: window.length().saturating_mul(2).max(1_000) }
            }
            (false, None) => never(moment),
        }
    }

    /// Counts, rates and sums: evicted mass can be added to them.
    pub(crate) fn additive(&self) -> bool {
        !self.money && matches!(self.kind, FormKind::Count | FormKind::Rate | FormKind::Sum(_))
    }
}

/// How long `most` events take to leak away.
fn drain(most: i64, count: u64, per: i64) -> i64 {
    let whole = i128::from(most).saturating_mul(i128::from(per)) / i128::from(count.max(1));
    i64::try_from(whole).unwrap_or(i64::MAX).saturating_add(per).max(1)
}

/// What an event brings to a record.
#[derive(Clone, Debug)]
pub(crate) enum Sample {
    /// Itself.
    Event,
    /// Whether the predicate is true.
    Hit(bool),
    /// A keyed hash of the tuple.
    Hash(u64),
    /// A keyed hash and the value itself.
    Shown(u64, Value),
    /// A number.
    Number(Number, Option<Currency>),
    /// Something that begins, by id.
    Begin(u64),
}

impl Sample {
    /// A number of a value, with its currency.
    pub(crate) fn number(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Int(n) | Value::Duration(n) | Value::Time(n) => Self::Number(Number::Int(*n), None),
            Value::Float(x) => Self::Number(Number::Float(*x), None),
            Value::Money(minor, currency) => Self::Number(Number::Int(*minor), Some(*currency)),
            _ => return None,
        })
    }
}

/// Values kept in full beside hashes. At the bound those leave that the record no longer answers with; when none does, the least
/// recently seen.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Remembered(Vec<(u64, i64, Value)>);

impl Remembered {
    /// `holds` says whether the record may still answer with a value. Those are far fewer than are remembered, but for an `exact`
    /// window's, so a place is nearly always free.
    fn keep(&mut self, hash: u64, at: i64, value: Value, holds: impl Fn(u64) -> bool) {
        if let Some(known) = self.0.iter_mut().find(|(known, ..)| *known == hash) {
            known.1 = known.1.max(at);
            return;
        }
        if self.0.len() >= REMEMBERED {
            self.0.retain(|(hash, ..)| holds(*hash));
        }
        if self.0.len() < REMEMBERED {
            self.0.push((hash, at, value));
        } else if let Some(oldest) = self.0.iter_mut().min_by_key(|(_, at, _)| *at) {
            *oldest = (hash, at, value);
        }
    }

    fn find(&self, hash: u64) -> Option<&Value> {
        self.0.iter().find(|(known, ..)| *known == hash).map(|(.., value)| value)
    }
}

/// A record of state. The large ones are boxed: most records of a table are of one kind, and small.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Cell {
    Count(Count),
    Share(Share),
    Distinct(Box<Distinct>),
    Entropy(Box<Entropy>),
    Top(Box<(Top, Remembered)>),
    Sequential(Box<Sequential>),
    Gaps(Box<Gaps>),
    IntSum(Box<IntSum>),
    FloatSum(Box<FloatSum>),
    IntAverage(Box<IntAverage>),
    FloatAverage(Box<FloatAverage>),
    Extremes(Box<Extremes>),
    Spread(Box<Spread>),
    Quantile(Box<Quantile>),
    Ends(Box<(Ends, Remembered)>),
    Latest(Latest),
    Concurrent(Box<Concurrent>),
    Usual(Box<Usual>),
    Bucket(Bucket),
    /// And whether the last event conformed.
    Gcra(Gcra, bool),
    /// Lanes by currency, and whether one more came than fit.
    Money(Box<(Vec<(Currency, Cell)>, bool)>),
    Never,
}

impl Cell {
    /// A record that has seen nothing.
    pub(crate) fn new(form: &Form) -> Self {
        if form.money { Self::Money(Box::default()) } else { Self::plain(form) }
    }

    fn plain(form: &Form) -> Self {
        let w = &form.window;
        match form.kind {
            FormKind::Count | FormKind::Rate => Self::Count(Count::new(w)),
            FormKind::Share => Self::Share(Share::new(w)),
            FormKind::Distinct => Self::Distinct(Box::new(Distinct::new(w))),
            FormKind::Entropy => Self::Entropy(Box::new(Entropy::new(w))),
            FormKind::Top => Self::Top(Box::new((Top::new(w), Remembered::default()))),
            FormKind::Sequential => Self::Sequential(Box::new(Sequential::new(w))),
            FormKind::Gaps => Self::Gaps(Box::new(Gaps::new(w))),
            FormKind::Sum(Scale::Int) => Self::IntSum(Box::new(IntSum::new(w))),
            FormKind::Sum(Scale::Float) => Self::FloatSum(Box::new(FloatSum::new(w))),
            FormKind::Average(Scale::Int) => Self::IntAverage(Box::new(IntAverage::new(w))),
            FormKind::Average(Scale::Float) => Self::FloatAverage(Box::new(FloatAverage::new(w))),
            FormKind::Min(_) | FormKind::Max(_) => Self::Extremes(Box::new(Extremes::new(w))),
            FormKind::Stddev => Self::Spread(Box::new(Spread::new(w))),
            FormKind::Quantile(_, scale) => Self::Quantile(Box::new(Quantile::new(w, scale))),
            FormKind::First | FormKind::Last => Self::Ends(Box::new((Ends::new(w), Remembered::default()))),
            FormKind::Elapsed | FormKind::LastSeen => Self::Latest(Latest::new()),
            FormKind::Concurrent => Self::Concurrent(Box::new(Concurrent::new())),
            FormKind::Usual(_) => Self::Usual(Box::new(Usual::new())),
            FormKind::Bucket { .. } => Self::Bucket(Bucket::new()),
            FormKind::Gcra { .. } => Self::Gcra(Gcra::new(), true),
            FormKind::Never => Self::Never,
        }
    }

    /// Adds what an event at `at` brings. A sample of another kind, which the checker never makes, is ignored.
    pub(crate) fn add(&mut self, form: &Form, at: i64, sample: Sample) {
        let w = &form.window;
        match (self, sample) {
            (Self::Money(lanes), Sample::Number(number, Some(currency))) => {
                let (lanes, crowded) = &mut **lanes;
                let known = lanes.iter().position(|(known, _)| *known == currency);
                let place = match known {
                    Some(place) => place,
                    None if lanes.len() < CURRENCIES => {
                        lanes.push((currency, Self::plain(form)));
                        lanes.len() - 1
                    }
                    None => {
                        *crowded = true;
                        return;
                    }
                };
                if let Some((_, cell)) = lanes.get_mut(place) {
                    cell.add(form, at, Sample::Number(number, None));
                }
            }
            (Self::Count(cell), Sample::Event) => drop(cell.add(w, at)),
            (Self::Share(cell), Sample::Hit(hit)) => drop(cell.add(w, at, hit)),
            (Self::Distinct(cell), Sample::Hash(hash)) => drop(cell.add(w, at, hash)),
            (Self::Entropy(cell), Sample::Hash(hash)) => drop(cell.add(w, at, hash)),
            (Self::Top(cell), Sample::Shown(hash, value)) => {
                let (top, values) = &mut **cell;
                top.add(w, at, hash, 0);
                values.keep(hash, at, value, |hash| top.holds(hash));
            }
            (Self::Sequential(cell), Sample::Number(Number::Int(value), _)) => drop(cell.add(w, at, value)),
            (Self::Gaps(cell), Sample::Event) => drop(cell.add(w, at)),
            (Self::IntSum(cell), Sample::Number(Number::Int(value), _)) => drop(cell.add(w, at, value)),
            (Self::FloatSum(cell), Sample::Number(value, _)) => drop(cell.add(w, at, value.to_f64())),
            (Self::IntAverage(cell), Sample::Number(Number::Int(value), _)) => drop(cell.add(w, at, value)),
            (Self::FloatAverage(cell), Sample::Number(value, _)) => drop(cell.add(w, at, value.to_f64())),
            (Self::Extremes(cell), Sample::Number(value, _)) => drop(cell.add(w, at, value)),
            (Self::Spread(cell), Sample::Number(value, _)) => drop(cell.add(w, at, value)),
            (Self::Quantile(cell), Sample::Number(value, _)) => drop(cell.add(w, at, value)),
            (Self::Ends(cell), Sample::Shown(hash, value)) => {
                let (ends, values) = &mut **cell;
                ends.add(w, at, hash);
                values.keep(hash, at, value, |hash| ends.holds(hash));
            }
            (Self::Latest(cell), Sample::Event | Sample::Hash(_)) => drop(cell.add(at)),
            (Self::Concurrent(cell), Sample::Begin(id)) => drop(cell.begin(w, at, id)),
            (Self::Usual(cell), Sample::Number(level, _)) => {
                if let FormKind::Usual(form) = &form.kind {
                    cell.observe(form, at, level);
                }
            }
            (Self::Bucket(cell), Sample::Event) => {
                if let FormKind::Bucket { capacity, leak } = form.kind {
                    cell.add(capacity, leak, at);
                }
            }
            (Self::Gcra(cell, conforms), Sample::Event) => {
                if let FormKind::Gcra { rate, burst } = form.kind {
                    *conforms = cell.add(rate, burst, at) == Admission::Conforms;
                }
            }
            _ => {}
        }
    }

    /// An exchange ends.
    pub(crate) fn end(&mut self, id: u64) {
        if let Self::Concurrent(cell) = self {
            cell.end(id);
        }
    }

    /// What the record says at `at`. `counted`: the event at hand has just been added to it.
    pub(crate) fn read(&self, form: &Form, ask: &Ask<'_>) -> Sensed {
        let (w, at) = (&form.window, ask.at);
        let least = u64::try_from(ask.least.unwrap_or(0)).unwrap_or(0);
        let reading = match (self, &form.kind) {
            (Self::Money(lanes), _) => return self.read_money(lanes, form, ask),
            (Self::Count(cell), FormKind::Rate) => cell.rate(w, at),
            (Self::Count(cell), _) => cell.read(w, at),
            (Self::Share(cell), _) => cell.read(w, at, least),
            (Self::Distinct(cell), _) => cell.read(w, at),
            (Self::Entropy(cell), _) => cell.read(w, at),
            (Self::Top(cell), _) => {
                return match cell.0.read(w, at) {
                    Ok(top) => match cell.1.find(top.hash) {
                        Some(value) => Sensed::known(value.clone()),
                        None => Sensed::unknown(Why::State(state::Why::Empty)),
                    },
                    Err(why) => Sensed::unknown(Why::State(why)),
                };
            }
            (Self::Sequential(cell), _) => cell.read(w, at),
            (Self::Gaps(cell), _) => cell.read(w, at, least),
            (Self::IntSum(cell), _) => cell.read(w, at),
            (Self::FloatSum(cell), _) => cell.read(w, at),
            (Self::IntAverage(cell), _) => cell.read(w, at, least),
            (Self::FloatAverage(cell), _) => cell.read(w, at, least),
            (Self::Extremes(cell), FormKind::Max(scale)) => cell.max(w, at, *scale),
            (Self::Extremes(cell), FormKind::Min(scale)) => cell.min(w, at, *scale),
            (Self::Spread(cell), _) => cell.read(w, at, least),
            (Self::Quantile(cell), FormKind::Quantile(percent, _)) => cell.read(w, at, *percent, least),
            (Self::Ends(cell), kind) => {
                let picked =
                    if matches!(kind, FormKind::First) { cell.0.first(w, at) } else { cell.0.last(w, at) };
                return match picked.and_then(|picked| cell.1.find(picked.payload)) {
                    Some(value) => Sensed::known(value.clone()),
                    None => Sensed::unknown(Why::State(state::Why::Empty)),
                };
            }
            (Self::Latest(cell), FormKind::LastSeen) => {
                let elapsed = match cell.elapsed(w, at).value() {
                    Some(Number::Int(elapsed)) => Some(elapsed),
                    _ => None,
                };
                return Sensed::seen(elapsed.and_then(|elapsed| at.checked_sub(elapsed)));
            }
            (Self::Latest(cell), _) => cell.elapsed(w, at),
            (Self::Concurrent(cell), _) => cell.read(w, at),
            (Self::Usual(cell), FormKind::Usual(form)) => cell.read(form, at),
            (Self::Bucket(cell), FormKind::Bucket { leak, .. }) => cell.read(*leak, at),
            (Self::Gcra(cell, conforms), FormKind::Gcra { rate, burst }) => {
                let conforms =
                    if ask.counted { *conforms } else { cell.read(*rate, *burst, at) == Admission::Conforms };
                return Sensed::known(Value::Bool(conforms));
            }
            _ => Reading::Unknown(state::Why::Undefined),
        };
        Sensed::of(reading, ask.ty, None)
    }

    fn read_money(&self, lanes: &(Vec<(Currency, Self)>, bool), form: &Form, ask: &Ask<'_>) -> Sensed {
        let (lanes, crowded) = lanes;
        let (currency, cell) = match (ask.currency, lanes.as_slice()) {
            (Some(currency), lanes) => match lanes.iter().find(|(known, _)| *known == currency) {
                Some((_, cell)) => (currency, cell),
                None if *crowded => return Sensed::unknown(Why::Currencies),
                None => return Self::plain(form).read_as(form, ask, currency),
            },
            (None, [(currency, cell)]) => (*currency, cell),
            (None, []) => return Sensed::unknown(Why::State(state::Why::Empty)),
            (None, _) => return Sensed::unknown(Why::Currencies),
        };
        cell.read_as(form, ask, currency)
    }

    fn read_as(&self, form: &Form, ask: &Ask<'_>, currency: Currency) -> Sensed {
        let plain = self.read(form, &Ask { ty: &Type::Int, ..*ask });
        let number = match plain.reading {
            Some(reading) => reading,
            None => return plain,
        };
        Sensed::of(number, ask.ty, Some(currency))
    }

    /// The most that the record may still hold at `at`, for the shadow.
    pub(crate) fn mass(&self, form: &Form, at: i64) -> f64 {
        if !form.additive() {
            return 1.0;
        }
        let count = match self {
            // A rate's shadow is kept in events.
            Self::Count(cell) => cell.read(&form.window, at),
            Self::IntSum(cell) => cell.read(&form.window, at),
            Self::FloatSum(cell) => cell.read(&form.window, at),
            _ => return 1.0,
        };
        match count {
            Reading::Known { hi, .. } => hi.to_f64().max(0.0),
            Reading::Unknown(_) => 1.0,
        }
    }
}

/// A value that stands for a reading: a test's `given usual`.
pub(crate) fn given(level: f64, form: &UsualForm, ty: &Type) -> Sensed {
    let level = form.floor.map_or(level, |floor| level.max(floor.to_f64()));
    let number = match form.scale {
        Scale::Int => Number::Int(level.ceil() as i64),
        Scale::Float => Number::Float(level),
    };
    Sensed::of(Reading::certain(number), ty, None)
}

/// Text shared by readings of a tuple.
pub(crate) fn tuple(mut values: Vec<Value>) -> Option<Value> {
    match values.len() {
        0 => None,
        1 => values.pop(),
        _ => Some(Value::List(Arc::from(values))),
    }
}
