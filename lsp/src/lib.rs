//! The language server of Weir: what an editor asks of policies, answered while they are being typed.
//!
//! ```text
//!  client ──Message──▶ server (one thread: edits in order, then diagnostics) ──Snapshot──▶ readers (a few threads)
//!                         │                                                               hover, completion, …
//!                         └── project: texts + Analysis, the session of `weir check` ◀── Host: files, the engine
//! ```
//!
//! [`serve`] runs over any [`lsp_server::Connection`]: standard input and output, a socket, or channels in memory. The crate
//! reads no files and knows no engine; a [`Host`] brings both. `docs/editors.md` says what an author sees of it.
//!
//! A pass that panics is caught and logged; the answer is then empty, or what was known before, and the server goes on.

mod features;
pub mod host;
mod lane;
mod lex;
mod project;
mod protocol;
mod server;
pub mod text;
pub mod uri;
pub mod words;

pub use host::{Host, Loaded, Memory};
pub use project::Trap;
pub use server::{Options, serve};
