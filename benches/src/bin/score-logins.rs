//! Scores the decisions of a replay against labelled addresses.
//!
//! ```text
//! weir replay LOG --as-if enforce --decisions OUT.ndjson
//! cargo run --release -p weir-benches --bin score-logins -- LOG LABELS.csv OUT.ndjson
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints its result")]

use std::process::ExitCode;

use weir_benches::{logins, text};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [log, labels, decisions] = arguments.as_slice() else {
        eprintln!("usage: score-logins LOG LABELS.csv DECISIONS.ndjson");
        return ExitCode::from(2);
    };
    match run(log, labels, decisions) {
        Ok(json) => {
            println!("{json}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(log: &str, labels: &str, decisions: &str) -> Result<String, String> {
    let labels = logins::labels(&text::read(labels)?)?;
    let verdicts = logins::Verdicts::parse(&text::read(decisions)?)?;
    let score = logins::score(&text::read(log)?, &labels, &verdicts);
    serde_json::to_string_pretty(&score).map_err(|error| error.to_string())
}
