//! Measures what the documentation promises, and prints it as Markdown.
//!
//! ```text
//! cargo run --release -p weir-benches --bin record -- LOG LABELS.csv
//! ```
//!
//! Times are CPU time of this process (one thread), the median of five runs; memory is the peak of a process of its own.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints its result")]

use std::process::{Command, ExitCode};

use weir_benches::{conditions, generate, logins, replay, session, text};
use weir_cli::replay::DisabledKey;
use weir_compiler::evaluate::Tier;
use weir_compiler::ir;
use weir_dsl::FileId;

/// As in the program that is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The kernel's clock ticks a second, as `/proc` counts them.
const TICKS: f64 = 100.0;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.as_slice() {
        [flag, log, times] if flag == "--memory" => memory(log, times),
        [log, labels] => record(log, labels),
        _ => Err("usage: record LOG LABELS.csv".to_owned()),
    };
    match result {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn record(path: &str, labels: &str) -> Result<String, String> {
    let log = text::read(path)?;
    let labels = logins::labels(&text::read(labels)?)?;
    let lines = log.lines().count();
    let policies = generate::project(1, 8_000).remove(0).1;
    let parse = median(|| assert!(weir_dsl::parse(FileId::default(), &policies).1.is_empty()));
    let files = generate::project(500, 10);
    let check = median(|| assert!(session::checked(&files).diagnostics().is_empty()));
    let read = median(|| assert!(replay::read(&log) > 0));
    let decide = Tier::ALL.map(|tier| {
        let run = || replay::decide_on(tier, &log, true, &[]).is_ok_and(|run| run.stopped > 0);
        (tier, median(|| assert!(run())))
    });
    let hir = conditions::generated(&files);
    let lower = median(|| assert!(ir::lower(&hir).len() > 5_000));
    let per_second = |seconds: f64| (lines as f64 / seconds).round();
    let mut out = format!(
        "Machine: {}. Commit: {}. {}.\n\n| measured | result |\n|---|---|\n",
        machine(),
        output("git", &["rev-parse", "--short", "HEAD"]),
        output("rustc", &["--version"]),
    );
    let mut row = |what: &str, result: String| out.push_str(&format!("| {what} | {result} |\n"));
    row("parse, 8,000 rules in one file", format!("{:.1} MB/s", policies.len() as f64 / 1e6 / parse));
    row("check 5,000 rules cold, parsing included", format!("{:.0} ms", check * 1e3));
    row("read the log", format!("{} lines/s", per_second(read)));
    row("programs of 5,000 rules", format!("{:.0} ms", lower * 1e3));
    for (tier, seconds) in decide {
        let what = format!("read and decide, standard library enforced, {}", tier.word());
        row(&what, format!("{} lines/s", per_second(seconds)));
    }
    for times in ["1", "10"] {
        let peak = child(path, times)?;
        row(&format!("peak resident memory, the log {times} times over"), format!("{peak} MiB"));
    }
    for (name, disabled) in [
        ("address keys on", [].as_slice()),
        ("`--disable-keys ip,net,asn`", &[DisabledKey::Ip, DisabledKey::Net, DisabledKey::Asn]),
    ] {
        let run = replay::decide(&log, true, disabled)?;
        let decisions: String =
            run.lines.iter().map(|seq| format!("{{\"seq\":{seq},\"verdict\":\"block\"}}\n")).collect();
        let score = logins::score(&log, &labels, &logins::Verdicts::parse(&decisions)?);
        let others: u64 = score.others.values().map(|touched| touched.addresses_stopped).sum();
        row(
            &format!("attack login posts stopped, {name}"),
            format!(
                "{} of {} ({} %)",
                score.attack_posts_stopped, score.attack_posts, score.attack_posts_stopped_percent
            ),
        );
        row(
            &format!("attacking addresses stopped at their first post, {name}"),
            format!(
                "{} of {} ({} %)",
                score.stopped_at_first_post, score.attack_addresses, score.stopped_at_first_post_percent
            ),
        );
        row(&format!("addresses with any other label touched, {name}"), others.to_string());
    }
    Ok(out)
}

/// Runs the log so many times over, later each time, and answers the peak memory of this process in MiB.
fn memory(path: &str, times: &str) -> Result<String, String> {
    let times: u32 = times.parse().map_err(|_| "how often?".to_owned())?;
    replay::looped(path, times)?;
    let status = std::fs::read_to_string("/proc/self/status").map_err(|error| error.to_string())?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().map_err(|_| "no VmHWM".to_owned())?;
    Ok((kilobytes / 1_024).to_string())
}

fn child(path: &str, times: &str) -> Result<String, String> {
    let me = std::env::current_exe().map_err(|error| error.to_string())?;
    let output =
        Command::new(me).args(["--memory", path, times]).output().map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn median(mut run: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..5)
        .map(|_| {
            let before = cpu();
            run();
            (cpu() - before).max(1.0 / TICKS)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times.get(2).copied().unwrap_or(f64::NAN)
}

/// CPU time of this process in seconds, in steps of a clock tick.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name in parentheses: state is field 3, user and system time are fields 14 and 15.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / TICKS
}

fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cores = info.lines().filter(|line| line.starts_with("processor")).count();
    format!("{}, {cores} cores, shared", model.trim_start_matches([' ', '\t', ':']))
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
