//! Records of decisions: everything a decision was made of, so that it can be made again anywhere.
//!
//! ```text
//!  Engine::evidence(decision) ──▶ Evidence ──add──▶ file ──File::open──▶ reexecute ──▶ the same bytes
//! ```
//!
//! A record holds the rule set's sources, what was known of each event, what state answered, and the decision. From
//! it filters, conditions, scores, caps, reasons and the verdict are worked out again, without state, without lists
//! and without the secret: `docs/reference/records.md`. Personal fields are in it as keyed hashes, with what the
//! conditions on them were.

mod beside;
mod boundary;
mod compiled;
mod file;
mod index;
mod look;
mod notes;
mod outcome;
mod reexecute;
mod rules;
mod whatif;

pub use compiled::{Compiled, Reexecuted};
pub use file::{Evidence, File, MAGIC, VERSION, add, add_rules, begin, personal};
pub use rules::{Rules, RulesHash};

pub(crate) use boundary::Boundaries;
pub(crate) use notes::{Judged, Notes, Put};
pub(crate) use whatif::verdict as verdict_if;

use std::sync::Arc;

use crate::decision::{Decision, EventDecision};
use crate::engine::Engine;
use crate::wire;

/// Why a record cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It begins with something else.
    #[error("this is no file of decision records")]
    Magic,
    /// It is of a later version.
    #[error("version {0} of decision records is not known here")]
    Version(u64),
    /// Its bytes are not as they were written, or cannot mean anything.
    #[error("the record is damaged: {0}")]
    Damaged(&'static str),
    /// Its rule set does not compile.
    #[error("the rule set of the record does not compile: {0}")]
    Rules(String),
    /// It has no decision of that number.
    #[error("there is no decision {0} in the file")]
    None(usize),
}

impl From<wire::Error> for Error {
    fn from(error: wire::Error) -> Self {
        match error {
            wire::Error::Short => Self::Damaged("the bytes end too early"),
            wire::Error::Magic(_) => Self::Magic,
            wire::Error::Version(version) => Self::Version(version),
            wire::Error::Damaged(what) => Self::Damaged(what),
        }
    }
}

impl Engine {
    /// The record of a decision that this engine has made with [`crate::Options::record`]; nothing without that, and
    /// nothing where personal values are shown in clear: a record keeps none. To be asked for before the rule set is
    /// replaced: of a decision of a former one there is nothing either.
    pub fn evidence(&self, decision: &Decision) -> Option<Evidence> {
        let former = |look: &EventDecision| {
            let notes = look.sheet.as_deref().and_then(|sheet| sheet.notes.as_deref());
            notes.and_then(|notes| notes.set.as_ref()).is_none_or(|set| !Arc::ptr_eq(set, &self.set))
        };
        if self.set.reveal || decision.looks().any(former) {
            return None;
        }
        let mut inputs = Vec::with_capacity(2_048);
        compiled::put_head(&mut inputs, decision);
        decision.looks().try_for_each(|look| look::put_look(&mut inputs, &self.set, look))?;
        let outcome = outcome::bytes(&self.set, decision);
        Some(Evidence { number: decision.seq.0, inputs, outcome, sealed: Vec::new() })
    }

    /// The personal fields of a recorded decision in clear, to be sealed: [`personal`] reads them.
    pub fn personal(&self, decision: &Decision) -> Vec<u8> {
        let mut out = Vec::new();
        decision.looks().for_each(|look| look::put_clear(&mut out, &self.set, look));
        out
    }

    /// The decision as bytes: two are the same if and only if these are.
    pub fn decision_bytes(&self, decision: &Decision) -> Vec<u8> {
        outcome::bytes(&self.set, decision)
    }
}
