//! What a ledger holds of a decision.

use serde::{Deserialize, Serialize};
use weir_compiler::hir::Verb;
use weir_engine::{Acting, Decision, DecisionId, Engine, Fate, NameHash, Said, Told};

/// A decision in which something happened. A request and its response are two rows of one id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Which.
    pub id: DecisionId,
    /// When, in ms UTC.
    pub at: i64,
    /// The verdict's number: 0 pass, 10 log, 20 throttle, 30 delay, 40 challenge, 50 step-up, 60 redirect, 70 deceive,
    /// 80 hold, 90 block.
    pub verdict: u8,
    /// It was stopped.
    pub stopped: bool,
    /// 0 to 100.
    pub score: i16,
    /// Rules that fired, or whose entry was met.
    pub rules: Vec<Fired>,
}

/// A rule in a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fired {
    /// The hash of its full name.
    pub rule: NameHash,
    /// What it did there.
    pub how: How,
}

/// What a rule did, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct How(pub u8);

impl How {
    /// It fired, or was unknown and says what then, and acts.
    pub const LIVE: Self = Self(1);
    /// The same in shadow.
    pub const SHADOW: Self = Self(2);
    /// The same, lifted by an exemption.
    pub const LIFTED: Self = Self(4);
    /// An entry that it had put before was met.
    pub const ENTRY: Self = Self(8);
    /// It stopped the request, alone or with others.
    pub const STOPPED: Self = Self(16);

    /// Whether it holds another.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// What somebody said of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaidRow {
    /// Which.
    pub id: DecisionId,
    /// When it was said, in ms UTC.
    pub at: i64,
    /// 1 fraud, 2 good, 3 unsure, 4 a chargeback.
    pub said: u8,
}

impl SaidRow {
    /// What was said at a time.
    pub const fn new(told: Told, at: i64) -> Self {
        let said = match told.said {
            Said::Fraud => 1,
            Said::Good => 2,
            Said::Unsure => 3,
            Said::Chargeback => 4,
        };
        Self { id: told.decision, at, said }
    }

    /// The same; nothing for what a later version may say.
    pub const fn said(&self) -> Option<Said> {
        match self.said {
            1 => Some(Said::Fraud),
            2 => Some(Said::Good),
            3 => Some(Said::Unsure),
            4 => Some(Said::Chargeback),
            _ => None,
        }
    }
}

/// A verdict's number, which no change of the lattice changes.
const fn number(verb: Verb) -> u8 {
    match verb {
        Verb::Pass => 0,
        Verb::Log => 10,
        Verb::Throttle => 20,
        Verb::Delay => 30,
        Verb::Challenge => 40,
        Verb::StepUp => 50,
        Verb::Redirect => 60,
        Verb::Deceive => 70,
        Verb::Hold => 80,
        Verb::Block => 90,
    }
}

impl Row {
    /// The row of a decision over a request or response, and the names of its rules; nothing when nothing happened.
    /// Deadlines that passed before belong to no request, and are not in it.
    pub fn of(engine: &Engine, decision: &Decision) -> Option<(Self, Vec<(NameHash, smol_str::SmolStr)>)> {
        let mut rules: Vec<Fired> = Vec::new();
        let mut names = Vec::new();
        let mut note = |rule, how: How| {
            let Some(name) = engine.hir().rules.get(rule).map(|rule| &rule.full_name) else { return };
            let hash = NameHash::of("rule", name);
            match rules.iter_mut().find(|known| known.rule == hash) {
                Some(known) => known.how.add(how),
                None => {
                    rules.push(Fired { rule: hash, how });
                    names.push((hash, name.clone()));
                }
            }
        };
        for look in &decision.events {
            for found in &look.matches {
                note(
                    found.rule,
                    match found.acting {
                        Acting::Live => How::LIVE,
                        Acting::Shadow => How::SHADOW,
                        Acting::Lifted => How::LIFTED,
                    },
                );
            }
            for hit in look.entries.iter().filter(|hit| hit.fate == Fate::Applied && !hit.shadow) {
                note(hit.rule, How::ENTRY);
            }
            if decision.stopped {
                look.stopped_by.iter().for_each(|rule| note(*rule, How::STOPPED));
            }
        }
        if rules.is_empty() && !decision.stopped {
            return None;
        }
        let row = Self {
            id: engine.decision_id(decision.seq),
            at: decision.at,
            verdict: number(decision.verdict.verb),
            stopped: decision.stopped,
            score: decision.score as i16,
            rules,
        };
        Some((row, names))
    }
}
