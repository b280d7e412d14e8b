//! Policies that call ONNX models: what the file answers is what rules see.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

const WEIR: &str = env!("CARGO_BIN_EXE_weir");
const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tests/data/reference");
const ROWS: usize = 64;
const WIDTH: usize = 30;

/// A project whose one rule blocks what a model finds likelier than not; removed at the end.
struct Project(PathBuf);

impl Project {
    /// A model of that many declared inputs over a file that takes thirty.
    fn new(name: &str, file: &str, inputs: usize) -> Self {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("models-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        let names =
            |sep: &str, each: &dyn Fn(usize) -> String| (0..inputs).map(each).collect::<Vec<_>>().join(sep);
        let policy = format!(
            "package shop\n\nenvelope {{\n  id: id<event>\n  at: timestamp\n}}\n\nevent scored {{\n{}}}\n\n\
             model risk({}) -> probability from \"{file}\" within 50ms\n\n\
             policy risky {{\n  on scored\n  mode enforce\n  rule likely {{\n    when risk({}) > 50%\n    then block\n    \
             because \"the model says {{risk({})}}\"\n  }}\n}}\n",
            (0..WIDTH).fold(String::new(), |mut text, n| {
                _ = writeln!(text, "  f{n}: float");
                text
            }),
            names(", ", &|n| format!("f{n}: float")),
            names(", ", &|n| format!("f{n}")),
            names(", ", &|n| format!("f{n}")),
        );
        std::fs::write(path.join("shop.weir"), policy).unwrap();
        let project = "edition = \"2026\"\ntenant = \"t\"\n\n[profiles.default]\npackages = [\"shop\"]\n";
        std::fs::write(path.join("weir.toml"), project).unwrap();
        let _ = std::fs::copy(Path::new(MODELS).join(file), path.join(file));
        Self(path)
    }

    fn weir(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(WEIR)
            .args(arguments)
            .arg(&self.0)
            .env("WEIR_CACHE", self.0.join("cache"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read may have ended.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn floats(name: &str) -> Vec<f32> {
    let bytes = std::fs::read(Path::new(MODELS).join(name)).unwrap();
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// The rows as events, one a line.
fn events() -> String {
    let rows = floats("x30.f32");
    let mut text = String::new();
    for (at, row) in rows.chunks(WIDTH).take(ROWS).enumerate() {
        let mut event = json!({ "event": "scored", "ts": 1_767_571_200_000_i64 + at as i64 * 1_000 });
        row.iter().enumerate().for_each(|(n, value)| event[format!("f{n}")] = json!(value));
        _ = writeln!(text, "{event}");
    }
    text
}

#[test]
fn rules_see_what_the_file_answers() {
    for file in ["logreg", "xgb100", "gnb", "lgbm100"] {
        let project = Project::new(file, &format!("{file}.onnx"), WIDTH);
        let output = project.weir(&["run"], &events());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let answers = String::from_utf8(output.stdout).unwrap();
        let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(answers.len(), ROWS, "{said}");
        let expected = floats(&format!("{file}.probabilities.f32"));
        let mut blocked = 0;
        for (at, (answer, classes)) in answers.iter().zip(expected.chunks(2)).enumerate() {
            assert_eq!(answer["verdict"] == "block", classes[1] > 0.5, "{file}, row {at}: {answer}");
            blocked += usize::from(classes[1] > 0.5);
        }
        assert!((1..ROWS).contains(&blocked), "{file} tells nothing apart");
    }
}

#[test]
fn a_file_that_does_not_fit_its_declaration_is_an_error() {
    let project = Project::new("misfit", "logreg.onnx", WIDTH - 1);
    let output = project.weir(&["check"], "");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("W0604") && text.contains("it takes 30 values, and 29 are declared"), "{text}");
    assert!(text.contains("the file takes") && text.contains("float[?, 30]"), "{text}");
}

#[test]
fn without_its_file_a_model_is_unknown() {
    let project = Project::new("absent", "logreg.onnx", WIDTH);
    std::fs::remove_file(project.0.join("logreg.onnx")).unwrap();
    let checked = project.weir(&["check", "--deny", "warnings"], "");
    let text = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success() && text.contains("there is no `logreg.onnx`"), "{text}");
    let output = project.weir(&["run"], &events());
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(answers.lines().count(), ROWS);
    assert!(!answers.contains("\"verdict\":\"block\""));
}

#[test]
fn a_file_of_another_hash_is_an_error() {
    let project = Project::new("hash", "logreg.onnx", WIDTH);
    let toml = project.0.join("weir.toml");
    let text = std::fs::read_to_string(&toml).unwrap();
    let zeros = "0".repeat(64);
    std::fs::write(
        &toml,
        format!("{text}\n[models]\nrisk = {{ file = \"logreg.onnx\", sha256 = \"{zeros}\" }}\n"),
    )
    .unwrap();
    let output = project.weir(&["run"], "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("is not the file of model `risk`"), "{said}");
}
