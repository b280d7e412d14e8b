//! State in bytes: what a policy can take, and whether its budget allows it.
//!
//! Worst case a key: every lane in use, every sketch full. A key's own bytes and the table around it are the
//! engine's and are not counted.

use std::collections::HashMap;

use smol_str::{SmolStr, format_smolstr};
use weir_dsl::{Code, Diagnostic, FileSpan};

use crate::hir::*;
use crate::ids::*;
use crate::link::{Linked, Members};
use crate::project::Manifest;
use crate::types::Type;

/// Bytes a key of each measure in a sliding window, as `docs/reference/signals.md` states them.
pub const BYTES: [(&str, u32); 24] = [
    ("count", 104),
    ("rate", 104),
    ("share", 168),
    ("distinct", 4_744),
    ("sum", 168),
    ("sum of float", 296),
    ("avg", 360),
    ("avg of float", 552),
    ("min", 232),
    ("max", 232),
    ("first", 496),
    ("last", 496),
    ("stddev", 360),
    ("cv", 376),
    ("quantile", 20_560),
    ("entropy", 12_368),
    ("top", 2_904),
    ("sequential", 16_480),
    ("elapsed", 64),
    ("x is new", 64),
    ("concurrent", 16_424),
    ("usual", 708),
    ("bucket", 24),
    ("gcra", 48),
];
/// Bytes of a fact: a key's first or last time.
const FACT: u32 = 64;
/// Money keeps a lane set a currency, at most so many.
const CURRENCIES: u32 = 4;
/// Entries of the log that `exact` keeps of plain aggregates.
const LOG: u32 = 4_096;
/// Entries of the log that `exact` keeps of sketched ones.
const SKETCH_LOG: u32 = 1_024;
/// Bytes of a sequence's step beside its captured fields: its time and its place.
const STEP: u32 = 24;

fn bytes_of(measure: &str) -> u32 {
    BYTES.iter().find(|(name, _)| *name == measure).map_or(0, |(_, bytes)| *bytes)
}

/// Worst-case bytes a key of a state. `economy` and `tumbling` are counted as sliding: an upper bound.
pub fn bytes_per_key(hir: &Hir, state: &State) -> u32 {
    let ty = |id: &ExprId| hir.exprs.get(*id).map_or(Type::Error, |node| node.ty.clone());
    let float = |id: &ExprId| matches!(ty(id), Type::Float | Type::Probability | Type::Rate);
    let (bytes, log) = match &state.measure {
        Measure::Count => (bytes_of("count"), LOG * 8),
        Measure::Rate => (bytes_of("rate"), LOG * 8),
        Measure::Concurrent => (bytes_of("concurrent"), 0),
        Measure::Share(_) => (bytes_of("share"), LOG * 16),
        Measure::Distinct(_) => (bytes_of("distinct"), SKETCH_LOG * 16),
        Measure::Entropy(_) => (bytes_of("entropy"), SKETCH_LOG * 16),
        Measure::Top(_) => (bytes_of("top"), SKETCH_LOG * 24),
        Measure::Sequential(_) => (bytes_of("sequential"), SKETCH_LOG * 16),
        Measure::CvOfGaps => (bytes_of("cv"), LOG * 16),
        Measure::Elapsed => (bytes_of("elapsed"), 0),
        Measure::LastSeen => (bytes_of("x is new"), 0),
        Measure::Usual { .. } => (bytes_of("usual"), 0),
        Measure::Bucket { .. } => (bytes_of("bucket"), 0),
        Measure::Gcra { .. } => (bytes_of("gcra"), 0),
        Measure::Of(statistic, value) => match statistic {
            Statistic::Sum if float(value) => (bytes_of("sum of float"), LOG * 16),
            Statistic::Sum => (bytes_of("sum"), LOG * 16),
            Statistic::Avg if float(value) => (bytes_of("avg of float"), LOG * 16),
            Statistic::Avg => (bytes_of("avg"), LOG * 16),
            Statistic::Min => (bytes_of("min"), LOG * 16),
            Statistic::Max => (bytes_of("max"), LOG * 16),
            Statistic::Stddev => (bytes_of("stddev"), LOG * 16),
            Statistic::First => (bytes_of("first"), LOG * 24),
            Statistic::Last => (bytes_of("last"), LOG * 24),
            Statistic::P1 | Statistic::P5 | Statistic::P50 | Statistic::P95 | Statistic::P99 => {
                (bytes_of("quantile"), SKETCH_LOG * 16)
            }
        },
    };
    let exact = state.window.is_some_and(|window| window.kind == WindowKind::Exact);
    let bytes = bytes + if exact { log } else { 0 };
    match &state.measure {
        Measure::Of(_, value) if ty(value) == Type::Money => bytes * CURRENCIES,
        _ => bytes,
    }
}

/// Worst-case bytes a key of a sequence: a time and the captured fields for each step.
pub fn sequence_bytes(hir: &Hir, sequence: &Sequence) -> u32 {
    let field =
        |id: &FieldId| hir.schema.fields.get(*id).map_or(8, |field| 16_u32.saturating_add(field.bound));
    sequence.steps.iter().fold(STEP, |all, step| {
        step.captures.iter().map(field).fold(all.saturating_add(STEP), u32::saturating_add)
    })
}

/// Worst-case bytes a slice of a cohort: a count and its usual level.
pub fn cohort_bytes() -> u32 {
    bytes_of("count") + bytes_of("usual")
}

/// What a policy keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyState {
    /// Its full name.
    pub policy: SmolStr,
    /// Where it is declared.
    pub at: FileSpan,
    /// Each thing it keeps. What it shares with other policies counts for each of them in full.
    pub kept: Vec<Kept>,
}

impl PolicyState {
    /// Worst-case bytes with one key of each.
    pub fn bytes_per_key(&self) -> u64 {
        self.kept.iter().map(|kept| u64::from(kept.bytes_per_key)).fold(0, u64::saturating_add)
    }

    /// Worst-case bytes with all tables full.
    pub fn bytes(&self) -> u64 {
        self.kept.iter().map(Kept::bytes).fold(0, u64::saturating_add)
    }
}

/// State, a cohort, a sequence or a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What it is, for people.
    pub what: SmolStr,
    /// Worst-case bytes a key.
    pub bytes_per_key: u32,
    /// How many keys at most; 1 without a key.
    pub keys: u64,
}

impl Kept {
    /// Worst-case bytes.
    pub fn bytes(&self) -> u64 {
        u64::from(self.bytes_per_key).saturating_mul(self.keys)
    }
}

/// What each policy of a rule set keeps, in order of policy, with at most `keys` keys of each state.
pub fn policies(linked: &Linked, keys: u64) -> Vec<PolicyState> {
    let hir = &linked.hir;
    let signals = readers(hir);
    let pairs = hir.policies.values().zip(linked.members.values());
    pairs
        .map(|(policy, members)| PolicyState {
            policy: format_smolstr!("{}.{}", policy.package, policy.name),
            at: policy.at,
            kept: kept(hir, &signals, members, keys),
        })
        .collect()
}

/// Worst-case bytes of all state of a rule set, shared state once.
pub fn total(linked: &Linked, keys: u64) -> u64 {
    let hir = &linked.hir;
    let all = Members {
        states: hir.states.ids().collect(),
        cohorts: hir.cohorts.ids().collect(),
        sequences: hir.sequences.ids().collect(),
        facts: hir.facts.ids().collect(),
    };
    kept(hir, &readers(hir), &all, keys).iter().map(Kept::bytes).fold(0, u64::saturating_add)
}

/// Names for states: of the first signal that reads each.
type Readers<'a> = HashMap<StateId, &'a SmolStr>;

fn readers(hir: &Hir) -> Readers<'_> {
    let mut names = HashMap::new();
    for signal in hir.signals.values() {
        names.entry(signal.state).or_insert(&signal.name);
    }
    names
}

fn kept(hir: &Hir, signals: &Readers<'_>, members: &Members, keys: u64) -> Vec<Kept> {
    let mut kept = Vec::new();
    for (id, state) in members.states.iter().filter_map(|id| Some((*id, hir.states.get(*id)?))) {
        let keys = if state.key.is_some() { keys } else { 1 };
        let signal = signals.get(&id).copied();
        let what = signal.cloned().unwrap_or_else(|| SmolStr::from(&*state.identity));
        kept.push(Kept { what, bytes_per_key: bytes_per_key(hir, state), keys });
    }
    for cohort in members.cohorts.iter().filter_map(|id| hir.cohorts.get(*id)) {
        let what = format_smolstr!("cohort {}", cohort.name);
        kept.push(Kept { what, bytes_per_key: cohort_bytes(), keys });
    }
    for sequence in members.sequences.iter().filter_map(|id| hir.sequences.get(*id)) {
        let what = format_smolstr!("sequence {}", sequence.name);
        kept.push(Kept { what, bytes_per_key: sequence_bytes(hir, sequence), keys });
    }
    for fact in members.facts.iter().filter_map(|id| hir.facts.get(*id)) {
        let event = hir.schema.events.get(fact.event).map_or("?", |event| event.name.as_str());
        let what = format_smolstr!("known by {event} per {}", fact.key.text);
        kept.push(Kept { what, bytes_per_key: FACT, keys });
    }
    kept
}

/// Policies over their budget.
pub fn check(linked: &Linked, manifest: &Manifest) -> Vec<Diagnostic> {
    let keys = manifest.limits.keys;
    let mut found = Vec::new();
    for policy in policies(linked, keys) {
        let Some(budget) = manifest.budgets.get(&policy.policy) else { continue };
        let bytes = policy.bytes();
        if bytes <= budget.bytes {
            continue;
        }
        let title =
            format!("`{}` may keep {}, its budget is {}", policy.policy, size(bytes), size(budget.bytes));
        let mut largest: Vec<&Kept> = policy.kept.iter().collect();
        largest.sort_by_key(|kept| std::cmp::Reverse(kept.bytes()));
        let mut diagnostic = Diagnostic::new(Code::STATE_BUDGET, policy.at, title)
            .label("declared here")
            .also(budget.at, "its budget")
            .help("raise the budget, lower `keys` in `[limits]`, or keep less: fewer signals, coarser keys");
        for kept in largest.into_iter().take(3) {
            let note = format!("{}: {} bytes a key, {} keys", kept.what, kept.bytes_per_key, kept.keys);
            diagnostic = diagnostic.note(note);
        }
        found.push(diagnostic);
    }
    found
}

/// A size for people: `1.5 MB`, in powers of a thousand.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1_000.0 && unit + 1 < UNITS.len() {
        value /= 1_000.0;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or("TB");
    if unit == 0 || value >= 100.0 { format!("{value:.0} {name}") } else { format!("{value:.1} {name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_reference() {
        assert!(BYTES.iter().all(|(name, bytes)| *bytes > 0 && bytes_of(name) == *bytes));
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/signals.md");
        let Ok(text) = std::fs::read_to_string(path) else { return };
        let number = |text: &str| text.replace(',', "").parse::<u32>().ok();
        let mut compared: Vec<&str> = Vec::new();
        for line in text.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let (Some(names), Some(bytes)) = (cells.first(), cells.last()) else { continue };
            let (plain, float) = bytes.split_once("; float ").unwrap_or((bytes, ""));
            // Every other piece of the cell is code: `p1`, `p5`, `p50`, `p95`, `p99`.
            for name in names.split('`').skip(1).step_by(2) {
                let name = match name {
                    "p1" | "p5" | "p50" | "p95" | "p99" => "quantile",
                    "x is new" => name,
                    _ => name.split([' ', '(']).next().unwrap_or(name),
                };
                let Some((known, expected)) = BYTES.iter().find(|(known, _)| *known == name) else {
                    continue;
                };
                let Some(plain) = number(plain) else { continue };
                assert_eq!(*expected, plain, "{name}");
                compared.push(known);
                if let Some(float) = number(float) {
                    let (known, expected) =
                        BYTES.iter().find(|(known, _)| *known == format!("{name} of float")).unwrap();
                    assert_eq!(*expected, float, "{known}");
                    compared.push(known);
                }
            }
        }
        let missing: Vec<_> = BYTES.iter().filter(|(name, _)| !compared.contains(name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 KB"),
            (256_000_000, "256 MB"),
            (1_500_000_000, "1.5 GB"),
        ] {
            assert_eq!(size(bytes), text);
        }
        assert_eq!(size(u64::MAX), "18446744 TB");
    }
}
