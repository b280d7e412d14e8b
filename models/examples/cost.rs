//! What a row costs in the native back-end and in ONNX Runtime, in one run:
//! `ORT_DYLIB_PATH=… cargo run --release -p weir-models --features onnxruntime --example cost -- FILE…`
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a recorder stops at the first surprise"
)]

use rustix::time::{ClockId, clock_gettime};
use weir_models::{Backend, Choice, Element, Input, Model, Options};

const ROWS: usize = 1_024;

fn thread_time() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}

/// About normal numbers, always the same: SplitMix64 (Steele, Lea, Flood 2014).
fn numbers(count: usize) -> Vec<f32> {
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..count).map(|_| ((0..4).map(|_| next()).sum::<f64>() * 1.7 - 3.4) as f32).collect()
}

/// Nanoseconds a row, one row a call, the least and the median of some rounds.
fn measure(model: &Model, rows: &[f32], width: usize) -> (f64, f64) {
    let mut scratch = model.scratch().unwrap();
    let last = model.signature().outputs.len() - 1;
    let mut pass = || {
        let began = thread_time();
        for row in rows.chunks_exact(width) {
            let outputs = model.score(&mut scratch, &[Input::Float(row)]).unwrap();
            std::hint::black_box(outputs.get(last).unwrap().len());
        }
        (thread_time() - began) / ROWS as f64
    };
    let once = pass() * ROWS as f64;
    let passes = (10e6 / once).ceil().clamp(1.0, 2_000.0) as usize;
    let mut rounds: Vec<f64> =
        (0..15).map(|_| (0..passes).map(|_| pass()).sum::<f64>() / passes as f64).collect();
    rounds.sort_by(f64::total_cmp);
    (rounds[0], rounds[rounds.len() / 2])
}

fn main() {
    println!(
        "| model | native, least | native, median | ONNX Runtime, least | ONNX Runtime, median | times |"
    );
    println!("|---|---|---|---|---|---|");
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path).unwrap();
        let name = std::path::Path::new(&path).file_stem().unwrap().to_string_lossy().into_owned();
        let load =
            |backend| Model::load(&bytes, &Options { backend: Choice::Only(backend), ..Options::default() });
        let mut found = Vec::new();
        for backend in [Backend::Native, Backend::OnnxRuntime] {
            let Ok(model) = load(backend) else { continue };
            let [port] = model.signature().inputs.as_slice() else { continue };
            if port.element() != Some(Element::Float) {
                continue;
            }
            let width = port.width().unwrap();
            found.push(measure(&model, &numbers(ROWS * width), width));
        }
        if let [native, other] = found[..] {
            let micro = |nanos: f64| format!("{:.3}", nanos / 1e3);
            println!(
                "| {name} | {} | {} | {} | {} | {:.1} |",
                micro(native.0),
                micro(native.1),
                micro(other.0),
                micro(other.1),
                other.1 / native.1
            );
        }
    }
}
