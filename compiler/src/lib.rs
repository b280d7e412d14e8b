//! Names, types and lints for Weir policies; the typed [`hir::Hir`] and the reference walker.

pub mod analysis;
pub mod arith;
pub mod budget;
pub mod calendar;
pub mod canonical;
pub mod check;
pub mod civil;
pub mod convert;
pub mod data;
pub mod env;
pub mod evolution;
pub mod hir;
pub mod ids;
pub mod link;
pub mod lint;
pub mod literal;
pub mod mentions;
pub mod project;
pub mod schema;
pub mod show;
pub mod suggest;
pub mod tune;
pub mod types;
pub mod value;
pub mod visit;
pub mod walk;
