//! Policies that are read again when they change.
//!
//! A thread looks at the files of the project, by name, size and time of change, and checks and links them when something
//! is another. What comes of it is handed over ready to run; nothing is handed over that has errors.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, SystemTime};

use weir_dsl::render;

use weir_engine::evidence::Rules;

use crate::load::project_root;
use crate::replay::choice;
use crate::replay::setup::{Prepared, Setup};

/// The most files that are looked at.
const MOST: usize = 10_000;
const DEEPEST: usize = 16;

/// What came of a change.
pub(crate) enum Changed {
    /// A rule set, ready to run.
    Ready(Box<Prepared>, Box<Rules>),
    /// What keeps it from running, printed.
    Refused(String),
}

/// What files are like: path, size, time of change; in order.
type Likeness = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// Looks at the files that `policies` name every so often. The channel closes when nothing is to be looked at.
pub(crate) fn start(
    policies: &[PathBuf],
    profile: Option<&str>,
    setup: &Setup,
    every: Duration,
) -> Receiver<Changed> {
    let (sender, receiver) = channel();
    if policies.is_empty() || every.is_zero() {
        return receiver;
    }
    let (policies, profile, setup) = (policies.to_vec(), profile.map(str::to_owned), setup.clone());
    let mut known = likeness(&policies);
    thread::spawn(move || {
        loop {
            thread::sleep(every);
            let now = likeness(&policies);
            if now == known {
                continue;
            }
            known = now;
            let changed = match choice::choose(&policies, profile.as_deref(), &setup) {
                Ok(Ok(choice)) => Changed::Ready(Box::new(choice.prepared), Box::new(choice.rules)),
                Ok(Err(refused)) => {
                    let text = render::human(&refused.errors, &refused.sources, false);
                    Changed::Refused(format!("{text}{}", render::summary(&refused.errors)))
                }
                Err(failure) => Changed::Refused(failure.to_string()),
            };
            if sender.send(changed).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Every file of the projects that the paths belong to: policies, `weir.toml`, lists, tables.
fn likeness(paths: &[PathBuf]) -> Likeness {
    let mut found = Vec::new();
    for path in paths {
        look(&project_root(path).unwrap_or_else(|| path.clone()), 0, &mut found);
    }
    found.sort();
    found.dedup();
    found
}

fn look(path: &Path, depth: usize, found: &mut Likeness) {
    if found.len() >= MOST || depth > DEEPEST {
        return;
    }
    let Ok(facts) = fs::metadata(path) else { return };
    if !facts.is_dir() {
        found.push((path.to_owned(), facts.len(), facts.modified().ok()));
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
