//! Declarations, project files, sessions and linking, from text.

mod env;
mod project;
mod support;
