//! Declarations, project files, sessions and linking, from text.

mod analysis;
mod env;
mod evolution;
mod link;
mod project;
mod support;
