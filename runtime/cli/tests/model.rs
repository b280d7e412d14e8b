//! `weir model` on small models.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::process::{Command, Output};

use serde_json::Value;

const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tests/data/reference");

fn file(name: &str) -> String {
    format!("{MODELS}/{name}")
}

fn weir(arguments: &[&str]) -> Output {
    // No library that happens to be installed here.
    Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(arguments)
        .env("ORT_DYLIB_PATH", "/nowhere/libonnxruntime.so")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn inspect_says_what_a_model_is() {
    let output = weir(&["model", "inspect", &file("strings_lr.onnx")]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    for part in
        ["skl2onnx", "country: string[?, 1]", "rate: float[?, 1]", "native", "LinearClassifier", "golden.npz"]
    {
        assert!(said.contains(part), "{part} in {said}");
    }
    let output = weir(&["model", "inspect", "--json", &file("iforest.onnx")]);
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value[0]["backend"], "native");
    assert_eq!(value[0]["cost"]["trees"], 100);
    assert_eq!(value[0]["sha256"].as_str().unwrap().len(), 64);
}

#[test]
fn run_prints_every_output_of_every_row() {
    let output = weir(&["model", "run", &file("logreg_zipmap.onnx"), "--input", &file("x30.f32")]);
    let said = text(&output.stdout);
    assert_eq!(said.lines().next(), Some("output_label,output_probability.0,output_probability.1"));
    assert_eq!(said.lines().count(), 257);
    let output = weir(&["model", "run", &file("strings_lr.onnx"), "--input", &file("strings.tsv"), "--json"]);
    let first: Value = serde_json::from_str(text(&output.stdout).lines().next().unwrap()).unwrap();
    assert_eq!(first["probabilities"].as_array().unwrap().len(), 2);
}

#[test]
fn a_net_runs_in_tract_where_no_onnx_runtime_is() {
    let output = weir(&["model", "run", &file("gru32.onnx"), "--input", &file("seq.f32"), "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let wanted = std::fs::read(file("gru32.score.f32")).unwrap();
    let said = text(&output.stdout);
    assert_eq!(said.lines().count(), 64);
    for (line, wanted) in said.lines().zip(wanted.chunks_exact(4)) {
        let value: Value = serde_json::from_str(line).unwrap();
        let wanted = f64::from(f32::from_le_bytes(wanted.try_into().unwrap()));
        assert!((value["score"].as_f64().unwrap() - wanted).abs() < 1e-5, "{line} and not {wanted}");
    }
    let output =
        weir(&["model", "run", &file("gru32.onnx"), "--input", &file("seq.f32"), "--backend", "ort"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("pip install onnxruntime"), "{}", text(&output.stderr));
}

#[test]
fn verify_holds_a_model_to_its_golden_vectors() {
    let output = weir(&["model", "verify", &file("xgb100.onnx"), &file("logreg.onnx")]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).matches("agrees").count(), 2);
    let golden = file("logreg.golden.npz");
    let output =
        weir(&["model", "verify", &file("logreg_noscale.onnx"), "--golden", &golden, "--tolerance", "1e-7"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("the first at row"), "{}", text(&output.stdout));
}

#[test]
fn compare_says_where_two_models_differ() {
    let rows = file("x30.f32");
    let output =
        weir(&["model", "compare", &file("logreg.onnx"), &file("mlp64.onnx"), "--input", &rows, "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((value["rows"].as_u64(), value["failures"].as_u64()), (Some(256), Some(0)));
    assert!(value["outputs"][1]["largest"].as_f64().unwrap() > 0.01);
    let same = weir(&["model", "compare", &file("xgb100.onnx"), &file("xgb100.onnx"), "--input", &rows]);
    assert_eq!(same.status.code(), Some(0));
}

#[test]
fn what_is_no_model_is_refused() {
    let output = weir(&["model", "inspect", &file("README.md")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no sound ONNX model"), "{}", text(&output.stderr));
}
