//! Axes: the ways in which the columns are coded, and where each literal stands on them.
//!
//! A column has an axis for each kind of test that is made on it: ranges of a number, membership of a text, patterns in a
//! text. On most axes a value has one class, and a literal is a set of classes. On an axis of patterns a value
//! has the set of the patterns found in it, and a literal is one pattern, found or not.

use std::collections::BTreeMap;
use std::sync::Arc;

use ipnet::IpNet;
use weir_compiler::data::{Data, ListData};
use weir_patterns::{Limits, Pattern, PatternSet};

use crate::coder::networks::Networks;
use crate::coder::points::Points;
use crate::coder::ranges::Ranges;
use crate::coder::single::Single;
use crate::coder::symbols::Symbols;
use crate::coder::{MISSING, OTHER};
use crate::literal::{Column, LiteralId, Literals, Test};
use crate::runs::Runs;
use crate::scalar::{Kind, Scalar, ordered};

/// An axis, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AxisId(pub u16);

/// Up to so many patterns of a column are looked for one by one. Those at the ends of a text count for nothing, up to as many as a
/// pass over the text costs.
const FEW_PATTERNS: usize = 6;
const FEW_ENDS: usize = 16;

/// A way in which a column is coded.
#[derive(Debug)]
pub(crate) struct Axis {
    pub(crate) column: Column,
    pub(crate) coder: Coder,
    /// How many classes, the missing one included; of patterns: twice their number, for found and not found.
    pub(crate) codes: u32,
}

#[derive(Debug)]
pub(crate) enum Coder {
    /// Known or not.
    Presence,
    /// 1 false, 2 true.
    Truth,
    Ranges(Ranges),
    Floats(Ranges),
    Points(Points),
    Symbols(Symbols),
    Networks(Networks),
    Single(Single),
    Patterns(PatternSet),
}

/// A set of classes of an axis, with what it says of a missing value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Set {
    pub(crate) runs: Runs,
    /// A missing value is in it.
    pub(crate) missing: bool,
    /// A missing value may be in it: it is in it, or its being so is unknown.
    pub(crate) maybe: bool,
}

/// Where a literal stands.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// True of these classes.
    Set(AxisId, Set),
    /// This pattern.
    Pattern(AxisId, u32),
    /// Nowhere: its list is not loaded, or holds what has no class.
    Nowhere,
}

/// What kind of coder a literal needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    Presence,
    Truth,
    Ranges,
    Floats,
    Points,
    Symbols,
    Networks,
    Single,
    Patterns,
}

impl Set {
    pub(crate) fn negated(&self, axis: &Axis) -> Self {
        let runs = self.runs.complement(axis.codes.saturating_sub(1));
        Self { runs, missing: !self.maybe, maybe: !self.missing }
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        Self {
            runs: self.runs.union(&other.runs),
            missing: self.missing || other.missing,
            maybe: self.maybe || other.maybe,
        }
    }

    pub(crate) fn intersection(&self, other: &Self) -> Self {
        Self {
            runs: self.runs.intersection(&other.runs),
            missing: self.missing && other.missing,
            maybe: self.maybe && other.maybe,
        }
    }
}

/// Axes for the literals of a rule set, given what is loaded. Returns the place of each literal as well.
pub(crate) fn axes(literals: &Literals, data: &Data) -> (Vec<Axis>, Vec<Place>) {
    let mut needs: BTreeMap<(Column, Need), Vec<LiteralId>> = BTreeMap::new();
    for (id, literal) in literals.iter() {
        let kind = literals.columns().get(usize::from(literal.column.0)).map(|(_, kind)| *kind);
        if let Some(need) = need(&literal.test, kind) {
            needs.entry((literal.column, need)).or_default().push(id);
        }
    }
    // A few patterns are looked for each by itself, and only where something is asked of it.
    let needs = needs.into_iter().flat_map(|((column, need), ids)| {
        let is_end = |id: &&LiteralId| {
            let test = literals.get(**id).map(|literal| &literal.test);
            matches!(test, Some(Test::StartsWith(_) | Test::EndsWith(_)))
        };
        let ends = ids.iter().filter(is_end).count();
        let few = need == Need::Patterns && ends <= FEW_ENDS && ids.len() - ends <= FEW_PATTERNS;
        let (need, size) = if few { (Need::Single, 1) } else { (need, ids.len()) };
        ids.chunks(size).map(|ids| (column, need, ids.to_vec())).collect::<Vec<_>>()
    });
    let mut places: Vec<Place> = vec![Place::Nowhere; literals.len()];
    let mut axes = Vec::new();
    for (column, need, ids) in needs {
        let Ok(axis) = u16::try_from(axes.len()) else { break };
        let tests: Vec<&Test> = ids.iter().filter_map(|id| Some(&literals.get(*id)?.test)).collect();
        let (coder, codes, runs) = coder(need, &tests, data);
        for (at, id) in ids.iter().enumerate() {
            let place = match (tests.get(at), &runs) {
                (Some(Test::Known), _) => {
                    let runs = Runs::run(OTHER, codes.saturating_sub(1));
                    Place::Set(AxisId(axis), Set { runs, missing: false, maybe: false })
                }
                (_, None) => Place::Pattern(AxisId(axis), at as u32),
                (Some(Test::List(list)), _) if data.list(*list).is_none() => Place::Nowhere,
                (_, Some(runs)) => {
                    let runs = runs.get(at).cloned().unwrap_or_default();
                    Place::Set(AxisId(axis), Set { runs, missing: false, maybe: true })
                }
            };
            if let Some(known) = places.get_mut(id.0 as usize) {
                *known = place;
            }
        }
        axes.push(Axis { column, coder, codes });
    }
    (axes, places)
}

fn need(test: &Test, kind: Option<Kind>) -> Option<Need> {
    Some(match test {
        Test::Known => Need::Presence,
        Test::True => Need::Truth,
        Test::Range(..) => Need::Ranges,
        Test::FloatRange(..) => Need::Floats,
        Test::Ints(_) => Need::Points,
        Test::Texts(_) => Need::Symbols,
        Test::Networks(_) => Need::Networks,
        Test::Contains(_) | Test::StartsWith(_) | Test::EndsWith(_) | Test::Regex(_) => Need::Patterns,
        Test::List(_) => match kind? {
            Kind::Int => Need::Points,
            Kind::Text => Need::Symbols,
            Kind::Ip => Need::Networks,
            Kind::Bool | Kind::Float => return None,
        },
    })
}

/// A coder for tests of one need, how many codes it has, and the classes of each test unless they are patterns.
fn coder(need: Need, tests: &[&Test], data: &Data) -> (Coder, u32, Option<Vec<Runs>>) {
    match need {
        Need::Presence => (Coder::Presence, OTHER + 1, Some(Vec::new())),
        Need::Truth => (Coder::Truth, 3, Some(vec![Runs::run(2, 2); tests.len()])),
        Need::Ranges | Need::Floats => {
            let ranges: Vec<(i64, i64)> = tests
                .iter()
                .map(|test| match test {
                    Test::Range(low, high) | Test::FloatRange(low, high) => (*low, *high),
                    _ => (1, 0),
                })
                .collect();
            let (coder, runs) = Ranges::new(&ranges);
            let codes = coder.classes();
            (
                if need == Need::Ranges { Coder::Ranges(coder) } else { Coder::Floats(coder) },
                codes,
                Some(runs),
            )
        }
        Need::Points => {
            let (coder, runs) = Points::new(tests.iter().map(|test| ints(test, data)));
            let codes = coder.classes();
            (Coder::Points(coder), codes, Some(runs))
        }
        Need::Symbols => {
            let (coder, runs) = Symbols::new(tests.iter().map(|test| texts(test, data)));
            let codes = coder.classes();
            (Coder::Symbols(coder), codes, Some(runs))
        }
        Need::Networks => {
            let (coder, runs) = Networks::new(tests.iter().map(|test| networks(test, data)));
            let codes = coder.classes();
            (Coder::Networks(coder), codes, Some(runs))
        }
        Need::Single => {
            let single = tests.first().map_or(Single::Never, |test| Single::new(test));
            (Coder::Single(single), 3, Some(vec![Runs::run(2, 2)]))
        }
        Need::Patterns => {
            let patterns: Vec<Pattern> = tests
                .iter()
                .map(|test| match test {
                    Test::Contains(text) => Pattern::Contains((**text).into()),
                    Test::StartsWith(text) => Pattern::StartsWith((**text).into()),
                    Test::EndsWith(text) => Pattern::EndsWith((**text).into()),
                    Test::Regex(regex) => Pattern::Regex((**regex).into()),
                    // No other test needs patterns.
                    _ => Pattern::Contains("".into()),
                })
                .collect();
            let codes = patterns.len() as u32 * 2;
            (Coder::Patterns(PatternSet::new(&patterns, &Limits::default())), codes, None)
        }
    }
}

fn ints(test: &Test, data: &Data) -> Vec<i64> {
    match test {
        Test::Ints(ints) => ints.to_vec(),
        Test::List(list) => data.list(*list).map(|list| list.ints()).unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn texts(test: &Test, data: &Data) -> Vec<Arc<str>> {
    match test {
        Test::Texts(texts) => texts.to_vec(),
        Test::List(list) => match data.list(*list).map(|list| &**list) {
            Some(ListData::Texts(texts)) => texts.iter().cloned().collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn networks(test: &Test, data: &Data) -> Vec<IpNet> {
    match test {
        Test::Networks(networks) => networks.to_vec(),
        Test::List(list) => match data.list(*list).map(|list| &**list) {
            Some(ListData::Ranges(ranges)) => ranges.networks().collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

impl Axis {
    /// Any number of its codes hold of one value.
    pub(crate) fn has_terms(&self) -> bool {
        matches!(self.coder, Coder::Patterns(_))
    }

    /// The class of a value. Values of another kind than the axis's are as good as missing.
    pub(crate) fn class(&self, value: Scalar<'_>) -> u32 {
        match (&self.coder, value) {
            (_, Scalar::Missing) => MISSING,
            (Coder::Truth, Scalar::Bool(truth)) => OTHER + u32::from(truth),
            (Coder::Ranges(ranges), Scalar::Int(int)) => ranges.class(int),
            (Coder::Floats(ranges), Scalar::Float(float)) => {
                ordered(float).map_or(MISSING, |float| ranges.class(float))
            }
            (Coder::Floats(ranges), Scalar::Int(int)) => {
                ordered(int as f64).map_or(MISSING, |float| ranges.class(float))
            }
            (Coder::Points(points), Scalar::Int(int)) => points.class(int),
            (Coder::Symbols(symbols), Scalar::Text(text)) => symbols.class(text),
            (Coder::Single(single), Scalar::Text(text)) => single.class(text),
            (Coder::Networks(networks), Scalar::Ip(ip)) => networks.class(ip),
            (Coder::Presence, Scalar::Float(float)) if float.is_nan() => MISSING,
            (Coder::Presence, _) => OTHER,
            _ => MISSING,
        }
    }
}
