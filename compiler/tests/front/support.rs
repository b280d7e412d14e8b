//! Golden files: an input, and beside it what is said of it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use weir_dsl::{Applicability, Diagnostic, FileId, FileSpan, Sources, ast};

/// The inputs of a folder under `tests/data`, sorted.
pub(crate) fn inputs(folder: &str, extension: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
    let entries = std::fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    assert!(!paths.is_empty(), "no .{extension} in {}", dir.display());
    paths
}

/// Compares what is said of each input with the `.out` beside it.
pub(crate) fn golden(folder: &str, extension: &str, say: impl Fn(&str) -> String) {
    let bless = std::env::var_os("WEIR_BLESS").is_some();
    let mut wrong = Vec::new();
    for input in inputs(folder, extension) {
        let text = std::fs::read_to_string(&input).unwrap();
        let said = say(&text);
        let output = input.with_extension("out");
        if bless {
            std::fs::write(&output, &said).unwrap();
            continue;
        }
        let expected = std::fs::read_to_string(&output).unwrap_or_default();
        if said != expected {
            wrong.push(format!("--- {}\nexpected:\n{expected}\nsaid:\n{said}", input.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Files of a text in which each `package` at the start of a line begins a new one, named by its package.
pub(crate) fn split(text: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("package ") {
            let copies = files.iter().filter(|(known, _)| known.starts_with(name)).count();
            let suffix = if copies > 0 { format!("({})", copies + 1) } else { String::new() };
            files.push((format!("{name}{suffix}"), String::new()));
        } else if files.is_empty() {
            files.push(("top".to_owned(), String::new()));
        }
        let (_, body) = files.last_mut().unwrap();
        body.push_str(line);
        body.push('\n');
    }
    files
}

/// The standard library's policy files.
pub(crate) fn library(sources: &mut Sources) -> Vec<(FileId, Arc<ast::File>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stdlib-rules");
    let mut paths = Vec::new();
    // Every folder but the templates, which are projects of their own.
    for folder in std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()) {
        if folder.is_dir() && !folder.ends_with("templates") {
            let entries = std::fs::read_dir(folder).unwrap();
            paths.extend(entries.map(|entry| entry.unwrap().path()));
        }
    }
    paths.retain(|path| path.extension().is_some_and(|found| found == "weir"));
    paths.sort();
    let mut read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        let file = sources.set(&name, text.as_str());
        let (tree, faults) = weir_dsl::parse(file, &text);
        assert!(faults.is_empty(), "{}", show(sources, &faults));
        (file, Arc::new(tree))
    };
    paths.iter().map(&mut read).collect()
}

/// The standard library's project file.
pub(crate) fn library_manifest(sources: &mut Sources) -> weir_compiler::project::Manifest {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stdlib-rules/weir.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let file = sources.set("weir.toml", text.as_str());
    let (manifest, faults) = weir_compiler::project::Manifest::parse(file, &text);
    assert!(faults.is_empty(), "{}", show(sources, &faults));
    manifest
}

/// Parsed files; a fault of syntax ends the test.
pub(crate) fn parse(text: &str, sources: &mut Sources) -> Vec<(FileId, Arc<ast::File>)> {
    let files = split(text).into_iter().filter(|(name, _)| name != "top");
    files
        .map(|(name, text)| {
            let file = sources.set(&name, text.as_str());
            let (tree, faults) = weir_dsl::parse(file, &text);
            assert!(faults.is_empty(), "{name}: {}", show(sources, &faults));
            (file, Arc::new(tree))
        })
        .collect()
}

/// Diagnostics as plain text.
pub(crate) fn show(sources: &Sources, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    let place = |file: FileId, span: weir_dsl::Span| {
        let at = FileSpan { file, span };
        let (line, column) = sources.position(at.file, span.start);
        format!("{}:{line}:{column} `{}`", sources.name(file), sources.snippet(file, span).replace('\n', "⏎"))
    };
    for found in diagnostics {
        let primary = place(found.primary.file, found.primary.span);
        let _ = writeln!(out, "{} {} {primary}", found.code, found.title);
        if !found.primary.text.is_empty() {
            let _ = writeln!(out, "    {}", found.primary.text);
        }
        for label in &found.secondary {
            let _ = writeln!(out, "  also {}: {}", place(label.file, label.span), label.text);
        }
        for note in &found.notes {
            let _ = writeln!(out, "  note {note}");
        }
        if let Some(help) = &found.help {
            let _ = writeln!(out, "  help {help}");
        }
        if let Some(fix) = &found.fix {
            let how = if fix.applicability == Applicability::Automatic { "fix" } else { "may fix" };
            let _ = writeln!(out, "  {how} {}", fix.title);
            for edit in &fix.edits {
                let _ = writeln!(out, "    {} -> {:?}", place(edit.file, edit.span), edit.text);
            }
        }
    }
    if out.is_empty() {
        out.push_str("nothing to say\n");
    }
    out
}
