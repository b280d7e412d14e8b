//! What each rule did, and how right it was.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use smol_str::{SmolStr, format_smolstr};
use weir_engine::{DecisionId, NameHash, Said};

use crate::precision::Precision;
use crate::reader::{Ending, Found, read, segments};
use crate::row::{How, Row, SaidRow};

/// What a rule did, and what became known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleStats {
    /// Decisions in which it fired, or was unknown and says what then.
    pub fired: u64,
    /// Of those, in shadow.
    pub shadow: u64,
    /// Decisions that it stopped, alone or with others, by an entry too.
    pub stopped: u64,
    /// Decisions of either kind that somebody has called fraud, by the latest label.
    pub bad: u64,
    /// Called good.
    pub good: u64,
    /// Called neither.
    pub unsure: u64,
    /// Of which nobody has said anything.
    pub unlabelled: u64,
    /// With a chargeback.
    pub chargebacks: u64,
}

impl RuleStats {
    /// The share of fraud among what was labelled fraud or good.
    pub fn precision(&self) -> Option<Precision> {
        Precision::of(self.bad, self.good)
    }
}

/// A ledger joined with what was said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// By rule, its name in full or the hash of it.
    pub rules: BTreeMap<SmolStr, RuleStats>,
    /// Rows of decisions.
    pub decisions: u64,
    /// Decisions that somebody has said something of, and that the ledger has.
    pub joined: u64,
    /// Decisions that somebody has said something of, and that the ledger does not have.
    pub unmatched: u64,
    /// Segments that could not be read to their end.
    pub damaged: Vec<(PathBuf, Ending)>,
}

/// What was said of a decision.
#[derive(Clone, Copy, Debug, Default)]
struct Truth {
    /// The latest label.
    label: Option<(i64, Said)>,
    chargeback: bool,
    seen: bool,
}

impl Truth {
    fn take(&mut self, said: Said, at: i64) {
        if said == Said::Chargeback {
            self.chargeback = true;
        } else if self.label.is_none_or(|(known, _)| known <= at) {
            self.label = Some((at, said));
        }
    }
}

impl Stats {
    /// Of the ledger in a folder, with labels from elsewhere beside those that it holds itself. The folder is read twice.
    /// Memory: the labels, the names, and the rows of requests still near their response.
    ///
    /// # Errors
    /// When the folder or a file cannot be read.
    pub fn gather(folder: &Path, labels: impl IntoIterator<Item = SaidRow>) -> io::Result<Self> {
        let segments = segments(folder)?;
        let mut truth: BTreeMap<DecisionId, Truth> = BTreeMap::new();
        let mut names: BTreeMap<NameHash, SmolStr> = BTreeMap::new();
        let mut stats = Self::default();
        let mut hear = |row: SaidRow| {
            if let Some(said) = row.said() {
                truth.entry(row.id).or_default().take(said, row.at);
            }
        };
        labels.into_iter().for_each(&mut hear);
        for path in &segments {
            let ending = read(path, |found| match found {
                Found::Name(hash, name) => drop(names.insert(hash, name)),
                Found::Said(row) => hear(row),
                Found::Decision(_) => {}
            })?;
            if ending != Ending::Whole {
                stats.damaged.push((path.clone(), ending));
            }
        }
        let mut rules: BTreeMap<NameHash, RuleStats> = BTreeMap::new();
        let mut recent = Recent::default();
        for path in &segments {
            read(path, |found| {
                if let Found::Decision(row) = found {
                    stats.decisions += 1;
                    if let Some(truth) = truth.get_mut(&row.id) {
                        truth.seen = true;
                    }
                    let truth = truth.get(&row.id).copied().unwrap_or_default();
                    count(&mut rules, &row, truth, &mut recent);
                }
            })?;
        }
        stats.joined = truth.values().filter(|truth| truth.seen).count() as u64;
        stats.unmatched = truth.len() as u64 - stats.joined;
        stats.rules = rules
            .into_iter()
            .map(|(hash, rule)| {
                (names.get(&hash).cloned().unwrap_or_else(|| format_smolstr!("{hash}")), rule)
            })
            .collect();
        Ok(stats)
    }
}

/// Pairs of decision and rule that were counted lately: a rule may be in the rows of a request and of its response.
#[derive(Debug, Default)]
struct Recent {
    known: BTreeSet<(DecisionId, NameHash)>,
}

/// Pairs remembered: far more than decisions between a request and its response.
const PAIRS: usize = 1 << 18;

impl Recent {
    /// True the first time.
    fn is_new(&mut self, pair: (DecisionId, NameHash)) -> bool {
        let new = self.known.insert(pair);
        if self.known.len() > PAIRS {
            // Ids are in order of their requests.
            self.known.pop_first();
        }
        new
    }
}

fn count(rules: &mut BTreeMap<NameHash, RuleStats>, row: &Row, truth: Truth, recent: &mut Recent) {
    for fired in &row.rules {
        let stats = rules.entry(fired.rule).or_default();
        let how = fired.how;
        let fires = how.has(How::LIVE) || how.has(How::SHADOW) || how.has(How::LIFTED);
        stats.fired += u64::from(fires);
        stats.shadow += u64::from(how.has(How::SHADOW));
        stats.stopped += u64::from(how.has(How::STOPPED));
        if !recent.is_new((row.id, fired.rule)) {
            continue;
        }
        match truth.label {
            Some((_, Said::Fraud)) => stats.bad += 1,
            Some((_, Said::Good)) => stats.good += 1,
            Some(_) => stats.unsure += 1,
            None => stats.unlabelled += 1,
        }
        stats.chargebacks += u64::from(truth.chargeback);
    }
}
