//! A node that decides a stream: lines in, decisions out, and a memory that outlives it.
//!
//! ```text
//!  stdin ──feed──▶ Line ──lines──▶ engine inputs ──Engine──▶ Decision ──answer──▶ stdout
//!                                                   ▲   └────snapshot────▶ memory (a folder)
//!  policy files ──watch──▶ Version ──Engine::swap───┘
//! ```
//!
//! One thread decides; one reads lines, and one looks after the policies and checks them when they change, so that neither
//! keeps a decision waiting.

pub(crate) mod answer;
pub(crate) mod feed;
pub(crate) mod journal;
pub(crate) mod lines;
pub(crate) mod memory;
