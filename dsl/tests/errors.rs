//! Golden diagnostics: `data/errors/NAME.weir` and what is said of it, `NAME.out`.
//!
//! `WEIR_BLESS=1 cargo test -p weir-dsl --test errors` writes the `.out` files anew; look at the difference
//! before committing it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use weir_dsl::ast::{File, ItemKind, MemberKind};
use weir_dsl::{Diagnostic, Sources, parse};

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/errors");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|ext| ext == "weir")).collect();
    files.sort();
    files
}

/// One line for place and title, one each for what else there is, and one for what stayed in the tree.
fn show(text: &str, file: &File, diagnostics: &[Diagnostic]) -> String {
    let mut sources = Sources::default();
    let id = sources.set("case.weir", text);
    let mut out = String::new();
    for diagnostic in diagnostics {
        let (line, column) = sources.position(id, diagnostic.primary.span.start);
        let marked = diagnostic.primary.span.text(text);
        let shown: String = marked.chars().take(40).collect();
        writeln!(out, "{} {line}:{column} {}", diagnostic.code, diagnostic.title).unwrap();
        writeln!(
            out,
            "  at   `{}`{}",
            shown.escape_debug(),
            if shown.len() < marked.len() { "…" } else { "" }
        )
        .unwrap();
        if !diagnostic.primary.text.is_empty() {
            writeln!(out, "  here {}", diagnostic.primary.text).unwrap();
        }
        for label in &diagnostic.secondary {
            let (line, column) = sources.position(id, label.span.start);
            writeln!(out, "  also {line}:{column} {}", label.text).unwrap();
        }
        for note in &diagnostic.notes {
            writeln!(out, "  note {note}").unwrap();
        }
        if let Some(help) = &diagnostic.help {
            writeln!(out, "  help {help}").unwrap();
        }
        if let Some(fix) = &diagnostic.fix {
            let edits: Vec<String> = fix
                .edits
                .iter()
                .map(|edit| {
                    let (line, column) = sources.position(id, edit.span.start);
                    format!("{line}:{column} `{}` -> `{}`", edit.span.text(text), edit.text.escape_debug())
                })
                .collect();
            writeln!(out, "  fix  {} ({:?}): {}", fix.title, fix.applicability, edits.join(", ")).unwrap();
        }
    }
    writeln!(out, "tree   {}", tree(file)).unwrap();
    if !file.broken.is_empty() {
        let names: Vec<&str> = file.broken.iter().map(|name| name.text.as_str()).collect();
        writeln!(out, "broken {}", names.join(" ")).unwrap();
    }
    out
}

fn tree(file: &File) -> String {
    let items: Vec<String> = file
        .items
        .iter()
        .map(|item| match &item.kind {
            ItemKind::Policy(policy) => {
                let members: Vec<String> = policy
                    .members
                    .iter()
                    .map(|member| match &member.kind {
                        MemberKind::Rule(rule) => {
                            format!("rule {} ({} actions)", rule.name.text, rule.then.len())
                        }
                        MemberKind::Watch(watch) => {
                            let names: Vec<&str> =
                                watch.signals.iter().map(|one| one.name.text.as_str()).collect();
                            format!("watch {{ {} }}", names.join(" "))
                        }
                        MemberKind::Signal(signal) => format!("signal {}", signal.name.text),
                        MemberKind::Param(param) => format!("param {}", param.name.text),
                        other => variant(other),
                    })
                    .collect();
                format!("policy {} [{}]", policy.name.text, members.join(", "))
            }
            ItemKind::Event(event) => {
                let names: Vec<&str> = event.fields.iter().map(|field| field.name.text.as_str()).collect();
                format!("event {} {{ {} }}", event.name.text, names.join(" "))
            }
            ItemKind::Test(test) => format!("test {:?} ({} steps)", test.name.value, test.moves.len()),
            other => variant(other),
        })
        .collect();
    if items.is_empty() { "nothing".to_owned() } else { items.join("; ") }
}

fn variant(value: &impl std::fmt::Debug) -> String {
    let debug = format!("{value:?}");
    debug.split(|c: char| !c.is_alphanumeric()).next().unwrap_or("").to_lowercase()
}

#[test]
fn diagnostics_are_as_recorded() {
    let bless = std::env::var_os("WEIR_BLESS").is_some();
    let mut wrong = Vec::new();
    let cases = cases();
    assert!(cases.len() >= 40);
    for path in cases {
        let text = std::fs::read_to_string(&path).unwrap();
        let (file, diagnostics) = parse(weir_dsl::FileId(0), &text);
        let shown = show(&text, &file, &diagnostics);
        let out = path.with_extension("out");
        if bless {
            std::fs::write(&out, &shown).unwrap();
        } else if std::fs::read_to_string(&out).unwrap_or_default() != shown {
            wrong.push(format!("{}\n{shown}", path.display()));
        }
        // Whatever is recorded, each of these texts is broken, and each diagnostic says what to do.
        assert!(!diagnostics.is_empty(), "{}", path.display());
        for diagnostic in &diagnostics {
            assert!(diagnostic.help.is_some(), "{}: {}", path.display(), diagnostic.title);
            assert!(
                !diagnostic.title.ends_with('.') && !diagnostic.title.contains("Rule::"),
                "{}",
                diagnostic.title
            );
        }
    }
    assert!(wrong.is_empty(), "not as recorded:\n{}", wrong.join("\n"));
}
