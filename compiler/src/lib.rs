//! Names, types and lints for Weir policies; the typed Hir and the reference walker.
