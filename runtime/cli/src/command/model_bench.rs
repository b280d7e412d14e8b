//! `weir model bench`: what a row costs, in each back-end, alone and in batches.

use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use weir_models::rows::Rows;
use weir_models::{Element, Model, Values};

use crate::args::{ModelBackend, ModelBenchArgs};
use crate::command::model::{failed, load, name, rows};
use crate::ui::{self, Exit, Failure, Outcome, Ui};

/// Rows made up where none are given: enough that branches are not learned by heart.
const ROWS: usize = 1_024;
/// Measurements of which the median is taken.
const ROUNDS: usize = 9;
/// Nanoseconds that a measurement takes at least.
const LEAST: f64 = 20e6;

pub(crate) fn run(args: &ModelBenchArgs, ui: &mut Ui) -> Outcome {
    let mut all = Vec::new();
    let mut exit = Exit::Clean;
    let backends: &[ModelBackend] = match args.backend {
        Some(ModelBackend::Native) => &[ModelBackend::Native],
        Some(ModelBackend::Ort) => &[ModelBackend::Ort],
        Some(ModelBackend::Tract) => &[ModelBackend::Tract],
        Some(ModelBackend::Auto) => &[ModelBackend::Auto],
        None => &[ModelBackend::Native, ModelBackend::Ort, ModelBackend::Tract],
    };
    for path in &args.files {
        if !args.json {
            ui.line(ui::bold(path.display()))?;
        }
        let mut took = false;
        for backend in backends {
            let model = match load(path, *backend) {
                Ok(model) => model,
                Err(failure) if args.json => {
                    all.push(json!({ "file": path, "backend": format!("{backend:?}").to_lowercase(), "error": failure.to_string() }));
                    continue;
                }
                Err(failure) => {
                    let text = failure.to_string();
                    ui.line(format_args!("  {}", ui::dim(text.lines().last().unwrap_or("").trim())))?;
                    continue;
                }
            };
            took = true;
            let rows = match &args.input {
                Some(path) => rows(&model, path)?,
                None => made_up(&model)?,
            };
            let one = measure(&model, &rows, 1)?;
            let many = measure(&model, &rows, args.batch.clamp(1, rows.count()))?;
            if args.json {
                all.push(json!({
                    "file": path, "backend": name(model.backend()), "rows": rows.count(),
                    "one_ns": one, "batch": args.batch, "batch_ns_per_row": many,
                }));
            } else {
                ui.line(format_args!(
                    "  {:<13} {:>10.3} µs a row alone, {:>10.3} µs a row in batches of {}",
                    model.backend().to_string(),
                    one / 1e3,
                    many / 1e3,
                    args.batch
                ))?;
            }
        }
        if !took {
            exit = Exit::Failed;
        }
    }
    if args.json {
        ui.json(&all)?;
    }
    Ok(exit)
}

/// Nanoseconds of the thread's own time for each row, the median of some rounds; each call takes other rows than the one before.
fn measure(model: &Model, rows: &Rows, batch: usize) -> Result<f64, Failure> {
    let texts = rows.texts();
    let mut scratch = model.scratch().map_err(failed)?;
    let parts: Vec<_> = (0..rows.count() / batch).map(|at| rows.part(&texts, at * batch, batch)).collect();
    if parts.is_empty() {
        return Err(Failure::new("there are no rows to measure with"));
    }
    let mut pass = || -> Result<f64, Failure> {
        let began = thread_time();
        for inputs in &parts {
            // Rows that the model has no answer to cost, too.
            if batch == 1 {
                std::hint::black_box(
                    model.score(&mut scratch, inputs).ok().and_then(|outputs| outputs.get(0)).is_some(),
                );
            } else {
                let _ = model.score_batch(&mut scratch, batch, inputs, |_, outputs| {
                    std::hint::black_box(outputs.get(0).is_some());
                });
            }
        }
        Ok(thread_time() - began)
    };
    let once = pass()?.max(1.0);
    let passes = (LEAST / once).ceil().clamp(1.0, 10_000.0) as usize;
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let mut total = 0.0;
        for _ in 0..passes {
            total += pass()?;
        }
        rounds.push(total / (passes * parts.len() * batch) as f64);
    }
    rounds.sort_by(f64::total_cmp);
    rounds.get(ROUNDS / 2).copied().ok_or_else(|| Failure::new("nothing was measured"))
}

/// The time that this thread has run, in nanoseconds.
fn thread_time() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}

/// Rows of about normal numbers, always the same: SplitMix64 (Steele, Lea and Flood 2014).
fn made_up(model: &Model) -> Result<Rows, Failure> {
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut normal = || (0..4).map(|_| next()).sum::<f64>() * 1.7 - 3.4;
    let mut inputs = Vec::new();
    for port in &model.signature().inputs {
        let count = port.width().unwrap_or(1).saturating_mul(ROWS).min(1 << 26);
        inputs.push(match port.element() {
            Some(Element::String) => {
                Values::Text((0..count).map(|nth| format!("text {}", nth % 7)).collect())
            }
            Some(Element::Double) => Values::Double((0..count).map(|_| normal()).collect()),
            Some(Element::Float) | None => Values::Float((0..count).map(|_| normal() as f32).collect()),
            Some(_) => Values::Int((0..count).map(|_| (normal() * 3.0) as i64).collect()),
        });
    }
    Rows::new(model.signature(), inputs).map_err(failed)
}
