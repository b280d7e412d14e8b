//! Declarations, project files, sessions and linking, from text.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may; helpers outside `#[test]` functions are not seen as tests"
)]

mod again;
mod analysis;
mod env;
mod evolution;
mod link;
mod project;
mod support;
