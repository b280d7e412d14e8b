//! The way into native code: what a blob is, and the one call.

#![expect(unsafe_code, reason = "native code is called by address with addresses")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use weir_plan::{Bits, Inputs, Plan};

use crate::arena::Mapping;
use crate::chunk::{Chunk, Hash, Regions};
use crate::compile::Compiled;
use crate::refusal::Refusal;

/// How a chunk's function is called; see [`crate::emit`].
type Function = unsafe extern "C" fn(*const u32, *const Bits, *const u16, *const Bits, *mut Bits, *mut u8);

/// The native code of a chunk, shared by all plans that have a chunk of the same text.
#[derive(Debug)]
pub struct Blob {
    mapping: Mapping,
    regions: Regions,
    hash: Hash,
    code_bytes: usize,
    demoted: Arc<AtomicBool>,
}

/// A blob in its place in a plan.
#[derive(Debug)]
pub(crate) struct Placed {
    plan: Arc<Plan>,
    chunk: Chunk,
    blob: Arc<Blob>,
}

impl Blob {
    /// Makes compiled code executable. `demoted` outlives the blob, for whoever would make it again.
    pub(crate) fn new(compiled: &Compiled, demoted: Arc<AtomicBool>) -> Result<Self, Refusal> {
        let mapping = Mapping::new(compiled.code()).map_err(|error| Refusal::Memory(error.to_string()))?;
        let (regions, hash) = (compiled.regions().clone(), compiled.hash());
        Ok(Self { mapping, regions, hash, code_bytes: compiled.code().len(), demoted })
    }

    /// The hash of the text that it was compiled from.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// How many bytes of instructions.
    pub fn code_bytes(&self) -> usize {
        self.code_bytes
    }

    /// How many bytes of pages.
    pub fn mapped_bytes(&self) -> usize {
        self.mapping.bytes()
    }

    /// It disagreed with the interpreter, and is not called any more.
    pub fn is_demoted(&self) -> bool {
        self.demoted.load(Ordering::Relaxed)
    }

    /// It is not called again. True the first time.
    pub(crate) fn demote(&self) -> bool {
        !self.demoted.swap(true, Ordering::Relaxed)
    }
}

impl Placed {
    /// Places a blob, if it is that of the chunk, and the chunk is one of this plan.
    pub(crate) fn new(plan: Arc<Plan>, chunk: Chunk, blob: Arc<Blob>) -> Option<Self> {
        (chunk.hash() == blob.hash && chunk.is_of(&plan) && chunk.regions == blob.regions).then_some(Self {
            plan,
            chunk,
            blob,
        })
    }

    pub(crate) fn blob(&self) -> &Blob {
        &self.blob
    }

    /// Runs the code: for its groups, writes the rows of those that have something left, and their bytes in `alive`. False, and
    /// nothing is done, where the inputs are another plan's, or anything is shorter than the code relies on.
    #[inline]
    pub(crate) fn run(&self, inputs: &Inputs<'_>, held: &mut [Bits], alive: &mut [u8]) -> bool {
        if !std::ptr::eq(inputs.plan(), &raw const *self.plan) {
            return false;
        }
        let (chunk, regions) = (&self.chunk, &self.blob.regions);
        let Regions { joined: slots, index: entries, rows: count, groups, .. } = *regions;
        let codes = inputs.codes();
        let (Some(joined), Some(index), Some(rows), Some(held), Some(alive), true) = (
            inputs.joined().get(chunk.joined..chunk.joined + slots as usize),
            self.plan.index().get(chunk.index..chunk.index + entries as usize),
            self.plan.rows().get(chunk.rows..chunk.rows + count as usize),
            held.get_mut(chunk.groups.start..chunk.groups.start + groups as usize),
            alive.get_mut(chunk.groups.start..chunk.groups.start + groups as usize),
            codes.len() >= self.plan.axes(),
        ) else {
            return false;
        };
        debug_assert!(
            regions
                .codes
                .iter()
                .all(|(axis, most)| codes.get(usize::from(*axis)).is_some_and(|code| code <= most)),
            "a code past the last of its axis"
        );
        // SAFETY: the mapping holds the code of a function with this signature, in the calling convention of the platform, and
        // is borrowed, so it stays. The function was accepted by the checker with these regions: what it touches is inside of
        // the six slices, whose lengths have just been seen to be theirs, if a code is at most the greatest of its axis and an
        // entry of a table at most the greatest there. The first is an invariant of `Inputs`, whose plan is this one; all axes
        // of `regions.codes` are below `axes()`. The second was read from the tables of this very plan when `chunk` was made of
        // it, and a plan does not change. The two slices that are written are borrowed for that, the others for reading.
        unsafe {
            let function = std::mem::transmute::<*const u8, Function>(self.blob.mapping.start());
            function(
                codes.as_ptr(),
                joined.as_ptr(),
                index.as_ptr(),
                rows.as_ptr(),
                held.as_mut_ptr(),
                alive.as_mut_ptr(),
            );
        }
        true
    }
}
