//! Golden vectors: inputs with the outputs that a model must give, written by whoever trained it, beside it as `NAME.golden.npz`.
//!
//! The archive holds an array for each input under its name, and one for each output that is to be compared. In Python:
//!
//! ```python
//! numpy.savez("stuffing.golden.npz", X=rows, label=labels, probabilities=probabilities)
//! ```

use crate::call::Output;
use crate::model::Model;
use crate::refusal::Failure;
use crate::rows::{Array, Numbers, Rows, read_npz};

/// Rows, and what must come out.
#[derive(Clone, Debug)]
pub struct Golden {
    rows: Rows,
    /// Which output, and its values.
    outputs: Vec<(usize, Array)>,
}

/// How a model does on golden vectors.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Agreement {
    /// Rows compared.
    pub rows: usize,
    /// Outputs compared.
    pub outputs: Vec<String>,
    /// The largest difference of two numbers, relative where they are above 1.
    pub largest: f64,
    /// Rows with a difference past the tolerance.
    pub wrong: usize,
    /// The first of them, in words.
    pub first: Option<String>,
}

impl Golden {
    /// Reads an archive for a model.
    ///
    /// # Errors
    ///
    /// No archive, an input that it does not hold, no output at all, numbers of values that do not go together.
    pub fn read(model: &Model, bytes: &[u8]) -> Result<Self, Failure> {
        let arrays = read_npz(bytes)?;
        let signature = model.signature();
        let find = |name: &str| arrays.iter().find(|(known, _)| known == name).map(|(_, array)| array);
        let mut inputs = Vec::new();
        for port in &signature.inputs {
            let array = find(&port.name).ok_or_else(|| {
                Failure::Inputs(format!("the golden vectors have no array `{}`", port.name))
            })?;
            let values = array.values(port.element());
            inputs.push(values.ok_or_else(|| {
                Failure::Inputs(format!("the golden vectors of {port} are of another type"))
            })?);
        }
        let rows = Rows::new(signature, inputs)?;
        let mut outputs = Vec::new();
        for (nth, port) in signature.outputs.iter().enumerate() {
            if let Some(array) = find(&port.name) {
                if rows.count() == 0 || array.len() % rows.count() != 0 {
                    return Err(Failure::Inputs(format!("the golden vectors of {port} are of other rows")));
                }
                outputs.push((nth, array.clone()));
            }
        }
        if outputs.is_empty() {
            return Err(Failure::Inputs("the golden vectors have none of the model's outputs".into()));
        }
        Ok(Self { rows, outputs })
    }

    /// The rows.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// Runs the model on every row and compares. Numbers may lie `tolerance` apart, relative above 1; texts must be equal.
    ///
    /// # Errors
    ///
    /// A call that fails.
    pub fn verify(&self, model: &Model, tolerance: f64) -> Result<Agreement, Failure> {
        let mut scratch = model.scratch()?;
        let texts = self.rows.texts();
        let names = |nth: usize| model.signature().outputs.get(nth).map_or("", |port| port.name.as_str());
        let mut agreement = Agreement {
            rows: self.rows.count(),
            outputs: self.outputs.iter().map(|(nth, _)| names(*nth).to_owned()).collect(),
            largest: 0.0,
            wrong: 0,
            first: None,
        };
        for row in 0..self.rows.count() {
            let outputs = model.score(&mut scratch, &self.rows.row(&texts, row))?;
            let mut first = None;
            for (nth, wanted) in &self.outputs {
                let width = wanted.len() / self.rows.count();
                let Some(found) = outputs.get(*nth) else { continue };
                if found.len() != width {
                    first.get_or_insert(format!(
                        "`{}` has {} values instead of {width}",
                        names(*nth),
                        found.len()
                    ));
                }
                for place in 0..width.min(found.len()) {
                    let apart = apart(&found, place, &wanted.numbers, row * width + place);
                    agreement.largest = agreement.largest.max(apart);
                    if apart > tolerance {
                        first.get_or_insert_with(|| {
                            let said = said(&found, place);
                            format!(
                                "row {row}: `{}` is {said} at {place}, {apart:e} from what it must be",
                                names(*nth)
                            )
                        });
                    }
                }
            }
            agreement.wrong += usize::from(first.is_some());
            agreement.first = agreement.first.or(first);
        }
        Ok(agreement)
    }
}

fn apart(found: &Output<'_>, place: usize, wanted: &Numbers, at: usize) -> f64 {
    let wanted = match wanted {
        Numbers::Texts(texts) => {
            let same = texts.get(at).map(String::as_str) == found.text(place);
            return if same { 0.0 } else { f64::INFINITY };
        }
        Numbers::Reals(values) => values.get(at).copied(),
        Numbers::Ints(values) => values.get(at).map(|value| *value as f64),
    };
    match (found.number(place), wanted) {
        (Some(found), Some(wanted)) => distance(found, wanted),
        _ => f64::INFINITY,
    }
}

/// How far two numbers lie apart: relative where they are above 1, infinitely where just one is a number.
pub fn distance(a: f64, b: f64) -> f64 {
    if a == b || (a.is_nan() && b.is_nan()) {
        return 0.0;
    }
    let apart = (a - b).abs() / a.abs().max(b.abs()).max(1.0);
    if apart.is_nan() { f64::INFINITY } else { apart }
}

fn said(found: &Output<'_>, place: usize) -> String {
    found
        .number(place)
        .map_or_else(|| format!("`{}`", found.text(place).unwrap_or("")), |number| number.to_string())
}
