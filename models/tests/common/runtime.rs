//! The same model and rows in the native back-end and in ONNX Runtime.

use std::io::Write as _;

use weir_models::{Backend, Choice, Element, Input, Model, Options, Values, find_onnxruntime};

use super::is_close;
pub(crate) use super::random::Random;

/// Whether the library is there; where it is not, says so loudly, and fails where `WEIR_REQUIRE_ONNXRUNTIME` is set.
pub(crate) fn is_here(test: &str) -> bool {
    if find_onnxruntime(None).is_some() {
        return true;
    }
    assert!(std::env::var_os("WEIR_REQUIRE_ONNXRUNTIME").is_none(), "ONNX Runtime is required and not here");
    // Past the capture of the test runner, so that nobody takes silence for agreement.
    let text = format!(
        "\n!!! SKIPPED: {test}: no ONNX Runtime is here (ORT_DYLIB_PATH); nothing was compared with it !!!\n\n"
    );
    let _ = std::io::stderr().write_all(text.as_bytes());
    false
}

/// Rows of a model's inputs, each input's values one row after the other.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    pub(crate) count: usize,
    pub(crate) inputs: Vec<Values>,
}

impl Rows {
    /// One row, for the model's own types.
    fn row<'a>(&'a self, row: usize, texts: &'a [Vec<&'a str>]) -> Vec<Input<'a>> {
        let part = |count: usize| {
            let width = count / self.count;
            row * width..(row + 1) * width
        };
        let each = self.inputs.iter().zip(texts);
        each.map(|(values, texts)| match values {
            Values::Float(values) => Input::Float(&values[part(values.len())]),
            Values::Double(values) => Input::Double(&values[part(values.len())]),
            Values::Int(values) => Input::Int(&values[part(values.len())]),
            Values::Text(values) => Input::Text(&texts[part(values.len())]),
        })
        .collect()
    }
}

/// How two models differ, if they do: `most` is the tolerance for values, relative above 1.
pub(crate) fn difference(one: &Model, other: &Model, rows: &Rows, most: f64) -> Option<String> {
    let texts: Vec<Vec<&str>> = rows
        .inputs
        .iter()
        .map(|values| match values {
            Values::Text(values) => values.iter().map(String::as_str).collect(),
            _ => Vec::new(),
        })
        .collect();
    let (mut first, mut second) = (one.scratch().unwrap(), other.scratch().unwrap());
    for row in 0..rows.count {
        let inputs = rows.row(row, &texts);
        let (found, wanted) = match (one.score(&mut first, &inputs), other.score(&mut second, &inputs)) {
            (Ok(found), Ok(wanted)) => (found, wanted),
            (Err(_), Err(_)) => continue,
            (Err(error), Ok(_)) => return Some(format!("row {row}: only {} fails: {error}", one.backend())),
            (Ok(_), Err(error)) => {
                return Some(format!("row {row}: only {} fails: {error}", other.backend()));
            }
        };
        for (nth, port) in one.signature().outputs.iter().enumerate() {
            let (found, wanted) = (found.get(nth).unwrap(), wanted.get(nth).unwrap());
            let said = || format!("row {row} {inputs:?}, output {port}: {found:?} and not {wanted:?}");
            if found.len() != wanted.len() {
                return Some(said());
            }
            for place in 0..found.len() {
                let same = match (found.number(place), wanted.number(place)) {
                    (Some(found), Some(wanted)) => is_close(found, wanted, most),
                    _ => found.text(place) == wanted.text(place),
                };
                if !same {
                    return Some(said());
                }
            }
        }
    }
    None
}

/// A file in both back-ends; nothing where either refuses it.
pub(crate) fn both(bytes: &[u8]) -> Result<(Model, Model), String> {
    let load = |backend| {
        let options = Options { backend: Choice::Only(backend), ..Options::default() };
        Model::load(bytes, &options).map_err(|refusal| format!("{backend}: {refusal}"))
    };
    Ok((load(Backend::Native)?, load(Backend::OnnxRuntime)?))
}

impl Random {
    /// Rows for a model, with values that its nodes compare with.
    pub(crate) fn rows(&mut self, model: &Model, count: usize, thresholds: &[f32], odd: bool) -> Rows {
        let texts = ["US", "DE", "RU", "CN", "chrome", "curl", "python", "", "never seen", "Ü"];
        let inputs = model.signature().inputs.iter().map(|port| {
            let many = count * port.width().unwrap();
            match port.element().unwrap() {
                Element::Double => {
                    Values::Double((0..many).map(|_| self.value(thresholds, odd).into()).collect())
                }
                Element::Float => Values::Float((0..many).map(|_| self.value(thresholds, odd)).collect()),
                Element::String => {
                    Values::Text((0..many).map(|_| (*self.choose(&texts)).to_owned()).collect())
                }
                _ => Values::Int((0..many).map(|_| self.below(9) as i64 - 4).collect()),
            }
        });
        Rows { count, inputs: inputs.collect() }
    }
}
