//! The native tier: plans of rule sets compiled to machine code.
//!
//! ```text
//!  Plan ──chunk──▶ chunks ──emit──▶ intermediate form ──check──▶ code generator ──▶ blob, by hash of the chunk's text
//!                    │                                                               │ copied to pages, made executable
//!                    └── refused: stays with the interpreter, and says why            ▼
//!  event ──Frame──▶ codes, rows joined by patterns ──Kernel::groups──▶ Native: blobs, and the interpreter for the rest
//!                                                                        └ canary: one event in N on both
//! ```
//!
//! What is compiled is the part of a plan that is arithmetic over memory: for each group of conditions, rows of bits are looked up by
//! class and joined ([`weir_plan::Kernel`]). Its code calls nothing, loops nowhere and touches six slices, and a checker that does
//! not know the emitter proves so much of each function before it is generated. Coding of values, patterns and checks of single
//! conditions stay with the plan.
//!
//! Nothing that fails here is an error: the groups concerned stay with the interpreter, and [`Native::status`] says why.

mod arena;
mod check;
mod chunk;
mod compile;
mod compiler;
mod emit;
mod entry;
#[cfg(test)]
mod faults;
mod native;
mod os;
mod print;
mod refusal;

pub use chunk::{Chunk, Hash, chunks};
pub use compile::{Generation, Optimize, Registers};
pub use compiler::{Compilation, Compiler, Options, Progress};
pub use entry::Blob;
pub use native::{Native, Status};
pub use print::{Texts, texts};
pub use refusal::Refusal;
