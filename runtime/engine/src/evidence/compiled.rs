//! A rule set made ready to make decisions again.

use weir_compiler::evaluate::Tier;
use weir_compiler::hir::{Hir, Phase};

use super::beside::Beside;
use super::file::Evidence;
use super::index::Index;
use super::look::{self, Reader};
use super::{Error, outcome, reexecute};
use crate::decision::{Decision, EventDecision};
use crate::explain::{self, Explanation};
use crate::input::Seq;
use crate::limits::Options;
use crate::record::Record;
use crate::ruleset::RuleSet;
use crate::wire::{Bytes, put_bytes, put_i64, put_u64};

/// A rule set, and what the names in its records mean.
#[derive(Debug)]
pub struct Compiled {
    set: RuleSet,
    index: Index,
}

/// Appends when a decision was made, and how many looks at events follow: deadlines first.
pub(super) fn put_head(out: &mut Vec<u8>, decision: &Decision) {
    put_u64(out, decision.seq.0);
    put_i64(out, decision.at);
    out.push(look::phase_byte(decision.phase));
    put_u64(out, decision.deadlines.len() as u64);
    put_u64(out, decision.events.len() as u64);
    put_bytes(out, &Beside::of(decision).bytes());
}

impl Compiled {
    /// Over a linked rule set. [`super::File`] does this with the rule sets in it; whoever has one already needs no file.
    pub fn new(hir: Hir) -> Self {
        // What the record has settled is known to the walker alone.
        let options = Options { tier: Tier::Walker, ..Options::default() };
        let mut set = RuleSet::new(hir, &options);
        set.hasher.recalled = true;
        Self { index: Index::new(&set), set }
    }

    /// The rule set.
    pub fn hir(&self) -> &Hir {
        &self.set.hir
    }

    /// Makes a decision again, and compares. Cost: that of judging its events once.
    ///
    /// # Errors
    /// When its inputs do not fit the rule set.
    pub fn reexecute(&self, evidence: &Evidence) -> Result<Reexecuted, Error> {
        let reader = Reader { set: &self.set, index: &self.index };
        let mut bytes = Bytes::new(&evidence.inputs);
        let (seq, at) = (Seq(bytes.u64()?), bytes.i64()?);
        let phase = match bytes.byte()? {
            0 => Phase::Request,
            1 => Phase::Response,
            2 => Phase::Timer,
            _ => return Err(Error::Damaged("a decision of no known phase")),
        };
        let (deadlines, events): (usize, usize) = (bytes.small()?, bytes.small()?);
        let beside = Beside::read(bytes.bytes()?)?;
        let mut looks = |count: usize| -> Result<Vec<EventDecision>, Error> {
            if count > bytes.left() {
                return Err(Error::Damaged("the bytes end too early"));
            }
            (0..count).map(|_| Ok(reexecute::look(&self.set, reader.look(&mut bytes)?)?)).collect()
        };
        let (deadlines, events) = (looks(deadlines)?, looks(events)?);
        bytes.end()?;
        let decision = beside.with(Decision::of(seq, at, phase, events, deadlines));
        let outcome = outcome::bytes(&self.set, &decision);
        let identical = outcome == evidence.outcome;
        Ok(Reexecuted { decision, outcome, identical })
    }

    /// Explains a decision made again, as the engine explained the first.
    pub fn explain(&self, made: &Reexecuted) -> Explanation {
        explain::explain(&self.set, &made.decision)
    }
}

/// A decision made again.
#[derive(Debug)]
pub struct Reexecuted {
    /// The decision. Personal values are their pseudonyms, as texts.
    pub decision: Decision,
    /// Its bytes.
    pub outcome: Vec<u8>,
    /// They are those on record.
    pub identical: bool,
}

impl Reexecuted {
    /// The events of the decision, with what was known of them; personal fields are their pseudonyms, as texts.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.decision.events.iter().filter_map(|look| Some(&look.sheet.as_deref()?.record))
    }
}
