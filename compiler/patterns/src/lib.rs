//! Many patterns, one pass: which of some hundred texts and regular expressions hold for a text, as a bitset.
//!
//! For a rule-set plan that has gathered every `contains`, `starts with`, `ends with`, `matches` and glob on one text field.
//! A set is built once, is immutable and may be shared between threads; each thread has a [`Scratch`] of its own.
//!
//! ```
//! use weir_patterns::{Limits, Pattern, PatternSet};
//!
//! let set = PatternSet::new(
//!     &[
//!         Pattern::Contains("curl/".into()),
//!         Pattern::StartsWith("Mozilla/".into()),
//!         Pattern::Regex(r"(?i)headless|Chrome/[0-9]{2}\.".into()),
//!     ],
//!     &Limits::default(),
//! );
//! let mut scratch = set.scratch();
//! let mut found = vec![0; set.words()];
//! set.scan("Mozilla/5.0 (X11) HeadlessChrome/124.0", &mut scratch, &mut found);
//! assert_eq!(found, [0b110]);
//! ```
//!
//! # Stages
//!
//! ```text
//!  patterns ──▶ shape: nothing to ask │ words │ an expression, and words that it needs ──▶ plan
//!
//!                  ┌────────────────────────────────────────────────────────────────────────────────┐
//!  text ─────┬───▶ │ heads     one automaton from the start on, until nothing can match any more    │──▶ found
//!            ├───▶ │ tails     one automaton from the end back, the same                            │──▶ found
//!            │     ├────────────────────────────────────────────────────────────────────────────────┤
//!            ├───▶ │ lanes     32 or 64 places at once: may a fragment of a word stand here?        │
//!            │     │   └─▶ filter      is it one?                                                   │
//!            │     │         └─▶ words     does the word stand here? ───────────────────────────────│──▶ found
//!            │     │               ├─▶ try     an expression that begins with it, from here on ───────│──▶ found
//!            │     │               └─▶ pend    an expression that needs it; once, in the end ─────────│──▶ found
//!            │     ├────────────────────────────────────────────────────────────────────────────────┤
//!            ├───▶ │ rest      an automaton over all of it, for expressions that need no words      │──▶ found
//!            └───▶ │ strange   the engines of `regex`, for what fits into no automaton              │──▶ found
//!                  └────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Most texts pass the lanes with a few marks, of which half are words; of the expressions most never run. A stage without patterns costs
//! nothing. Automata that would be large in Unicode are built for ASCII and quit at the first other byte: then `regex` is asked, pattern
//! by pattern. Every answer is exact; what is rare in ordinary texts ([`commonplace`]) decides how fast a set is, and never what it finds.
//!
//! # Costs
//!
//! A text takes time in proportion to its length, whatever is written in it: trials of expressions share an allowance of a few steps a
//! byte, and what would take longer is decided once over the whole text. Nothing is allocated, but for what `regex` needs where it is
//! asked; it compiles an expression when it asks for it first. [`Limits`] bound the automata; the tables for words are some kilobytes and a
//! few dozen bytes a word.
//!
//! Look elsewhere for places of matches, for captures, for streams and for texts that are not UTF-8.

mod automaton;
mod codec;
mod commonplace;
mod crowd;
pub mod fuzzing;
mod lanes;
mod pattern;
mod plan;
mod scan;
mod shape;
mod simd;
mod words;

pub use codec::Unreadable;
pub use pattern::{Limits, Pattern};
pub use scan::Scratch;

use pattern::Single;
use plan::Plan;

/// A set of patterns that are looked for together. Immutable, `Send` and `Sync`.
#[derive(Debug)]
pub struct PatternSet {
    singles: Box<[Single]>,
    plan: Plan,
}

impl PatternSet {
    /// Builds a set. Never fails: what would be larger than `limits` is looked for in a slower way.
    ///
    /// A regular expression that `regex` refuses is a pattern that never holds.
    pub fn new(patterns: &[Pattern], limits: &Limits) -> PatternSet {
        PatternSet { singles: patterns.iter().map(Single::new).collect(), plan: Plan::new(patterns, limits) }
    }

    /// The number of patterns.
    pub fn len(&self) -> usize {
        self.singles.len()
    }

    /// Whether there are no patterns.
    pub fn is_empty(&self) -> bool {
        self.singles.is_empty()
    }

    /// The number of words that [`scan`](Self::scan) writes: 64 patterns each, the last filled with zeros.
    pub fn words(&self) -> usize {
        self.len().div_ceil(64)
    }

    /// Bytes that the tables take, without the patterns themselves and without what `regex` makes of those that are left to it.
    pub fn bytes(&self) -> usize {
        self.plan.bytes()
    }

    /// Room for one thread to scan in.
    pub fn scratch(&self) -> Scratch {
        Scratch::new(self.plan.confirms.len())
    }

    /// Sets bit `i % 64` of `found[i / 64]` if pattern `i` holds for `text`, and clears all others.
    ///
    /// `found` has [`words`](Self::words) words; of a shorter one the bits that have no place are lost, of a longer one the rest is
    /// cleared. A scratch of another set is taken too, at the price of an allocation.
    #[inline]
    pub fn scan(&self, text: &str, scratch: &mut Scratch, found: &mut [u64]) {
        scan::scan(&self.plan, &self.singles, text, scratch, found);
    }

    /// The set as bytes for a cache, which [`from_bytes`](Self::from_bytes) reads much faster than [`new`](Self::new) builds.
    ///
    /// The bytes are the same on every machine and belong to one version of this crate.
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::write(&self.singles, &self.plan)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] when the bytes are of another version or are none of a set. Bytes that were made to deceive give a set that
    /// finds something else, and no worse: whoever stores them keeps a hash of them.
    pub fn from_bytes(bytes: &[u8]) -> Result<PatternSet, Unreadable> {
        let (singles, plan) = codec::read(bytes)?;
        Ok(PatternSet { singles, plan })
    }
}
