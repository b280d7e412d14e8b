//! What goes into a call and comes out of it.

use std::fmt;

use hashbrown::HashMap;
use serde::Serialize;

/// The values of one input, in row-major order; for a batch, of all rows one after the other.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// For `float`.
    Float(&'a [f32]),
    /// For `double`.
    Double(&'a [f64]),
    /// For `int64`, `int32` and, as 0 and 1, `bool`.
    Int(&'a [i64]),
    /// For `string`.
    Text(&'a [&'a str]),
}

impl Input<'_> {
    /// How many values there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Float(values) => values.len(),
            Self::Double(values) => values.len(),
            Self::Int(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Input<'_> {
    /// The values of one row of several.
    #[cfg_attr(
        not(any(feature = "onnxruntime", feature = "tract")),
        expect(dead_code, reason = "for other back-ends")
    )]
    pub(crate) fn row(&self, row: usize, rows: usize) -> Self {
        self.part(row, 1, rows)
    }

    /// The values of some rows of all.
    #[cfg_attr(
        not(any(feature = "onnxruntime", feature = "tract", feature = "files")),
        expect(dead_code, reason = "for other back-ends and for files")
    )]
    pub(crate) fn part(&self, from: usize, count: usize, rows: usize) -> Self {
        let width = self.len().checked_div(rows).unwrap_or(0);
        let range = from * width..(from + count) * width;
        match *self {
            Self::Float(values) => Self::Float(values.get(range).unwrap_or(&[])),
            Self::Double(values) => Self::Double(values.get(range).unwrap_or(&[])),
            Self::Int(values) => Self::Int(values.get(range).unwrap_or(&[])),
            Self::Text(values) => Self::Text(values.get(range).unwrap_or(&[])),
        }
    }
}

impl fmt::Display for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Float(_) => "floats",
            Self::Double(_) => "doubles",
            Self::Int(_) => "integers",
            Self::Text(_) => "texts",
        };
        write!(f, "{} {kind}", self.len())
    }
}

/// The values of one output of one row.
#[derive(Clone, Copy, Debug)]
pub enum Output<'a> {
    /// Of `float`; for maps, in the order of their keys.
    Float(&'a [f32]),
    /// Of `double`.
    Double(&'a [f64]),
    /// Of `int64`, `int32` and `bool`.
    Int(&'a [i64]),
    /// Of `string`.
    Text(&'a [String]),
    /// Of `string`, as the native back-end keeps them.
    Symbols(&'a [i64], &'a Texts),
}

impl<'a> Output<'a> {
    /// How many values there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Float(values) => values.len(),
            Self::Double(values) => values.len(),
            Self::Int(values) | Self::Symbols(values, _) => values.len(),
            Self::Text(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A value as a number; nothing for texts, and for places that are not there.
    pub fn number(&self, nth: usize) -> Option<f64> {
        match self {
            Self::Float(values) => values.get(nth).map(|value| f64::from(*value)),
            Self::Double(values) => values.get(nth).copied(),
            Self::Int(values) => values.get(nth).map(|value| *value as f64),
            Self::Text(_) | Self::Symbols(..) => None,
        }
    }

    /// A value as text; nothing for numbers.
    pub fn text(&self, nth: usize) -> Option<&'a str> {
        match self {
            Self::Text(values) => values.get(nth).map(String::as_str),
            Self::Symbols(values, texts) => values.get(nth).map(|number| texts.name(*number)),
            _ => None,
        }
    }

    /// Whether every value is a number that counts: neither NaN nor infinite. Texts always are.
    pub fn is_finite(&self) -> bool {
        match self {
            Self::Float(values) => values.iter().all(|value| value.is_finite()),
            Self::Double(values) => values.iter().all(|value| value.is_finite()),
            _ => true,
        }
    }

    /// A copy that stays.
    pub fn to_owned(&self) -> Values {
        match self {
            Self::Float(values) => Values::Float(values.to_vec()),
            Self::Double(values) => Values::Double(values.to_vec()),
            Self::Int(values) => Values::Int(values.to_vec()),
            Self::Text(values) => Values::Text(values.to_vec()),
            Self::Symbols(values, texts) => {
                Values::Text(values.iter().map(|number| texts.name(*number).to_owned()).collect())
            }
        }
    }
}

/// Values of an input or output, kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Values {
    /// Of `float`.
    Float(Vec<f32>),
    /// Of `double`.
    Double(Vec<f64>),
    /// Of integers and truths.
    Int(Vec<i64>),
    /// Of texts.
    Text(Vec<String>),
}

/// Texts that the model knows, by number. A text that it does not know is no number of these, which equals no category.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    names: Vec<String>,
    numbers: HashMap<String, i64>,
}

impl Texts {
    pub(crate) const UNKNOWN: i64 = -1;

    pub(crate) fn intern(&mut self, name: &str) -> i64 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len() as i64;
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    pub(crate) fn number(&self, name: &str) -> i64 {
        self.numbers.get(name).copied().unwrap_or(Self::UNKNOWN)
    }

    pub(crate) fn name(&self, number: i64) -> &str {
        usize::try_from(number).ok().and_then(|number| self.names.get(number)).map_or("", String::as_str)
    }
}
