//! What state answered while an event was judged: what a record of the decision needs beside the readings.

use std::sync::Arc;

use weir_compiler::data::Data;
use weir_compiler::ids::*;

use crate::control::Halt;
use crate::engine::Engine;
use crate::names::Origin;
use crate::resolve::Sheet;
use crate::ruleset::{PhasePlan, RuleSet};

/// Which plan an event was judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Judged {
    /// What is known at the request.
    #[default]
    Request,
    /// What is known at the response.
    Response,
    /// A sequence's deadline.
    Deadline(SequenceId),
}

/// What became of an entry that a rule put on a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Put {
    /// The action that put it.
    pub(crate) origin: Origin,
    /// It is new.
    pub(crate) fresh: bool,
    /// It stops the event at hand.
    pub(crate) stops: bool,
}

/// Everything that state was asked beside readings, in the order in which it was asked.
#[derive(Clone, Debug)]
pub(crate) struct Notes {
    /// The rule set that judged; of a record, that of the record.
    pub(crate) set: Option<Arc<RuleSet>>,
    /// What was loaded then.
    pub(crate) data: Arc<Data>,
    pub(crate) judged: Judged,
    /// How many of the exempted packages were exempted before any rule of this look acted.
    pub(crate) inherited: usize,
    /// Rules that look at the event and were switched off.
    pub(crate) off: Vec<RuleId>,
    /// Whether each rule acts: live, in shadow, or not at all.
    pub(crate) acts: Vec<(RuleId, Option<bool>)>,
    /// Rules that waited for models.
    pub(crate) open: Vec<RuleId>,
    pub(crate) puts: Vec<Put>,
    /// Decoys that were over their rate.
    pub(crate) refused: Vec<DecoyId>,
}

impl Engine {
    /// Begins to note what state says, and takes the readings out, where decisions are to be recorded.
    pub(crate) fn begin_notes(&self, phase: &PhasePlan, sheet: &mut Sheet) {
        if !self.options.record {
            return;
        }
        let record = sheet.record.clone();
        sheet.look = Some(self.view(&record, sheet.at, false).look(&record, &phase.asks));
        let hir = &self.set.hir;
        let looks = |rule: RuleId| {
            let policy = hir.rules.get(rule).and_then(|rule| hir.policies.get(rule.policy));
            policy.is_some_and(|policy| policy.events.contains(&sheet.event))
        };
        sheet.notes = Some(Box::new(Notes {
            data: Arc::clone(&self.data),
            judged: phase.judged,
            inherited: sheet.exempted.len(),
            off: hir
                .rules
                .ids()
                .filter(|id| self.control.halt(&self.set, *id) == Halt::Off && looks(*id))
                .collect(),
            set: Some(Arc::clone(&self.set)),
            acts: Vec::new(),
            open: Vec::new(),
            puts: Vec::new(),
            refused: Vec::new(),
        }));
    }
}
