//! One look at an event, as a record keeps it: what was there, and what was asked and answered.

mod read;
mod write;

pub(super) use read::{Reader, clear};
pub(super) use write::{
    call_name, fate_byte, phase_byte, put_clear, put_hash, put_key, put_look, put_option, rule_hash,
};

use smol_str::SmolStr;
use weir_compiler::hir::Phase;
use weir_compiler::ids::*;

use super::notes::Notes;
use crate::decision::{Effect, Fate};
use crate::keyhash::KeyHash;
use crate::names::Origin;
use crate::recording::Look;

/// An entry that the event met.
#[derive(Clone, Copy, Debug)]
pub(super) struct Met {
    pub(super) origin: Origin,
    pub(super) hash: KeyHash,
    pub(super) until: i64,
    pub(super) shadow: bool,
    pub(super) fate: Fate,
}

/// A look, read from a record.
#[derive(Debug)]
pub(super) struct LookRecord {
    pub(super) event: EventId,
    pub(super) phase: Phase,
    pub(super) look: Look,
    pub(super) notes: Notes,
    pub(super) inherited: Vec<SmolStr>,
    pub(super) exemptions: Vec<RuleId>,
    pub(super) spared: Vec<(RuleId, u16, bool)>,
    pub(super) keys: Vec<(RuleId, SmolStr, Option<KeyHash>)>,
    pub(super) caps: Vec<bool>,
    pub(super) exceeded: Vec<bool>,
    pub(super) entries: Vec<Met>,
    pub(super) panic: bool,
    pub(super) full: Vec<QueueId>,
    pub(super) standing: Vec<String>,
    /// Something in it is not as it was: it is asked what would have been.
    pub(super) changed: bool,
    /// Done once the verdict was found.
    pub(super) after: Vec<Effect>,
}
