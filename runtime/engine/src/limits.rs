//! What an engine may hold, and what it is told when it is made.

use smol_str::SmolStr;
use weir_compiler::evaluate::Tier;

use crate::keyhash::Secret;

/// Bounds on memory. Whatever comes in, an engine holds no more than these say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of state, shared out evenly among the states of a rule set by their worst case a key.
    pub state_bytes: u64,
    /// Keys of one state, sequence, cohort or fact.
    pub keys: usize,
    /// Tagged keys.
    pub tagged: usize,
    /// Entries of each enforcement table.
    pub entries: usize,
    /// Requests that wait for their response.
    pub exchanges: usize,
    /// Matches that wait for a terminal absence.
    pub timers: usize,
    /// Actors counted by one cap on a share.
    pub actors: usize,
    /// Known-good actors that the brake of one rule keeps; past it, a sample of so many.
    pub braked: usize,
    /// Open cases of one queue.
    pub cases: usize,
    /// Decisions that labels can be joined to.
    pub remembered: usize,
    /// Actors that somebody has called good.
    pub labelled: usize,
    /// Names that operators have switched.
    pub switches: usize,
}

impl Default for Limits {
    /// 1 GiB of state, a million keys each, 100,000 of most other things; 2,048 actors a brake, 10,000 cases a queue.
    fn default() -> Self {
        Self {
            state_bytes: 1 << 30,
            keys: 1_000_000,
            tagged: 100_000,
            entries: 100_000,
            exchanges: 100_000,
            timers: 100_000,
            actors: 100_000,
            braked: 2_048,
            cases: 10_000,
            remembered: 100_000,
            labelled: 100_000,
            switches: 10_000,
        }
    }
}

/// How an engine is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whose traffic it is; part of every key hash.
    pub tenant: SmolStr,
    /// The secret of every key hash.
    pub secret: Secret,
    /// How much later than the newest input an event may come and still be waited for, in ms.
    pub lateness: i64,
    /// Every rule acts, whatever its mode.
    pub as_enforced: bool,
    /// The engine only watches: a request that it would have stopped was answered all the same, and its response counts.
    pub observe: bool,
    /// Decisions keep what they read, so that they can be explained. Costs an allocation for each reading.
    pub record: bool,
    /// Reasons and explanations show personal values in clear instead of as keyed hashes.
    pub reveal: bool,
    /// Address prefixes are missing everywhere, as where nobody sees addresses.
    pub without_prefixes: bool,
    /// What evaluates expressions. Every tier gives the same decisions.
    pub tier: Tier,
    /// Bounds on memory.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tenant: SmolStr::default(),
            secret: Secret::PUBLIC,
            lateness: 0,
            as_enforced: false,
            observe: false,
            record: false,
            reveal: false,
            without_prefixes: false,
            tier: Tier::default(),
            limits: Limits::default(),
        }
    }
}
