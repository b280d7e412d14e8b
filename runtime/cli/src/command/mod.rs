//! The commands, one a file: each takes its arguments and the [`Ui`](crate::ui::Ui), and answers an exit code.

pub(crate) mod check;
pub(crate) mod compile;
pub(crate) mod completions;
pub(crate) mod explain;
pub(crate) mod fix;
pub(crate) mod fmt;
pub(crate) mod init;
pub(crate) mod ir;
pub(crate) mod journal;
pub(crate) mod keygen;
pub(crate) mod lsp;
pub(crate) mod model;
pub(crate) mod model_bench;
pub(crate) mod model_compare;
pub(crate) mod record;
pub(crate) mod replay;
pub(crate) mod rules;
pub(crate) mod run;
pub(crate) mod test;
