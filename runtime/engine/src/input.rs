//! What comes in.

use serde::{Deserialize, Serialize};
use weir_compiler::ids::{CallId, FieldId, ModelId};
use weir_compiler::value::Value;

use crate::command::Command;
use crate::decision::Decision;
use crate::engine::Draft;
use crate::record::Record;

/// The number of a request, given out in order from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Seq(pub u64);

/// An input. The engine has no other clock than the times of these, in milliseconds UTC.
#[derive(Clone, Debug)]
pub enum Input {
    /// A request, before it is answered.
    Request {
        /// When.
        at: i64,
        /// Its events, `http.request` first, then those derived from it, in order.
        events: Vec<Record>,
    },
    /// The response of an earlier request.
    Response {
        /// Which request, by the sequence number of its decision.
        request: Seq,
        /// When. State is stamped with the request's time, as is everything else.
        at: i64,
        /// The response fields of each of the request's events, in their order. Fields that are not known only with the
        /// response are ignored, and values that the schema refuses.
        fields: Vec<Vec<(FieldId, Value)>>,
        /// Events that begin at the response, such as `http.response`.
        events: Vec<Record>,
    },
    /// An operator says something.
    Command {
        /// When.
        at: i64,
        /// What.
        command: Command,
    },
    /// Time passes and nothing else happens.
    Tick {
        /// When.
        at: i64,
    },
}

/// What `begin` answers.
#[derive(Debug)]
pub enum Step {
    /// The decision.
    Decided(Decision),
    /// It depends on models: hand their outcomes to `resume`. State has been updated; other inputs need not wait.
    Pending(Pending),
}

/// A decision that waits for models.
#[derive(Debug)]
pub struct Pending {
    /// What to ask.
    pub calls: Vec<CallRequest>,
    pub(crate) draft: Box<Draft>,
}

impl Pending {
    /// The number of the decision.
    pub fn seq(&self) -> Seq {
        self.draft.seq
    }
}

/// A question for a model.
#[derive(Clone, Debug, PartialEq)]
pub struct CallRequest {
    /// Which call of the rule set.
    pub call: CallId,
    /// The model.
    pub model: ModelId,
    /// Its inputs, in the order in which it declares them; all known.
    pub inputs: Vec<Value>,
    /// Which event of the request, in order; events of a deadline come first.
    pub event: usize,
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// An answer. One that is not of the model's type counts as failed.
    Answer(Value),
    /// None by the deadline.
    Late,
    /// An error, or no such model.
    Failed,
}
