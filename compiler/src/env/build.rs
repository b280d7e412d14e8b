//! From trees to an [`Env`].

use std::sync::Arc;

use weir_dsl::{Diagnostic, FileId, ast};

use super::Env;

/// See [`Env::build`].
pub(super) fn build(_files: &[(FileId, Arc<ast::File>)]) -> (Env, Vec<Diagnostic>) {
    (Env::default(), Vec::new())
}
