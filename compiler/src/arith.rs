//! Arithmetic and comparison, total: what has no answer is unknown.
//!
//! Every engine calls these functions or is tested against them. Operations are IEEE double without fusing,
//! integers are 64-bit and checked, money keeps its currency.
//!
//! | left | operator | right | result |
//! |---|---|---|---|
//! | int | `+ - * %` | int | int, unknown on overflow; `%` takes the sign of the left |
//! | int | `/` | int | float |
//! | float, probability, rate | `+ - * / %` | the same or float | float, unknown unless finite |
//! | duration | `+ -` | duration | duration |
//! | duration, money | `* /` | int, float | the left's type, to the nearest unit, ties to even |
//! | duration, money | `/` | the same | float |
//! | timestamp | `-` | timestamp | duration |
//! | timestamp | `+ -` | duration | timestamp |
//! | money | `+ -` | money of that currency | money |

use std::cmp::Ordering;

use weir_dsl::ast::{ArithmeticOp, CompareOp};

use crate::value::Value;

/// Applies an operator.
pub fn arithmetic(op: ArithmeticOp, left: &Value, right: &Value) -> Option<Value> {
    use ArithmeticOp::{Add, Div, Mul, Rem, Sub};
    use Value::{Duration, Float, Int, Money, Time};
    match (op, left, right) {
        (Div, Int(a), Int(b)) => floats(Div, *a as f64, *b as f64),
        (_, Int(a), Int(b)) => ints(op, *a, *b).map(Int),
        (_, Float(a), Float(b)) => floats(op, *a, *b),
        (_, Float(a), Int(b)) => floats(op, *a, *b as f64),
        (_, Int(a), Float(b)) => floats(op, *a as f64, *b),

        (Add | Sub | Rem, Duration(a), Duration(b)) => ints(op, *a, *b).map(Duration),
        (Div, Duration(a), Duration(b)) => floats(Div, *a as f64, *b as f64),
        (Mul | Div, Duration(a), Int(_) | Float(_)) => scaled(op, *a, right).map(Duration),
        (Mul, Int(_) | Float(_), Duration(b)) => scaled(op, *b, left).map(Duration),

        (Sub, Time(a), Time(b)) => a.checked_sub(*b).map(Duration),
        (Add | Sub, Time(a), Duration(b)) => ints(op, *a, *b).map(Time),
        (Add, Duration(a), Time(b)) => a.checked_add(*b).map(Time),

        (_, Money(_, one), Money(_, other)) if one != other => None,
        (Add | Sub, Money(a, currency), Money(b, _)) => ints(op, *a, *b).map(|sum| Money(sum, *currency)),
        (Div, Money(a, _), Money(b, _)) => floats(Div, *a as f64, *b as f64),
        (Mul | Div, Money(a, currency), Int(_) | Float(_)) => {
            scaled(op, *a, right).map(|scaled| Money(scaled, *currency))
        }
        (Mul, Int(_) | Float(_), Money(b, currency)) => {
            scaled(op, *b, left).map(|scaled| Money(scaled, *currency))
        }
        _ => None,
    }
}

fn ints(op: ArithmeticOp, a: i64, b: i64) -> Option<i64> {
    match op {
        ArithmeticOp::Add => a.checked_add(b),
        ArithmeticOp::Sub => a.checked_sub(b),
        ArithmeticOp::Mul => a.checked_mul(b),
        ArithmeticOp::Div => None,
        ArithmeticOp::Rem => a.checked_rem(b),
    }
}

fn floats(op: ArithmeticOp, a: f64, b: f64) -> Option<Value> {
    Value::float(match op {
        ArithmeticOp::Add => a + b,
        ArithmeticOp::Sub => a - b,
        ArithmeticOp::Mul => a * b,
        ArithmeticOp::Div => a / b,
        ArithmeticOp::Rem => libm::fmod(a, b),
    })
}

/// `units` times or divided by a number, to the nearest unit, ties to even.
fn scaled(op: ArithmeticOp, units: i64, by: &Value) -> Option<i64> {
    let exact = match (op, by) {
        (ArithmeticOp::Mul, Value::Int(by)) => return units.checked_mul(*by),
        (ArithmeticOp::Div, Value::Int(by)) => return divide_to_even(units, *by),
        (ArithmeticOp::Mul, Value::Float(by)) => units as f64 * by,
        (ArithmeticOp::Div, Value::Float(by)) => units as f64 / by,
        _ => return None,
    };
    let rounded = libm::rint(exact);
    // 2^63 is the first double beyond the range; the range below is exact.
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&rounded);
    fits.then_some(rounded as i64)
}

fn divide_to_even(a: i64, b: i64) -> Option<i64> {
    if b == 0 {
        return None;
    }
    let (a, b) = (i128::from(a), i128::from(b));
    let (floor, rest) = (a.div_euclid(b), a.rem_euclid(b));
    // With div_euclid the exact quotient lies between `floor` and the next integer away in b's direction.
    let step = b.signum();
    let twice = rest * 2;
    let nearest = match twice.cmp(&b.abs()) {
        Ordering::Less => floor,
        Ordering::Greater => floor + step,
        Ordering::Equal if floor % 2 == 0 => floor,
        Ordering::Equal => floor + step,
    };
    i64::try_from(nearest).ok()
}

/// Negates a number, duration or money.
pub fn negate(value: &Value) -> Option<Value> {
    match value {
        Value::Int(value) => value.checked_neg().map(Value::Int),
        Value::Float(value) => Some(Value::Float(-value)),
        Value::Duration(value) => value.checked_neg().map(Value::Duration),
        Value::Money(value, currency) => value.checked_neg().map(|negated| Value::Money(negated, *currency)),
        _ => None,
    }
}

/// Compares. Unknown for values that cannot be compared: two currencies, or an order asked of types without
/// one.
pub fn compare(op: CompareOp, left: &Value, right: &Value) -> Option<bool> {
    match op {
        CompareOp::Eq => equal(left, right),
        CompareOp::Ne => equal(left, right).map(|equal| !equal),
        CompareOp::Lt => order(left, right).map(Ordering::is_lt),
        CompareOp::Le => order(left, right).map(Ordering::is_le),
        CompareOp::Gt => order(left, right).map(Ordering::is_gt),
        CompareOp::Ge => order(left, right).map(Ordering::is_ge),
    }
}

/// Equality in the language's sense.
pub fn equal(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Money(_, one), Value::Money(_, other)) if one != other => None,
        (Value::Int(a), Value::Float(b)) | (Value::Float(b), Value::Int(a)) => Some(*a as f64 == *b),
        _ => Some(left == right),
    }
}

/// Order in the language's sense, of types that have one.
pub fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Int(a), Value::Float(b)) => (*a as f64).partial_cmp(b),
        (Value::Float(a), Value::Int(b)) => a.partial_cmp(&(*b as f64)),
        (Value::Duration(a), Value::Duration(b)) | (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        (Value::Money(a, one), Value::Money(b, other)) if one == other => Some(a.cmp(b)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Currency;

    const USD: Currency = Currency(*b"USD");
    const GBP: Currency = Currency(*b"GBP");

    #[test]
    fn overflow_and_division_by_zero_are_unknown() {
        use ArithmeticOp::*;
        let cases: &[(ArithmeticOp, Value, Value)] = &[
            (Add, Value::Int(i64::MAX), Value::Int(1)),
            (Sub, Value::Int(i64::MIN), Value::Int(1)),
            (Mul, Value::Int(i64::MAX), Value::Int(2)),
            (Div, Value::Int(1), Value::Int(0)),
            (Div, Value::Int(0), Value::Int(0)),
            (Rem, Value::Int(1), Value::Int(0)),
            (Rem, Value::Int(i64::MIN), Value::Int(-1)),
            (Mul, Value::Float(f64::MAX), Value::Float(2.0)),
            (Div, Value::Money(1, USD), Value::Int(0)),
            (Div, Value::Money(i64::MIN, USD), Value::Int(-1)),
            (Mul, Value::Duration(i64::MAX), Value::Float(1.5)),
            (Add, Value::Money(1, USD), Value::Money(1, GBP)),
            (Div, Value::Money(1, USD), Value::Money(1, GBP)),
        ];
        for (op, left, right) in cases {
            assert_eq!(arithmetic(*op, left, right), None, "{left:?} {} {right:?}", op.sign());
        }
        assert_eq!(negate(&Value::Int(i64::MIN)), None);
    }

    #[test]
    fn division_rounds_to_the_nearest_ties_to_even() {
        for (a, b, want) in
            [(5, 2, 2), (7, 2, 4), (-5, 2, -2), (-7, 2, -4), (5, -2, -2), (7, -2, -4), (8, 3, 3), (-8, 3, -3)]
        {
            let got = arithmetic(ArithmeticOp::Div, &Value::Money(a, USD), &Value::Int(b));
            assert_eq!(got, Some(Value::Money(want, USD)), "{a} / {b}");
        }
    }

    #[test]
    fn int_by_int_is_float() {
        assert_eq!(arithmetic(ArithmeticOp::Div, &Value::Int(1), &Value::Int(4)), Some(Value::Float(0.25)));
    }

    #[test]
    fn two_currencies_compare_to_unknown() {
        let (five, six) = (Value::Money(5, USD), Value::Money(6, GBP));
        for op in [CompareOp::Eq, CompareOp::Ne, CompareOp::Lt, CompareOp::Ge] {
            assert_eq!(compare(op, &five, &six), None);
        }
    }
}
