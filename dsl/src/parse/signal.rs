//! Builders of signals: aggregates, watches, cohorts and sequences, and the clauses they share.

use crate::ast::{
    Aggregate, Cohort, Expr, Literal, Measure, MemberKind, Name, Over, Population, Scope, Sequence, Signal,
    SignalValue, Statistic, Step, StepKind, Usual, Watch, Watched, WatchedValue, WindowKind,
};
use crate::parse::build::{Build, Node, Rule};
use crate::parse::expression::expr;

/// The expression of a `where` clause.
pub(crate) fn filter(build: &mut Build<'_>, pair: Node<'_>) -> Option<Expr> {
    expr(build, pair.into_inner().find(|part| part.as_rule() == Rule::expr)?)
}

/// The number of `, at least n`.
pub(crate) fn least(build: &mut Build<'_>, pair: Node<'_>) -> Option<Literal> {
    let number = pair.into_inner().find(|part| part.as_rule() == Rule::number)?;
    build.literal(&number)
}

pub(crate) fn over(build: &mut Build<'_>, pair: Node<'_>) -> Option<Over> {
    let span = build.tight(&pair);
    let mut window = None;
    let mut before_this = false;
    let mut kind = WindowKind::default();
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::window => window = Some(build.window(part)?),
            Rule::before_this => before_this = true,
            Rule::window_kind => {
                kind = match part.as_str() {
                    "tumbling" => WindowKind::Tumbling,
                    "exact" => WindowKind::Exact,
                    _ => WindowKind::Economy,
                }
            }
            _ => {}
        }
    }
    Some(Over { window: window?, before_this, kind, span })
}

fn per(build: &mut Build<'_>, pair: Node<'_>) -> Option<crate::ast::Key> {
    build.key(pair.into_inner().find(|part| part.as_rule() == Rule::key)?)
}

/// Gathers the parts of a population from whatever clause holds them.
#[derive(Default)]
struct Parts {
    event: Option<Name>,
    filter: Option<Expr>,
    per: Option<crate::ast::Key>,
    over: Option<Over>,
}

impl Parts {
    /// Takes a part, or says that it is none of a population's.
    fn take(&mut self, build: &mut Build<'_>, part: Node<'_>) -> Option<()> {
        match part.as_rule() {
            Rule::value => self.event = Some(build.name(&part)),
            Rule::where_clause => self.filter = Some(filter(build, part)?),
            Rule::per => self.per = Some(per(build, part)?),
            Rule::over => self.over = Some(over(build, part)?),
            _ => {}
        }
        Some(())
    }

    fn finish(self) -> Option<Population> {
        Some(Population { event: self.event?, filter: self.filter, per: self.per, over: self.over })
    }
}

pub(crate) fn signal(build: &mut Build<'_>, pair: Node<'_>) -> Option<MemberKind> {
    let (mut name, mut value) = (None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::ident => name = Some(build.name(&part)),
            Rule::usual => value = Some(SignalValue::Usual(usual(build, part)?)),
            Rule::aggregate => value = Some(SignalValue::Aggregate(Box::new(aggregate(build, part)?))),
            Rule::expr => value = Some(SignalValue::Expr(expr(build, part)?)),
            _ => {}
        }
    }
    Some(MemberKind::Signal(Signal { name: name?, value: value? }))
}

fn usual(build: &mut Build<'_>, pair: Node<'_>) -> Option<Usual> {
    let span = build.span(&pair);
    let (mut signal, mut floor) = (None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::name => signal = Some(build.name(&part)),
            Rule::quantity => floor = Some(build.literal(&part)?),
            _ => {}
        }
    }
    Some(Usual { signal: signal?, floor, span })
}

fn aggregate(build: &mut Build<'_>, pair: Node<'_>) -> Option<Aggregate> {
    let span = build.tight(&pair);
    let (mut measured, mut bound, mut scoped) = (None, None, None);
    let mut parts = Parts::default();
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::measure => measured = Some(measure(build, part)?),
            Rule::elapsed_from => {
                let mut start = Parts::default();
                for part in part.into_inner() {
                    start.take(build, part)?;
                }
                measured = Some(Measure::ElapsedFrom { event: start.event?, filter: start.filter });
            }
            Rule::meter => measured = Some(meter(build, part)?),
            Rule::least => bound = Some(least(build, part)?),
            Rule::scope => scoped = Some(scope(build, part)?),
            _ => parts.take(build, part)?,
        }
    }
    Some(Aggregate { measure: measured?, population: parts.finish()?, least: bound, scope: scoped, span })
}

fn scope(build: &mut Build<'_>, pair: Node<'_>) -> Option<Scope> {
    let mut found = None;
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::kw_local => found = Some(Scope::Local),
            Rule::kw_owned => found = Some(Scope::Owned),
            Rule::window => found = Some(Scope::Global(build.window(part)?)),
            _ => {}
        }
    }
    found
}

fn meter(build: &mut Build<'_>, pair: Node<'_>) -> Option<Measure> {
    let mut gcra = false;
    let mut values = Vec::new();
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::kw_gcra => gcra = true,
            Rule::arguments => {
                for value in part.into_inner().filter(|value| value.as_rule() == Rule::expr) {
                    values.push(expr(build, value)?);
                }
            }
            _ => {}
        }
    }
    Some(if gcra { Measure::Gcra(values) } else { Measure::Bucket(values) })
}

fn measure(build: &mut Build<'_>, pair: Node<'_>) -> Option<Measure> {
    let mut inner = pair.into_inner();
    let first = inner.next()?;
    let mut names = |build: &Build<'_>| -> Vec<Name> {
        inner.by_ref().filter(|part| part.as_rule() == Rule::value).map(|part| build.name(&part)).collect()
    };
    Some(match first.as_rule() {
        Rule::kw_count => Measure::Count,
        Rule::kw_rate => Measure::Rate,
        Rule::kw_concurrent => Measure::Concurrent,
        Rule::kw_cv => Measure::CvOfGaps,
        Rule::kw_distinct => Measure::Distinct(names(build)),
        Rule::kw_entropy => Measure::Entropy(names(build)),
        Rule::kw_top => Measure::Top(names(build)),
        Rule::kw_sequential => {
            let mut names = names(build);
            if let Some(second) = names.get(1) {
                let span = second.span;
                build.error_help(
                    crate::codes::Code::SYNTAX,
                    span,
                    "`sequential` takes one field",
                    "name the number whose consecutive values are counted: `sequential serial`",
                );
                return None;
            }
            Measure::Sequential(names.pop()?)
        }
        Rule::kw_share => Measure::Share(expr(build, inner.find(|part| part.as_rule() == Rule::expr)?)?),
        Rule::statistic => {
            let statistic = match first.as_str() {
                "sum" => Statistic::Sum,
                "avg" => Statistic::Avg,
                "min" => Statistic::Min,
                "max" => Statistic::Max,
                "stddev" => Statistic::Stddev,
                "p1" => Statistic::P1,
                "p5" => Statistic::P5,
                "p50" => Statistic::P50,
                "p95" => Statistic::P95,
                "p99" => Statistic::P99,
                "first" => Statistic::First,
                "last" => Statistic::Last,
                _ => return None,
            };
            Measure::Of(statistic, names(build).pop()?)
        }
        _ => return None,
    })
}

pub(crate) fn watch(build: &mut Build<'_>, pair: Node<'_>) -> Option<MemberKind> {
    let mut population = None;
    let mut signals = Vec::new();
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::watch_head => population = Some(watch_head(build, part)?),
            Rule::watched => signals.push(watched(build, part)?),
            _ => {}
        }
    }
    Some(MemberKind::Watch(Watch { population: population?, signals }))
}

pub(crate) fn watch_head(build: &mut Build<'_>, pair: Node<'_>) -> Option<Population> {
    let mut parts = Parts::default();
    for part in pair.into_inner() {
        parts.take(build, part)?;
    }
    parts.finish()
}

pub(crate) fn watched(build: &mut Build<'_>, pair: Node<'_>) -> Option<Watched> {
    let span = build.tight(&pair);
    let (mut name, mut measured, mut filtered, mut bound, mut baseline) = (None, None, None, None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::ident => name = Some(build.name(&part)),
            Rule::usual => baseline = Some(usual(build, part)?),
            Rule::measure => measured = Some(measure(build, part)?),
            Rule::where_clause => filtered = Some(filter(build, part)?),
            Rule::least => bound = Some(least(build, part)?),
            _ => {}
        }
    }
    let value = match baseline {
        Some(usual) => WatchedValue::Usual(usual),
        None => WatchedValue::Measure { measure: measured?, filter: filtered, least: bound },
    };
    Some(Watched { name: name?, value, span, doc: None })
}

pub(crate) fn cohort(build: &mut Build<'_>, pair: Node<'_>) -> Option<MemberKind> {
    let (mut name, mut by) = (None, None);
    let (mut floor, mut lift, mut at_least) = (None, None, None);
    let mut parts = Parts::default();
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::ident => name = Some(build.name(&part)),
            Rule::key => by = Some(build.key(part)?),
            Rule::bound => {
                let span = build.span(&part);
                let mut slot = &mut at_least;
                let mut number = None;
                let mut word = "at least";
                for part in part.into_inner() {
                    match part.as_rule() {
                        Rule::kw_floor => (slot, word) = (&mut floor, "floor"),
                        Rule::kw_lift => (slot, word) = (&mut lift, "lift at least"),
                        Rule::number => number = Some(build.literal(&part)?),
                        _ => {}
                    }
                }
                if slot.is_some() {
                    build.error_help(
                        crate::codes::Code::SYNTAX,
                        span,
                        format!("a cohort has one `{word}`"),
                        "remove one of the two",
                    );
                    return None;
                }
                *slot = number;
            }
            _ => parts.take(build, part)?,
        }
    }
    let population = parts.finish()?;
    Some(MemberKind::Cohort(Cohort { name: name?, population, by: by?, floor, lift, least: at_least }))
}

pub(crate) fn sequence(build: &mut Build<'_>, pair: Node<'_>) -> Option<MemberKind> {
    let mut sequence = None;
    let mut steps = Vec::new();
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::sequence_head => sequence = Some(sequence_head(build, part)?),
            Rule::step => steps.push(step(build, part)?),
            _ => {}
        }
    }
    Some(MemberKind::Sequence(Sequence { steps, ..sequence? }))
}

/// A sequence without its steps.
pub(crate) fn sequence_head(build: &mut Build<'_>, pair: Node<'_>) -> Option<Sequence> {
    let (mut name, mut key, mut within) = (None, None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::ident => name = Some(build.name(&part)),
            Rule::per => key = Some(per(build, part)?),
            Rule::window => within = Some(build.window(part)?),
            _ => {}
        }
    }
    Some(Sequence { name: name?, per: key?, within: within?, steps: Vec::new() })
}

pub(crate) fn step(build: &mut Build<'_>, pair: Node<'_>) -> Option<Step> {
    let span = build.tight(&pair);
    let inner = pair.into_inner().next()?;
    let rule = inner.as_rule();
    let mut names = Vec::new();
    let mut window = None;
    let mut parts = Parts::default();
    for part in inner.into_inner() {
        match part.as_rule() {
            Rule::ident => names.push(build.name(&part)),
            Rule::window => window = Some(build.window(part)?),
            _ => parts.take(build, part)?,
        }
    }
    let mut names = names.into_iter();
    let kind = match rule {
        Rule::first_step => StepKind::First(names.next()?),
        Rule::then_step => StepKind::Then(names.next()?),
        Rule::then_no => StepKind::ThenNo(window?),
        _ => StepKind::Without { after: names.next()?, before: names.next()? },
    };
    Some(Step { kind, event: parts.event?, filter: parts.filter, span })
}
