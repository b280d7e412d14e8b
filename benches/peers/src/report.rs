//! Rows as a table for people, as JSON lines, and as a page of the record.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::machine::{Machine, version};
use crate::measure::{Outcome, Row};
use crate::strings;

/// Everything a run found.
pub struct Report {
    pub machine: Machine,
    /// What stood on the command line.
    pub command: String,
    /// Which events, rules and lists.
    pub workload: String,
    pub rules: Vec<Row>,
    pub strings: Vec<strings::Row>,
}

impl Report {
    /// Whether an engine matched what it should not.
    pub fn is_wrong(&self) -> bool {
        self.rules.iter().any(|row| matches!(row.outcome, Outcome::Wrong(_)))
            || self.strings.iter().any(|row| row.wrong)
    }

    /// As tables.
    pub fn tables(&self) -> String {
        let Machine { machine, commit, rustc } = &self.machine;
        let mut text = format!("{machine}; commit {commit}; {rustc}\nworkload: {}\n", self.workload);
        for (title, table) in self.parts() {
            _ = write!(text, "\n{title}\n\n{}", aligned(&table));
        }
        text
    }

    /// As one object a row.
    pub fn json(&self) -> String {
        let mut text = String::new();
        for row in &self.rules {
            _ = writeln!(text, "{}", self.told(rule_row(row)));
        }
        for row in &self.strings {
            _ = writeln!(text, "{}", self.told(string_row(row)));
        }
        text
    }

    /// As a page of the record.
    pub fn page(&self, title: &str) -> String {
        let Machine { machine, commit, rustc } = &self.machine;
        let mut text = format!(
            "# {title}\n\nMeasured by `{}` in `benches/peers`; what is measured, and the rules of fairness, are in [its README](../peers/README.md).\n\
             CPU time of one thread; the median of rounds in which the engines take turns. `÷ weir` is how many times as long an engine takes as\n\
             `{}` for the same rules in the same rounds; compare ratios, not figures of different pages.\n\n\
             Machine: {machine}. Commit: {commit}. {rustc}. Workload: {}.\n",
            self.command,
            crate::engine::base_name(),
            self.workload,
        );
        for (title, table) in self.parts() {
            _ = write!(text, "\n## {title}\n\n{}", markdown(&table));
        }
        text
    }

    fn parts(&self) -> Vec<(String, Vec<Vec<String>>)> {
        let mut parts = Vec::new();
        let mut sizes: Vec<usize> = self.rules.iter().map(|row| row.rules).collect();
        sizes.dedup();
        for size in sizes {
            let head = [
                "engine",
                "version",
                "expresses",
                "ns/event",
                "least–most",
                "÷ weir",
                "from JSON, ns/event",
                "÷ weir",
                "compile, ms",
                "matches",
            ];
            let mut table = vec![head.map(str::to_owned).to_vec()];
            table.extend(self.rules.iter().filter(|row| row.rules == size).map(rule_cells));
            parts.push((format!("{} rules", grouped(size as f64)), table));
        }
        let mut sets: Vec<(usize, usize)> =
            self.strings.iter().map(|row| (row.literals, row.regexes)).collect();
        sets.dedup();
        for set in sets {
            let mut table = vec![
                ["engine", "version", "ns/text", "÷ weir", "compile, ms", "matches"]
                    .map(str::to_owned)
                    .to_vec(),
            ];
            let rows = self.strings.iter().filter(|row| (row.literals, row.regexes) == set);
            table.extend(rows.map(|row| {
                let mut cells =
                    vec![row.engine.to_owned(), row.package.and_then(version).unwrap_or("").to_owned()];
                match &row.outcome {
                    Ok(figures) => cells.extend([
                        grouped(figures.ns),
                        times(figures.ratio),
                        small(figures.compile_ms),
                        grouped(figures.matches as f64),
                    ]),
                    Err(why) => {
                        cells.push(if row.wrong { format!("wrong: {why}") } else { format!("– ({why})") })
                    }
                }
                cells
            }));
            parts.push((format!("{} literals, {} regular expressions", set.0, set.1), table));
        }
        parts
    }

    fn told(&self, mut row: Value) -> Value {
        row["workload"] = json!(self.workload);
        row["machine"] = json!(self.machine.machine);
        row["commit"] = json!(self.machine.commit);
        row["rustc"] = json!(self.machine.rustc);
        row
    }
}

fn rule_cells(row: &Row) -> Vec<String> {
    let mut cells = vec![
        row.engine.to_owned(),
        row.package.and_then(version).unwrap_or("").to_owned(),
        match &row.outcome {
            Outcome::Skipped(_) => String::new(),
            _ if row.expressed == row.rules => "all".to_owned(),
            _ => format!("{} of {}", row.expressed, row.rules),
        },
    ];
    match &row.outcome {
        Outcome::Measured(figures) => cells.extend([
            grouped(figures.ns),
            format!("{}–{}", grouped(figures.spread.0), grouped(figures.spread.1)),
            times(figures.ratio),
            grouped(figures.decoding_ns),
            times(figures.decoding_ratio),
            small(figures.compile_ms),
            grouped(figures.matches as f64),
        ]),
        Outcome::Wrong(why) => cells.push(format!("wrong: {why}")),
        Outcome::Skipped(why) => cells.push(format!("– ({why})")),
    }
    cells
}

fn rule_row(row: &Row) -> Value {
    let mut object = json!({
        "table": "rules", "engine": row.engine, "version": row.package.and_then(version), "rules": row.rules,
        "expressed": row.expressed, "left_out_because": row.reasons,
    });
    match &row.outcome {
        Outcome::Measured(figures) => {
            object["status"] = json!("ok");
            object["ns_per_event"] = json!(round(figures.ns));
            object["ns_per_event_least"] = json!(round(figures.spread.0));
            object["ns_per_event_most"] = json!(round(figures.spread.1));
            object["decode_and_match_ns"] = json!(round(figures.decoding_ns));
            object["compile_ms"] = json!(round(figures.compile_ms));
            object["matches"] = json!(figures.matches);
            object["ratio"] = json!(figures.ratio.map(round));
            object["decode_and_match_ratio"] = json!(figures.decoding_ratio.map(round));
            object["base"] = json!(crate::engine::base_name());
            object["base_ns_per_event"] = json!(figures.base_ns.map(round));
        }
        Outcome::Wrong(why) => {
            object["status"] = json!("wrong");
            object["why"] = json!(why);
        }
        Outcome::Skipped(why) => {
            object["status"] = json!("skipped");
            object["why"] = json!(why);
        }
    }
    object
}

fn string_row(row: &strings::Row) -> Value {
    let mut object = json!({
        "table": "strings", "engine": row.engine, "version": row.package.and_then(version),
        "literals": row.literals, "regexes": row.regexes,
    });
    match &row.outcome {
        Ok(figures) => {
            object["status"] = json!("ok");
            object["ns_per_text"] = json!(round(figures.ns));
            object["compile_ms"] = json!(round(figures.compile_ms));
            object["matches"] = json!(figures.matches);
            object["ratio"] = json!(figures.ratio.map(round));
        }
        Err(why) => {
            object["status"] = json!(if row.wrong { "wrong" } else { "skipped" });
            object["why"] = json!(why);
        }
    }
    object
}

/// To three decimal places: more is noise.
fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// Without fractions, in groups of three digits.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn small(value: f64) -> String {
    if value < 10.0 { format!("{value:.1}") } else { grouped(value) }
}

fn times(ratio: Option<f64>) -> String {
    match ratio {
        None => "–".to_owned(),
        Some(ratio) if ratio < 10.0 => format!("{ratio:.2}"),
        Some(ratio) => grouped(ratio),
    }
}

fn aligned(table: &[Vec<String>]) -> String {
    // The last cell of a row may be a sentence, and moves nothing.
    let width = |column: usize| {
        let cells = table.iter().filter(|row| row.len() > column + 1 || column + 1 == table[0].len());
        cells.filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..table[0].len()).map(width).collect();
    let mut text = String::new();
    for row in table {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let is_word = column < 3 || (row.len() < table[0].len() && column + 1 == row.len());
            _ = if is_word { write!(line, "{cell:<width$}  ") } else { write!(line, "{cell:>width$}  ") };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn markdown(table: &[Vec<String>]) -> String {
    let mut text = String::new();
    for (at, row) in table.iter().enumerate() {
        let empty = table[0].len() - row.len();
        _ = writeln!(text, "| {} |{}", row.join(" | "), " |".repeat(empty));
        if at == 0 {
            text.push('|');
            text.push_str(&"---|".repeat(row.len()));
            text.push('\n');
        }
    }
    text
}
