//! What stands in a decision beside what its rules say: it is state, and a record takes it as given.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::cases::Closed;
use crate::command::Answer;
use crate::decision::Decision;
use crate::wire::Error;

/// Cases that had ended, a panic, and what came of a command. Written as JSON, which these are elsewhere too; nothing
/// where there is none of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Beside {
    closed: Vec<Closed>,
    panic: bool,
    answer: Option<Answer>,
}

impl Beside {
    pub(super) fn of(decision: &Decision) -> Self {
        let Decision { closed, panic, answer, .. } = decision;
        Self { closed: closed.clone(), panic: *panic, answer: *answer }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        if *self == Self::default() { Vec::new() } else { json(self) }
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.is_empty() { Ok(Self::default()) } else { of_json(bytes) }
    }

    /// The decision with it.
    pub(super) fn with(self, decision: Decision) -> Decision {
        Decision { answer: self.answer, closed: self.closed, panic: self.panic, ..decision }
    }
}

/// A value as JSON. What is written here has names for keys and no number that JSON does not know.
pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

pub(super) fn of_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|_| Error::Damaged("what stands beside a decision"))
}
