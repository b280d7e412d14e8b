//! What came of a replay, in numbers.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde_json::{Value as Json, json};
use smol_str::SmolStr;
use weir_compiler::civil;
use weir_compiler::hir::{Hir, Verb};
use weir_compiler::ids::RuleId;
use weir_engine::Decision;
use weir_gateway::RejectStats;

use crate::replay::intake::Refusal;
use crate::replay::line::Line;
use crate::ui::{self, Failure, Ui};

/// How many of a key are shown.
const TOP: usize = 5;
/// How many values of a key are counted; further ones are only counted as others.
const MOST_KEYS: usize = 200_000;
/// How many lines that the schema refused are kept as samples of a reason.
const SAMPLES: usize = 3;

/// Counts of one replay. Memory is bounded whatever the input.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// Lines that became a request or an event.
    pub(crate) events: u64,
    /// Of these, later than the reorder horizon.
    pub(crate) late: u64,
    /// First and last time.
    range: Option<(i64, i64)>,
    verdicts: BTreeMap<Verb, u64>,
    shadow: BTreeMap<Verb, u64>,
    stopped: u64,
    /// Lines each rule fired at, was lifted at, was unknown and acted at.
    rules: BTreeMap<RuleId, Hits>,
    deadlines: BTreeMap<RuleId, u64>,
    refused: BTreeMap<&'static str, (Refusal, u64, Vec<u64>)>,
    keys: BTreeMap<String, Counter>,
    /// Stopped by the user before the end.
    pub(crate) interrupted: bool,
    /// Time spent.
    pub(crate) elapsed: Duration,
}

#[derive(Clone, Copy, Debug, Default)]
struct Hits {
    fired: u64,
    entries: u64,
    lifted: u64,
    unknown: u64,
}

#[derive(Debug, Default)]
struct Counter {
    counts: HashMap<String, u64>,
    others: u64,
}

impl Summary {
    /// Counts what was decided of a line.
    pub(crate) fn add(&mut self, request: &Decision) {
        self.events += 1;
        self.stopped += u64::from(request.stopped);
        let (first, last) = self.range.get_or_insert((request.at, request.at));
        (*first, *last) = ((*first).min(request.at), (*last).max(request.at));
        *self.verdicts.entry(request.verdict.verb).or_default() += 1;
        *self.shadow.entry(request.shadow.max(request.verdict.verb)).or_default() += 1;
    }

    /// Counts which rules matched a line, and who it was.
    pub(crate) fn add_matches(&mut self, line: &Line) {
        for found in &line.matches {
            let hits = self.rules.entry(found.id).or_default();
            match (found.phase, found.lifted, found.unknown) {
                (_, true, _) => hits.lifted += 1,
                ("entry", ..) => hits.entries += 1,
                (_, _, true) => hits.unknown += 1,
                _ => hits.fired += 1,
            }
        }
        if line.verdict > Verb::Log || line.shadow > Verb::Log {
            for name in ["ip", "user_agent", "session", "user", "asn"] {
                if let Some(Json::String(value)) = line.keys.get(name) {
                    let counter = self.keys.entry(name.to_owned()).or_default();
                    if counter.counts.len() < MOST_KEYS || counter.counts.contains_key(value) {
                        *counter.counts.entry(value.clone()).or_default() += 1;
                    } else {
                        counter.others += 1;
                    }
                }
            }
        }
    }

    /// Counts a rule that fired at a deadline.
    pub(crate) fn add_deadline(&mut self, rule: RuleId) {
        *self.deadlines.entry(rule).or_default() += 1;
    }

    /// Counts a line that the schema refused.
    pub(crate) fn refuse(&mut self, seq: u64, refusal: Refusal) {
        let (slug, _) = refusal.words();
        let (_, count, samples) = self.refused.entry(slug).or_insert((refusal, 0, Vec::new()));
        *count += 1;
        if samples.len() < SAMPLES {
            samples.push(seq);
        }
    }

    fn rejected(&self, rejects: &RejectStats) -> u64 {
        rejects.total() + self.refused.values().map(|(_, count, _)| count).sum::<u64>()
    }

    fn per_second(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { (self.events as f64 / seconds).round() } else { 0.0 }
    }

    /// Rules by how often they fired, most first.
    fn ranked<'a>(&self, hir: &'a Hir) -> Vec<(&'a weir_compiler::hir::Rule, Hits, u64)> {
        let mut rules: Vec<_> = hir
            .rules
            .iter()
            .map(|(id, rule)| {
                let hits = self.rules.get(&id).copied().unwrap_or_default();
                (rule, hits, self.deadlines.get(&id).copied().unwrap_or_default())
            })
            .filter(|(_, hits, deadlines)| {
                hits.fired + hits.entries + hits.lifted + hits.unknown + deadlines > 0
            })
            .collect();
        rules.sort_by(|(a, x, _), (b, y, _)| {
            y.fired.cmp(&x.fired).then_with(|| a.full_name.cmp(&b.full_name))
        });
        rules
    }

    fn top(&self) -> Vec<(&str, Vec<(&String, u64)>)> {
        self.keys
            .iter()
            .map(|(name, counter)| {
                let mut counts: Vec<_> =
                    counter.counts.iter().map(|(value, count)| (value, *count)).collect();
                counts.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
                counts.truncate(TOP);
                (name.as_str(), counts)
            })
            .collect()
    }

    /// One object.
    pub(crate) fn json(&self, hir: &Hir, rejects: &RejectStats, left_out: &[(SmolStr, SmolStr)]) -> Json {
        let verdicts = |counts: &BTreeMap<Verb, u64>| {
            counts
                .iter()
                .map(|(verb, count)| (verb.word().to_owned(), json!(count)))
                .collect::<serde_json::Map<_, _>>()
        };
        let rules: Vec<Json> = self
            .ranked(hir)
            .iter()
            .map(|(rule, hits, deadlines)| {
                json!({
                    "rule": rule.full_name, "mode": rule.mode.word(), "hits": hits.fired + deadlines,
                    "entry_hits": hits.entries, "lifted": hits.lifted, "unknown": hits.unknown,
                })
            })
            .collect();
        let mut reasons: Vec<Json> = rejects
            .tallies()
            .iter()
            .map(|tally| {
                let samples: Vec<Json> = tally
                    .samples
                    .iter()
                    .map(|sample| json!({ "seq": sample.seq, "text": sample.sample }))
                    .collect();
                json!({ "reason": tally.reason, "count": tally.count, "samples": samples })
            })
            .collect();
        reasons.extend(self.refused.iter().map(|(slug, (_, count, samples))| {
            let samples: Vec<Json> = samples.iter().map(|seq| json!({ "seq": seq })).collect();
            json!({ "reason": slug, "count": count, "samples": samples })
        }));
        let top: serde_json::Map<String, Json> = self
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
        let left_out: Vec<Json> =
            left_out.iter().map(|(policy, why)| json!({ "policy": policy, "why": why })).collect();
        let inactive: Vec<Json> = hir
            .rules
            .values()
            .filter_map(|rule| {
                rule.inactive.as_ref().map(|why| json!({ "rule": rule.full_name, "why": why }))
            })
            .collect();
        json!({
            "version": 1,
            "events": self.events,
            "rejected": self.rejected(rejects),
            "rejects": reasons,
            "late": self.late,
            "events_per_second": self.per_second(),
            "seconds": self.elapsed.as_secs_f64(),
            "interrupted": self.interrupted,
            "from": self.range.map(|(first, _)| civil::format(first)),
            "to": self.range.map(|(_, last)| civil::format(last)),
            "stopped": self.stopped,
            "decisions": verdicts(&self.verdicts),
            "shadow_decisions": verdicts(&self.shadow),
            "rules": rules,
            "top_keys": top,
            "inactive_rules": inactive,
            "left_out": left_out,
        })
    }

    /// For people.
    pub(crate) fn print(
        &self,
        hir: &Hir,
        rejects: &RejectStats,
        left_out: &[(SmolStr, SmolStr)],
        as_if_enforce: bool,
        ui: &mut Ui,
    ) -> Result<(), Failure> {
        if self.interrupted {
            ui.line(ui::yellow("interrupted: what follows is of the lines read so far"))?;
        }
        let rate = ui::grouped(self.per_second() as u64);
        ui.line(format_args!(
            "{} events in {:.1} s ({rate} events/s), {} lines rejected",
            ui::bold(ui::grouped(self.events)),
            self.elapsed.as_secs_f64(),
            ui::grouped(self.rejected(rejects)),
        ))?;
        if let Some((first, last)) = self.range {
            ui.line(format_args!("from {} to {}", civil::format(first), civil::format(last)))?;
        }
        if self.late > 0 {
            ui.line(format_args!("{} events came too late to be put in order", ui::grouped(self.late)))?;
        }
        for tally in rejects.tallies() {
            ui.line(format_args!("  rejected {:>7}  {}", ui::grouped(tally.count), tally.reason))?;
            for sample in &tally.samples {
                ui.line(ui::dim(format_args!("    line {}: {}", sample.seq, sample.sample)))?;
            }
        }
        for (refusal, count, samples) in self.refused.values() {
            let lines: Vec<String> = samples.iter().map(ToString::to_string).collect();
            let (_, words) = refusal.words();
            ui.line(format_args!(
                "  rejected {:>7}  {words} (line {} …)",
                ui::grouped(*count),
                lines.join(", ")
            ))?;
        }
        self.print_verdicts(as_if_enforce, ui)?;
        self.print_rules(hir, ui)?;
        for (name, counts) in self.top() {
            ui.line(format_args!("\n{} touched most often", ui::bold(name)))?;
            for (value, count) in counts {
                let shown: String =
                    if value.is_empty() { "(empty)".into() } else { value.chars().take(96).collect() };
                ui.line(format_args!("  {:>9}  {shown}", ui::grouped(count)))?;
            }
        }
        let inactive: Vec<_> = hir.rules.values().filter(|rule| rule.inactive.is_some()).collect();
        if !inactive.is_empty() {
            ui.line(format_args!(
                "\n{} could not fire on this input: nothing in it supplies what they ask (`--json` names them)",
                ui::count(inactive.len(), "rule")
            ))?;
        }
        for (policy, why) in left_out {
            ui.line(format_args!("left out: {policy} {why}"))?;
        }
        Ok(())
    }

    fn print_verdicts(&self, as_if_enforce: bool, ui: &mut Ui) -> Result<(), Failure> {
        let heading =
            format!("{:<12} {:>12}", "verdict", if as_if_enforce { "enforced" } else { "as modes say" });
        let all = if as_if_enforce { String::new() } else { format!(" {:>16}", "were all enforced") };
        ui.line(format_args!("\n{}", ui::bold(format_args!("{heading}{all}"))))?;
        for verb in Verb::ALL {
            let live = self.verdicts.get(&verb).copied().unwrap_or_default();
            let shadow = self.shadow.get(&verb).copied().unwrap_or_default();
            if live + shadow > 0 {
                let all = if as_if_enforce { String::new() } else { format!(" {:>17}", ui::grouped(shadow)) };
                ui.line(format_args!("{:<12} {:>12}{all}", verb.word(), ui::grouped(live)))?;
            }
        }
        Ok(())
    }

    fn print_rules(&self, hir: &Hir, ui: &mut Ui) -> Result<(), Failure> {
        let ranked = self.ranked(hir);
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
}
