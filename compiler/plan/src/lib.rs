//! The plan of a rule set: many conditions over one event, evaluated together.
//!
//! ```text
//!  expressions ─condition─▶ conditions over literals ─clause─▶ clauses ─cluster─▶ groups of one shape
//!                              (each literal once)                                    │
//!  what is loaded ──axis──▶ coders: value ─▶ class (or the patterns found in it)      ▼
//!                                                │                          rows of bits by class
//!  event ────────────────────────────────────────┴──── frame ──evaluate──▶ conditions that hold
//! ```
//!
//! A condition costs one bit in a few rows, whatever it looks at, so ten thousand of them cost little more than a thousand. What no plan
//! can say, because it asks state, a model or arithmetic, is left open: the plan finds the conditions that may hold, and the
//! engine's evaluator has the last word on those.
//!
//! **Missing values.** A literal about a missing value is unknown, and in a condition with `not` at the literals alone, the condition
//! is true for certain just when it is with every unknown literal false, and may be true just when it is with every unknown
//! literal true. Both are a look-up of another row.

mod axis;
mod check;
mod clause;
mod cluster;
mod coder;
mod condition;
mod cost;
mod demand;
mod direct;
mod evaluate;
mod frame;
#[cfg(feature = "generate")]
#[doc(hidden)]
pub mod generate;
mod group;
mod kernel;
mod likely;
mod literal;
mod memo;
mod plan;
mod print;
mod runs;
mod scalar;
mod straight;

pub use axis::AxisId;
pub use condition::{Condition, Conditions};
pub use frame::Frame;
pub use group::{Group, Row as Bits, Source, Step};
pub use kernel::{Held, Inputs, Interpreter, Kernel};
pub use literal::{Column, Literal, LiteralId, Literals, Test};
pub use plan::Plan;
pub use scalar::{Kind, Row, Scalar};
