//! Declarations, project files, sessions and linking, from text.

mod env;
mod evolution;
mod project;
mod support;
