//! Why groups stay with the interpreter.

use thiserror::Error;

/// Why a chunk has no native code, or has it no more. Never an error to a user: its groups are interpreted.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// The machine, or the build, has no native tier.
    #[error("no native code on this machine: {0}")]
    Unsupported(String),
    /// The plan's tables are not what the code would rely on.
    #[error("the plan has {0}")]
    Inconsistent(&'static str),
    /// Too much for one function.
    #[error("too large: {count} {what}, and at most {most} are compiled at once")]
    Large {
        /// Of what there is too much.
        what: &'static str,
        /// How much there is.
        count: usize,
        /// How much there may be.
        most: usize,
    },
    /// The intermediate form is not well-formed.
    #[error("the verifier refuses it: {0}")]
    Verifier(String),
    /// An access to memory is not known to be inside its region.
    #[error("the checker refuses it: {0}")]
    Unchecked(String),
    /// The code generator failed.
    #[error("the code generator fails: {0}")]
    Codegen(String),
    /// The code refers to something outside of it.
    #[error("the code is not complete in itself: {0}")]
    Incomplete(&'static str),
    /// The code generator panicked.
    #[error("the code generator panicked")]
    Panicked,
    /// The operating system gives no executable memory.
    #[error("no executable memory: {0}")]
    Memory(String),
    /// It disagreed with the interpreter.
    #[error("its code disagreed with the interpreter")]
    Demoted,
    /// The compilation was cancelled.
    #[error("cancelled")]
    Cancelled,
}
