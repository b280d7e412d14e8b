//! Back-ends that run a graph as it is, behind one interface.

use crate::call::{Input, Output, Values};
use crate::refusal::Failure;
use crate::signature::Signature;

/// A model in a back-end that is not ours.
pub(crate) trait Loaded: std::fmt::Debug + Send + Sync {
    /// What it takes and gives.
    fn signature(&self) -> &Signature;

    /// A session for one worker.
    fn session(&self) -> Result<Box<dyn Session>, Failure>;
}

/// What one worker runs a model with.
pub(crate) trait Session: Send {
    /// Computes some rows; the answers stay in the session.
    fn run(&mut self, rows: usize, inputs: &[Input<'_>]) -> Result<(), Failure>;

    /// The answers.
    fn columns(&self) -> &[Column];
}

/// The values of one output for all rows of a call.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) values: Values,
    /// Values for each row.
    pub(crate) width: usize,
}

impl Column {
    /// Adds the rows of another.
    #[cfg_attr(
        not(any(feature = "onnxruntime", feature = "tract")),
        expect(dead_code, reason = "this build has no other back-end")
    )]
    pub(crate) fn extend(&mut self, other: Self) {
        match (&mut self.values, other.values) {
            (Values::Float(all), Values::Float(more)) => all.extend(more),
            (Values::Double(all), Values::Double(more)) => all.extend(more),
            (Values::Int(all), Values::Int(more)) => all.extend(more),
            (Values::Text(all), Values::Text(more)) => all.extend(more),
            // A back-end answers in one type.
            _ => {}
        }
    }

    /// The values of one row.
    pub(crate) fn row(&self, row: usize) -> Option<Output<'_>> {
        let range = row * self.width..(row + 1) * self.width;
        Some(match &self.values {
            Values::Float(values) => Output::Float(values.get(range)?),
            Values::Double(values) => Output::Double(values.get(range)?),
            Values::Int(values) => Output::Int(values.get(range)?),
            Values::Text(values) => Output::Text(values.get(range)?),
        })
    }
}
