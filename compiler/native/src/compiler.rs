//! Compilation beside the traffic: chunks in parallel on threads of their own, and code that is known already taken from a cache.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

use weir_plan::Plan;

use crate::chunk::{Chunk, Hash, chunks};
use crate::compile::{Backend, Bench, Fault, Generation, Optimize, Registers};
use crate::entry::{Blob, Placed};
use crate::native::{Native, Piece};
use crate::refusal::Refusal;

/// The stack of a thread that compiles: the code generator recurses.
pub(crate) const STACK: usize = 16 << 20;

/// How plans are compiled.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How code is generated.
    pub generation: Generation,
    /// How many threads compile one plan; at most as many as it has chunks.
    pub threads: NonZero<usize>,
    /// One event in so many, rounded up to a power of two, is worked out by the interpreter as well; with 0 none is.
    pub canary: u64,
}

impl Default for Options {
    fn default() -> Self {
        // Measured on plans of 10 to 50,000 conditions: half the code of a single pass, sooner made and quicker to run; the middle of the
        // code generator finds nothing to improve.
        let generation = Generation { optimize: Optimize::None, registers: Registers::Backtracking };
        Self { generation, threads: NonZero::<usize>::MIN.saturating_add(1), canary: 1_024 }
    }
}

/// Compiles plans, and knows the code that is in use.
#[derive(Clone, Debug)]
pub struct Compiler {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: Options,
    backend: Result<Backend, Refusal>,
    /// By hash of a chunk's text, its code.
    blobs: Mutex<HashMap<Hash, Known>>,
    fault: Fault,
}

#[derive(Debug)]
struct Known {
    /// While some tier uses it.
    blob: Weak<Blob>,
    /// It has disagreed; remembered past the blob.
    demoted: Arc<AtomicBool>,
}

/// A compilation that is under way. Dropping it cancels.
#[derive(Debug)]
pub struct Compilation {
    task: Arc<Task>,
}

#[derive(Debug)]
struct Task {
    plan: Arc<Plan>,
    total: AtomicUsize,
    done: AtomicUsize,
    cancelled: AtomicBool,
    native: Mutex<Option<Arc<Native>>>,
    finished: Condvar,
}

/// How far a compilation is, in chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many are done.
    pub done: usize,
    /// How many there are; 0 until that is known.
    pub total: usize,
}

impl Compiler {
    /// With these options, for this machine. Where it has no native tier, what is compiled is refused, chunk by chunk.
    pub fn new(options: Options) -> Self {
        Self::with_fault(options, Fault::None)
    }

    pub(crate) fn with_fault(options: Options, fault: Fault) -> Self {
        let backend = Backend::new(options.generation);
        Self { shared: Arc::new(Shared { options, backend, blobs: Mutex::default(), fault }) }
    }

    /// Begins to compile a plan, on threads of its own.
    pub fn start(&self, plan: Arc<Plan>) -> Compilation {
        let task = Arc::new(Task {
            plan,
            total: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            cancelled: AtomicBool::new(false),
            native: Mutex::default(),
            finished: Condvar::new(),
        });
        let (shared, of_thread) = (Arc::clone(&self.shared), Arc::clone(&task));
        let spawned = thread::Builder::new()
            .name("weir-native".to_owned())
            .stack_size(STACK)
            .spawn(move || of_thread.run(&shared));
        if let Err(error) = spawned {
            let refusal = Refusal::Unsupported(format!("no thread to compile on: {error}"));
            let groups = 0..task.plan.groups().len();
            task.publish(vec![Piece { groups, code: Err(refusal) }], 0);
        }
        Compilation { task }
    }

    /// Compiles a plan and waits for it.
    pub fn compile(&self, plan: Arc<Plan>) -> Arc<Native> {
        self.start(plan).wait()
    }
}

impl Compilation {
    /// How far it is.
    pub fn progress(&self) -> Progress {
        let Task { done, total, .. } = &*self.task;
        Progress { done: done.load(Ordering::Acquire), total: total.load(Ordering::Acquire) }
    }

    /// Ends soon: chunks that are not begun stay with the interpreter.
    pub fn cancel(&self) {
        self.task.cancelled.store(true, Ordering::Relaxed);
    }

    /// The native tier, once it is done.
    pub fn native(&self) -> Option<Arc<Native>> {
        self.task.native().clone()
    }

    /// Waits for the native tier.
    pub fn wait(&self) -> Arc<Native> {
        let mut native = self.task.native();
        loop {
            if let Some(native) = &*native {
                return Arc::clone(native);
            }
            native = self.task.finished.wait(native).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Compilation {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl Task {
    fn native(&self) -> MutexGuard<'_, Option<Arc<Native>>> {
        self.native.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, pieces: Vec<Piece>, canary: u64) {
        *self.native() = Some(Arc::new(Native::new(Arc::clone(&self.plan), pieces, canary)));
        self.finished.notify_all();
    }

    /// Compiles all chunks, on this thread and others, and publishes.
    fn run(&self, shared: &Shared) {
        shared.forget();
        let chunks = chunks(&self.plan);
        self.total.store(chunks.len(), Ordering::Release);
        let next = AtomicUsize::new(0);
        let work = || {
            let mut bench = Bench::default();
            let mut found = Vec::new();
            while let Some((at, (_, chunk))) = {
                let at = next.fetch_add(1, Ordering::Relaxed);
                chunks.get(at).map(|chunk| (at, chunk))
            } {
                let blob = match chunk {
                    Err(refusal) => Err(refusal.clone()),
                    Ok(_) if self.cancelled.load(Ordering::Relaxed) => Err(Refusal::Cancelled),
                    Ok(chunk) => shared.blob(chunk, &mut bench),
                };
                found.push((at, blob));
                self.done.fetch_add(1, Ordering::AcqRel);
            }
            found
        };
        let others = shared.options.threads.get().min(chunks.len()).saturating_sub(1);
        let mut found = thread::scope(|scope| {
            let others: Vec<_> = (0..others)
                .filter_map(|_| {
                    let builder = thread::Builder::new().name("weir-native".to_owned()).stack_size(STACK);
                    // One fewer works as well.
                    builder.spawn_scoped(scope, work).ok()
                })
                .collect();
            let mut found = work();
            others.into_iter().for_each(|other| found.extend(other.join().unwrap_or_default()));
            found
        });
        found.sort_by_key(|(at, _)| *at);
        let mut found = found.into_iter().peekable();
        let pieces = chunks.into_iter().enumerate().map(|(at, (groups, chunk))| {
            let blob = found.next_if(|(of, _)| *of == at).map_or(Err(Refusal::Panicked), |(_, blob)| blob);
            let code = chunk.and_then(|chunk| {
                let placed = Placed::new(Arc::clone(&self.plan), chunk, blob?);
                placed.ok_or(Refusal::Inconsistent("a chunk of another plan"))
            });
            Piece { groups, code }
        });
        self.publish(pieces.collect(), shared.options.canary);
    }
}

impl Shared {
    fn blobs(&self) -> MutexGuard<'_, HashMap<Hash, Known>> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets code that nobody uses any more.
    fn forget(&self) {
        self.blobs()
            .retain(|_, known| known.blob.strong_count() > 0 || known.demoted.load(Ordering::Relaxed));
    }

    /// The code of a chunk, from the cache or compiled.
    fn blob(&self, chunk: &Chunk, bench: &mut Bench) -> Result<Arc<Blob>, Refusal> {
        let backend = self.backend.as_ref().map_err(Refusal::clone)?;
        let known =
            self.blobs().get(&chunk.hash()).map(|known| (known.blob.upgrade(), Arc::clone(&known.demoted)));
        let demoted = match known {
            Some((_, demoted)) if demoted.load(Ordering::Relaxed) => return Err(Refusal::Demoted),
            Some((Some(blob), _)) => return Ok(blob),
            Some((None, demoted)) => demoted,
            None => Arc::default(),
        };
        let compiled = backend.compile(chunk, bench, self.fault, false)?;
        if self.fault.refuses_memory() {
            return Err(Refusal::Memory("refused in a test".to_owned()));
        }
        let blob = Arc::new(Blob::new(&compiled, Arc::clone(&demoted))?);
        self.blobs().insert(chunk.hash(), Known { blob: Arc::downgrade(&blob), demoted });
        Ok(blob)
    }
}
