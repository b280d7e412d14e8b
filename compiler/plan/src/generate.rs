//! For tests: conditions, events and what is loaded, at random, and what the conditions say of an event in Kleene's logic, worked
//! out one by one.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "for tests, which stop at the first surprise"
)]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use ipnet::IpNet;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use weir_compiler::data::{Data, ListData};
use weir_compiler::ids::{FieldId, ListId};
use weir_compiler::types::Type;
use weir_compiler::value::Value;

use crate::{Condition, Kind, Literals, Plan, Scalar, Test};

/// What a value is, kept.
#[derive(Clone, Debug)]
pub enum Kept {
    /// There is none.
    Missing,
    /// [`Scalar::Bool`]
    Bool(bool),
    /// [`Scalar::Int`]
    Int(i64),
    /// [`Scalar::Float`]
    Float(f64),
    /// [`Scalar::Text`]
    Text(String),
    /// [`Scalar::Ip`]
    Ip(IpAddr),
}

impl Kept {
    /// As a plan sees it.
    pub fn scalar(&self) -> Scalar<'_> {
        match self {
            Self::Missing => Scalar::Missing,
            Self::Bool(truth) => Scalar::Bool(*truth),
            Self::Int(int) => Scalar::Int(*int),
            Self::Float(float) => Scalar::Float(*float),
            Self::Text(text) => Scalar::Text(text),
            Self::Ip(ip) => Scalar::Ip(*ip),
        }
    }
}

/// A condition before its literals have places.
#[derive(Clone, Debug)]
pub enum Tree {
    /// All of them.
    And(Vec<Tree>),
    /// One of them.
    Or(Vec<Tree>),
    /// The opposite.
    Not(Box<Tree>),
    /// Always the same.
    Const(bool),
    /// What no plan can say, and what it is.
    Opaque(Option<bool>),
    /// A test of a value, by its place in a row.
    Test(u16, Test),
}

/// The kinds of the values of a row.
pub const KINDS: [Kind; 8] =
    [Kind::Bool, Kind::Int, Kind::Int, Kind::Float, Kind::Text, Kind::Text, Kind::Ip, Kind::Ip];
/// The lists of integers, texts and addresses; of each two are loaded and the third is not.
const LISTS: [(Kind, u32); 3] = [(Kind::Int, 0), (Kind::Text, 3), (Kind::Ip, 6)];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[ab/]{1,6}", "[abÄ.]{0,3}", Just("/login".to_owned())]
}

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![4 => -3_i64..12, 1 => any::<i64>(), 1 => Just(i64::MAX), 1 => Just(i64::MIN)]
}

fn ip() -> impl Strategy<Value = Ipv4Addr> {
    (0_u32..16).prop_map(|n| Ipv4Addr::from_bits(0x0a00_0000 | (n & 3) << 16 | n >> 2))
}

fn network() -> impl Strategy<Value = IpNet> {
    (ip(), 8_u8..=32).prop_map(|(ip, length)| IpNet::new(ip.into(), length).unwrap().trunc())
}

fn ordered(float: f64) -> i64 {
    let bits = (float + 0.0).to_bits() as i64;
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

fn sorted<T: Ord>(mut members: Vec<T>) -> Arc<[T]> {
    members.sort();
    members.dedup();
    members.into()
}

/// A test of a value of a kind.
pub fn test(kind: Kind) -> BoxedStrategy<Test> {
    let lists = LISTS.iter().find(|(of, _)| *of == kind).map(|(_, first)| *first);
    let list = move || (0_u32..3).prop_map(move |at| Test::List(ListId(lists.unwrap() + at)));
    let known = Just(Test::Known);
    match kind {
        Kind::Bool => prop_oneof![known, Just(Test::True)].boxed(),
        Kind::Int => prop_oneof![
            1 => known,
            4 => (number(), number()).prop_map(|(low, high)| Test::Range(low, high)),
            2 => (-3.0_f64..12.0).prop_map(|low| Test::FloatRange(ordered(low), i64::MAX)),
            4 => prop::collection::vec(number(), 0..5).prop_map(|ints| Test::Ints(sorted(ints))),
            1 => list(),
        ]
        .boxed(),
        Kind::Float => {
            let bound = prop_oneof![-2.0_f64..2.0, Just(0.0), Just(0.5)];
            prop_oneof![
                1 => known,
                4 => (bound.clone(), bound).prop_map(|(low, high)| Test::FloatRange(ordered(low), ordered(high))),
            ]
            .boxed()
        }
        Kind::Text => prop_oneof![
            1 => known,
            3 => prop::collection::vec(text(), 0..4)
                .prop_map(|texts| Test::Texts(sorted(texts.into_iter().map(Arc::from).collect()))),
            2 => text().prop_map(|text| Test::Contains(text.into())),
            2 => text().prop_map(|text| Test::StartsWith(text.into())),
            2 => text().prop_map(|text| Test::EndsWith(text.into())),
            2 => prop::sample::select(vec!["^a+$", "(?i)ä", "/(b|login)$", "a.b", ""])
                .prop_map(|regex| Test::Regex(regex.into())),
            1 => list(),
        ]
        .boxed(),
        Kind::Ip => prop_oneof![
            1 => known,
            4 => prop::collection::vec(network(), 0..4).prop_map(|nets| Test::Networks(sorted(nets))),
            1 => list(),
        ]
        .boxed(),
    }
}

/// A condition.
pub fn tree() -> impl Strategy<Value = Tree> {
    let literal =
        (0..KINDS.len()).prop_flat_map(|at| test(KINDS[at]).prop_map(move |t| Tree::Test(at as u16, t)));
    let leaf = prop_oneof![
        30 => literal,
        1 => any::<bool>().prop_map(Tree::Const),
        1 => any::<Option<bool>>().prop_map(Tree::Opaque),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Tree::And),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Tree::Or),
            inner.prop_map(|tree| Tree::Not(Box::new(tree))),
        ]
    })
}

/// A value of a kind, or none.
pub fn value(kind: Kind) -> BoxedStrategy<Kept> {
    let known = match kind {
        Kind::Bool => any::<bool>().prop_map(Kept::Bool).boxed(),
        Kind::Int => number().prop_map(Kept::Int).boxed(),
        Kind::Float => {
            prop_oneof![-2.0_f64..2.0, Just(-0.0), Just(0.5), Just(f64::NAN)].prop_map(Kept::Float).boxed()
        }
        Kind::Text => text().prop_map(Kept::Text).boxed(),
        Kind::Ip => prop_oneof![
            ip().prop_map(|ip| Kept::Ip(ip.into())),
            Just(Kept::Ip("2001:db8::1".parse().unwrap())),
        ]
        .boxed(),
    };
    prop_oneof![1 => Just(Kept::Missing), 5 => known].boxed()
}

/// What is loaded.
pub fn data() -> Data {
    let mut data = Data::default();
    let load = |data: &mut Data, id, member: Type, values: &[Value]| {
        let mut list = ListData::empty(&member);
        values.iter().for_each(|value| list.insert(value));
        data.set_list(ListId(id), Arc::new(list));
    };
    load(&mut data, 0, Type::Int, &[Value::Int(1), Value::Int(i64::MAX), Value::Int(7)]);
    load(&mut data, 1, Type::Int, &[]);
    load(&mut data, 3, Type::Text, &[Value::text("a"), Value::text(""), Value::text("/login")]);
    load(&mut data, 4, Type::Text, &[Value::text("a"), Value::text("bb")]);
    let net = |text: &str| Value::Cidr(text.parse().unwrap());
    load(&mut data, 6, Type::Cidr, &[net("10.1.0.0/16"), net("2001:db8::/32")]);
    load(&mut data, 7, Type::Cidr, &[net("10.0.0.0/9"), net("10.1.0.1/32")]);
    data
}

/// What a test says of a value, as the language has it.
fn holds(test: &Test, value: &Kept, data: &Data) -> Option<bool> {
    if *test == Test::Known {
        return Some(match value {
            Kept::Missing => false,
            Kept::Float(float) => !float.is_nan(),
            _ => true,
        });
    }
    match (test, value) {
        (_, Kept::Missing) => None,
        (Test::True, Kept::Bool(truth)) => Some(*truth),
        (Test::Range(low, high), Kept::Int(int)) => Some(low <= int && int <= high),
        (Test::FloatRange(low, high), Kept::Int(int)) => {
            let float = ordered(*int as f64);
            Some(*low <= float && float <= *high)
        }
        (Test::FloatRange(..), Kept::Float(float)) if float.is_nan() => None,
        (Test::FloatRange(low, high), Kept::Float(float)) => {
            Some(*low <= ordered(*float) && ordered(*float) <= *high)
        }
        (Test::Ints(ints), Kept::Int(int)) => Some(ints.contains(int)),
        (Test::Texts(texts), Kept::Text(text)) => Some(texts.iter().any(|known| **known == **text)),
        (Test::Networks(nets), Kept::Ip(ip)) => Some(nets.iter().any(|net| net.contains(ip))),
        (Test::Contains(needle), Kept::Text(text)) => Some(text.contains(&**needle)),
        (Test::StartsWith(needle), Kept::Text(text)) => Some(text.starts_with(&**needle)),
        (Test::EndsWith(needle), Kept::Text(text)) => Some(text.ends_with(&**needle)),
        (Test::Regex(regex), Kept::Text(text)) => Some(regex::Regex::new(regex).unwrap().is_match(text)),
        (Test::List(list), value) => {
            let value = match value {
                Kept::Int(int) => Value::Int(*int),
                Kept::Text(text) => Value::text(text),
                Kept::Ip(ip) => Value::Ip(*ip),
                _ => return None,
            };
            Some(data.list(*list)?.contains(&value))
        }
        _ => None,
    }
}

/// What a condition says of a row, as the language has it.
pub fn truth(tree: &Tree, row: &[Kept], data: &Data) -> Option<bool> {
    match tree {
        Tree::Const(truth) => Some(*truth),
        Tree::Opaque(truth) => *truth,
        Tree::Test(column, test) => holds(test, &row[usize::from(*column)], data),
        Tree::Not(tree) => truth(tree, row, data).map(|truth| !truth),
        Tree::And(trees) => {
            let truths: Vec<_> = trees.iter().map(|tree| truth(tree, row, data)).collect();
            if truths.contains(&Some(false)) {
                Some(false)
            } else {
                (!truths.contains(&None)).then_some(true)
            }
        }
        Tree::Or(trees) => {
            let truths: Vec<_> = trees.iter().map(|tree| truth(tree, row, data)).collect();
            if truths.contains(&Some(true)) { Some(true) } else { (!truths.contains(&None)).then_some(false) }
        }
    }
}

/// The condition of a tree, negated if `not`.
pub fn condition(tree: &Tree, not: bool, literals: &mut Literals) -> Condition {
    match tree {
        Tree::Const(truth) => Condition::Const(*truth != not),
        Tree::Opaque(_) => Condition::Opaque,
        Tree::Test(at, test) => {
            let kind = KINDS[usize::from(*at)];
            let column = literals.column(FieldId(u32::from(*at)), kind).unwrap();
            Condition::Literal { literal: literals.literal(column, test.clone()), not }
        }
        Tree::Not(tree) => condition(tree, !not, literals),
        Tree::And(trees) | Tree::Or(trees) => {
            let operands = trees.iter().map(|tree| condition(tree, not, literals)).collect();
            if matches!(tree, Tree::And(_)) != not {
                Condition::And(operands)
            } else {
                Condition::Or(operands)
            }
        }
    }
}

/// Something in it no plan can say.
pub fn has_opaque(tree: &Tree) -> bool {
    match tree {
        Tree::Opaque(_) => true,
        Tree::Not(tree) => has_opaque(tree),
        Tree::And(trees) | Tree::Or(trees) => trees.iter().any(has_opaque),
        Tree::Const(_) | Tree::Test(..) => false,
    }
}

/// It asks a list that is not loaded.
pub fn has_unloaded(tree: &Tree) -> bool {
    match tree {
        Tree::Test(_, Test::List(list)) => list.0 % 3 == 2,
        Tree::Not(tree) => has_unloaded(tree),
        Tree::And(trees) | Tree::Or(trees) => trees.iter().any(has_unloaded),
        _ => false,
    }
}

/// A row for each of the columns of the plan, in its order.
pub fn scalars<'r>(plan: &Plan, row: &'r [Kept]) -> Vec<Scalar<'r>> {
    plan.columns().iter().map(|(field, _)| row[field.0 as usize].scalar()).collect()
}

/// Whether what a plan finds of a row, and finds possible, is what its conditions say.
pub fn agrees(
    plan: &Plan,
    trees: &[Tree],
    row: &[Kept],
    data: &Data,
    found: &[u32],
    possible: &[(u32, bool)],
) -> Result<(), TestCaseError> {
    for (at, tree) in trees.iter().enumerate() {
        let id = at as u32;
        let says = truth(tree, row, data);
        let may = possible.iter().find(|(known, _)| *known == id);
        if !has_opaque(tree) && !has_unloaded(tree) {
            prop_assert!(plan.is_exact(id), "{tree:?} is not exact");
        }
        if plan.is_exact(id) {
            prop_assert_eq!(found.contains(&id), says == Some(true), "{:?} of {:?}", tree, row);
            let told = may.map(|(_, certain)| *certain);
            let wanted = match says {
                Some(true) => Some(true),
                None => Some(false),
                Some(false) => None,
            };
            prop_assert_eq!(told, wanted, "{:?} of {:?}", tree, row);
        } else {
            prop_assert!(may.is_some() || says == Some(false), "{tree:?} of {row:?} is missed");
            prop_assert!(found.contains(&id) || says != Some(true), "{tree:?} of {row:?} is missed");
        }
    }
    let mut once = found.to_vec();
    once.sort_unstable();
    once.dedup();
    prop_assert_eq!(found.len(), once.len());
    Ok(())
}
