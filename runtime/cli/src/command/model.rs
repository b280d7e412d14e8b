//! `weir model`: ONNX models, looked at, run, timed, and held to what they must answer.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use weir_models::golden::Golden;
use weir_models::rows::{Rows, read_npy, read_table};
use weir_models::{Backend, Choice, Model, Options, Output, Outputs, probe};

use crate::args::{
    ModelArgs, ModelBackend, ModelCommand, ModelInspectArgs, ModelProbeArgs, ModelRunArgs, ModelVerifyArgs,
};
use crate::command::{model_bench, model_compare};
use crate::ui::{self, Exit, Failure, Outcome, Ui};

/// How long a back-end may take to load a model in a process of its own.
const PROBE: Duration = Duration::from_secs(60);

pub(crate) fn run(args: &ModelArgs, ui: &mut Ui) -> Outcome {
    match &args.what {
        ModelCommand::Inspect(args) => inspect(args, ui),
        ModelCommand::Run(args) => score(args, ui),
        ModelCommand::Bench(args) => model_bench::run(args, ui),
        ModelCommand::Verify(args) => verify(args, ui),
        ModelCommand::Compare(args) => model_compare::run(args, ui),
        ModelCommand::Probe(args) => try_out(args),
    }
}

/// Loads a model; one that another back-end than ours would run is first loaded in a process of its own.
pub(crate) fn load(path: &Path, backend: ModelBackend) -> Result<Model, Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    let refused = |refusal: weir_models::Refusal| Failure::new(format!("`{}`: {refusal}", path.display()));
    let options = |backend| Options { backend, ..Options::default() };
    let mut passed = Vec::new();
    for choice in order(backend) {
        if *choice != Backend::Native {
            let tried = std::env::current_exe().map_err(Failure::from).and_then(|program| {
                let mut command = Command::new(program);
                command.args(["model", "probe", "--backend", name(*choice)]).arg(path);
                probe::in_child(command, PROBE).map_err(|refusal| Failure::new(refusal.to_string()))
            });
            if let Err(failure) = tried {
                passed.push(format!("{choice}: {failure}"));
                continue;
            }
        }
        match Model::load(&bytes, &options(Choice::Only(*choice))) {
            Ok(model) => return Ok(model),
            Err(refusal @ (weir_models::Refusal::Malformed(_) | weir_models::Refusal::Forbidden(_))) => {
                return Err(refused(refusal));
            }
            Err(refusal) => passed.push(format!("{choice}: {refusal}")),
        }
    }
    Err(Failure::new(format!("no back-end runs `{}`:\n  {}", path.display(), passed.join("\n  "))))
}

/// The back-ends that are asked, in order.
pub(crate) fn order(backend: ModelBackend) -> &'static [Backend] {
    match backend {
        ModelBackend::Auto => &[Backend::Native, Backend::OnnxRuntime, Backend::Tract],
        ModelBackend::Native => &[Backend::Native],
        ModelBackend::Ort => &[Backend::OnnxRuntime],
        ModelBackend::Tract => &[Backend::Tract],
    }
}

/// What the arguments call a back-end.
pub(crate) fn name(backend: Backend) -> &'static str {
    match backend {
        Backend::Native => "native",
        Backend::OnnxRuntime => "ort",
        Backend::Tract => "tract",
    }
}

/// Rows for a model from a file, by its ending.
pub(crate) fn rows(model: &Model, path: &Path) -> Result<Rows, Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    let signature = model.signature();
    let rows = match path.extension().and_then(|extension| extension.to_str()) {
        Some("npy") => read_npy(&bytes).and_then(|array| Rows::of_array(signature, &array)),
        Some("f32") => Rows::of_floats(signature, &bytes),
        _ => read_table(signature, &bytes),
    };
    rows.map_err(|failure| Failure::new(format!("`{}`: {failure}", path.display())))
}

fn inspect(args: &ModelInspectArgs, ui: &mut Ui) -> Outcome {
    let mut all = Vec::new();
    let mut exit = Exit::Clean;
    for path in &args.files {
        let model = match load(path, args.backend) {
            Ok(model) => model,
            Err(failure) => {
                exit = Exit::Failed;
                ui.say(format_args!("{}: {failure}", ui::bold_red("error")));
                continue;
            }
        };
        let described = model.description();
        let golden = path.with_extension("golden.npz");
        if args.json {
            let mut value =
                serde_json::to_value(described).map_err(|error| Failure::new(error.to_string()))?;
            if let Value::Object(fields) = &mut value {
                fields.insert("file".into(), json!(path));
                fields.insert("backend".into(), json!(name(model.backend())));
                fields.insert("passed".into(), json!(model.passed()));
                fields.insert("signature".into(), json!(model.signature()));
                fields.insert("golden".into(), json!(golden.is_file()));
                if let Some((steps, trees, work)) = model.cost() {
                    fields
                        .insert("cost".into(), json!({ "steps": steps, "trees": trees, "operations": work }));
                }
            }
            all.push(value);
            continue;
        }
        ui.line(ui::bold(path.display()))?;
        ui.line(format_args!("  written by   {}", described.producer))?;
        ui.line(format_args!(
            "  operators    version {}, tabular version {}: {}",
            described.opset,
            described.ml_opset,
            described
                .operators
                .iter()
                .map(|(name, count)| format!("{count} {name}"))
                .collect::<Vec<_>>()
                .join(", ")
        ))?;
        ui.line(format_args!("  bytes        {}", ui::grouped(described.bytes as u64)))?;
        ui.line(format_args!("  sha256       {}", described.sha256))?;
        for port in &model.signature().inputs {
            ui.line(format_args!("  input        {port}"))?;
        }
        for port in &model.signature().outputs {
            ui.line(format_args!("  output       {port}"))?;
        }
        match model.cost() {
            Some((steps, trees, work)) => ui.line(format_args!(
                "  runs in      the {} back-end: {}, {}, at most {} a row",
                model.backend(),
                ui::count(steps, "step"),
                ui::count(trees, "tree"),
                ui::count(work, "operation")
            ))?,
            None => ui.line(format_args!("  runs in      {}", model.backend()))?,
        }
        for why in model.passed() {
            ui.line(format_args!("  not in       {why}"))?;
        }
        ui.line(format_args!(
            "  golden       {}",
            if golden.is_file() { golden.display().to_string() } else { "none beside it".to_owned() }
        ))?;
    }
    if args.json {
        ui.json(&all)?;
    }
    Ok(exit)
}

fn score(args: &ModelRunArgs, ui: &mut Ui) -> Outcome {
    let model = load(&args.file, args.backend)?;
    let rows = rows(&model, &args.input)?;
    let texts = rows.texts();
    let mut scratch = model.scratch().map_err(failed)?;
    let mut has_head = false;
    let mut exit = Exit::Clean;
    for row in 0..rows.count() {
        let outputs = match model.score(&mut scratch, &rows.row(&texts, row)) {
            Ok(outputs) => outputs,
            Err(failure) if args.json => {
                exit = Exit::Failed;
                ui.json(&json!({ "row": row, "error": failure.to_string() }))?;
                continue;
            }
            Err(failure) => {
                exit = Exit::Failed;
                ui.say(format_args!("{}: row {row}: {failure}", ui::bold_red("error")));
                continue;
            }
        };
        if args.json {
            ui.json(&object(&model, outputs))?;
            continue;
        }
        if !has_head {
            has_head = true;
            ui.line(head(&model, outputs).join(","))?;
        }
        let mut fields = Vec::new();
        for nth in 0..model.signature().outputs.len() {
            let Some(output) = outputs.get(nth) else { continue };
            fields.extend((0..output.len()).map(|place| field(&output, place)));
        }
        ui.line(fields.join(","))?;
    }
    Ok(exit)
}

/// The names of what a row's line holds.
fn head(model: &Model, outputs: Outputs<'_>) -> Vec<String> {
    let mut names = Vec::new();
    for (nth, port) in model.signature().outputs.iter().enumerate() {
        match outputs.get(nth).map_or(0, |output| output.len()) {
            1 => names.push(port.name.clone()),
            count => names.extend((0..count).map(|place| format!("{}.{}", port.name, key(port, place)))),
        }
    }
    names
}

fn key(port: &weir_models::Port, place: usize) -> String {
    use weir_models::{Keys, Kind};
    let named = match &port.kind {
        Kind::Map { keys: Keys::Ints(keys) } => keys.get(place).map(ToString::to_string),
        Kind::Map { keys: Keys::Texts(keys) } => keys.get(place).cloned(),
        _ => None,
    };
    named.unwrap_or_else(|| place.to_string())
}

/// A value in a line; texts with a comma or a quote are quoted.
fn field(output: &Output<'_>, place: usize) -> String {
    match (output, output.text(place)) {
        (_, Some(text)) if text.contains([',', '"', '\n']) => format!("\"{}\"", text.replace('"', "\"\"")),
        (_, Some(text)) => text.to_owned(),
        (Output::Float(values), None) => values.get(place).map_or_else(String::new, ToString::to_string),
        _ => output.number(place).map_or_else(String::new, |number| number.to_string()),
    }
}

/// A row as an object: a value, a list, or by class. What is no number is null.
fn object(model: &Model, outputs: Outputs<'_>) -> Value {
    let mut fields = serde_json::Map::new();
    for (nth, port) in model.signature().outputs.iter().enumerate() {
        let Some(output) = outputs.get(nth) else { continue };
        let each = |place: usize| match (&output, output.text(place)) {
            (_, Some(text)) => json!(text),
            (Output::Int(values), None) => json!(values.get(place)),
            (Output::Float(values), None) => json!(values.get(place)),
            _ => json!(output.number(place)),
        };
        let value = match (&port.kind, output.len()) {
            (weir_models::Kind::Map { .. }, count) => {
                Value::Object((0..count).map(|place| (key(port, place), each(place))).collect())
            }
            (_, 1) => each(0),
            (_, count) => (0..count).map(each).collect(),
        };
        fields.insert(port.name.clone(), value);
    }
    Value::Object(fields)
}

fn verify(args: &ModelVerifyArgs, ui: &mut Ui) -> Outcome {
    let mut exit = Exit::Clean;
    let mut all = Vec::new();
    for path in &args.files {
        let beside = path.with_extension("golden.npz");
        let golden = args.golden.as_deref().unwrap_or(&beside);
        let bytes = std::fs::read(golden).map_err(|error| Failure::file("read", golden, &error))?;
        let model = load(path, args.backend)?;
        let said = |failure: weir_models::Failure| Failure::new(format!("`{}`: {failure}", golden.display()));
        let golden = Golden::read(&model, &bytes).map_err(said)?;
        let agreement = golden.verify(&model, args.tolerance).map_err(said)?;
        let is_right = agreement.wrong == 0;
        if !is_right {
            exit = Exit::Failed;
        }
        if args.json {
            all.push(json!({ "file": path, "backend": name(model.backend()), "ok": is_right, "agreement": agreement }));
            continue;
        }
        let verdict = if is_right { ui::green("agrees") } else { ui::bold_red("differs") };
        ui.line(format_args!(
            "{} {verdict} on {} ({}; {}): largest difference {:e}",
            path.display(),
            ui::count(agreement.rows, "row"),
            agreement.outputs.join(", "),
            model.backend(),
            agreement.largest
        ))?;
        if let Some(first) = &agreement.first {
            ui.line(format_args!("  {} of them wrong, the first at {first}", agreement.wrong))?;
        }
    }
    if args.json {
        ui.json(&all)?;
    }
    Ok(exit)
}

/// What the child does that a model is tried out in.
fn try_out(args: &ModelProbeArgs) -> Outcome {
    let bytes = std::fs::read(&args.file).map_err(|error| Failure::file("read", &args.file, &error))?;
    let backend = order(args.backend).first().copied().unwrap_or(Backend::Native);
    let options = Options { backend: Choice::Only(backend), ..Options::default() };
    let model = Model::load(&bytes, &options).map_err(|refusal| Failure::new(refusal.to_string()))?;
    probe::score_zeros(&model).map_err(|refusal| Failure::new(refusal.to_string()))?;
    Ok(Exit::Clean)
}

/// A call that failed, as the command's failure.
pub(crate) fn failed(failure: weir_models::Failure) -> Failure {
    Failure::new(failure.to_string())
}
