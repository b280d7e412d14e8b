//! Rows for a model from files: tables of text, NumPy arrays, plain little-endian floats.

mod npy;
mod table;

pub use npy::{Array, Numbers, read_npy, read_npz};
pub use table::read_table;

use crate::call::{Input, Values};
use crate::refusal::Failure;
use crate::signature::Signature;
use crate::tensor::Element;

/// Values for each input of a model, one row after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    count: usize,
    inputs: Vec<Values>,
}

impl Rows {
    /// From values of each input; all must hold a whole number of rows, and the same.
    ///
    /// # Errors
    ///
    /// Values that are no whole number of rows of the signature.
    pub fn new(signature: &Signature, inputs: Vec<Values>) -> Result<Self, Failure> {
        let mut count = None;
        for (port, values) in signature.inputs.iter().zip(&inputs) {
            let width = port.width().ok_or_else(|| Failure::Inputs(format!("{port} has no fixed width")))?;
            let length = len(values);
            let rows = length.checked_div(width).filter(|rows| rows * width == length);
            let rows = rows.ok_or_else(|| {
                Failure::Inputs(format!("{length} values are no whole number of rows of {port}"))
            })?;
            if count.is_some_and(|count| count != rows) {
                return Err(Failure::Inputs(format!(
                    "{port} has {rows} rows, and others have {}",
                    count.unwrap_or(0)
                )));
            }
            count = Some(rows);
        }
        if inputs.len() != signature.inputs.len() {
            return Err(Failure::Inputs(format!(
                "{} inputs are given, and the model has {}",
                inputs.len(),
                signature.inputs.len()
            )));
        }
        Ok(Self { count: count.unwrap_or(0), inputs })
    }

    /// Rows of the one input of a model, from little-endian `f32`.
    ///
    /// # Errors
    ///
    /// A model of several inputs, or of something else than numbers; bytes that are no whole number of rows.
    pub fn of_floats(signature: &Signature, bytes: &[u8]) -> Result<Self, Failure> {
        let (chunks, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(Failure::Inputs("the file is no whole number of 32-bit floats".into()));
        }
        let values: Vec<f64> = chunks.iter().map(|chunk| f64::from(f32::from_le_bytes(*chunk))).collect();
        Self::of_array(signature, &Array { shape: vec![values.len()], numbers: Numbers::Reals(values) })
    }

    /// Rows of the one input of a model, from an array.
    ///
    /// # Errors
    ///
    /// As [`Rows::of_floats`].
    pub fn of_array(signature: &Signature, array: &Array) -> Result<Self, Failure> {
        let [port] = signature.inputs.as_slice() else {
            return Err(Failure::Inputs(format!(
                "the model has {} inputs, and one array was given; give a table with a column for each",
                signature.inputs.len()
            )));
        };
        let values = array
            .values(port.element())
            .ok_or_else(|| Failure::Inputs(format!("{port} needs other values")))?;
        Self::new(signature, vec![values])
    }

    /// How many rows there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The texts of each input, borrowed: what [`Rows::row`] and [`Rows::all`] need.
    pub fn texts(&self) -> Vec<Vec<&str>> {
        let each = self.inputs.iter().map(|values| match values {
            Values::Text(values) => values.iter().map(String::as_str).collect(),
            _ => Vec::new(),
        });
        each.collect()
    }

    /// All rows, for [`Model::score_batch`](crate::Model::score_batch).
    pub fn all<'a>(&'a self, texts: &'a [Vec<&'a str>]) -> Vec<Input<'a>> {
        let each = self.inputs.iter().zip(texts);
        each.map(|(values, texts)| match values {
            Values::Float(values) => Input::Float(values),
            Values::Double(values) => Input::Double(values),
            Values::Int(values) => Input::Int(values),
            Values::Text(_) => Input::Text(texts),
        })
        .collect()
    }

    /// Some rows one after the other.
    pub fn part<'a>(&'a self, texts: &'a [Vec<&'a str>], from: usize, count: usize) -> Vec<Input<'a>> {
        let all = self.all(texts).into_iter();
        all.map(|input| input.part(from, count, self.count)).collect()
    }

    /// One row.
    pub fn row<'a>(&'a self, texts: &'a [Vec<&'a str>], row: usize) -> Vec<Input<'a>> {
        self.part(texts, row, 1)
    }
}

fn len(values: &Values) -> usize {
    match values {
        Values::Float(values) => values.len(),
        Values::Double(values) => values.len(),
        Values::Int(values) => values.len(),
        Values::Text(values) => values.len(),
    }
}

/// Numbers or texts as an element of a model; nothing where they cannot be.
pub(crate) fn values_of(numbers: &Numbers, element: Option<Element>) -> Option<Values> {
    Some(match (numbers, element?) {
        (Numbers::Reals(values), Element::Float) => {
            Values::Float(values.iter().map(|value| *value as f32).collect())
        }
        (Numbers::Reals(values), Element::Double) => Values::Double(values.clone()),
        (Numbers::Reals(values), Element::Int64 | Element::Int32 | Element::Bool) => {
            let whole = values.iter().map(|value| (value.fract() == 0.0).then_some(*value as i64));
            Values::Int(whole.collect::<Option<_>>()?)
        }
        (Numbers::Ints(values), Element::Float) => {
            Values::Float(values.iter().map(|value| *value as f32).collect())
        }
        (Numbers::Ints(values), Element::Double) => {
            Values::Double(values.iter().map(|value| *value as f64).collect())
        }
        (Numbers::Ints(values), Element::Int64 | Element::Int32 | Element::Bool) => {
            Values::Int(values.clone())
        }
        (Numbers::Texts(values), Element::String) => Values::Text(values.clone()),
        _ => return None,
    })
}
