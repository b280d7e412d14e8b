//! Weir's own tiers.
//!
//! ```text
//!  Set ──source──▶ .weir text ──linked──▶ Hir with lists ─┬─bytecode──▶ a program a rule
//!                                                         └─plan──────▶ one plan for all
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
pub const ALL: [&dyn Engine; 2] = [&plan::Interpreted, &bytecode::Bytecode];
