//! `weir fix`: applies the changes that diagnostics offer.

use std::collections::BTreeMap;
use std::path::PathBuf;

use weir_dsl::{FileId, fix, render};

use crate::args::FixArgs;
use crate::command::fmt::replace;
use crate::load::Session;
use crate::ui::{self, Exit, Failure, Outcome, Ui};

/// Fixes can make room for others; a set that still changes after this many rounds goes in circles.
const ROUNDS: usize = 16;

pub(crate) fn run(args: &FixArgs, ui: &mut Ui) -> Outcome {
    let mut session = Session::open(&args.paths)?;
    let paths: BTreeMap<FileId, PathBuf> = session.asked.iter().cloned().collect();
    let mut texts: BTreeMap<FileId, String> = BTreeMap::new();
    let mut made = 0;
    for _ in 0..ROUNDS {
        let (diagnostics, _) = session.findings();
        let chosen = fix::choose(&diagnostics, args.suggested);
        let mut changed = false;
        for (file, edits) in chosen.edits.iter().filter(|(file, _)| paths.contains_key(file)) {
            let before = session.analysis.sources().text(*file).to_owned();
            let after = fix::apply(&before, edits)
                .map_err(|error| Failure::new(format!("a fix cannot be made: {error}")))?;
            if after == before {
                continue;
            }
            changed = true;
            let name = session.analysis.sources().name(*file).to_owned();
            session.analysis.set_file(&name, after.clone());
            texts.insert(*file, after);
        }
        if !changed {
            break;
        }
        made += chosen.fixes;
    }
    for (file, text) in &texts {
        if let Some(path) = paths.get(file) {
            replace(path, text)?;
            ui.line(format_args!("changed {}", path.display()))?;
        }
    }
    let (left, _) = session.findings();
    let counts = render::Counts::of(&left);
    ui.say(format_args!(
        "{} made in {}; left: {}",
        ui::count(made, "fix"),
        ui::count(texts.len(), "file"),
        render::summary(&left)
    ));
    Ok(if counts.errors > 0 { Exit::Failed } else { Exit::Clean })
}
