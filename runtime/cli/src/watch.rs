//! Policies that are read again when they change.
//!
//! ```text
//!  files ──look──▶ Session (checked, by what has changed) ──link──▶ Version ──Rollout──▶ Updates ──▶ the engine
//! ```
//!
//! A thread looks at the files of the project, by name, size and time of change. What has changed is checked, linked and made
//! ready there, beside the stream; the thread that decides changes between two inputs. Nothing is handed over that has errors.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use weir_dsl::render;
use weir_engine::evidence::{Rules, RulesHash};
use weir_engine::{Carried, Engine, Rollout, Updates, Version};

use crate::contents;
use crate::load::{Session, project_root};
use crate::models::Models;
use crate::native::{Natives, Plans};
use crate::replay::choice::{self, Choice, Texts};
use crate::replay::intake::Mapper;
use crate::replay::setup::{Prepared, Setup};
use crate::ui::{self, Failure};

/// The most files that are looked at.
const MOST: usize = 10_000;
const DEEPEST: usize = 16;

/// What a stream needs to know of its rule set, beside it.
#[derive(Debug)]
pub(crate) struct Beside {
    /// From lines to its inputs.
    pub(crate) mapper: Mapper,
    /// The models that it calls.
    pub(crate) models: Arc<Models>,
    /// What it is compiled from, and what that is called.
    pub(crate) rules: Rules,
    pub(crate) hash: RulesHash,
    /// Its rules as they are written.
    texts: Texts,
}

impl Beside {
    pub(crate) fn new(mapper: Mapper, models: Arc<Models>, rules: Rules, texts: Texts) -> Arc<Self> {
        Arc::new(Self { mapper, models, hash: rules.hash(), rules, texts })
    }
}

/// Why a rule set takes the place of another.
#[derive(Clone, Copy, Debug)]
enum Why {
    /// Files changed, and rules in them; seen at that instant.
    Edited { files: usize, rules: usize, seen: Instant },
    /// Somebody asked for the one before.
    Back,
    /// It is the same, with its conditions planned together.
    Planned,
}

/// What the thread that looks after the policies and the one that decides have between them.
pub(crate) struct Watch {
    updates: Updates<(Arc<Beside>, Why)>,
    /// What keeps rule sets from running, printed.
    refused: Receiver<String>,
    /// Asks for the rule set before.
    back: Sender<()>,
}

/// A change that has been made.
pub(crate) struct Changed {
    pub(crate) beside: Arc<Beside>,
    /// What is to be said of it.
    pub(crate) said: String,
}

impl Watch {
    /// Looks every so often at the files that `policies` name, for an engine.
    pub(crate) fn start(
        engine: &Engine,
        beside: Arc<Beside>,
        policies: &[PathBuf],
        profile: Option<&str>,
        setup: &Setup,
        every: Duration,
        natives: Option<&Natives>,
    ) -> Self {
        let (rollout, updates) = Rollout::new(engine.version(), (beside, Why::Back));
        let (said, refused) = channel();
        let (back, asked) = channel();
        let is_looked_at = !policies.is_empty() && !every.is_zero();
        let mut keeper = Keeper {
            rollout,
            said,
            natives: natives.map(Natives::sender),
            policies: policies.to_vec(),
            profile: profile.map(str::to_owned),
            setup: setup.clone(),
            session: None,
            loaded: None,
            files: if is_looked_at { likeness(policies) } else { Likeness::new() },
        };
        thread::spawn(move || {
            loop {
                // Without files to look at there is no version to go back to, either.
                match asked.recv_timeout(if is_looked_at { every } else { Duration::MAX }) {
                    Ok(()) => keeper.roll_back(),
                    Err(RecvTimeoutError::Timeout) if is_looked_at => keeper.look(),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        });
        Self { updates, refused, back }
    }

    /// Changes the engine to what has come since, if anything has; to be called between two inputs. Costs a look at a flag
    /// otherwise.
    pub(crate) fn apply(&mut self, engine: &mut Engine) -> Option<Changed> {
        let (Carried { kept, fresh, dropped }, (beside, why)) = self.updates.apply(engine)?;
        let what = match why {
            Why::Edited { files, rules, seen } => format!(
                "reloaded {} in {} ms: {} changed",
                ui::count(files, "file"),
                seen.elapsed().as_millis(),
                ui::count(rules, "rule")
            ),
            Why::Back => "put back the rules before".to_owned(),
            Why::Planned => return None,
        };
        let running = ui::count(engine.hir().rules.len(), "rule");
        let state = format!("state: {kept} kept, {fresh} new and warming, {dropped} dropped");
        Some(Changed { beside, said: format!("{what}; running {running}; {state}") })
    }

    /// What has kept rule sets from running since, printed.
    pub(crate) fn refused(&self) -> impl Iterator<Item = String> {
        self.refused.try_iter()
    }

    /// Asks for the rule set before the one that runs.
    pub(crate) fn roll_back(&self) {
        // The thread ends with this side alone.
        let _ = self.back.send(());
    }
}

/// What files are like: by path, size and time of change.
type Likeness = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

/// The side that makes rule sets.
struct Keeper {
    rollout: Rollout<(Arc<Beside>, Why)>,
    said: Sender<String>,
    /// Where versions are compiled to native code.
    natives: Option<Sender<(Version, Plans)>>,
    policies: Vec<PathBuf>,
    profile: Option<String>,
    setup: Setup,
    /// Kept from change to change, so that only what has changed is parsed and checked.
    session: Option<Session>,
    files: Likeness,
    /// The names of what is loaded beside policies, once that is known: a log that grows in the project is no change of its rules.
    loaded: Option<BTreeSet<OsString>>,
}

impl Keeper {
    /// Whether a file says something of the rules, as far as is known.
    fn is_read(&self, path: &Path) -> bool {
        let is_policy = path.extension().is_some_and(|extension| extension == "weir" || extension == "toml");
        is_policy
            || self
                .loaded
                .as_ref()
                .is_none_or(|names| path.file_name().is_some_and(|name| names.contains(name)))
    }

    fn roll_back(&mut self) {
        if !self.rollout.roll_back(|(beside, _)| (beside, Why::Back)) {
            let _ = self.said.send("there are no rules to put back: these are the first\n".to_owned());
        }
    }

    fn look(&mut self) {
        self.rollout.collect();
        let now = likeness(&self.policies);
        if now == self.files {
            return;
        }
        let seen = Instant::now();
        let differs = |path: &&PathBuf| now.get(*path) != self.files.get(*path);
        let mut changed: Vec<PathBuf> = now.keys().filter(differs).cloned().collect();
        changed.extend(self.files.keys().filter(|path| !now.contains_key(*path)).cloned());
        self.files = now;
        changed.retain(|path| self.is_read(path));
        if changed.is_empty() {
            return;
        }
        if let Err(why) = self.reload(&changed, seen) {
            // Whatever it was, the next change begins from the files.
            self.session = None;
            let _ = self.said.send(format!("{why}\n"));
        }
    }

    /// Makes a version of the files as they are now; what keeps it from running otherwise.
    fn reload(&mut self, changed: &[PathBuf], seen: Instant) -> Result<(), String> {
        let mut session = self.refreshed(changed).map_err(|failure| failure.to_string())?;
        let chosen = choice::of(&mut session, &self.policies, self.profile.as_deref(), &self.setup);
        let chosen = chosen.map_err(|failure| failure.to_string())?;
        let Choice { prepared, rules: sources, texts, .. } = match chosen {
            Ok(choice) => choice,
            Err(refused) => {
                // Its errors are found again from what is known of the rest.
                self.session = Some(session);
                let text = render::human(&refused.errors, &refused.sources, false);
                let _ = self.said.send(format!("{text}{}\n", render::summary(&refused.errors)));
                return Ok(());
            }
        };
        let Prepared { linked, data, models, .. } = prepared;
        self.loaded = Some(contents::names(&session.analysis.found().manifest, &linked.hir));
        if !changed.iter().any(|path| self.is_read(path)) {
            self.session = Some(session);
            return Ok(());
        }
        let rules = texts.different(&self.rollout.beside().0.texts);
        self.session = Some(session);
        let mapper = self.setup.mapper_of(&linked.hir.schema);
        let next = self.rollout.latest().next(linked.hir, data);
        let beside = Beside::new(mapper, models, sources, texts);
        // Both are made under the options of the first.
        self.rollout.publish(next, (beside, Why::Edited { files: changed.len(), rules, seen }));
        // The edit is live by now, or about to be.
        self.rollout.screen(|(beside, why), is_taken| (beside, if is_taken { Why::Planned } else { why }));
        if let Some(natives) = &self.natives {
            // They go on without where nobody compiles any more.
            let _ = natives.send((self.rollout.latest().clone(), Plans::All));
        }
        Ok(())
    }

    /// The session with the files as they are now: the last one where only texts of its policies have changed.
    fn refreshed(&mut self, changed: &[PathBuf]) -> Result<Session, Failure> {
        if let Some(mut session) = self.session.take()
            && session.refresh(changed)?
        {
            return Ok(session);
        }
        choice::open(&self.policies)
    }
}

/// Every file of the projects that the paths belong to: policies, `weir.toml`, lists, tables.
fn likeness(paths: &[PathBuf]) -> Likeness {
    let mut found = Likeness::new();
    for path in paths {
        look(&project_root(path).unwrap_or_else(|| path.clone()), 0, &mut found);
    }
    found
}

fn look(path: &Path, depth: usize, found: &mut Likeness) {
    if found.len() >= MOST || depth > DEEPEST {
        return;
    }
    let Ok(facts) = fs::metadata(path) else { return };
    if !facts.is_dir() {
        found.insert(path.to_owned(), (facts.len(), facts.modified().ok()));
        return;
    }
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        if !name.starts_with('.') && name != "target" && name != "node_modules" && !is_link {
            look(&entry.path(), depth + 1, found);
        }
    }
}
