//! What the recorders share: labelled truth, and counting against it.
//!
//! Figures in the README come from the programs of this crate, recorded under `benches/record/` with machine and
//! commit.

pub mod conditions;
pub mod generate;
pub mod logins;
pub mod records;
pub mod replay;
pub mod session;
pub mod text;
