//! The summary of a replay, for people and as JSON.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use smol_str::SmolStr;
use weir_compiler::civil;
use weir_compiler::hir::{Hir, Verb};
use weir_engine::{Engaged, Suspension};
use weir_gateway::{Format, Reader};

use crate::replay::summary::Summary;
use crate::ui::{self, Failure, Ui};

/// How much of a key's value is shown, in characters.
const VALUE: usize = 96;

/// A summary with all it is printed with.
pub(crate) struct Report<'a> {
    /// The counts.
    pub(crate) summary: &'a Summary,
    /// The rule set.
    pub(crate) hir: &'a Hir,
    /// What was read.
    pub(crate) reader: &'a Reader,
    /// Policies that the input cannot serve, and why.
    pub(crate) left_out: &'a [(SmolStr, SmolStr)],
    /// What stands over the rules at the end.
    pub(crate) engaged: Vec<Engaged>,
    /// Prints a piece of a raw line.
    pub(crate) sample: &'a dyn Fn(&str) -> String,
}

impl Report<'_> {
    fn rejected(&self) -> u64 {
        let refused = self.summary.refused.values().map(|refused| refused.count);
        self.reader.rejects().total() + refused.sum::<u64>()
    }

    /// Rules that the brake has suspended, and what their budgets count.
    fn suspended(&self) -> impl Iterator<Item = (&SmolStr, &Suspension, &SmolStr)> {
        self.engaged.iter().filter_map(|engaged| match engaged {
            Engaged::Suspended(rule, suspension, population) => Some((rule, suspension, population)),
            _ => None,
        })
    }

    /// One object.
    pub(crate) fn json(&self) -> Json {
        let summary = self.summary;
        let verdicts = |counts: &BTreeMap<Verb, u64>| {
            counts
                .iter()
                .map(|(verb, count)| (verb.word().to_owned(), json!(count)))
                .collect::<serde_json::Map<_, _>>()
        };
        let rules: Vec<Json> = summary
            .ranked(self.hir)
            .iter()
            .map(|(rule, hits, deadlines)| {
                json!({
                    "rule": rule.full_name, "mode": rule.mode.word(), "hits": hits.fired + deadlines,
                    "entry_hits": hits.entries, "lifted": hits.lifted, "unknown": hits.unknown,
                })
            })
            .collect();
        let top: serde_json::Map<String, Json> = summary
            .top()
            .into_iter()
            .map(|(name, counts)| {
                let counts: Vec<Json> = counts
                    .into_iter()
                    .map(|(value, count)| json!({ "key": value, "count": count }))
                    .collect();
                (name.to_owned(), json!(counts))
            })
            .collect();
        let inputs: Vec<Json> = self
            .reader
            .inputs()
            .iter()
            .map(
                |facts| json!({ "input": facts.input.to_string(), "format": facts.format.map(Format::name) }),
            )
            .collect();
        let left_out: Vec<Json> =
            self.left_out.iter().map(|(policy, why)| json!({ "policy": policy, "why": why })).collect();
        let inactive: Vec<Json> = self
            .hir
            .rules
            .values()
            .filter_map(|rule| {
                rule.inactive.as_ref().map(|why| json!({ "rule": rule.full_name, "why": why }))
            })
            .collect();
        let suspended: Vec<Json> = self
            .suspended()
            .map(|(rule, suspension, population)| {
                json!({
                    "rule": rule, "at": civil::format(suspension.at), "seen": suspension.seen,
                    "harmed": suspension.harmed, "why": suspension.words(population),
                })
            })
            .collect();
        json!({
            "version": 1,
            "inputs": inputs,
            "events": summary.events,
            "rejected": self.rejected(),
            "rejects": self.rejects_json(),
            "passed_over": summary.passed_over,
            "late": summary.late,
            "events_per_second": summary.per_second(),
            "seconds": summary.elapsed.as_secs_f64(),
            "interrupted": summary.interrupted,
            "from": summary.range.map(|(first, _)| civil::format(first)),
            "to": summary.range.map(|(_, last)| civil::format(last)),
            "stopped": summary.stopped,
            "decisions": verdicts(&summary.verdicts),
            "shadow_decisions": verdicts(&summary.shadow),
            "rules": rules,
            "top_keys": top,
            "inactive_rules": inactive,
            "left_out": left_out,
            "suspended": suspended,
        })
    }

    /// Rejected lines by reason: those that could not be read, and those that their schema refuses.
    fn rejects_json(&self) -> Vec<Json> {
        let tallies = self.reader.rejects().tallies().iter().map(|tally| {
            let samples: Vec<Json> = tally
                .samples
                .iter()
                .map(|sample| json!({ "seq": sample.seq, "text": (self.sample)(&sample.sample) }))
                .collect();
            json!({ "reason": tally.reason, "text": tally.reason.to_string(), "count": tally.count, "samples": samples })
        });
        let refused = self.summary.refused.iter().map(|(refusal, refused)| {
            let samples: Vec<Json> = refused.samples.iter().map(|seq| json!({ "seq": seq })).collect();
            json!({
                "reason": refusal.reason.slug(), "text": refusal.to_string(), "count": refused.count,
                "samples": samples,
            })
        });
        tallies.chain(refused).collect()
    }

    /// For people.
    pub(crate) fn print(&self, as_if_enforce: bool, ui: &mut Ui) -> Result<(), Failure> {
        let summary = self.summary;
        if summary.interrupted {
            ui.line(ui::yellow("interrupted: what follows is of the lines read so far"))?;
        }
        let rejected = self.rejected();
        ui.line(format_args!(
            "{} {} in {:.1} s ({} events/s), {} {} rejected",
            ui::bold(ui::grouped(summary.events)),
            if summary.events == 1 { "event" } else { "events" },
            summary.elapsed.as_secs_f64(),
            ui::grouped(summary.per_second() as u64),
            ui::grouped(rejected),
            if rejected == 1 { "line" } else { "lines" },
        ))?;
        if let Some((first, last)) = summary.range {
            ui.line(format_args!("from {} to {}", civil::format(first), civil::format(last)))?;
        }
        if summary.late > 0 {
            let were = if summary.late == 1 { "event came" } else { "events came" };
            ui.line(format_args!("{} {were} too late to be put in order", ui::grouped(summary.late)))?;
        }
        self.print_rejects(ui)?;
        if summary.events > 0 {
            self.print_verdicts(as_if_enforce, ui)?;
            self.print_rules(ui)?;
            self.print_top(ui)?;
        } else if rejected == 0 {
            ui.line("there is nothing in the input")?;
        }
        let inactive = self.hir.rules.values().filter(|rule| rule.inactive.is_some()).count();
        if inactive > 0 && summary.events > 0 {
            ui.line(format_args!(
                "\n{} could not fire on this input: nothing in it supplies what they ask (`--json` names them)",
                ui::count(inactive, "rule")
            ))?;
        }
        for (policy, why) in self.left_out {
            ui.line(format_args!("left out: {policy} {why}"))?;
        }
        for (rule, suspension, population) in self.suspended() {
            let (at, why) = (civil::format(suspension.at), suspension.words(population));
            ui.line(format_args!("suspended: {rule} at {at}: {why}"))?;
        }
        Ok(())
    }

    fn print_rejects(&self, ui: &mut Ui) -> Result<(), Failure> {
        let tallies = self.reader.rejects().tallies();
        if self.rejected() > 0 {
            ui.line(format_args!("\n{}", ui::bold("rejected")))?;
        }
        for tally in tallies {
            ui.line(format_args!("  {:>9}  {}", ui::grouped(tally.count), tally.reason))?;
            for sample in &tally.samples {
                let text = (self.sample)(&sample.sample);
                ui.line(ui::dim(format_args!("             line {}: {text}", sample.seq)))?;
            }
        }
        for (refusal, refused) in &self.summary.refused {
            let lines: Vec<String> = refused.samples.iter().map(ToString::to_string).collect();
            let more = if refused.count > refused.samples.len() as u64 { " …" } else { "" };
            ui.line(format_args!("  {:>9}  {refusal}", ui::grouped(refused.count)))?;
            ui.line(ui::dim(format_args!("             line {}{more}", lines.join(", "))))?;
        }
        if self.summary.events == 0 && self.rejected() > 0 {
            let formats: Vec<&str> =
                self.reader.inputs().iter().filter_map(|facts| facts.format.map(Format::name)).collect();
            if let Some(format) = formats.first() {
                ui.line(format_args!(
                    "no line could be used; they were read as {format}, and `--format` names another"
                ))?;
            }
        }
        if !self.summary.passed_over.is_empty() {
            ui.line(format_args!("\n{}", ui::bold("fields that no schema has, passed over")))?;
            for (name, count) in &self.summary.passed_over {
                ui.line(format_args!("  {:>9}  {}", ui::grouped(*count), name.escape_default()))?;
            }
        }
        Ok(())
    }

    fn print_verdicts(&self, as_if_enforce: bool, ui: &mut Ui) -> Result<(), Failure> {
        let (live, all) =
            if as_if_enforce { ("enforced", "") } else { ("in their modes", "if all enforced") };
        ui.line(format_args!(
            "\n{}",
            ui::bold(format!("{:<10} {:>14}  {:>15}", "verdict", live, all).trim_end())
        ))?;
        for verb in Verb::ALL {
            let live = self.summary.verdicts.get(&verb).copied().unwrap_or_default();
            let shadow = self.summary.shadow.get(&verb).copied().unwrap_or_default();
            if live + shadow > 0 {
                let all = if as_if_enforce { String::new() } else { ui::grouped(shadow) };
                let line = format!("{:<10} {:>14}  {all:>15}", verb.word(), ui::grouped(live));
                ui.line(line.trim_end())?;
            }
        }
        Ok(())
    }

    fn print_rules(&self, ui: &mut Ui) -> Result<(), Failure> {
        let ranked = self.summary.ranked(self.hir);
        if ranked.is_empty() {
            return ui.line("\nno rule fired");
        }
        let width = ranked.iter().map(|(rule, ..)| rule.full_name.len()).max().unwrap_or(0);
        ui.line(format_args!(
            "\n{}",
            ui::bold(format_args!("{:width$}  {:<8} {:>9} {:>11}", "rule", "mode", "fired", "by entry"))
        ))?;
        for (rule, hits, deadlines) in ranked {
            let mut line = format!(
                "{:width$}  {:<8} {:>9} {:>11}",
                rule.full_name,
                rule.mode.word(),
                ui::grouped(hits.fired + deadlines),
                ui::grouped(hits.entries)
            );
            if hits.lifted > 0 {
                line.push_str(&format!("  lifted {}", ui::grouped(hits.lifted)));
            }
            if hits.unknown > 0 {
                line.push_str(&format!("  unknown, acted {}", ui::grouped(hits.unknown)));
            }
            ui.line(line)?;
        }
        Ok(())
    }

    fn print_top(&self, ui: &mut Ui) -> Result<(), Failure> {
        for (name, counts) in self.summary.top() {
            ui.line(format_args!("\n{} touched most often", ui::bold(name)))?;
            for (value, count) in counts {
                let mut shown: String =
                    if value.is_empty() { "(empty)".into() } else { value.chars().take(VALUE).collect() };
                if shown.len() < value.len() {
                    shown.push('…');
                }
                ui.line(format_args!("  {:>9}  {shown}", ui::grouped(count)))?;
            }
        }
        Ok(())
    }
}
