//! Names, types and lints for Weir policies; the typed [`hir::Hir`] and the reference walker.

pub mod arith;
pub mod civil;
pub mod convert;
pub mod data;
pub mod hir;
pub mod ids;
pub mod schema;
pub mod show;
pub mod types;
pub mod value;
pub mod walk;
