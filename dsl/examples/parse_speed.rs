//! Prints how fast a large file of ordinary policies is parsed: fresh, again, and after one edit. Times are the
//! thread's processor time where the system tells it (Linux), so that a busy machine matters less.
//!
//! `cargo run --release -p weir-dsl --example parse_speed [FILE.weir]…`; without files, the worked policies.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "an example prints, and stops when it cannot read"
)]

use std::path::Path;
use std::time::{Duration, Instant};
use weir_dsl::{FileId, Parser, parse};

const BYTES: usize = 4 << 20;
const ROUNDS: usize = 15;

fn main() {
    let mut paths: Vec<_> = std::env::args_os().skip(1).map(std::path::PathBuf::from).collect();
    if paths.is_empty() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/policies");
        paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
    }
    let mut items = String::new();
    for path in paths {
        let text = std::fs::read_to_string(path).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with("package ") && !line.starts_with("use "));
        items.extend(lines.flat_map(|line| [line, "\n"]));
    }
    let mut text = "package speed\n".to_owned();
    let mut copy = 0;
    while text.len() < BYTES {
        copy += 1;
        text += &items.replace("\n  rule ", &format!("\n  rule r{copy}-"));
    }
    let rules = text.matches("\n  rule ").count();
    println!("{} bytes, {} lines, {rules} rules", text.len(), text.lines().count());

    let fresh = best(|| {
        let (file, diagnostics) = parse(FileId(0), &text);
        assert!(diagnostics.is_empty(), "{:?}", diagnostics.first());
        drop(std::hint::black_box(file));
    });
    println!("fresh:   {:8.1} ms  {:6.1} MB/s", ms(fresh), text.len() as f64 / fresh.as_secs_f64() / 1e6);

    let mut parser = Parser::new();
    parser.parse(FileId(0), &text);
    let again = best(|| drop(std::hint::black_box(parser.parse(FileId(0), &text))));
    println!("again:   {:8.1} ms  {:6.1} MB/s", ms(again), text.len() as f64 / again.as_secs_f64() / 1e6);

    let at = text.len() / 2 + text[text.len() / 2..].find(">= ").unwrap();
    let mut round = 0;
    let edited = best(|| {
        round += 1;
        let edited = format!("{}>= {round} + {}", &text[..at], &text[at + 3..]);
        drop(std::hint::black_box(parser.parse(FileId(0), &edited)));
    });
    println!("edited:  {:8.1} ms", ms(edited));

    let small = &text[..text[..64 << 10].rfind("\n}\n").unwrap() + 3];
    let mut parser = Parser::new();
    parser.parse(FileId(0), small);
    const TIMES: u32 = 200;
    let again = best(|| (0..TIMES).for_each(|_| drop(std::hint::black_box(parser.parse(FileId(0), small)))));
    println!("again, {} bytes: {:5.3} ms", small.len(), ms(again / TIMES));
}

fn best(mut work: impl FnMut()) -> Duration {
    (0..ROUNDS)
        .map(|_| {
            let (start, used) = (Instant::now(), processor_time());
            work();
            match (used, processor_time()) {
                (Some(before), Some(after)) => after - before,
                _ => start.elapsed(),
            }
        })
        .min()
        .unwrap_or_default()
}

/// Time this thread has run.
fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
