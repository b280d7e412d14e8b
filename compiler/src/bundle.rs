//! A linked rule set as bytes, so that it need not be parsed, checked and linked again.
//!
//! The encoding is [postcard](https://postcard.jamesmunns.com/wire-format)'s, and is that of one build of the compiler: whoever keeps
//! the bytes keeps them under a name that says which. Patterns are kept as they are written.
//!
//! Bytes that were not written by [`write`](fn@write) are refused where they cannot be read, where a reference has nothing to refer to, and where
//! an expression is not made of ones before it. They may still be nonsense: a checksum has to say that they are what was written.

use crate::hir::Hir;
use crate::ids::*;
use crate::visit::{self, Visitor};

/// Why bytes are no rule set.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// They cannot be read.
    #[error("the bundle cannot be read: {0}")]
    Encoding(#[from] postcard::Error),
    /// They refer to what is not there.
    #[error("the bundle refers to what it does not hold")]
    Reference,
}

/// The bytes of a linked rule set.
pub fn write(hir: &Hir) -> Vec<u8> {
    // Writing to memory what has only sequences of known length cannot fail.
    postcard::to_allocvec(hir).unwrap_or_default()
}

/// A rule set from its bytes. Cost: linear in them, and compiling its patterns.
///
/// # Errors
/// When they are no rule set whose references hold.
pub fn read(bytes: &[u8]) -> Result<Hir, BundleError> {
    let mut hir: Hir = postcard::from_bytes(bytes)?;
    if is_sound(&mut hir) { Ok(hir) } else { Err(BundleError::Reference) }
}

/// Whether every reference is to something, and expressions are made of ones before them.
fn is_sound(hir: &mut Hir) -> bool {
    let mut sound = Sound {
        below: usize::MAX,
        exprs: hir.exprs.len(),
        patterns: hir.patterns.len(),
        params: hir.params.len(),
        signals: hir.signals.len(),
        states: hir.states.len(),
        cohorts: hir.cohorts.len(),
        sequences: hir.sequences.len(),
        calls: hir.calls.len(),
        facts: hir.facts.len(),
        policies: hir.policies.len(),
        rules: hir.rules.len(),
        holds: true,
    };
    visit::hir(hir, &mut sound);
    for (at, expr) in hir.exprs.values_mut().enumerate() {
        sound.below = at;
        visit::expr(expr, &mut sound);
    }
    sound.holds
}

/// How many there are of what can be referred to.
struct Sound {
    /// Expressions from here on may not be referred to.
    below: usize,
    exprs: usize,
    patterns: usize,
    params: usize,
    signals: usize,
    states: usize,
    cohorts: usize,
    sequences: usize,
    calls: usize,
    facts: usize,
    policies: usize,
    rules: usize,
    holds: bool,
}

impl Visitor for Sound {
    fn expr(&mut self, id: &mut ExprId) {
        self.holds &= id.index() < self.exprs.min(self.below);
    }
    fn pattern(&mut self, id: &mut PatternId) {
        self.holds &= id.index() < self.patterns;
    }
    fn param(&mut self, id: &mut ParamId) {
        self.holds &= id.index() < self.params;
    }
    fn signal(&mut self, id: &mut SignalId) {
        self.holds &= id.index() < self.signals;
    }
    fn state(&mut self, id: &mut StateId) {
        self.holds &= id.index() < self.states;
    }
    fn cohort(&mut self, id: &mut CohortId) {
        self.holds &= id.index() < self.cohorts;
    }
    fn sequence(&mut self, id: &mut SequenceId) {
        self.holds &= id.index() < self.sequences;
    }
    fn call(&mut self, id: &mut CallId) {
        self.holds &= id.index() < self.calls;
    }
    fn fact(&mut self, id: &mut FactId) {
        self.holds &= id.index() < self.facts;
    }
    fn policy(&mut self, id: &mut PolicyId) {
        self.holds &= id.index() < self.policies;
    }
    fn rule(&mut self, id: &mut RuleId) {
        self.holds &= id.index() < self.rules;
    }
}
