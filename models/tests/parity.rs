//! The native back-end against ONNX Runtime: models of every exporter, and models made up here.
//!
//! `WEIR_CASES` and `WEIR_SEED` say how many are made up, and from where; `WEIR_MODELS` names another folder of models.
#![cfg(feature = "onnxruntime")]
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test stops at the first surprise"
)]

mod common;
#[path = "common/make.rs"]
mod make;
#[path = "../src/proto.rs"]
mod proto;
#[path = "common/random.rs"]
mod random;
#[path = "common/runtime.rs"]
mod runtime;

use std::path::PathBuf;

use common::{data, is_close};
use prost::Message as _;
use runtime::{Random, both, difference, is_here};
use weir_models::{Backend, Choice, Model, Options};

/// Every number in the attributes of a file's nodes: thresholds among them.
fn thresholds(bytes: &[u8]) -> Vec<f32> {
    let model = proto::Model::decode(bytes).unwrap();
    let graph = proto::Graph::decode(model.graph.unwrap()).unwrap();
    let mut found = Vec::new();
    for node in graph.node {
        for attribute in proto::Node::decode(node).unwrap().attribute {
            let attribute = proto::Attribute::decode(attribute).unwrap();
            if attribute.name == "nodes_values" {
                found.extend(attribute.floats);
            }
            if attribute.name.ends_with("_as_tensor") {
                let tensor = proto::Tensor::decode(attribute.t.unwrap()).unwrap();
                found.extend(tensor.double_data.iter().map(|value| *value as f32));
            }
        }
    }
    found
}

fn files(folder: PathBuf) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "onnx"))
        .collect();
    files.sort();
    files
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |value| value.parse().unwrap())
}

#[test]
fn models_of_every_exporter() {
    if !is_here("models of every exporter") {
        return;
    }
    let folder = std::env::var_os("WEIR_MODELS").map_or_else(|| data("corpus"), PathBuf::from);
    let mut differences = Vec::new();
    let mut compared = 0;
    for path in files(folder).into_iter().chain(files(data("reference"))) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        let (native, other) = match both(&bytes) {
            Ok(pair) => pair,
            Err(refusal) => {
                eprintln!("{name}: {refusal}");
                continue;
            }
        };
        compared += 1;
        let thresholds = thresholds(&bytes);
        let mut random = Random(number("WEIR_SEED", 1));
        // Sums of squares before exponentials, and products in another order than ours.
        let is_loose = ["gaussian", "gnb", "perceptron", "svr", "svm", "polynomial"]
            .iter()
            .any(|word| name.contains(word));
        for (odd, most) in [(false, if is_loose { 1e-5 } else { 2e-6 }), (true, 1e-5)] {
            let rows = random.rows(&native, 200, &thresholds, odd);
            if let Some(difference) = difference(&native, &other, &rows, most) {
                differences.push(format!("{name}, odd values {odd}: {difference}"));
            }
        }
    }
    eprintln!("{compared} models compared");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(compared > 40, "{compared}");
}

/// What no one row's branch decides: neither the same scores nor the same classes by chance.
#[test]
fn models_made_up() {
    if !is_here("models made up") {
        return;
    }
    let seed = number("WEIR_SEED", 1);
    let cases = number("WEIR_CASES", 600);
    let (mut compared, mut refused) = (0, std::collections::BTreeMap::<String, u64>::new());
    let mut differences = Vec::new();
    for case in 0..cases {
        let mut random = Random(seed.wrapping_mul(1_000_003).wrapping_add(case));
        let made = make::model(&mut random);
        let (native, other) = match both(&made.bytes) {
            Ok(pair) => pair,
            Err(refusal) => {
                *refused.entry(format!("{}: {refusal}", made.what)).or_default() += 1;
                continue;
            }
        };
        compared += 1;
        let rows = random.rows(&native, 40, &made.thresholds, made.takes_odd);
        if let Some(difference) = difference(&native, &other, &rows, made.most) {
            let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("parity-{case}.onnx"));
            std::fs::write(&path, &made.bytes).unwrap();
            differences.push(format!("case {case}, {} ({}): {difference}", made.what, path.display()));
        }
    }
    eprintln!("{compared} of {cases} compared");
    for (refusal, count) in &refused {
        eprintln!("{count} × {refusal}");
    }
    let shown: Vec<&str> = differences.iter().map(|text| text.get(..900).unwrap_or(text)).take(12).collect();
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), shown.join("\n"));
    assert!(compared * 10 > cases * 9, "only {compared} of {cases} models load in both");
}

#[test]
fn sequences_run_in_onnx_runtime() {
    if !is_here("sequences") {
        return;
    }
    let rows = common::floats("reference/seq.f32");
    for name in ["gru32", "lstm32", "xfmr"] {
        let bytes = std::fs::read(data(&format!("reference/{name}.onnx"))).unwrap();
        let model = Model::load(&bytes, &Options::default()).unwrap();
        assert_eq!(model.backend(), Backend::OnnxRuntime, "{:?}", model.passed());
        let wanted = common::floats(&format!("reference/{name}.score.f32"));
        let mut scratch = model.scratch().unwrap();
        let mut found = Vec::new();
        model
            .score_batch(&mut scratch, 64, &[weir_models::Input::Float(&rows)], |_, outputs| {
                found.push(outputs.get(0).unwrap().number(0).unwrap());
            })
            .unwrap();
        for (found, wanted) in found.iter().zip(wanted) {
            assert!(is_close(*found, wanted.into(), 1e-5), "{name}: {found} and not {wanted}");
        }
    }
}

#[test]
fn an_absent_library_is_named() {
    // In a process of its own: a library is opened once.
    if std::env::var_os("WEIR_ABSENT").is_none() {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "an_absent_library_is_named"])
            .env("WEIR_ABSENT", "1")
            .env("ORT_DYLIB_PATH", "/nowhere/libonnxruntime.so")
            .output()
            .unwrap();
        assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stdout));
        return;
    }
    let bytes = std::fs::read(data("reference/gru32.onnx")).unwrap();
    let options = Options { backend: Choice::Only(Backend::OnnxRuntime), ..Options::default() };
    let refusal = Model::load(&bytes, &options).unwrap_err().to_string();
    assert!(refusal.contains("/nowhere/libonnxruntime.so") && refusal.contains("pip install"), "{refusal}");
}
