//! The reference walker: the meaning of expressions, made executable.
//!
//! It walks the tree for every evaluation, shares nothing and reorders nothing. Faster engines are right when
//! they agree with it. What an expression may ask of the world is [`World`]; the walker itself knows no
//! state, no clock and no event.

use std::borrow::Cow;

use crate::arith;
use crate::civil;
use crate::convert;
use crate::data::Data;
use crate::geo;
use crate::hir::{Builtin, CohortValue, Expr, ExprKind, Hir, Key, Param, Part, Pattern, TextOp};
use crate::ids::*;
use crate::shared::SharedVec;
use crate::show;
use crate::text;
use crate::value::Value;

/// What an expression may ask. `None` is unknown, always.
pub trait World {
    /// A field of the event at hand.
    fn field(&self, field: FieldId) -> Option<Cow<'_, Value>>;
    /// A user-defined client shape of the event at hand.
    fn fingerprint(&self, fingerprint: FingerprintId) -> Option<Value>;
    /// A reading.
    fn signal(&self, signal: SignalId) -> Option<Value>;
    /// Whether a reading's upper bound is zero.
    fn absent(&self, signal: SignalId) -> Option<bool>;
    /// Whether the event's slice is in surplus.
    fn in_cohort(&self, cohort: CohortId) -> Option<bool>;
    /// A property of that slice.
    fn cohort_value(&self, cohort: CohortId, value: CohortValue) -> Option<Value>;
    /// Whether a sequence holds.
    fn holds(&self, sequence: SequenceId) -> Option<bool>;
    /// A captured field of a sequence that holds.
    fn captured(&self, sequence: SequenceId, step: u16, field: FieldId) -> Option<Value>;
    /// Milliseconds since a step of a sequence that holds.
    fn age(&self, sequence: SequenceId, step: u16) -> Option<i64>;
    /// A model's answer.
    fn call(&self, call: CallId) -> Option<Value>;
    /// Whether a key carries a tag.
    fn tagged(&self, key: &Key, tag: TagId) -> Option<bool>;
    /// The time of the event at hand.
    fn now(&self) -> i64;
    /// What an expression was, where that is on record and not to be worked out again: a record of a decision keeps
    /// no personal value, but what the conditions on it were.
    fn settled(&self, _expr: ExprId) -> Option<Option<Value>> {
        None
    }
    /// The score so far, in `decide`.
    fn score(&self) -> Option<i64> {
        None
    }
    /// A variable of a test's `repeat`.
    fn variable(&self, _depth: u16) -> Option<i64> {
        None
    }
    /// Parts of plain HTTP, in `derive` maps: `body.json`, `query`, `header` and the like.
    fn http(&self, _builtin: Builtin, _argument: &Value) -> Option<Value> {
        None
    }
}

/// Expressions with what they need besides the world.
#[derive(Clone, Copy, Debug)]
pub struct Walker<'h> {
    exprs: &'h SharedVec<ExprId, Expr>,
    params: Option<&'h SharedVec<ParamId, Param>>,
    patterns: Option<&'h SharedVec<PatternId, Pattern>>,
    data: Option<&'h Data>,
}

type Found<'a> = Option<Cow<'a, Value>>;

fn owned<'a>(value: Option<Value>) -> Found<'a> {
    value.map(Cow::Owned)
}

impl<'h> Walker<'h> {
    /// Over a rule set and what is loaded.
    pub fn new(hir: &'h Hir, data: &'h Data) -> Self {
        Self { exprs: &hir.exprs, params: Some(&hir.params), patterns: Some(&hir.patterns), data: Some(data) }
    }

    /// Over expressions that ask no parameter, pattern or list: those of tests.
    pub fn plain(exprs: &'h SharedVec<ExprId, Expr>) -> Self {
        Self { exprs, params: None, patterns: None, data: None }
    }

    /// Whether a condition is true; unknown is `None`. `and` and `or` stop at the first operand that decides.
    pub fn truth(&self, id: ExprId, world: &impl World) -> Option<bool> {
        if let Some(settled) = world.settled(id) {
            return match settled {
                Some(Value::Bool(truth)) => Some(truth),
                _ => None,
            };
        }
        match &self.exprs.get(id)?.kind {
            ExprKind::And(operands) => {
                let mut known = true;
                for operand in operands {
                    match self.truth(*operand, world) {
                        Some(false) => return Some(false),
                        Some(true) => {}
                        None => known = false,
                    }
                }
                known.then_some(true)
            }
            ExprKind::Or(operands) => {
                let mut known = true;
                for operand in operands {
                    match self.truth(*operand, world) {
                        Some(true) => return Some(true),
                        Some(false) => {}
                        None => known = false,
                    }
                }
                known.then_some(false)
            }
            ExprKind::Not(operand) => self.truth(*operand, world).map(|truth| !truth),
            ExprKind::Named(_, operand) => self.truth(*operand, world),
            ExprKind::Compare(op, left, right) => {
                arith::compare(*op, &*self.value(*left, world)?, &*self.value(*right, world)?)
            }
            ExprKind::EqIgnoringCase(left, right) => {
                let (left, right) = (self.value(*left, world)?, self.value(*right, world)?);
                match (&*left, &*right) {
                    (Value::Text(left), Value::Text(right)) => Some(equal_ignoring_case(left, right)),
                    _ => None,
                }
            }
            ExprKind::IsKnown(operand) => Some(self.value(*operand, world).is_some()),
            ExprKind::InList(needle, list) => {
                let needle = self.value(*needle, world)?;
                Some(self.data?.list(*list)?.contains(&needle))
            }
            ExprKind::InSet(needle, set) => {
                let (needle, set) = (self.value(*needle, world)?, self.value(*set, world)?);
                match &*set {
                    Value::List(members) => Some(is_member(&needle, members)),
                    _ => None,
                }
            }
            ExprKind::Matches(subject, pattern) => match &*self.value(*subject, world)? {
                Value::Text(text) => Some(self.patterns?.get(*pattern)?.regex.is_match(text)),
                _ => None,
            },
            ExprKind::TextTest(op, subject, pattern) => {
                let (subject, pattern) = (self.value(*subject, world)?, self.value(*pattern, world)?);
                match (&*subject, &*pattern) {
                    (Value::Text(subject), Value::Text(pattern)) => match op {
                        TextOp::Contains => Some(subject.contains(&**pattern)),
                        TextOp::StartsWith => Some(subject.starts_with(&**pattern)),
                        TextOp::EndsWith => Some(subject.ends_with(&**pattern)),
                        TextOp::Glob | TextOp::Regex => None,
                    },
                    _ => None,
                }
            }
            ExprKind::Absent(signal) => world.absent(*signal),
            ExprKind::InCohort(cohort) => world.in_cohort(*cohort),
            ExprKind::Holds(sequence) => world.holds(*sequence),
            ExprKind::Tagged(key, tag) => world.tagged(key, *tag),
            ExprKind::ScheduleActive(schedule) => {
                Some(self.data?.schedule(*schedule)?.is_active(world.now()))
            }
            _ => match &*self.value(id, world)? {
                Value::Bool(truth) => Some(*truth),
                _ => None,
            },
        }
    }

    /// The value of an expression; unknown is `None`.
    pub fn value<'a>(&self, id: ExprId, world: &'a impl World) -> Found<'a>
    where
        'h: 'a,
    {
        let expr = self.exprs.get(id)?;
        if let Some(settled) = world.settled(id) {
            return owned(settled);
        }
        match &expr.kind {
            ExprKind::Const(value) => Some(Cow::Borrowed(value)),
            ExprKind::Param(param) => Some(Cow::Borrowed(&self.params?.get(*param)?.value)),
            ExprKind::Field(field) => world.field(*field),
            ExprKind::Fingerprint(fingerprint) => owned(world.fingerprint(*fingerprint)),
            ExprKind::Signal(signal) => owned(world.signal(*signal)),
            ExprKind::Named(_, operand) => self.value(*operand, world),
            ExprKind::CohortValue(cohort, value) => owned(world.cohort_value(*cohort, *value)),
            ExprKind::Captured { sequence, step, field } => owned(world.captured(*sequence, *step, *field)),
            ExprKind::Age { sequence, step } => owned(world.age(*sequence, *step).map(Value::Duration)),
            ExprKind::Call(call) => owned(world.call(*call)),
            ExprKind::Score => owned(world.score().map(Value::Int)),
            ExprKind::Now => owned(Some(Value::Time(world.now()))),
            ExprKind::Variable(depth) => owned(world.variable(*depth).map(Value::Int)),
            ExprKind::Arithmetic(op, left, right) => {
                owned(arith::arithmetic(*op, &*self.value(*left, world)?, &*self.value(*right, world)?))
            }
            ExprKind::Negate(operand) => owned(arith::negate(&*self.value(*operand, world)?)),
            ExprKind::ToFloat(operand) => match &*self.value(*operand, world)? {
                Value::Int(int) => owned(Some(Value::Float(*int as f64))),
                Value::Float(float) => owned(Some(Value::Float(*float))),
                _ => None,
            },
            ExprKind::Fallback(first, second) => {
                self.value(*first, world).or_else(|| self.value(*second, world))
            }
            ExprKind::Lookup(table, key) => {
                let key = self.value(*key, world)?;
                Some(Cow::Borrowed(self.data?.table(*table)?.get(&key)?))
            }
            ExprKind::Case(subject, arms) => {
                let subject = self.value(*subject, world)?;
                for (pattern, value) in arms {
                    let matches = match pattern {
                        None => true,
                        Some(pattern) => arith::equal(&subject, &*self.value(*pattern, world)?)?,
                    };
                    if matches {
                        return self.value(*value, world);
                    }
                }
                None
            }
            ExprKind::Builtin(builtin, arguments) => {
                let mut values = Vec::with_capacity(arguments.len());
                for argument in arguments {
                    values.push(self.value(*argument, world)?.into_owned());
                }
                owned(call_builtin(*builtin, &values, world))
            }
            ExprKind::Array(members) => {
                let mut values = Vec::with_capacity(members.len());
                for member in members {
                    values.push(self.value(*member, world)?.into_owned());
                }
                owned(Some(Value::List(values.into())))
            }
            ExprKind::Template(parts) => {
                let mut text = String::new();
                for part in parts {
                    match part {
                        Part::Text(part) => text.push_str(part),
                        Part::Value(value) => {
                            let ty = &self.exprs.get(*value)?.ty;
                            text.push_str(&show::show(&*self.value(*value, world)?, ty));
                        }
                    }
                }
                owned(Some(Value::text(&text)))
            }
            ExprKind::Convert(operand) => {
                let value = self.value(*operand, world)?;
                owned(convert::convert(&value, &expr.ty))
            }
            ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Compare(..)
            | ExprKind::EqIgnoringCase(..)
            | ExprKind::IsKnown(_)
            | ExprKind::InList(..)
            | ExprKind::InSet(..)
            | ExprKind::Matches(..)
            | ExprKind::TextTest(..)
            | ExprKind::Absent(_)
            | ExprKind::InCohort(_)
            | ExprKind::Holds(_)
            | ExprKind::Tagged(..)
            | ExprKind::ScheduleActive(_) => owned(self.truth(id, world).map(Value::Bool)),
        }
    }
}

pub(crate) fn is_member(needle: &Value, members: &[Value]) -> bool {
    members.iter().any(|member| match (needle, member) {
        (Value::Ip(ip), Value::Cidr(range)) => range.contains(ip),
        (needle, member) => arith::equal(needle, member) == Some(true),
    })
}

/// By simple Unicode lower-casing, character by character.
pub(crate) fn equal_ignoring_case(left: &str, right: &str) -> bool {
    left.chars().flat_map(char::to_lowercase).eq(right.chars().flat_map(char::to_lowercase))
}

pub(crate) fn call_builtin(builtin: Builtin, values: &[Value], world: &impl World) -> Option<Value> {
    use Value::{Duration, Float, Int, Money, Text, Time};
    match (builtin, values) {
        (Builtin::Abs, [Int(value)]) => value.checked_abs().map(Int),
        (Builtin::Abs, [Float(value)]) => Some(Float(value.abs())),
        (Builtin::Abs, [Duration(value)]) => value.checked_abs().map(Duration),
        (Builtin::Abs, [Money(value, currency)]) => value.checked_abs().map(|abs| Money(abs, *currency)),
        (Builtin::Min, [a, b]) => {
            arith::order(a, b).map(|order| if order.is_le() { a.clone() } else { b.clone() })
        }
        (Builtin::Max, [a, b]) => {
            arith::order(a, b).map(|order| if order.is_ge() { a.clone() } else { b.clone() })
        }
        (Builtin::Length, [Text(text)]) => Some(Int(text.chars().count() as i64)),
        (Builtin::Length, [Value::List(members)]) => Some(Int(members.len() as i64)),
        (Builtin::Length, [Value::Map(entries)]) => Some(Int(entries.len() as i64)),
        (Builtin::Lower, [Text(text)]) => Some(Value::text(&text.to_lowercase())),
        (Builtin::Hour, [Time(at)]) => Some(Int(civil::hour(*at))),
        (Builtin::Weekday, [Time(at)]) => Some(Int(civil::weekday(*at))),
        (Builtin::Log, [Float(value)]) => Value::float(libm::log(*value)),
        (Builtin::Exp, [Float(value)]) => Value::float(libm::exp(*value)),
        (Builtin::Sqrt, [Float(value)]) => Value::float(libm::sqrt(*value)),
        (Builtin::Host, [Text(url)]) => host(url).map(|host| Value::text(&host)),
        (Builtin::Number, [Text(text)]) => text::number(text).map(Int),
        (Builtin::Between, [Text(text), Text(left), Text(right)]) => {
            text::between(text, left, right).map(Value::text)
        }
        (Builtin::Decoded, [Text(text)]) => text::decoded(text).map(|text| Value::text(&text)),
        (Builtin::Address, [Text(text)]) => text::address(text).map(Value::Ip),
        (Builtin::CardNumber, [Text(text)]) => Some(Value::Bool(text::card_number(text))),
        (Builtin::LetterEntropy, [Text(text)]) => Value::float(text::letter_entropy(text)),
        (Builtin::Edits, [Text(left), Text(right)]) => text::edits(left, right).map(Int),
        (Builtin::Mailbox, [Text(text)]) => text::mailbox(text).map(|text| Value::text(&text)),
        (Builtin::Distance, [Float(north), Float(east), Float(other_north), Float(other_east)]) => {
            geo::distance(*north, *east, *other_north, *other_east).and_then(Value::float)
        }
        (Builtin::Money, [Int(minor), Text(currency)]) => {
            crate::value::Currency::parse(currency).map(|currency| Money(*minor, currency))
        }
        (
            Builtin::BodyJson
            | Builtin::BodyForm
            | Builtin::Query
            | Builtin::PathSegment
            | Builtin::Header
            | Builtin::Cookie,
            [argument],
        ) => world.http(builtin, argument),
        _ => None,
    }
}

/// The host of an absolute URL or of a `Host` header: lower case, without user, port or brackets.
pub fn host(url: &str) -> Option<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit('@').next()?;
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => authority.split(':').next()?,
    };
    (!host.is_empty()).then(|| host.to_lowercase())
}
