//! Signals: aggregates over past events, their baselines, and expressions with a name.
//!
//! | measure | of | gives |
//! |---|---|---|
//! | `count`, `concurrent`, `sequential x`, `distinct x` | – | int |
//! | `rate` | – | rate |
//! | `share of p` | a condition | probability |
//! | `sum of x` | int, float, duration, money | the same |
//! | `avg of x` | int; float, duration, money, rate, probability | float; the same |
//! | `min`, `max`, `p50` … of x | an ordered type | the same |
//! | `stddev of x` | int, float; duration, money | float; the same |
//! | `first`, `last`, `top` x | any single value | the same |
//! | `entropy x`, `cv of gaps` | – | float |
//! | `elapsed from A to B` | – | duration |
//! | `bucket(capacity, leak)`, `gcra(rate, burst)` | – | int (its level); bool (conforms) |
//! | `usual(s)` | a number, rate, probability or duration | the same |
//!
//! A `where` reads fields of the event counted and other signals, those over the same event only `before this`. What is measured is
//! a field or a signal under the same rule, most often one that names an expression. `x is new for k over W` is
//! absence of an earlier event with the same `(k, x)`. A span that starts and ends with one event, and an
//! `elapsed` in general, is read before the event at hand is counted when both are the same event.

use std::rc::Rc;

use smol_str::{SmolStr, format_smolstr};
use weir_dsl::ast::{self, Statistic};
use weir_dsl::{Code, Diagnostic, Span};

use super::key::KeyUse;
use super::literal::rate_of;
use super::name::{FieldSearch, Place, PlaceKind};
use super::policy::{Local, SignalSource};
use super::{Checker, Progress};
use crate::hir::{ExprKind, Key, KeyPart, Measure, Phase, Signal, Window};
use crate::ids::*;
use crate::types::Type;
use crate::value::Value;

/// What is counted, per what, how far back.
#[derive(Clone, Debug)]
pub(super) struct Population {
    event: EventId,
    filter: Option<ExprId>,
    key: Option<Key>,
    window: Option<Window>,
    before_this: bool,
    /// The event that an `elapsed` ends with, at which alone it is read.
    end: Option<EventId>,
}

impl<'a> Checker<'a> {
    /// Lowers the use of a signal in an expression.
    pub(super) fn signal_name(&mut self, source: SignalSource<'a>, text: &str, span: Span) -> ExprId {
        self.members.note_read(text);
        if self.place.kind == PlaceKind::Decide {
            let title = format!("a threshold depends on the score alone, and `{text}` is a signal");
            self.fault(Code::WRONG_KIND, span, title, "write a rule that adds to the score");
            return self.error(span);
        }
        if let SignalSource::Expr(expr) = source {
            return self.named_expr(expr, text, span);
        }
        let Some(id) = self.signal_id(source, text, span) else { return self.error(span) };
        let Some(signal) = self.hir.signals.get(id).cloned() else { return self.error(span) };
        // Over another event nothing of the one at hand is counted, so there is no circle.
        let own = self.hir.states.get(signal.state).map(|state| state.event);
        let counts_here = own.is_some_and(|own| self.place.events.contains(&own));
        if self.place.kind == PlaceKind::Filter && !signal.before_this && counts_here {
            let title =
                format!("`{text}` counts the event at hand, so it cannot decide whether that is counted");
            let diagnostic = Diagnostic::new(Code::BAD_ARGUMENTS, self.at(span), title)
                .also(signal.at, "declared here")
                .help("end the signal with `before this`");
            self.report(diagnostic);
            return self.error(span);
        }
        if !self.reads_here(id, &signal, text, span) {
            return self.error(span);
        }
        self.push(ExprKind::Signal(id), signal.ty, span)
    }

    /// Whether every event at hand has the signal's key.
    fn reads_here(&mut self, id: SignalId, signal: &Signal, text: &str, span: Span) -> bool {
        let events = Rc::clone(&self.place.events);
        if let Some(end) = self.members.elapsed_to(id)
            && !events.contains(&end)
        {
            let end = self.event_name(end);
            let title = format!("`{text}` ends with `{end}`, which is not the event at hand");
            self.fault(Code::BAD_KEY, span, title, &format!("write a policy on `{end}`"));
            return false;
        }
        let key = self.hir.states.get(signal.state).and_then(|state| state.key.clone());
        let Some(key) = key else { return true };
        self.is_readable(&key, &format!("`{text}`"), &events, span)
    }

    /// An expression with a name, lowered once for the events it is read at.
    fn named_expr(&mut self, expr: &'a ast::Expr, text: &str, span: Span) -> ExprId {
        let events = Rc::clone(&self.place.events);
        let at = (SmolStr::from(text), events, self.place.kind == PlaceKind::Filter);
        match self.members.named.get(&at) {
            Some(Progress::Done(Some(id))) => return *id,
            Some(Progress::Done(None)) => return self.error(span),
            Some(Progress::Busy) => return self.recursion(text, span),
            None => {}
        }
        self.members.named.insert(at.clone(), Progress::Busy);
        let inner = self.expr(expr, None);
        let ty = self.ty(inner);
        let id = self.push(ExprKind::Named(text.into(), inner), ty, span);
        self.members.named.insert(at, Progress::Done(Some(id)));
        id
    }

    pub(super) fn recursion(&mut self, text: &str, span: Span) -> ExprId {
        if self.members.recursive.insert(text.into()) {
            let title = format!("`{text}` needs itself");
            self.fault(Code::RECURSION, span, title, "");
        }
        self.error(span)
    }

    /// Lowers a signal over events, once.
    pub(super) fn signal_id(&mut self, source: SignalSource<'a>, name: &str, span: Span) -> Option<SignalId> {
        match self.members.signals.get(name) {
            Some(Progress::Done(id)) => return *id,
            Some(Progress::Busy) => {
                self.recursion(name, span);
                return None;
            }
            None => {}
        }
        self.members.signals.insert(name.into(), Progress::Busy);
        let declared = self.members.declared(name).unwrap_or(span);
        let id = match source {
            SignalSource::Aggregate(aggregate) => self.aggregate(aggregate, name, declared),
            SignalSource::Usual(usual) => self.usual(usual, name, declared),
            SignalSource::Watched(watch, watched) => self.watched(watch, watched, name, declared),
            SignalSource::Expr(_) => None,
        };
        self.members.signals.insert(name.into(), Progress::Done(id));
        id
    }

    fn aggregate(&mut self, aggregate: &'a ast::Aggregate, name: &str, declared: Span) -> Option<SignalId> {
        if let Some(ast::Scope::Global(within)) = &aggregate.scope {
            self.window(within);
        }
        let population = self.population(&aggregate.population, &aggregate.measure, aggregate.span);
        let least = self.least(aggregate.least.as_ref());
        self.measured(population?, None, &aggregate.measure, least, name, declared)
    }

    fn watched(
        &mut self,
        watch: &'a ast::Watch,
        watched: &'a ast::Watched,
        name: &str,
        declared: Span,
    ) -> Option<SignalId> {
        match &watched.value {
            ast::WatchedValue::Usual(usual) => self.usual(usual, name, declared),
            ast::WatchedValue::Measure { measure, filter, least } => {
                // Spans and limiters count something else than the watch, or count it otherwise.
                let own = matches!(
                    measure,
                    ast::Measure::ElapsedFrom { .. } | ast::Measure::Bucket(_) | ast::Measure::Gcra(_)
                );
                let at = watch.population.event.span.start;
                let known = self.members.populations.get(&at).filter(|_| !own).cloned();
                let population = match known {
                    Some(population) => population,
                    None => {
                        let span = if own { watched.span } else { watch.population.event.span };
                        let population = self.population(&watch.population, measure, span);
                        if !own {
                            self.members.populations.insert(at, population.clone());
                        }
                        population
                    }
                };
                let least = self.least(least.as_ref());
                self.measured(population?, filter.as_ref(), measure, least, name, declared)
            }
        }
    }

    fn population(
        &mut self,
        population: &'a ast::Population,
        measure: &ast::Measure,
        span: Span,
    ) -> Option<Population> {
        if let ast::Measure::ElapsedFrom { event, filter } = measure {
            if let Some(filter) = &population.filter {
                let title = "only the event that starts the span has a `where`";
                self.fault(Code::BAD_ARGUMENTS, filter.span, title, "put it after the event of `from`");
            }
            let end = self.event(&population.event);
            let mut counted = self.counted(event, filter.as_ref(), population, true, span)?;
            counted.before_this |= end == Some(counted.event);
            counted.end = Some(end?);
            return Some(counted);
        }
        let windowed = !matches!(measure, ast::Measure::Bucket(_) | ast::Measure::Gcra(_));
        self.counted(&population.event, population.filter.as_ref(), population, windowed, span)
    }

    fn counted(
        &mut self,
        event: &ast::Name,
        filter: Option<&ast::Expr>,
        population: &ast::Population,
        windowed: bool,
        span: Span,
    ) -> Option<Population> {
        let window = population.over.as_ref().and_then(|over| {
            let span = self.window(&over.window)?;
            Some(Window { span, kind: over.kind })
        });
        let event = self.event(event)?;
        let place = Place::new(PlaceKind::Filter, &[event]);
        let (filter, key) = self.at_place(place, |checker| {
            let filter = filter.map(|filter| checker.condition(filter));
            let key = population.per.as_ref().map(|key| checker.key(key, KeyUse::State));
            (filter, key)
        });
        match (&population.over, windowed) {
            (None, true) => {
                self.fault(Code::UNBOUNDED, span, "how far back is not said", "end it with `over 10m`");
                return None;
            }
            (Some(over), false) => {
                let title = "a limiter has no window";
                self.fault(
                    Code::BAD_ARGUMENTS,
                    over.span,
                    title,
                    "leave `over` out: its rate says how fast it forgets",
                );
                return None;
            }
            (Some(_), true) if window.is_none() => return None,
            _ => {}
        }
        let key = match key {
            Some(None) => return None,
            Some(Some(key)) => Some(key),
            None => None,
        };
        let before_this = population.over.as_ref().is_some_and(|over| over.before_this);
        Some(Population { event, filter, key, window, before_this, end: None })
    }

    fn measured(
        &mut self,
        population: Population,
        narrowed: Option<&ast::Expr>,
        measure: &ast::Measure,
        least: Option<i64>,
        name: &str,
        declared: Span,
    ) -> Option<SignalId> {
        let place = Place::new(PlaceKind::Filter, &[population.event]);
        let (filter, lowered) = self.at_place(place, |checker| {
            let own = narrowed.map(|filter| checker.condition(filter));
            let filter = match (population.filter, own) {
                (Some(outer), Some(own)) => {
                    let span = narrowed.map_or(declared, |filter| filter.span);
                    Some(checker.push(ExprKind::And(vec![outer, own]), Type::Bool, span))
                }
                (one, other) => one.or(other),
            };
            (filter, checker.measure(measure, declared))
        });
        let (measure_kind, ty) = lowered?;
        let Population { event, key, window, before_this, end, .. } = population;
        let state = self.state(measure_kind, event, filter, key, window, declared)?;
        let id = self.signal(name, state, before_this, least, ty, declared);
        if let Some(end) = end {
            self.members.note_elapsed(id, end);
        }
        Some(id)
    }

    fn signal(
        &mut self,
        name: &str,
        state: StateId,
        before_this: bool,
        least: Option<i64>,
        ty: Type,
        at: Span,
    ) -> SignalId {
        let phase = match self.hir.states.get(state) {
            Some(state) if !before_this => state.phase,
            _ => Phase::Request,
        };
        let at = self.at(at);
        self.hir.signals.push(Signal {
            name: name.into(),
            state,
            before_this,
            least,
            ty,
            phase,
            at,
            unmapped: None,
        })
    }

    /// Lowers what is measured; fields are those of the event counted.
    fn measure(&mut self, measure: &ast::Measure, span: Span) -> Option<(Measure, Type)> {
        Some(match measure {
            ast::Measure::Count => (Measure::Count, Type::Int),
            ast::Measure::Rate => (Measure::Rate, Type::Rate),
            ast::Measure::Concurrent => (Measure::Concurrent, Type::Int),
            ast::Measure::CvOfGaps => (Measure::CvOfGaps, Type::Float),
            ast::Measure::ElapsedFrom { .. } => (Measure::Elapsed, Type::Duration),
            ast::Measure::Share(predicate) => (Measure::Share(self.condition(predicate)), Type::Probability),
            ast::Measure::Distinct(names) => (Measure::Distinct(self.values(names)?), Type::Int),
            ast::Measure::Entropy(names) => (Measure::Entropy(self.values(names)?), Type::Float),
            ast::Measure::Top(names) => {
                let values = self.values(names)?;
                let [only] = values.as_slice() else {
                    self.fault(Code::BAD_ARGUMENTS, span, "`top` is of one field", "");
                    return None;
                };
                let ty = self.ty(*only);
                (Measure::Top(values), ty)
            }
            ast::Measure::Sequential(name) => {
                let value = self.value(name)?;
                let ty = self.ty(value);
                if !matches!(ty, Type::Int | Type::Error) {
                    let title =
                        format!("a run of consecutive values is of ints, and `{}` is {ty}", name.text);
                    self.fault(Code::TYPE_MISMATCH, name.span, title, "");
                    return None;
                }
                (Measure::Sequential(value), Type::Int)
            }
            ast::Measure::Of(statistic, name) => {
                let value = self.value(name)?;
                let ty = self.statistic(*statistic, &self.ty(value), name)?;
                (Measure::Of(*statistic, value), ty)
            }
            ast::Measure::Bucket(args) => self.bucket(args, span)?,
            ast::Measure::Gcra(args) => self.gcra(args, span)?,
        })
    }

    fn values(&mut self, names: &[ast::Name]) -> Option<Vec<ExprId>> {
        // Every one is looked at, so that every fault is reported.
        let values: Vec<Option<ExprId>> = names.iter().map(|name| self.value(name)).collect();
        values.into_iter().collect()
    }

    /// A field or client shape of the event counted, or a signal of the policy.
    fn value(&mut self, name: &ast::Name) -> Option<ExprId> {
        let is_field =
            !matches!(self.field_in(&Rc::clone(&self.place.events), &name.text), FieldSearch::None);
        let id = match (self.env.find(self.scope.package, &name.text), self.members.find(&name.text)) {
            (Some(crate::env::Entity::Fingerprint(shape)), _) => {
                self.found(name, Ok(()));
                self.push(ExprKind::Fingerprint(shape), Type::Fingerprint, name.span)
            }
            (_, Some(Local::Signal(source))) if !is_field => self.signal_name(source, &name.text, name.span),
            _ => {
                let field = self.field_named(name)?;
                let ty = self.field_type(field);
                self.push(ExprKind::Field(field), ty, name.span)
            }
        };
        match self.ty(id) {
            Type::Error => None,
            ty @ (Type::Set(_) | Type::List(_) | Type::Map(..)) => {
                let title = format!("single values are measured, and `{}` is {ty}", name.text);
                self.fault(Code::TYPE_MISMATCH, name.span, title, "");
                None
            }
            _ => Some(id),
        }
    }

    fn statistic(&mut self, statistic: Statistic, ty: &Type, name: &ast::Name) -> Option<Type> {
        use Type::{Duration, Float, Int, Money, Probability, Rate};
        let given = match (statistic, ty) {
            (_, Type::Error) => Some(Type::Error),
            (Statistic::First | Statistic::Last, _) => Some(ty.clone()),
            (Statistic::Sum, Int | Float | Duration | Money) => Some(ty.clone()),
            (Statistic::Avg | Statistic::Stddev, Int | Float) => Some(Float),
            (Statistic::Avg, Duration | Money | Rate | Probability)
            | (Statistic::Stddev, Duration | Money) => Some(ty.clone()),
            (
                Statistic::Min
                | Statistic::Max
                | Statistic::P1
                | Statistic::P5
                | Statistic::P50
                | Statistic::P95
                | Statistic::P99,
                _,
            ) if ty.is_ordered() => Some(ty.clone()),
            _ => None,
        };
        if given.is_none() {
            let word = format!("{statistic:?}").to_lowercase();
            let title = format!("`{word} of {}` means nothing: `{}` is {ty}", name.text, name.text);
            self.fault(Code::TYPE_MISMATCH, name.span, title, "");
        }
        given
    }

    fn bucket(&mut self, args: &[ast::Expr], span: Span) -> Option<(Measure, Type)> {
        let [capacity, leak] = args else {
            self.fault(
                Code::BAD_ARGUMENTS,
                span,
                "a bucket has a capacity and a leak",
                "write `bucket(20, 5/s)`",
            );
            return None;
        };
        let capacity = self.whole(capacity, "a capacity");
        let leak = self.exact_rate(leak);
        Some((Measure::Bucket { capacity: capacity?, leak: leak? }, Type::Int))
    }

    fn gcra(&mut self, args: &[ast::Expr], span: Span) -> Option<(Measure, Type)> {
        let [rate, burst] = args else {
            self.fault(Code::BAD_ARGUMENTS, span, "`gcra` has a rate and a burst", "write `gcra(5/s, 20)`");
            return None;
        };
        let rate = self.exact_rate(rate);
        let burst = self.whole(burst, "a burst");
        Some((Measure::Gcra { rate: rate?, burst: burst? }, Type::Bool))
    }

    fn whole(&mut self, expr: &ast::Expr, what: &str) -> Option<i64> {
        let id = self.expr_of(expr, &Type::Int);
        match self.constant(id) {
            Some(Value::Int(value)) if *value > 0 => Some(*value),
            _ => {
                if self.ty(id) != Type::Error {
                    let title = format!("{what} is a number written in place, at least 1");
                    self.fault(Code::NOT_CONSTANT, expr.span, title, "");
                }
                None
            }
        }
    }

    fn exact_rate(&mut self, expr: &ast::Expr) -> Option<crate::hir::Rate> {
        let rate = match &expr.kind {
            ast::ExprKind::Literal(literal) => rate_of(literal),
            _ => None,
        };
        if rate.is_none() {
            let title = "a rate written in place is needed, above zero";
            self.fault(Code::NOT_CONSTANT, expr.span, title, "write `5/s`, `100/min` or `1_000/h`");
        }
        rate
    }

    fn usual(&mut self, usual: &'a ast::Usual, name: &str, declared: Span) -> Option<SignalId> {
        let base = &usual.signal;
        let source = match self.members.find(&base.text) {
            Some(Local::Signal(source)) => source,
            _ => {
                self.no_signal(base);
                return None;
            }
        };
        self.members.note_read(&base.text);
        if let SignalSource::Expr(_) = source {
            let title = format!("`{}` is an expression, and a baseline is learnt of state", base.text);
            self.fault(Code::WRONG_KIND, base.span, title, "take the baseline of a signal over events");
            return None;
        }
        let of = self.signal_id(source, &base.text, base.span)?;
        let signal = self.hir.signals.get(of).cloned()?;
        if !matches!(
            signal.ty,
            Type::Int | Type::Float | Type::Rate | Type::Probability | Type::Duration | Type::Error
        ) {
            let title = format!("a baseline is of numbers, and `{}` is {}", base.text, signal.ty);
            self.fault(Code::TYPE_MISMATCH, base.span, title, "");
            return None;
        }
        let state = self.hir.states.get(signal.state).cloned()?;
        if let Measure::Usual { .. } = state.measure {
            self.fault(Code::WRONG_KIND, base.span, "a baseline of a baseline means nothing", "");
            return None;
        }
        let floor = match &usual.floor {
            Some(literal) => Some(self.floor(literal, &signal.ty)?),
            None => None,
        };
        let measure = Measure::Usual { of: signal.state, floor };
        let id = self.state(measure, state.event, state.filter, state.key, None, declared)?;
        Some(self.signal(name, id, signal.before_this, None, signal.ty, declared))
    }

    /// `floor n`, of the signal's type.
    fn floor(&mut self, literal: &ast::Literal, ty: &Type) -> Option<f64> {
        let value = self.constant_of(&literal.kind, literal.span, ty)?;
        match value {
            Value::Int(value) | Value::Duration(value) => Some(value as f64),
            Value::Float(value) => Some(value),
            _ => None,
        }
    }

    fn no_signal(&mut self, name: &ast::Name) {
        if self.is_faulty(&name.text) {
            return;
        }
        let title = format!("no signal `{}`", name.text);
        let mut diagnostic = Diagnostic::new(Code::UNKNOWN_NAME, self.at(name.span), title);
        let names: Vec<SmolStr> = self.members.signal_names().cloned().collect();
        if let Some(near) = crate::suggest::nearest(&name.text, names.iter().map(SmolStr::as_str)) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?")).fix(
                format!("write `{near}`"),
                self.at(name.span),
                near,
                weir_dsl::Applicability::Suggested,
            );
        }
        self.report(diagnostic);
    }

    /// `x is new for key over window`: no earlier event with the same key and value.
    pub(super) fn is_new(
        &mut self,
        subject: &ast::Expr,
        key: &ast::Key,
        window: &ast::Window,
        span: Span,
    ) -> ExprId {
        let window = self.window(window);
        let events = Rc::clone(&self.place.events);
        let kinds = [PlaceKind::Rule, PlaceKind::Filter];
        let (true, [event]) = (kinds.contains(&self.place.kind), &*events) else {
            let title = "`is new` looks back over one kind of event, and there is none or several here";
            self.fault(
                Code::BAD_ARGUMENTS,
                span,
                title,
                "count them: `count of E per (user, x) over 30d before this`",
            );
            return self.error(span);
        };
        let place = Place::new(PlaceKind::Filter, &events);
        let key = self.at_place(place, |checker| {
            let per = checker.key(key, KeyUse::State);
            let value = checker.key_of(subject);
            per.zip(value)
        });
        let (Some((mut per, value)), Some(window)) = (key, window) else { return self.error(span) };
        if !value.parts.iter().all(|part| per.parts.contains(part)) {
            per.parts.extend(value.parts.iter().filter(|part| !matches!(part, KeyPart::Cohort(_))).cloned());
        }
        let name = format_smolstr!("{} is new for {}", value.text, per.text);
        per.text = format_smolstr!("({}, {})", per.text.trim_matches(['(', ')']), value.text);
        per.kind = per.kind.min(value.kind);
        let window = Window { span: window, kind: ast::WindowKind::Sliding };
        let Some(state) = self.state(Measure::LastSeen, *event, None, Some(per), Some(window), span) else {
            return self.error(span);
        };
        let signal = self.signal(&name, state, true, None, Type::Timestamp, span);
        self.push(ExprKind::Absent(signal), Type::Bool, span)
    }
}
