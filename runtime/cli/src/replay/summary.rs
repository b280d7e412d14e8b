//! What came of a replay, counted in bounded memory whatever the input.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde_json::Value as Json;
use weir_compiler::hir::{Hir, Rule, Verb};
use weir_compiler::ids::RuleId;
use weir_engine::Decision;

use crate::replay::intake::Refusal;
use crate::replay::line::{COUNTED, Line};

/// How many of a key are shown.
const TOP: usize = 5;
/// How many values of a key are counted at once; past it the rarer half is forgotten.
const MOST_KEYS: usize = 20_000;
/// How many different refusals, and names passed over, are told apart.
const MOST_KINDS: usize = 32;
/// How many lines that the schema refused are kept as samples of a reason.
const SAMPLES: usize = 3;

/// Counts of one replay.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// Lines that became a request or an event.
    pub(crate) events: u64,
    /// Of these, later than the reorder horizon.
    pub(crate) late: u64,
    /// First and last time.
    pub(crate) range: Option<(i64, i64)>,
    pub(crate) verdicts: BTreeMap<Verb, u64>,
    pub(crate) shadow: BTreeMap<Verb, u64>,
    pub(crate) stopped: u64,
    /// Lines each rule fired at, was lifted at, was unknown and acted at.
    rules: BTreeMap<RuleId, Hits>,
    deadlines: BTreeMap<RuleId, u64>,
    pub(crate) refused: BTreeMap<Refusal, Refused>,
    /// Names in typed events that their schema does not have.
    pub(crate) passed_over: BTreeMap<String, u64>,
    keys: BTreeMap<String, Counter>,
    /// Stopped by the user before the end.
    pub(crate) interrupted: bool,
    /// Time spent.
    pub(crate) elapsed: Duration,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hits {
    pub(crate) fired: u64,
    pub(crate) entries: u64,
    pub(crate) lifted: u64,
    pub(crate) unknown: u64,
}

/// Lines refused for one reason.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    pub(crate) count: u64,
    /// The first of them.
    pub(crate) samples: Vec<u64>,
}

/// Counts the values of a key: exactly up to [`MOST_KEYS`] different ones, past that at least for the frequent.
#[derive(Debug, Default)]
struct Counter {
    counts: HashMap<String, u64>,
}

impl Counter {
    fn add(&mut self, value: &str) {
        if let Some(count) = self.counts.get_mut(value) {
            *count += 1;
            return;
        }
        if self.counts.len() >= MOST_KEYS {
            let mut counts: Vec<u64> = self.counts.values().copied().collect();
            let middle = counts.len() / 2;
            let (_, middle, _) = counts.select_nth_unstable(middle);
            let middle = *middle;
            self.counts.retain(|_, count| *count > middle);
        }
        self.counts.insert(value.to_owned(), 1);
    }
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
        if line.names_somebody() {
            for name in COUNTED {
                if let Some(Json::String(value)) = line.keys.get(name) {
                    self.keys.entry(name.to_owned()).or_default().add(value);
                }
            }
        }
    }

    /// Another rule set decides from here on: a rule of the same name is the same; what is gone is not told of.
    pub(crate) fn change(&mut self, old: &Hir, new: &Hir) {
        let by_name: HashMap<&str, RuleId> =
            new.rules.iter().map(|(id, rule)| (rule.full_name.as_str(), id)).collect();
        let now = |id: RuleId| by_name.get(old.rules.get(id)?.full_name.as_str()).copied();
        self.rules = std::mem::take(&mut self.rules)
            .into_iter()
            .filter_map(|(id, hits)| Some((now(id)?, hits)))
            .collect();
        let deadlines = std::mem::take(&mut self.deadlines).into_iter();
        self.deadlines = deadlines.filter_map(|(id, count)| Some((now(id)?, count))).collect();
    }

    /// Counts a rule that fired at a deadline.
    pub(crate) fn add_deadline(&mut self, rule: RuleId) {
        *self.deadlines.entry(rule).or_default() += 1;
    }

    /// Counts a line that the schema refused.
    pub(crate) fn refuse(&mut self, seq: u64, mut refusal: Refusal) {
        if self.refused.len() >= MOST_KINDS && !self.refused.contains_key(&refusal) {
            // Names of events are the input's to choose.
            refusal = Refusal { event: "…".into(), field: None, wanted: None, ..refusal };
        }
        let refused = self.refused.entry(refusal).or_default();
        refused.count += 1;
        if refused.samples.len() < SAMPLES {
            refused.samples.push(seq);
        }
    }

    /// Counts a name in a typed event that its schema does not have.
    pub(crate) fn pass_over(&mut self, name: &str) {
        let room = self.passed_over.len() < MOST_KINDS || self.passed_over.contains_key(name);
        *self.passed_over.entry(if room { name } else { "…" }.to_owned()).or_default() += 1;
    }

    /// Events a second, rounded.
    pub(crate) fn per_second(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { (self.events as f64 / seconds).round() } else { 0.0 }
    }

    /// Rules by how often they fired, most first, with their firings at deadlines.
    pub(crate) fn ranked<'a>(&self, hir: &'a Hir) -> Vec<(&'a Rule, Hits, u64)> {
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

    /// The most frequent values of each key among the lines that a rule would have acted on.
    pub(crate) fn top(&self) -> Vec<(&str, Vec<(&String, u64)>)> {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::intake::Reason;

    #[test]
    fn frequent_values_survive_a_flood_of_rare_ones() {
        let mut counter = Counter::default();
        for at in 0..10 * MOST_KEYS {
            counter.add(&format!("rare {at}"));
            if at % 10 == 0 {
                counter.add("frequent");
            }
            assert!(counter.counts.len() <= MOST_KEYS);
        }
        assert_eq!(counter.counts["frequent"], MOST_KEYS as u64);
    }

    #[test]
    fn names_that_the_input_chooses_are_bounded() {
        let mut summary = Summary::default();
        for at in 0..1_000_u64 {
            let event = format!("event {at}").into();
            summary.refuse(at, Refusal { reason: Reason::UnknownEvent, event, field: None, wanted: None });
            summary.pass_over(&format!("name {at}"));
        }
        assert_eq!(summary.refused.len(), MOST_KINDS + 1);
        assert_eq!(summary.refused.values().map(|refused| refused.count).sum::<u64>(), 1_000);
        assert_eq!(summary.passed_over.len(), MOST_KINDS + 1);
        assert_eq!(summary.passed_over.values().sum::<u64>(), 1_000);
    }
}
