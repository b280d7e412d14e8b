//! Names, types and lints for Weir policies; the typed [`hir::Hir`] and the reference walker.

pub mod hir;
pub mod ids;
pub mod schema;
pub mod types;
pub mod value;
