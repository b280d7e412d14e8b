//! Measures what an edit costs until it is live, by number of rules, and prints it as Markdown.
//!
//! ```text
//! cargo run --release -p weir-benches --bin edits
//! ```
//!
//! Times are CPU time of the thread that does it, the median of nine edits.
#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a program that prints its result and stops at the first surprise"
)]

use std::time::{Duration, Instant};

use weir_benches::{generate, session};
use weir_compiler::analysis::Analysis;
use weir_compiler::data::Data;
use weir_compiler::link::Options as LinkOptions;
use weir_engine::{Engine, Options, Replacement};

/// As in the program that is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const STEPS: [&str; 9] =
    ["parse", "check", "link", "make ready", "prepare", "**edit to ready**", "swap", "free", "own plans"];

/// An edit of one policy's text.
type Edit = fn(&str, usize) -> String;

const EDITS: [(&str, Edit); 3] = [
    ("a threshold", |text, nth| {
        text.replacen("tried >= min_users\n", &format!("tried >= min_users + {nth}\n"), 1)
    }),
    ("a further condition", |text, nth| {
        text.replacen("and failed >=", &format!("and referrer != \"m{}\" and failed >=", nth), 1)
    }),
    ("a new signal", |text, nth| {
        let text = text.replacen(
            "    addresses     =",
            &format!(
                "    extra{nth} = count where outcome == failure, at least {}\n    addresses     =",
                nth + 2
            ),
            1,
        );
        text.replacen("and failed >=", &format!("and extra{nth} >= 3 and failed >="), 1)
    }),
];

fn main() {
    println!("| rules | files | edit | {} |\n|---|---|---|{}", STEPS.join(" | "), "---|".repeat(STEPS.len()));
    let asked: Vec<usize> = std::env::args().skip(1).filter_map(|rules| rules.parse().ok()).collect();
    for rules in if asked.is_empty() { vec![1_000, 10_000] } else { asked } {
        measure(rules, "a policy a file", &generate::project(rules / 10, 10));
        measure(rules, "one", &generate::file(rules / 10, 10));
        measure(rules, "one policy a thousand rules", &generate::project(rules / 1_000, 1_000));
    }
}

fn measure(rules: usize, kind: &str, files: &[(String, String)]) {
    let mut analysis = session::checked(files);
    assert!(analysis.diagnostics().is_empty(), "the generated policies are right");
    let found = analysis.found();
    let linked = found.link(&found.everything(), &LinkOptions::default());
    let mut engine = Engine::new(linked.hir, Data::default(), Options::default());
    let screened = engine.version().screened();
    if let Some(replacement) = Replacement::new(screened, &engine.version()) {
        engine.swap(replacement);
    }
    for (name, edit) in EDITS {
        let mut runs: Vec<[Duration; STEPS.len()]> = Vec::new();
        for nth in 0..9 {
            let (file, text) = &files[(files.len() / 2 + nth) % files.len()];
            let edited = edit(text, nth);
            assert_ne!(*text, edited);
            runs.push(live(&mut analysis, &mut engine, file, edited));
            // And back, which is not measured.
            live(&mut analysis, &mut engine, file, text.clone());
        }
        let medians = (0..STEPS.len()).map(|step| {
            let mut times: Vec<Duration> = runs.iter().map(|run| run[step]).collect();
            times.sort();
            times[times.len() / 2]
        });
        let cells: Vec<String> = medians.map(shown).collect();
        println!("| {rules} | {kind} | {name} | {} |", cells.join(" | "));
    }
}

fn live(analysis: &mut Analysis, engine: &mut Engine, file: &str, text: String) -> [Duration; STEPS.len()] {
    let start = cpu();
    analysis.set_file(file, text);
    let parsed = cpu();
    let found = analysis.found();
    let checked = cpu();
    assert!(found.diagnostics.is_empty(), "{:?}", found.diagnostics);
    let linked = found.link(&found.everything(), &LinkOptions::default());
    let linked_at = cpu();
    let running = engine.version();
    let next = running.next(linked.hir, Data::default());
    let made = cpu();
    let Some(replacement) = Replacement::new(next, &running) else { return Default::default() };
    let ready = cpu();
    // Too short for a file of the kernel to be read around it.
    let begun = Instant::now();
    let (_, retired) = engine.swap(replacement);
    let swapped = begun.elapsed();
    drop(running);
    let before = cpu();
    drop(retired);
    let freed = cpu();
    let screened = engine.version().screened();
    let planned = cpu();
    let running = engine.version();
    if let Some(replacement) = Replacement::new(screened, &running) {
        engine.swap(replacement);
    }
    [
        parsed - start,
        checked - parsed,
        linked_at - checked,
        made - linked_at,
        ready - made,
        ready - start,
        swapped,
        freed - before,
        planned - freed,
    ]
}

/// CPU time of this thread.
fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

fn shown(time: Duration) -> String {
    match time.as_nanos() {
        nanos if nanos < 100_000 => format!("{:.2} µs", nanos as f64 / 1e3),
        nanos => format!("{:.1} ms", nanos as f64 / 1e6),
    }
}
