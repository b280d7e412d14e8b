//! `weir fmt`: the one layout there is.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use similar::TextDiff;
use weir_dsl::{Sources, render};

use crate::args::FmtArgs;
use crate::load::{self, Inner};
use crate::ui::{self, Exit, Failure, Outcome, Ui};

pub(crate) fn run(args: &FmtArgs, ui: &mut Ui) -> Outcome {
    if args.paths == [PathBuf::from("-")] {
        return standard_input(args, ui);
    }
    let files = load::policy_files(&args.paths, Inner::Searched)?;
    let (mut changed, mut broken) = (0, 0);
    for file in &files {
        let name = file.path.display().to_string();
        let Some(formatted) = format(&name, &file.bytes, ui) else {
            broken += 1;
            continue;
        };
        if formatted.as_bytes() == file.bytes {
            continue;
        }
        changed += 1;
        if args.diff {
            diff(&name, &file.bytes, &formatted, ui)?;
        } else if args.check {
            ui.line(format_args!("would change {name}"))?;
        } else {
            replace(&file.path, &formatted)?;
            ui.line(format_args!("changed {name}"))?;
        }
    }
    let verb = if args.check || args.diff { "would change" } else { "changed" };
    let mut summary = format!("{} looked at, {changed} {verb}", ui::count(files.len(), "file"));
    if broken > 0 {
        summary.push_str(&format!(", {broken} with errors"));
    }
    ui.say(summary);
    let failed = broken > 0 || ((args.check || args.diff) && changed > 0);
    Ok(if failed { Exit::Failed } else { Exit::Clean })
}

fn standard_input(args: &FmtArgs, ui: &mut Ui) -> Outcome {
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes)?;
    let Some(formatted) = format("<stdin>", &bytes, ui) else { return Ok(Exit::Failed) };
    let same = formatted.as_bytes() == bytes;
    if args.diff {
        diff("<stdin>", &bytes, &formatted, ui)?;
    } else if !args.check {
        ui.print(&formatted)?;
    }
    Ok(if (args.check || args.diff) && !same { Exit::Failed } else { Exit::Clean })
}

/// The canonical text, or nothing after the errors have been shown.
fn format(name: &str, bytes: &[u8], ui: &mut Ui) -> Option<String> {
    let mut sources = Sources::default();
    let formatted = match std::str::from_utf8(bytes) {
        Ok(text) => {
            sources.set(name, text);
            weir_dsl::format::format(text)
        }
        Err(_) => {
            let file = sources.set(name, String::from_utf8_lossy(bytes).into_owned());
            Err(weir_dsl::parse_bytes(file, bytes).1)
        }
    };
    match formatted {
        Ok(formatted) => Some(formatted),
        Err(diagnostics) => {
            // Standard output may be an editor's buffer.
            ui.tell(render::human(&diagnostics, &sources, ui.is_talk_colored()));
            None
        }
    }
}

fn diff(name: &str, before: &[u8], after: &str, ui: &mut Ui) -> Result<(), Failure> {
    let before = String::from_utf8_lossy(before);
    let diff = TextDiff::from_lines(before.as_ref(), after);
    ui.print(diff.unified_diff().context_radius(3).header(name, name))
}

/// Replaces a file whole: written beside it first, so that a crash loses nothing.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".weir-tmp");
    let beside = PathBuf::from(beside);
    let written = fs::metadata(path)
        .map(|metadata| metadata.permissions())
        .and_then(|permissions| {
            fs::write(&beside, text)?;
            fs::set_permissions(&beside, permissions)
        })
        .and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&beside);
        Failure::file("write", path, &error)
    })
}
