//! Why a file is no model that runs here, and why a call gives no answer.

use thiserror::Error;

/// Why a file is refused. The text says what is wrong in the file's own names, and what to do where there is something.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The bytes are no ONNX model, or one that contradicts itself.
    #[error("no sound ONNX model: {0}")]
    Malformed(String),
    /// Past one of the [`Limits`](crate::Limits).
    #[error("too large: {is} {what}, and at most {most} are taken")]
    TooLarge {
        /// Of what there is too much.
        what: &'static str,
        /// How much there is.
        is: u64,
        /// How much there may be.
        most: u64,
    },
    /// External data, custom operators, functions of its own.
    #[error("not allowed: {0}")]
    Forbidden(String),
    /// A back-end cannot run the model.
    #[error("{0}")]
    Unsupported(String),
    /// A back-end is not there.
    #[error("{0}")]
    Absent(String),
}

impl Refusal {
    pub(crate) fn malformed(text: impl Into<String>) -> Self {
        Self::Malformed(text.into())
    }

    pub(crate) fn unsupported(text: impl Into<String>) -> Self {
        Self::Unsupported(text.into())
    }
}

/// Why a call gives no answer; to a policy it is *unknown*.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The inputs are not those of the signature.
    #[error("{0}")]
    Inputs(String),
    /// A value is none that the model takes: a category never seen where the model forbids it, an index outside of its table.
    #[error("{0}")]
    Value(String),
    /// A back-end reports an error.
    #[error("{0}")]
    Backend(String),
}
