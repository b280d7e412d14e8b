//! Runs the steps of a program over a memory.
#![expect(
    clippy::indexing_slicing,
    reason = "lowering laid out every range inside of the memory and checked every table; what comes from a row is checked here"
)]

use super::memory::{Arena, Lane, Memory};
use super::step::{
    Binary, Cast, Code, Codes, Comparison, Encode, Groups, Linear, Norm, OneHot, Reduction, Step, Trees,
    Unary, Zip,
};
use super::svm;
use crate::trees::score::{Totals, logistic};

/// A step found a value that it has no answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stuck;

/// Calls a function for the type of an arena.
macro_rules! of_arena {
    ($arena:expr, $function:ident($($argument:expr),*)) => {
        match $arena {
            Arena::Float => $function::<f32>($($argument),*),
            Arena::Double => $function::<f64>($($argument),*),
            Arena::Int => $function::<i64>($($argument),*),
        }
    };
}

/// Does one step.
#[inline]
pub(crate) fn run(step: &Step, memory: &mut Memory) -> Result<(), Stuck> {
    match step {
        Step::Trees(trees) => run_trees(trees, memory),
        Step::Linear(linear) => run_linear(linear, memory),
        Step::Scale { is_double, from, offsets, scales, to } => {
            let (before, after) = memory.floats.split_at_mut(*to);
            if *is_double {
                let x = &memory.doubles[*from..*from + offsets.len()];
                for (((out, x), offset), scale) in after.iter_mut().zip(x).zip(offsets).zip(scales) {
                    *out = ((*x - f64::from(*offset)) * f64::from(*scale)) as f32;
                }
            } else {
                let x = &before[*from..*from + offsets.len()];
                for (((out, x), offset), scale) in after.iter_mut().zip(x).zip(offsets).zip(scales) {
                    *out = (*x - *offset) * *scale;
                }
            }
        }
        Step::Copy { arena, from, count, to } => of_arena!(arena, copy(memory, *from, *count, *to)),
        Step::Take { arena, from, table, to } => of_arena!(arena, take(memory, *from, table, *to)),
        Step::Gather { arena, data, dims, index, count, to } => {
            for nth in 0..*count {
                let size = dims[1] as i64;
                let at = memory.ints[index + nth];
                let at = if at < 0 { at + size } else { at };
                if !(0..size).contains(&at) {
                    return Err(Stuck);
                }
                of_arena!(arena, gather(memory, *data, *dims, (nth, *count), at as usize, *to));
            }
        }
        Step::Where { arena, test, a, b, places, to } => {
            of_arena!(arena, choose(memory, *test, [*a, *b], places, *to));
        }
        Step::Unary { arena: Arena::Int, operation, from, count, to } => {
            unary(memory, *from, *count, *to, |x: i64| unary_int(*operation, x));
        }
        Step::Unary { arena: Arena::Float, operation, from, count, to } => {
            run_unary(memory, *operation, *from, *count, *to);
        }
        Step::Unary { arena: Arena::Double, operation, from, count, to } => {
            unary(memory, *from, *count, *to, |x: f64| unary_double(*operation, x));
        }
        Step::Binary { arena: Arena::Int, operation, a, b, zip, count, to } => {
            let operation = *operation;
            binary(memory, [*a, *b, *to, *count], zip, |a: i64, b: i64| binary_int(operation, a, b));
        }
        Step::Binary { arena: Arena::Float, operation, a, b, zip, count, to } => {
            let at = [*a, *b, *to, *count];
            match operation {
                Binary::Add => binary(memory, at, zip, |a: f32, b: f32| a + b),
                Binary::Sub => binary(memory, at, zip, |a: f32, b: f32| a - b),
                Binary::Mul => binary(memory, at, zip, |a: f32, b: f32| a * b),
                Binary::Div => binary(memory, at, zip, |a: f32, b: f32| a / b),
                Binary::Pow => binary(memory, at, zip, power),
                Binary::Min => {
                    binary(memory, at, zip, |a: f32, b: f32| if a.is_nan() || a < b { a } else { b })
                }
                _ => binary(memory, at, zip, |a: f32, b: f32| if a.is_nan() || a > b { a } else { b }),
            }
        }
        Step::Binary { arena: Arena::Double, operation, a, b, zip, count, to } => {
            let operation = *operation;
            binary(memory, [*a, *b, *to, *count], zip, |a: f64, b: f64| binary_double(operation, a, b));
        }
        Step::Compare { arena, comparison, a, b, zip, count, to } => {
            of_arena!(arena, compare(memory, *comparison, [*a, *b, *to, *count], zip));
        }
        Step::Cast { cast, from, count, to } => run_cast(memory, *cast, *from, *count, *to),
        Step::Reduce { arena: Arena::Float, reduction, groups, to } => {
            reduce(memory, groups, *to, |values| reduce_float(*reduction, values));
        }
        Step::Reduce { arena: Arena::Double, reduction, groups, to } => {
            reduce(memory, groups, *to, |values| reduce_double(*reduction, values));
        }
        Step::Reduce { arena: Arena::Int, reduction, groups, to } => {
            reduce(memory, groups, *to, |values| reduce_int(*reduction, values));
        }
        Step::Arg { arena, is_max, is_last, groups, to } => {
            of_arena!(arena, arg(memory, *is_max, *is_last, groups, *to));
        }
        Step::Top { arena, is_max, groups, count, values, places } => {
            of_arena!(arena, top(memory, *is_max, groups, *count, *values, *places));
        }
        Step::Softmax { is_log, groups, to } => softmax(memory, *is_log, groups, *to),
        Step::Product { a, b, m, k, n, to } => {
            let (before, after) = memory.floats.split_at_mut(*to);
            product(&before[*a..a + m * k], &before[*b..b + k * n], *n, &mut after[..m * n]);
        }
        Step::ProductDouble { a, b, m, k, n, to } => {
            let (before, after) = memory.doubles.split_at_mut(*to);
            product(&before[*a..a + m * k], &before[*b..b + k * n], *n, &mut after[..m * n]);
        }
        Step::Normalize { norm, from, count, to } => {
            let (before, after) = memory.floats.split_at_mut(*to);
            normalize(*norm, &before[*from..from + count], &mut after[..*count]);
        }
        Step::Impute { from, replaced, values, to } => {
            let (before, after) = memory.floats.split_at_mut(*to);
            for ((out, x), value) in after.iter_mut().zip(&before[*from..from + values.len()]).zip(values) {
                *out = if x == replaced || (x.is_nan() && replaced.is_nan()) { *value } else { *x };
            }
        }
        Step::ImputeInt { from, replaced, values, to } => {
            let (before, after) = memory.ints.split_at_mut(*to);
            for ((out, x), value) in after.iter_mut().zip(&before[*from..from + values.len()]).zip(values) {
                *out = if x == replaced { *value } else { *x };
            }
        }
        Step::Binarize { from, count, threshold, to } => {
            let (before, after) = memory.floats.split_at_mut(*to);
            for (out, x) in after.iter_mut().zip(&before[*from..from + count]) {
                if x.is_nan() {
                    return Err(Stuck);
                }
                *out = if x > threshold { 1.0 } else { 0.0 };
            }
        }
        Step::Encode(encode) => run_encode(encode, memory),
        Step::OneHot(one_hot) => return run_one_hot(one_hot, memory),
        Step::Svm(machine) => svm::run(machine, memory),
    }
    Ok(())
}

fn run_trees(trees: &Trees, memory: &mut Memory) {
    let ensemble = &trees.ensemble;
    let targets = ensemble.targets;
    let (seen, rest) = memory.ints[trees.seen..].split_at_mut(targets);
    let label = rest.get_mut(trees.label - trees.seen - targets);
    if trees.is_double {
        let (before, after) = memory.doubles.split_at_mut(trees.sums);
        let mut totals = Totals { sums: &mut after[..targets], seen };
        ensemble.totals_double(&before[trees.from..], &mut totals);
        let out = &mut memory.floats[trees.to..trees.to + targets];
        match (trees.class(), label) {
            (Some(class), Some(label)) => *label = ensemble.classify(class, &mut totals, out),
            _ => ensemble.regress(&mut totals, out),
        }
        return;
    }
    let (before, after) = memory.floats.split_at_mut(trees.sums);
    let (sums, after) = after.split_at_mut(targets);
    let mut totals = Totals { sums, seen };
    ensemble.totals(&before[trees.from..], &mut memory.row, &mut totals);
    let out = &mut after[trees.to - trees.sums - targets..][..targets];
    match (trees.class(), label) {
        (Some(class), Some(label)) => *label = ensemble.classify(class, &mut totals, out),
        _ => ensemble.regress(&mut totals, out),
    }
}

fn run_linear(linear: &Linear, memory: &mut Memory) {
    let (before, after) = memory.floats.split_at_mut(linear.to);
    let x = &before[linear.from..linear.from + linear.features];
    let targets = linear.offsets.len();
    let rows = linear.weights.chunks_exact(linear.features.max(1));
    for ((out, weights), offset) in after.iter_mut().zip(rows).zip(&linear.offsets) {
        *out = dot(x, weights) + offset;
    }
    let Some(class) = &linear.class else {
        linear.post.apply(&mut after[..targets]);
        return;
    };
    if targets == 1 {
        let score = after[0];
        let is_positive = score > 0.0;
        memory.ints[class.to] =
            class.labels.get(usize::from(is_positive)).copied().unwrap_or(i64::from(is_positive));
        if class.is_spread {
            use crate::trees::score::Post;
            // As ONNX Runtime: with a second class to add, other transformations are left out.
            let positive = if linear.post == Post::Logistic { logistic(score) } else { score };
            after[0] = 1.0 - positive;
            after[1] = positive;
        } else {
            linear.post.apply(&mut after[..1]);
        }
        return;
    }
    let mut best = 0;
    for at in 1..targets {
        if after[at] > after[best] {
            best = at;
        }
    }
    memory.ints[class.to] = class.labels[best];
    linear.post.apply(&mut after[..targets]);
}

/// Eight sums side by side, so that the processor adds them at once; the order is the same on every machine.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b.as_chunks::<8>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    for ((sum, a), b) in sums.iter_mut().zip(a_rest).zip(b_rest) {
        *sum += a * b;
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

fn copy<T: Lane>(memory: &mut Memory, from: usize, count: usize, to: usize) {
    T::arena(memory).copy_within(from..from + count, to);
}

fn take<T: Lane>(memory: &mut Memory, from: usize, table: &[u32], to: usize) {
    let (before, after) = T::arena(memory).split_at_mut(to);
    let before = &before[from..];
    for (out, place) in after.iter_mut().zip(table) {
        *out = before[*place as usize];
    }
}

fn gather<T: Lane>(
    memory: &mut Memory,
    data: usize,
    [outer, axis, inner]: [usize; 3],
    (nth, count): (usize, usize),
    at: usize,
    to: usize,
) {
    let lane = T::arena(memory);
    for block in 0..outer {
        let from = data + (block * axis + at) * inner;
        lane.copy_within(from..from + inner, to + (block * count + nth) * inner);
    }
}

fn choose<T: Lane>(memory: &mut Memory, test: usize, [a, b]: [usize; 2], places: &[[u32; 3]], to: usize) {
    for (nth, [at, left, right]) in places.iter().enumerate() {
        let holds = memory.ints[test + *at as usize] != 0;
        let lane = T::arena(memory);
        lane[to + nth] = lane[if holds { a + *left as usize } else { b + *right as usize }];
    }
}

#[inline]
fn unary<T: Lane>(memory: &mut Memory, from: usize, count: usize, to: usize, operation: impl Fn(T) -> T) {
    let (before, after) = T::arena(memory).split_at_mut(to);
    for (out, x) in after.iter_mut().zip(&before[from..from + count]) {
        *out = operation(*x);
    }
}

#[inline]
fn binary<T: Lane>(
    memory: &mut Memory,
    [a, b, to, count]: [usize; 4],
    zip: &Zip,
    operation: impl Fn(T, T) -> T,
) {
    let (before, after) = T::arena(memory).split_at_mut(to);
    let out = &mut after[..count];
    match zip {
        Zip::Same => {
            for ((out, x), y) in out.iter_mut().zip(&before[a..a + count]).zip(&before[b..b + count]) {
                *out = operation(*x, *y);
            }
        }
        Zip::Left => {
            let x = before[a];
            out.iter_mut().zip(&before[b..b + count]).for_each(|(out, y)| *out = operation(x, *y));
        }
        Zip::Right => {
            let y = before[b];
            out.iter_mut().zip(&before[a..a + count]).for_each(|(out, x)| *out = operation(*x, y));
        }
        Zip::Places(places) => {
            for (out, [x, y]) in out.iter_mut().zip(places) {
                *out = operation(before[a + *x as usize], before[b + *y as usize]);
            }
        }
    }
}

fn compare<T: Lane>(memory: &mut Memory, comparison: Comparison, [a, b, to, count]: [usize; 4], zip: &Zip) {
    for nth in 0..count {
        let lane = T::arena(memory);
        let (x, y) = match zip {
            Zip::Same => (lane[a + nth], lane[b + nth]),
            Zip::Left => (lane[a], lane[b + nth]),
            Zip::Right => (lane[a + nth], lane[b]),
            Zip::Places(places) => (lane[a + places[nth][0] as usize], lane[b + places[nth][1] as usize]),
        };
        let holds = match comparison {
            Comparison::Equal => x == y,
            Comparison::Less => x < y,
            Comparison::Greater => x > y,
            Comparison::AtMost => x <= y,
            Comparison::AtLeast => x >= y,
        };
        memory.ints[to + nth] = holds.into();
    }
}

fn run_unary(memory: &mut Memory, operation: Unary, from: usize, count: usize, to: usize) {
    let each = |memory: &mut Memory, f: fn(f32) -> f32| unary(memory, from, count, to, f);
    match operation {
        Unary::Neg => unary(memory, from, count, to, |x: f32| -x),
        Unary::Abs => unary(memory, from, count, to, f32::abs),
        Unary::Sqrt => unary(memory, from, count, to, f32::sqrt),
        Unary::Relu => unary(memory, from, count, to, |x: f32| if x < 0.0 { 0.0 } else { x }),
        Unary::LeakyRelu(slope) => {
            unary(memory, from, count, to, |x: f32| if x < 0.0 { slope * x } else { x })
        }
        Unary::Elu(scale) => {
            unary(memory, from, count, to, |x: f32| if x < 0.0 { scale * libm::expm1f(x) } else { x });
        }
        Unary::Exp => each(memory, libm::expf),
        Unary::Log => each(memory, libm::logf),
        Unary::Sigmoid => each(memory, logistic),
        Unary::Tanh => each(memory, libm::tanhf),
        Unary::Erf => each(memory, libm::erff),
        Unary::Reciprocal => each(memory, |x| 1.0 / x),
        Unary::Floor => each(memory, f32::floor),
        Unary::Ceil => each(memory, f32::ceil),
        Unary::Round => each(memory, f32::round_ties_even),
        Unary::Sign => each(memory, |x| if x == 0.0 || x.is_nan() { x } else { x.signum() }),
        Unary::Softplus => {
            each(memory, |x| {
                if x > 0.0 { x + libm::log1pf(libm::expf(-x)) } else { libm::log1pf(libm::expf(x)) }
            });
        }
        Unary::Not | Unary::Narrow => {}
    }
}

fn unary_double(operation: Unary, x: f64) -> f64 {
    match operation {
        Unary::Neg => -x,
        Unary::Abs => x.abs(),
        Unary::Sqrt => x.sqrt(),
        Unary::Exp => libm::exp(x),
        Unary::Log => libm::log(x),
        Unary::Sigmoid => {
            let v = 1.0 / (1.0 + libm::exp(-x.abs()));
            if x < 0.0 { 1.0 - v } else { v }
        }
        Unary::Relu => {
            if x < 0.0 {
                0.0
            } else {
                x
            }
        }
        Unary::Tanh => libm::tanh(x),
        Unary::Erf => libm::erf(x),
        Unary::Reciprocal => 1.0 / x,
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Round => x.round_ties_even(),
        Unary::Sign => {
            if x == 0.0 || x.is_nan() {
                x
            } else {
                x.signum()
            }
        }
        Unary::Softplus => {
            if x > 0.0 {
                x + libm::log1p(libm::exp(-x))
            } else {
                libm::log1p(libm::exp(x))
            }
        }
        Unary::LeakyRelu(slope) => {
            if x < 0.0 {
                f64::from(slope) * x
            } else {
                x
            }
        }
        Unary::Elu(scale) => {
            if x < 0.0 {
                f64::from(scale) * libm::expm1(x)
            } else {
                x
            }
        }
        Unary::Not | Unary::Narrow => x,
    }
}

fn unary_int(operation: Unary, x: i64) -> i64 {
    match operation {
        Unary::Neg => x.wrapping_neg(),
        Unary::Abs => x.wrapping_abs(),
        Unary::Sign => x.signum(),
        Unary::Relu => x.max(0),
        Unary::Not => i64::from(x == 0),
        Unary::Narrow => i64::from(x as i32),
        _ => x,
    }
}

fn power(x: f32, y: f32) -> f32 {
    if y == 2.0 { x * x } else { libm::powf(x, y) }
}

fn binary_double(operation: Binary, a: f64, b: f64) -> f64 {
    match operation {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div => a / b,
        Binary::Pow if b == 2.0 => a * a,
        Binary::Pow => libm::pow(a, b),
        Binary::Min => {
            if a.is_nan() || a < b {
                a
            } else {
                b
            }
        }
        _ => {
            if a.is_nan() || a > b {
                a
            } else {
                b
            }
        }
    }
}

fn binary_int(operation: Binary, a: i64, b: i64) -> i64 {
    match operation {
        Binary::Add => a.wrapping_add(b),
        Binary::Sub => a.wrapping_sub(b),
        Binary::Mul => a.wrapping_mul(b),
        // ONNX leaves it open; ONNX Runtime traps.
        Binary::Div => {
            if b == 0 {
                0
            } else {
                a.wrapping_div(b)
            }
        }
        Binary::Pow => u32::try_from(b).map_or(0, |b| a.wrapping_pow(b)),
        Binary::Min => a.min(b),
        Binary::Max => a.max(b),
        Binary::And => i64::from(a != 0 && b != 0),
        Binary::Or => i64::from(a != 0 || b != 0),
        Binary::Xor => i64::from((a != 0) != (b != 0)),
    }
}

/// As x86 converts: what does not fit is the least number.
fn int64_of(x: f64) -> i64 {
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&x) { x as i64 } else { i64::MIN }
}

fn int32_of(x: f64) -> i64 {
    let x = x.trunc();
    if (-2_147_483_648.0..=2_147_483_647.0).contains(&x) { x as i64 } else { i32::MIN.into() }
}

fn run_cast(memory: &mut Memory, cast: Cast, from: usize, count: usize, to: usize) {
    let Memory { floats, doubles, ints, .. } = memory;
    let [from_end, to_end] = [from + count, to + count];
    match cast {
        Cast::FloatToDouble => map(&floats[from..from_end], &mut doubles[to..to_end], |x| x.into()),
        Cast::DoubleToFloat => map(&doubles[from..from_end], &mut floats[to..to_end], |x| x as f32),
        Cast::FloatToInt64 => map(&floats[from..from_end], &mut ints[to..to_end], |x| int64_of(x.into())),
        Cast::FloatToInt32 => map(&floats[from..from_end], &mut ints[to..to_end], |x| int32_of(x.into())),
        Cast::DoubleToInt64 => map(&doubles[from..from_end], &mut ints[to..to_end], int64_of),
        Cast::DoubleToInt32 => map(&doubles[from..from_end], &mut ints[to..to_end], int32_of),
        Cast::IntToFloat => map(&ints[from..from_end], &mut floats[to..to_end], |x| x as f32),
        Cast::IntToDouble => map(&ints[from..from_end], &mut doubles[to..to_end], |x| x as f64),
        Cast::FloatToBool => map(&floats[from..from_end], &mut ints[to..to_end], |x| i64::from(x != 0.0)),
        Cast::DoubleToBool => map(&doubles[from..from_end], &mut ints[to..to_end], |x| i64::from(x != 0.0)),
        Cast::FloatIsNan => map(&floats[from..from_end], &mut ints[to..to_end], |x| i64::from(x.is_nan())),
        Cast::DoubleIsNan => map(&doubles[from..from_end], &mut ints[to..to_end], |x| i64::from(x.is_nan())),
        Cast::IntToBool => {
            let (before, after) = ints.split_at_mut(to);
            map(&before[from..from_end], &mut after[..count], |x| i64::from(x != 0));
        }
        Cast::IntToInt32 => {
            let (before, after) = ints.split_at_mut(to);
            map(&before[from..from_end], &mut after[..count], |x| i64::from(x as i32));
        }
    }
}

#[inline]
fn map<T: Copy, U>(from: &[T], to: &mut [U], f: impl Fn(T) -> U) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = f(*from));
}

#[inline]
fn reduce<T: Lane>(
    memory: &mut Memory,
    groups: &Groups,
    to: usize,
    f: impl Fn(&mut dyn Iterator<Item = T>) -> T,
) {
    let (before, after) = T::arena(memory).split_at_mut(to);
    let before = &before[groups.from..];
    for (nth, out) in after[..groups.count].iter_mut().enumerate() {
        let places = nth * groups.size..(nth + 1) * groups.size;
        *out = match &groups.order {
            None => f(&mut before[places].iter().copied()),
            Some(order) => f(&mut order[places].iter().map(|place| before[*place as usize])),
        };
    }
}

fn reduce_float(reduction: Reduction, values: &mut dyn Iterator<Item = f32>) -> f32 {
    match reduction {
        Reduction::Sum => values.fold(0.0, |sum, x| sum + x),
        Reduction::Mean => {
            let (sum, count) = values.fold((0.0, 0.0_f32), |(sum, count), x| (sum + x, count + 1.0));
            sum / count
        }
        Reduction::Max => {
            values.fold(f32::NEG_INFINITY, |most, x| if x > most || x.is_nan() { x } else { most })
        }
        Reduction::Min => {
            values.fold(f32::INFINITY, |least, x| if x < least || x.is_nan() { x } else { least })
        }
        Reduction::Prod => values.fold(1.0, |product, x| product * x),
        Reduction::SumSquare => values.fold(0.0, |sum, x| sum + x * x),
        Reduction::L1 => values.fold(0.0, |sum, x| sum + x.abs()),
        Reduction::L2 => values.fold(0.0, |sum, x| sum + x * x).sqrt(),
        Reduction::LogSum => libm::logf(values.fold(0.0, |sum, x| sum + x)),
        Reduction::LogSumExp => {
            // In one pass, the sum scaled anew whenever a greater value comes.
            let (most, sum) = values.fold((f32::NEG_INFINITY, 0.0_f32), |(most, sum), x| {
                if x > most {
                    (x, sum * libm::expf(most - x) + 1.0)
                } else {
                    (most, sum + libm::expf(x - most))
                }
            });
            if most.is_infinite() { most } else { most + libm::logf(sum) }
        }
    }
}

fn reduce_double(reduction: Reduction, values: &mut dyn Iterator<Item = f64>) -> f64 {
    match reduction {
        Reduction::Sum => values.fold(0.0, |sum, x| sum + x),
        Reduction::Mean => {
            let (sum, count) = values.fold((0.0, 0.0_f64), |(sum, count), x| (sum + x, count + 1.0));
            sum / count
        }
        Reduction::Max => {
            values.fold(f64::NEG_INFINITY, |most, x| if x > most || x.is_nan() { x } else { most })
        }
        Reduction::Min => {
            values.fold(f64::INFINITY, |least, x| if x < least || x.is_nan() { x } else { least })
        }
        Reduction::Prod => values.fold(1.0, |product, x| product * x),
        Reduction::SumSquare => values.fold(0.0, |sum, x| sum + x * x),
        Reduction::L1 => values.fold(0.0, |sum, x| sum + x.abs()),
        Reduction::L2 => values.fold(0.0, |sum, x| sum + x * x).sqrt(),
        Reduction::LogSum => libm::log(values.fold(0.0, |sum, x| sum + x)),
        Reduction::LogSumExp => {
            let (most, sum) = values.fold((f64::NEG_INFINITY, 0.0_f64), |(most, sum), x| {
                if x > most {
                    (x, sum * libm::exp(most - x) + 1.0)
                } else {
                    (most, sum + libm::exp(x - most))
                }
            });
            if most.is_infinite() { most } else { most + libm::log(sum) }
        }
    }
}

fn reduce_int(reduction: Reduction, values: &mut dyn Iterator<Item = i64>) -> i64 {
    match reduction {
        Reduction::Max => values.max().unwrap_or(0),
        Reduction::Min => values.min().unwrap_or(0),
        Reduction::Prod => values.fold(1, i64::wrapping_mul),
        Reduction::L1 => values.fold(0, |sum, x| sum.wrapping_add(x.wrapping_abs())),
        Reduction::SumSquare => values.fold(0, |sum, x| sum.wrapping_add(x.wrapping_mul(x))),
        _ => values.fold(0, i64::wrapping_add),
    }
}

fn place(groups: &Groups, group: usize, nth: usize) -> usize {
    let at = group * groups.size + nth;
    groups.from + groups.order.as_ref().map_or(at, |order| order[at] as usize)
}

fn arg<T: Lane>(memory: &mut Memory, is_max: bool, is_last: bool, groups: &Groups, to: usize) {
    for group in 0..groups.count {
        let lane = T::arena(memory);
        let mut best = 0;
        for nth in 1..groups.size {
            let (x, most) = (lane[place(groups, group, nth)], lane[place(groups, group, best)]);
            let is_better = if is_max { x > most } else { x < most };
            if is_better || (is_last && x == most) {
                best = nth;
            }
        }
        memory.ints[to + group] = best as i64;
    }
}

fn top<T: Lane>(
    memory: &mut Memory,
    is_max: bool,
    groups: &Groups,
    count: usize,
    values: usize,
    places: usize,
) {
    // Groups are few and short: a selection, stable by place.
    let inner = groups.count;
    for group in 0..inner {
        for rank in 0..count {
            let mut best: Option<usize> = None;
            for nth in 0..groups.size {
                let taken =
                    (0..rank).any(|earlier| memory.ints[places + group * count + earlier] == nth as i64);
                let lane = T::arena(memory);
                let is_better = best.is_none_or(|best| {
                    let (x, most) = (lane[place(groups, group, nth)], lane[place(groups, group, best)]);
                    if is_max { x > most } else { x < most }
                });
                if !taken && is_better {
                    best = Some(nth);
                }
            }
            let best = best.unwrap_or(0);
            let lane = T::arena(memory);
            lane[values + group * count + rank] = lane[place(groups, group, best)];
            memory.ints[places + group * count + rank] = best as i64;
        }
    }
}

fn softmax(memory: &mut Memory, is_log: bool, groups: &Groups, to: usize) {
    for group in 0..groups.count {
        let lane = &mut memory.floats;
        let mut most = f32::NEG_INFINITY;
        for nth in 0..groups.size {
            most = most.max(lane[place(groups, group, nth)]);
        }
        let mut sum = 0.0;
        for nth in 0..groups.size {
            sum += libm::expf(lane[place(groups, group, nth)] - most);
        }
        let log = libm::logf(sum);
        for nth in 0..groups.size {
            let at = place(groups, group, nth);
            let x = lane[at] - most;
            lane[to + at - groups.from] = if is_log { x - log } else { libm::expf(x) / sum };
        }
    }
}

fn product<T: Copy + Default + std::ops::Mul<Output = T> + std::ops::AddAssign>(
    a: &[T],
    b: &[T],
    n: usize,
    out: &mut [T],
) {
    if n == 0 || out.is_empty() {
        return;
    }
    let k = b.len() / n;
    for (row, out) in out.chunks_exact_mut(n).enumerate() {
        out.fill(T::default());
        for (x, weights) in a[row * k..(row + 1) * k].iter().zip(b.chunks_exact(n)) {
            for (out, weight) in out.iter_mut().zip(weights) {
                *out += *x * *weight;
            }
        }
    }
}

fn normalize(norm: Norm, x: &[f32], out: &mut [f32]) {
    let total = match norm {
        Norm::Max => x.iter().fold(f32::MIN, |most, x| if most < *x { *x } else { most }),
        Norm::L1 => x.iter().fold(0.0, |sum, x| sum + x.abs()),
        Norm::L2 => x.iter().fold(0.0, |sum, x| sum + x * x),
    };
    for (out, x) in out.iter_mut().zip(x) {
        *out = match norm {
            _ if total == 0.0 => *x,
            Norm::Max | Norm::L1 => *x / total,
            Norm::L2 if *x < 0.0 => -(*x * *x / total).sqrt(),
            Norm::L2 => (*x * *x / total).sqrt(),
        };
    }
}

fn run_encode(encode: &Encode, memory: &mut Memory) {
    for nth in 0..encode.count {
        let found = match &encode.keys {
            Codes::Ints(keys) => keys.binary_search(&memory.ints[encode.from + nth]).ok(),
            Codes::Floats(keys) => {
                let x = memory.floats[encode.from + nth];
                keys.binary_search_by(|key| order(f64::from(*key), f64::from(x))).ok()
            }
            Codes::Doubles(keys) => {
                let x = memory.doubles[encode.from + nth];
                keys.binary_search_by(|key| order(*key, x)).ok()
            }
        };
        let to = encode.to + nth;
        match (&encode.values, encode.otherwise) {
            (Codes::Ints(values), Code::Int(otherwise)) => {
                memory.ints[to] = found.map_or(otherwise, |at| values[at]);
            }
            (Codes::Floats(values), Code::Float(otherwise)) => {
                memory.floats[to] = found.map_or(otherwise, |at| values[at]);
            }
            (Codes::Doubles(values), Code::Double(otherwise)) => {
                memory.doubles[to] = found.map_or(otherwise, |at| values[at]);
            }
            // Lowering pairs them.
            _ => {}
        }
    }
}

/// Numbers in order, NaN equal to itself and last, zeros equal.
pub(super) fn order(a: f64, b: f64) -> std::cmp::Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

fn run_one_hot(one_hot: &OneHot, memory: &mut Memory) -> Result<(), Stuck> {
    for nth in 0..one_hot.count {
        let key = match one_hot.arena {
            Arena::Int => memory.ints[one_hot.from + nth],
            Arena::Float => int64_of(memory.floats[one_hot.from + nth].into()),
            Arena::Double => int64_of(memory.doubles[one_hot.from + nth]),
        };
        let to = one_hot.to + nth * one_hot.width;
        memory.floats[to..to + one_hot.width].fill(0.0);
        match one_hot.categories.binary_search_by_key(&key, |category| category.0) {
            Ok(at) => memory.floats[to + one_hot.categories[at].1 as usize] = 1.0,
            Err(_) if one_hot.is_strict => return Err(Stuck),
            Err(_) => {}
        }
    }
    Ok(())
}
