//! Weir's own tiers.
//!
//! ```text
//!  Set ──source──▶ .weir text ──linked──▶ Hir with lists ─┬─bytecode──▶ a program a rule
//!                                                         └─plan──────▶ one plan for all ──▶ its groups as native code
//! ```
//!
//! A further tier is a module here that starts from [`linked::Linked`], and a line in [`ALL`].

use super::Engine;

mod bytecode;
mod linked;
mod plan;
mod source;

pub use source::source;

/// The tiers, the fastest first: ratios are told to that one.
pub const ALL: [&dyn Engine; 3] = [&plan::Machine, &plan::Interpreted, &bytecode::Bytecode];
