//! Native code for the rules that run: compiled beside the stream, and in use from the event on after it is ready.
//!
//! ```text
//!  start, reload ──make──▶ [ the newest version ] ──compile──▶ Version::set_kernel
//!                 ◀──said── what could not be compiled, and code that disagreed
//! ```
//!
//! Decisions are the same with it and without, so nothing waits for it, and nothing that goes wrong here is an error.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use weir_compiler::ids::IdVec;
use weir_engine::{EventPlan, Version};
use weir_native::{Compiler, Native, Options, Refusal, Status};

use crate::ui;

/// How often code in use is asked whether it has disagreed with the interpreter.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Which of a version's plans are compiled.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Plans {
    /// Those of all events.
    All,
    /// Those of events that have come.
    Seen,
}

/// The thread that compiles.
#[derive(Debug)]
pub(crate) struct Natives {
    versions: Sender<(Version, Plans)>,
    said: Receiver<String>,
}

impl Natives {
    /// Starts the thread; it ends with this. With `verbose` it says what it has made, otherwise only what is amiss.
    pub(crate) fn start(verbose: bool) -> Self {
        let (versions, asked) = channel();
        let (say, said) = channel();
        thread::spawn(move || {
            let compiler = Compiler::new(Options::default());
            Maker { compiler, say, verbose, in_use: Vec::new() }.run(&asked);
        });
        Self { versions, said }
    }

    /// Compiles a version, and puts its code in use. A version that is still being compiled is left as it is.
    pub(crate) fn make(&self, version: Version, plans: Plans) {
        // The thread ends with this side alone.
        let _ = self.versions.send((version, plans));
    }

    /// Lets others ask for the same.
    pub(crate) fn sender(&self) -> Sender<(Version, Plans)> {
        self.versions.clone()
    }

    /// What there has been to say since.
    pub(crate) fn said(&self) -> impl Iterator<Item = String> {
        self.said.try_iter()
    }
}

struct Maker {
    compiler: Compiler,
    say: Sender<String>,
    verbose: bool,
    /// Code in use: whose rules it is of, and how many disagreements have been told.
    in_use: Vec<(String, Weak<Native>, u64)>,
}

impl Maker {
    fn run(mut self, asked: &Receiver<(Version, Plans)>) {
        let mut next = None;
        loop {
            let waited = match next.take() {
                Some(asked) => Ok(asked),
                None => asked.recv_timeout(LOOK_EVERY),
            };
            match waited {
                Ok((version, plans)) => next = self.make(&version, plans, asked),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.look();
        }
    }

    /// Compiles the plans of a version; ends early, and answers what to compile in its stead, when a newer one has come.
    fn make(
        &mut self,
        version: &Version,
        plans: Plans,
        asked: &Receiver<(Version, Plans)>,
    ) -> Option<(Version, Plans)> {
        let began = Instant::now();
        if matches!(plans, Plans::All) {
            version.warm();
        }
        let mut all = Status::default();
        let mut made = 0;
        for plan in version.plans() {
            if let Some(newer) = asked.try_iter().last() {
                return Some(newer);
            }
            let native = self.compiler.compile(Arc::clone(plan.plan()));
            let status = native.status();
            let name = name(version, &plan);
            for (groups, refusal) in &status.refused {
                if !matches!(refusal, Refusal::Cancelled) {
                    let groups = ui::count(groups.len(), "group");
                    self.tell(format!("{name}: {groups} of rules stay with the interpreter: {refusal}"));
                }
            }
            if status.native_groups > 0 && version.set_kernel(&plan, Arc::<Native>::clone(&native)) {
                self.in_use.push((name, Arc::downgrade(&native), 0));
                made += 1;
            }
            all.native_groups += status.native_groups;
            all.code_bytes += status.code_bytes;
        }
        if self.verbose && made > 0 {
            self.tell(format!(
                "native code for {} of rules in {}, {} KiB, in {} ms",
                ui::count(all.native_groups, "group"),
                ui::count(made, "plan"),
                all.code_bytes.div_ceil(1_024),
                began.elapsed().as_millis()
            ));
        }
        None
    }

    /// Says where code has disagreed with the interpreter since the last look.
    fn look(&mut self) {
        let Self { in_use, say, .. } = self;
        in_use.retain_mut(|(name, native, told)| {
            let Some(native) = native.upgrade() else { return false };
            let disagreements = native.status().disagreements;
            if disagreements > *told {
                *told = disagreements;
                        let _ = say.send(format!(
                    "{name}: native code disagreed with the interpreter, whose word stood, and is not run again; please report this"
                ));
            }
            true
        });
    }

    fn tell(&self, what: String) {
        // Without the other side nobody asks for code, either.
        let _ = self.say.send(what);
    }
}

/// Whose rules a plan is of.
fn name(version: &Version, plan: &EventPlan) -> String {
    let events: &IdVec<_, _> = &version.hir().schema.events;
    let event = events.get(plan.event()).map(|event| event.name.to_string()).unwrap_or_default();
    if plan.is_of_responses() { format!("responses of {event}") } else { event }
}
