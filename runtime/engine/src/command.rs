//! What an operator tells a running engine.
//!
//! Commands are inputs like any other: they come in order with events, change state alone, and a journal that holds
//! them replays to the same decisions.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use weir_compiler::hir::Verb;

use crate::control::Engaged;
use crate::engine::Engine;

/// A command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// `panic off`: no rule, entry or score acts until it is taken back; counting goes on.
    Panic {
        /// Off, or on again.
        off: bool,
    },
    /// Switches the rules of a package, of a policy (`package.policy`) or one rule by full name off or on: off, they
    /// neither fire nor count as unknown, and their entries are lifted. The latest command about a rule counts.
    Switch {
        /// What.
        name: SmolStr,
        /// Off, or on again.
        off: bool,
    },
    /// Lets a rule act again that the brake has suspended.
    Resume {
        /// The rule's full name.
        rule: SmolStr,
    },
    /// Ends a case with a person's verdict.
    Release {
        /// Its number.
        case: u64,
        /// The verdict.
        #[serde(with = "crate::cases::word")]
        verdict: Verb,
    },
}

/// What came of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It is done; it was about so many rules or cases.
    Done(usize),
    /// There is no such rule, package or case, or nothing to take back.
    NotFound,
    /// There is no room for another switch.
    NoRoom,
}

impl Engine {
    /// Switches off, or on again, what [`Command::Switch`] says, and answers how many rules that is.
    pub fn switch(&mut self, name: &str, off: bool) -> usize {
        match self.obey(Command::Switch { name: name.into(), off }, self.seen()).0 {
            Answer::Done(found) => found,
            Answer::NotFound | Answer::NoRoom => 0,
        }
    }

    /// Does what a command says; with it the case that it has closed.
    pub(crate) fn obey(&mut self, command: Command, at: i64) -> (Answer, Option<crate::Closed>) {
        let set = std::sync::Arc::clone(&self.set);
        let mut closed = None;
        let answer = match command {
            Command::Panic { off } => self.control.panic(off.then_some(at)),
            Command::Switch { name, off } => {
                self.control.switch(&set, name, off, self.options.limits.switches)
            }
            Command::Resume { rule } => self.control.resume(&rule),
            Command::Release { case, verdict } => {
                closed = self.control.cases.release(case, verdict);
                if closed.is_some() { Answer::Done(1) } else { Answer::NotFound }
            }
        };
        self.control.bind(&set);
        (answer, closed)
    }

    /// What stands over the rules now: a panic, suspensions, attack mode.
    pub fn engaged(&self) -> Vec<Engaged> {
        self.control.engaged(&self.set, self.seen())
    }
}
