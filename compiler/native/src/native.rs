//! The native tier of a plan: its chunks' code where there is some, the interpreter for the rest, and the canary that compares.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use weir_plan::{Held, Inputs, Kernel, Plan};

use crate::entry::{Blob, Placed};
use crate::refusal::Refusal;

/// A plan's groups as native code. What has none is interpreted, so the answer is always there and always the same.
#[derive(Debug)]
pub struct Native {
    plan: Arc<Plan>,
    pieces: Vec<Piece>,
    /// An event is a canary whose number has none of these bits.
    mask: u64,
    canaries: AtomicU64,
    disagreements: AtomicU64,
}

/// A run of groups.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) groups: Range<usize>,
    pub(crate) code: Result<Placed, Refusal>,
}

/// What a native tier is made of, and how it fares.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// How many groups have native code that is used, and how many the interpreter works on.
    pub native_groups: usize,
    /// See `native_groups`.
    pub interpreted_groups: usize,
    /// How many functions there are.
    pub chunks: usize,
    /// How many bytes of instructions, and of pages that hold them.
    pub code_bytes: usize,
    /// See `code_bytes`.
    pub mapped_bytes: usize,
    /// How many looks at an event were worked out by the interpreter as well.
    pub canaries: u64,
    /// How many groups were found to differ.
    pub disagreements: u64,
    /// Which groups are interpreted, and why.
    pub refused: Vec<(Range<usize>, Refusal)>,
}

impl Native {
    /// One event in `canary`, rounded up to a power of two, is a canary; with 0 there is none.
    pub(crate) fn new(plan: Arc<Plan>, pieces: Vec<Piece>, canary: u64) -> Self {
        let mask = canary.checked_next_power_of_two().map_or(u64::MAX, |every| every.wrapping_sub(1));
        let mask = if canary == 0 { u64::MAX } else { mask };
        Self { plan, pieces, mask, canaries: AtomicU64::new(0), disagreements: AtomicU64::new(0) }
    }

    /// The plan whose groups they are.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// What it is made of, and how it fares. Cost: linear in its chunks.
    pub fn status(&self) -> Status {
        let mut status = Status {
            canaries: self.canaries.load(Ordering::Relaxed),
            disagreements: self.disagreements.load(Ordering::Relaxed),
            ..Status::default()
        };
        for Piece { groups, code } in &self.pieces {
            let refused = match code {
                Ok(placed) => {
                    status.chunks += 1;
                    status.code_bytes += placed.blob().code_bytes();
                    status.mapped_bytes += placed.blob().mapped_bytes();
                    placed.blob().is_demoted().then_some(Refusal::Demoted)
                }
                Err(refusal) => Some(refusal.clone()),
            };
            match refused {
                Some(refusal) => {
                    status.interpreted_groups += groups.len();
                    status.refused.push((groups.clone(), refusal));
                }
                None => status.native_groups += groups.len(),
            }
        }
        status
    }

    /// The blobs in use.
    pub fn blobs(&self) -> impl Iterator<Item = &Blob> {
        self.pieces.iter().filter_map(|piece| piece.code.as_ref().ok()).map(Placed::blob)
    }

    fn interpret(&self, inputs: &Inputs<'_>, groups: &Range<usize>, held: &mut Held) {
        for (at, group) in self.plan.groups().iter().enumerate().take(groups.end).skip(groups.start) {
            held.set(at, inputs.group(group));
        }
    }

    /// Compares with the interpreter, whose word stands; code that differs is not run again.
    #[cold]
    fn compare(&self, inputs: &Inputs<'_>, held: &mut Held) {
        self.canaries.fetch_add(1, Ordering::Relaxed);
        for Piece { groups, code } in &self.pieces {
            let Ok(placed) = code else { continue };
            for (at, group) in self.plan.groups().iter().enumerate().take(groups.end).skip(groups.start) {
                let right = inputs.group(group);
                if held.get(at) != right {
                    held.set(at, right);
                    placed.blob().demote();
                    self.disagreements.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}

impl Kernel for Native {
    fn groups(&self, inputs: &Inputs<'_>, held: &mut Held) {
        if !std::ptr::eq(inputs.plan(), &raw const *self.plan) {
            // Not what it was made for: as good as having no code.
            return weir_plan::Interpreter.groups(inputs, held);
        }
        for Piece { groups, code } in &self.pieces {
            if let Ok(placed) = code
                && !placed.blob().is_demoted()
            {
                let (rows, alive) = held.parts();
                if placed.run(inputs, rows, alive) {
                    continue;
                }
            }
            self.interpret(inputs, groups, held);
        }
        if inputs.event() & self.mask == 0 && self.mask != u64::MAX {
            self.compare(inputs, held);
        }
    }
}
