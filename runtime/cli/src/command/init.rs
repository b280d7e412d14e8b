//! `weir init`: a project from a template of the standard library.

use std::fs;
use std::io::Write as _;

use crate::args::InitArgs;
use crate::ui::{self, Exit, Failure, Outcome, Ui};

pub(crate) fn run(args: &InitArgs, ui: &mut Ui) -> Outcome {
    let files = weir_stdlib::template(&args.profile);
    if files.is_empty() {
        return Err(Failure::with_help(
            format!("no profile `{}`", args.profile),
            format!("there are: {}", weir_stdlib::templates().join(", ")),
        ));
    }
    // Nothing is written unless everything can be.
    let taken: Vec<String> = files
        .iter()
        .map(|file| args.dir.join(&file.path))
        .filter(|path| path.exists())
        .map(|path| format!("`{}`", path.display()))
        .collect();
    if !taken.is_empty() {
        return Err(Failure::with_help(
            format!("there already: {}", taken.join(", ")),
            "nothing was written; choose another folder, or move these away",
        ));
    }
    for file in &files {
        let path = args.dir.join(&file.path);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).map_err(|error| Failure::file("make", dir, &error))?;
        }
        let mut to = fs::File::create_new(&path).map_err(|error| Failure::file("write", &path, &error))?;
        to.write_all(file.text.as_bytes()).map_err(|error| Failure::file("write", &path, &error))?;
        ui.line(format_args!("  wrote {}", path.display()))?;
    }
    let dir = args.dir.display();
    ui.line(format_args!("\n{}", ui::bold("next:")))?;
    ui.line(format_args!("  weir check {dir}"))?;
    ui.line(format_args!("  weir test {dir} --coverage"))?;
    ui.line(format_args!("  weir replay --policy {dir} access.log"))?;
    Ok(Exit::Clean)
}
