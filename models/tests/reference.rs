//! Every model of `data/reference` against the outputs that ONNX Runtime gave.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod common;

use common::{data, floats, is_close};
use weir_models::{Backend, Choice, Input, Model, Options};

fn load(name: &str, backend: Choice) -> Model {
    let bytes = std::fs::read(data(&format!("reference/{name}.onnx"))).unwrap();
    Model::load(&bytes, &Options { backend, ..Options::default() })
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Compares one output with what is stored.
fn compare(
    model: &Model,
    name: &str,
    output: &str,
    rows: usize,
    tolerance: f64,
    row: impl Fn(usize) -> Vec<f32>,
) {
    let wanted = floats(&format!("reference/{name}.{output}.f32"));
    let nth = model.signature().outputs.iter().position(|port| port.name == output).unwrap();
    let width = wanted.len() / rows;
    let mut scratch = model.scratch().unwrap();
    for at in 0..rows {
        let values = row(at);
        let outputs = model.score(&mut scratch, &[Input::Float(&values)]).unwrap();
        let found = outputs.get(nth).unwrap();
        assert_eq!(found.len(), width, "{name} {output}");
        for place in 0..width {
            let (found, wanted) = (found.number(place).unwrap(), f64::from(wanted[at * width + place]));
            assert!(
                is_close(found, wanted, tolerance),
                "{name} {output}, row {at}: {found} and not {wanted}"
            );
        }
    }
}

fn tabular(name: &str, output: &str, tolerance: f64) {
    let rows = floats("reference/x30.f32");
    let model = load(name, Choice::Only(Backend::Native));
    compare(&model, name, output, 256, tolerance, |at| rows[at * 30..(at + 1) * 30].to_vec());
}

#[test]
fn linear_models() {
    for name in ["logreg", "logreg_noscale"] {
        tabular(name, "label", 0.0);
        tabular(name, "probabilities", 1e-6);
    }
    tabular("logreg_zipmap", "output_label", 0.0);
}

#[test]
fn naive_bayes() {
    tabular("gnb", "label", 0.0);
    tabular("gnb", "probabilities", 1e-5);
}

#[test]
fn boosted_trees() {
    for name in ["xgb100", "lgbm100"] {
        tabular(name, "label", 0.0);
        tabular(name, "probabilities", 1e-6);
    }
}

#[test]
fn an_isolation_forest_becomes_one_ensemble() {
    tabular("iforest", "label", 0.0);
    tabular("iforest", "scores", 1e-6);
    let model = load("iforest", Choice::Only(Backend::Native));
    let (steps, trees, _) = model.cost().unwrap();
    assert_eq!(trees, 100);
    assert!(steps < 12, "{steps} steps");
}

#[test]
fn perceptrons() {
    for name in ["mlp64", "mlp64_noscale"] {
        tabular(name, "label", 0.0);
        tabular(name, "probabilities", 1e-6);
    }
}

#[test]
fn texts() {
    let table = std::fs::read_to_string(data("reference/strings.tsv")).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split('\t').collect()).collect();
    let model = load("strings_lr", Choice::Auto);
    assert_eq!(model.backend(), Backend::Native);
    let (labels, wanted) =
        (floats("reference/strings_lr.label.f32"), floats("reference/strings_lr.probabilities.f32"));
    let mut scratch = model.scratch().unwrap();
    for (at, row) in rows.iter().enumerate() {
        let (rate, fails) = (row[2].parse().unwrap(), row[3].parse().unwrap());
        let inputs =
            [Input::Text(&row[..1]), Input::Text(&row[1..2]), Input::Float(&[rate]), Input::Float(&[fails])];
        let outputs = model.score(&mut scratch, &inputs).unwrap();
        assert_eq!(outputs.get(0).unwrap().number(0), Some(f64::from(labels[at])), "row {at}");
        for place in 0..2 {
            let found = outputs.get(1).unwrap().number(place).unwrap();
            assert!(is_close(found, f64::from(wanted[at * 2 + place]), 1e-6), "row {at}: {found}");
        }
    }
    let model = load("labelenc_embed", Choice::Auto);
    let wanted = floats("reference/labelenc_embed.score.f32");
    let mut scratch = model.scratch().unwrap();
    for (at, row) in rows.iter().enumerate() {
        let outputs = model.score(&mut scratch, &[Input::Text(&row[..1])]).unwrap();
        let found = outputs.get(0).unwrap().number(0).unwrap();
        assert!(is_close(found, f64::from(wanted[at]), 1e-6), "row {at}: {found}");
    }
}

#[test]
fn a_batch_answers_as_its_rows_do() {
    let rows = floats("reference/x30.f32");
    let model = load("xgb100", Choice::Auto);
    let mut scratch = model.scratch().unwrap();
    let mut batch = Vec::new();
    model
        .score_batch(&mut scratch, 256, &[Input::Float(&rows)], |_, outputs| {
            batch.push(outputs.get(1).unwrap().number(1).unwrap());
        })
        .unwrap();
    for (at, wanted) in batch.iter().enumerate() {
        let outputs = model.score(&mut scratch, &[Input::Float(&rows[at * 30..(at + 1) * 30])]).unwrap();
        assert_eq!(outputs.get(1).unwrap().number(1), Some(*wanted));
    }
}

#[test]
fn what_does_not_fit_is_said() {
    let model = load("logreg", Choice::Auto);
    let mut scratch = model.scratch().unwrap();
    for inputs in [&[][..], &[Input::Float(&[1.0; 29])], &[Input::Double(&[1.0; 30])]] {
        let error = model.score(&mut scratch, inputs).err().unwrap().to_string();
        assert!(error.contains("input"), "{error}");
    }
    for name in ["gru32", "lstm32", "xfmr"] {
        let bytes = std::fs::read(data(&format!("reference/{name}.onnx"))).unwrap();
        let options = Options { backend: Choice::Only(Backend::Native), ..Options::default() };
        let error = Model::load(&bytes, &options).unwrap_err().to_string();
        assert!(error.contains("native back-end") || error.contains("product"), "{name}: {error}");
    }
}
