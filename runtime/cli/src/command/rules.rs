//! `weir rules`: what rules did, from the ledger.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::Path;

use serde_json::{Value, json};
use weir_compiler::civil;
use weir_engine::{Said, Told};
use weir_ledger::{Ending, Precision, RuleStats, SaidRow, Stats};

use crate::args::{RulesArgs, RulesCommand, RulesStatsArgs};
use crate::ui::{self, Exit, Failure, Outcome, Ui};

/// The longest line of a file of labels.
const LONGEST: u64 = 64 << 10;

pub(crate) fn run(args: &RulesArgs, ui: &mut Ui) -> Outcome {
    match &args.what {
        RulesCommand::Stats(args) => stats(args, ui),
    }
}

/// Labels that were read, and lines that are none.
#[derive(Default)]
struct Labels {
    rows: Vec<SaidRow>,
    refused: u64,
    /// The first of them, by line from 1.
    first: Option<u64>,
}

fn stats(args: &RulesStatsArgs, ui: &mut Ui) -> Outcome {
    let labels = match &args.labels {
        Some(path) => labels(path).map_err(|error| Failure::file("read", path, &error))?,
        None => Labels::default(),
    };
    let Labels { rows, refused, first } = labels;
    let mut stats =
        Stats::gather(&args.ledger, rows).map_err(|error| Failure::file("read", &args.ledger, &error))?;
    if let Some(text) = &args.rule {
        stats.rules.retain(|name, _| name.contains(text.as_str()));
    }
    if let Some(first) = first {
        ui.say(format_args!(
            "{} of the labels are none, the first in line {first}: `decision` and, of a label, `verdict` are needed",
            ui::grouped(refused)
        ));
    }
    for (path, ending) in &stats.damaged {
        ui.say(match ending {
            Ending::Damaged { from, left } => {
                format!("`{}` is damaged from byte {from} on; {left} bytes are left out", path.display())
            }
            _ => format!("`{}` is no segment that this version reads, and is left out", path.display()),
        });
    }
    if args.json {
        ui.json(&report(&stats, refused))?;
    } else {
        print(&stats, ui)?;
    }
    Ok(Exit::Clean)
}

fn labels(path: &Path) -> io::Result<Labels> {
    let from: Box<dyn Read> =
        if path.as_os_str() == "-" { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
    let mut from = BufReader::new(from);
    let mut labels = Labels::default();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if from.by_ref().take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let whole = line.ends_with(b"\n") || (line.len() as u64) < LONGEST;
        if !whole {
            // The rest of a line that is too long for a label.
            skip_line(&mut from)?;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        match label(&line).filter(|_| whole) {
            Some(row) => labels.rows.push(row),
            None => {
                labels.refused += 1;
                labels.first.get_or_insert(number);
            }
        }
    }
    Ok(labels)
}

fn skip_line(from: &mut impl io::BufRead) -> io::Result<()> {
    loop {
        let waiting = from.fill_buf()?;
        let (length, ends) = match waiting.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (waiting.len(), waiting.is_empty()),
        };
        from.consume(length);
        if ends {
            return Ok(());
        }
    }
}

/// A label or chargeback of a line.
fn label(line: &[u8]) -> Option<SaidRow> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let said = match (text("event").unwrap_or("label"), text("verdict")) {
        ("chargeback", _) => Said::Chargeback,
        ("label", Some("fraud")) => Said::Fraud,
        ("label", Some("good")) => Said::Good,
        ("label", Some("unsure")) => Said::Unsure,
        _ => return None,
    };
    let at = match value.get("at") {
        Some(Value::String(text)) => civil::parse(text)?,
        Some(ms) => ms.as_i64()?,
        None => i64::MIN,
    };
    Some(SaidRow::new(Told { decision: text("decision")?.parse().ok()?, said }, at))
}

fn report(stats: &Stats, refused: u64) -> Value {
    let share = |share: Precision| json!({ "share": share.share, "low": share.low, "high": share.high });
    let rules: Vec<Value> = stats
        .rules
        .iter()
        .map(|(name, rule)| {
            let RuleStats { fired, shadow, stopped, bad, good, unsure, unlabelled, chargebacks } = rule;
            json!({
                "rule": name, "fired": fired, "shadow": shadow, "stopped": stopped, "bad": bad, "good": good,
                "unsure": unsure, "unlabelled": unlabelled, "chargebacks": chargebacks,
                "precision": rule.precision().map(share),
            })
        })
        .collect();
    let damaged: Vec<Value> = stats
        .damaged
        .iter()
        .map(|(path, ending)| {
            let (from, left) = match ending {
                Ending::Damaged { from, left } => (Some(from), Some(left)),
                _ => (None, None),
            };
            json!({ "segment": path.display().to_string(), "from": from, "left": left })
        })
        .collect();
    json!({
        "decisions": stats.decisions, "joined": stats.joined, "unmatched": stats.unmatched, "refused": refused,
        "rules": rules, "damaged": damaged,
    })
}

fn print(stats: &Stats, ui: &mut Ui) -> Result<(), Failure> {
    ui.line(format_args!(
        "{} decisions, {} of them with a label or chargeback; {} of decisions that the ledger does not have",
        ui::grouped(stats.decisions),
        ui::grouped(stats.joined),
        ui::grouped(stats.unmatched)
    ))?;
    if stats.rules.is_empty() {
        return Ok(());
    }
    let width = stats.rules.keys().map(|name| name.len()).max().unwrap_or(0).max(4);
    ui.line("")?;
    let head = format!(
        "{:width$}  {:>9} {:>9} {:>7} {:>7} {:>9} {:>11}  {}",
        "rule", "fired", "stopped", "bad", "good", "no label", "chargebacks", "precision"
    );
    ui.line(ui::bold(head))?;
    for (name, rule) in &stats.rules {
        let precision = rule.precision().map_or_else(
            || "-".to_owned(),
            |found| {
                let percent = |share: f64| format!("{:.1}", share * 100.0);
                format!("{}% ({} to {})", percent(found.share), percent(found.low), percent(found.high))
            },
        );
        ui.line(format_args!(
            "{name:width$}  {:>9} {:>9} {:>7} {:>7} {:>9} {:>11}  {precision}",
            ui::grouped(rule.fired),
            ui::grouped(rule.stopped),
            ui::grouped(rule.bad),
            ui::grouped(rule.good),
            ui::grouped(rule.unlabelled + rule.unsure),
            ui::grouped(rule.chargebacks),
        ))?;
    }
    Ok(())
}
