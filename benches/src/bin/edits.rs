//! Measures what an edit costs until it is live, and how long a process takes until it decides, by number of rules, and prints
//! it as Markdown.
//!
//! ```text
//! cargo run --release -p weir-benches --bin edits
//! ```
//!
//! Times of edits are CPU time of the thread that does it, the median of nine edits. Times of starts are those of a process of its own,
//! from before it is started until it has ended after its first decision; the median of seven.
#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "a program that prints its result and stops at the first surprise"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_benches::{generate, session};
use weir_compiler::analysis::Analysis;
use weir_compiler::bundle;
use weir_compiler::data::Data;
use weir_compiler::link::Options as LinkOptions;
use weir_compiler::value::Value;
use weir_engine::{Command, Engine, Input, Options, Record, Replacement, Step};

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
    ("a further condition", |text, _| {
        text.replacen("and failed >=", "and referrer is known and failed >=", 1)
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
    let mut arguments = std::env::args().skip(1);
    if let (Some("--first"), Some(kind), Some(path)) =
        (arguments.next().as_deref(), arguments.next(), arguments.next())
    {
        return first_decision(&kind, Path::new(&path));
    }
    let asked: Vec<usize> = std::env::args().skip(1).filter_map(|rules| rules.parse().ok()).collect();
    let asked = if asked.is_empty() { vec![1_000, 10_000] } else { asked };
    println!("| rules | files | edit | {} |\n|---|---|---|{}", STEPS.join(" | "), "---|".repeat(STEPS.len()));
    for rules in &asked {
        measure(*rules, "a policy a file", &generate::project(rules / 10, 10));
        measure(*rules, "one", &generate::file(rules / 10, 10));
        measure(*rules, "one policy a thousand rules", &generate::project(rules / 1_000, 1_000));
    }
    println!("\n| rules | from | start to first decision | read or check | link | make ready | decide | |");
    println!("|---|---|---|---|---|---|---|---|");
    asked.into_iter().for_each(start);
    println!("\n| keys held | standing over the rules | edit | swap |\n|---|---|---|---|");
    filled();
}

/// Prints what the change itself takes the deciding thread while tables are filled: wall time, the median of nine.
fn filled() {
    let files = generate::project(100, 10);
    let mut analysis = session::checked(&files);
    let found = analysis.found();
    let linked = found.link(&found.everything(), &LinkOptions::default());
    let mut engine = Engine::new(linked.hir, Data::default(), Options::default());
    let schema = Arc::clone(&engine.hir().schema);
    let login = schema.event("login").expect("the library declares it");
    let field = |name: &str| schema.field(login, name).expect("the library declares it");
    let start = 1_767_571_200_000;
    for at in 0..2_500 {
        let mut record = Record::empty(&schema, login);
        for (name, value) in [("shape", format!("shape {at}")), ("user", format!("user {at}"))] {
            record.set(&schema, field(name), Value::text(value.as_str())).expect("a text");
        }
        let Step::Decided(decision) = engine.begin(Input::Request { at: start + at, events: vec![record] })
        else {
            continue;
        };
        let fields = vec![vec![(field("outcome"), Value::Variant(1))]];
        engine.begin(Input::Response { request: decision.seq, at: start + at, fields, events: Vec::new() });
    }
    for stands in ["nothing", "a switch over a package and one over a rule"] {
        if stands != "nothing" {
            for name in ["gen.p7", "gen.p9.p9.r3"] {
                let command = Command::Switch { name: name.into(), off: true };
                engine.begin(Input::Command { at: start + 3_000, command });
            }
        }
        for (name, edit) in EDITS {
            let mut times: Vec<Duration> = (0..9)
                .map(|nth| {
                    let (file, text) = &files[(50 + nth) % files.len()];
                    let taken = live(&mut analysis, &mut engine, file, edit(text, nth))[6];
                    live(&mut analysis, &mut engine, file, text.clone());
                    taken
                })
                .collect();
            times.sort();
            println!("| {} | {stands} | {name} | {} |", engine.tallies().held, shown(times[times.len() / 2]));
        }
    }
}

/// Prints how long a process takes from its start to its first decision, from source and from compiled rules.
fn start(rules: usize) {
    let files = generate::project(rules / 10, 10);
    let dir = std::env::temp_dir().join(format!("weir-start-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    for (nth, (_, text)) in files.iter().enumerate() {
        std::fs::write(dir.join(format!("{nth:05}.weir")), text).expect("a file");
    }
    let mut analysis = session::checked(&files);
    let found = analysis.found();
    let linked = found.link(&found.everything(), &LinkOptions::default());
    let compiled = dir.join("rules.bundle");
    std::fs::write(&compiled, bundle::write(&linked.hir)).expect("a file");
    for (kind, path) in [("source", &dir), ("compiled", &compiled)] {
        let mut times: Vec<(Duration, String)> = (0..7)
            .map(|_| {
                let begun = Instant::now();
                let program = std::env::current_exe().expect("this program");
                let child = std::process::Command::new(program)
                    .args(["--first", kind])
                    .arg(path)
                    .output()
                    .expect("a process");
                assert!(child.status.success());
                (begun.elapsed(), String::from_utf8_lossy(&child.stdout).trim().to_owned())
            })
            .collect();
        times.sort();
        let (time, steps) = &times[times.len() / 2];
        println!("| {rules} | {kind} | {} | {steps} |", shown(*time));
    }
    std::fs::remove_dir_all(&dir).expect("our own folder");
}

/// What such a process does.
fn first_decision(kind: &str, path: &Path) {
    let begun = cpu();
    let (hir, read) = if kind == "compiled" {
        let bytes = std::fs::read(path).expect("a file");
        let read = cpu();
        (bundle::read(&bytes).expect("just written"), read)
    } else {
        let mut names: Vec<_> =
            std::fs::read_dir(path).expect("a folder").flatten().map(|f| f.path()).collect();
        names.retain(|name| name.extension().is_some_and(|ending| ending == "weir"));
        names.sort();
        let text = |name: &PathBuf| std::fs::read_to_string(name).expect("a text");
        let files: Vec<(String, String)> =
            names.iter().map(|name| (name.display().to_string(), text(name))).collect();
        let mut analysis = session::checked(&files);
        let found = analysis.found();
        let read = cpu();
        let hir = found.link(&found.everything(), &LinkOptions::default()).hir;
        // What is left is the system's to take back.
        std::mem::forget((analysis, found));
        (hir, read)
    };
    let linked = cpu();
    let mut engine = Engine::new(hir, Data::default(), Options::default());
    let made = cpu();
    let schema = &engine.hir().schema;
    let event = schema.event("login").expect("the library declares it");
    let record = Record::empty(schema, event);
    let Step::Decided(decision) =
        engine.begin(Input::Request { at: 1_767_571_200_000, events: vec![record] })
    else {
        return;
    };
    let decided = cpu();
    let steps = [read - begun, linked - read, made - linked, decided - made].map(shown);
    println!("{} | {:?}", steps.join(" | "), decision.verdict);
    std::process::exit(0);
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
