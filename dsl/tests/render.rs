//! Diagnostics drawn for people, tools and programs, against files of `tests/render/`.
//!
//! `WEIR_BLESS=1 cargo test -p weir-dsl --test render` writes the files anew.

#![allow(clippy::unwrap_used, reason = "a test stops at what must not happen")]

use std::path::PathBuf;

use proptest::prelude::*;
use weir_dsl::render::{concise, human, json, sort, summary};
use weir_dsl::{Applicability, Code, Diagnostic, Edit, FileId, FileSpan, Fix, Severity, Sources, Span};

fn golden(name: &str, actual: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/render").join(name);
    if std::env::var_os("WEIR_BLESS").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{} differs; look, then bless", path.display());
}

/// The place of the first `needle` in a file.
fn find(sources: &Sources, file: FileId, needle: &str) -> FileSpan {
    let at = sources.text(file).find(needle).unwrap() as u32;
    FileSpan { file, span: Span::new(at, at + needle.len() as u32) }
}

fn place(file: FileId, start: u32, end: u32) -> FileSpan {
    FileSpan { file, span: Span::new(start, end) }
}

/// Sources and diagnostics that show every part of one.
fn sample() -> (Sources, Vec<Diagnostic>) {
    let mut sources = Sources::default();
    let ato = sources.set(
        "policies/ato.weir",
        "package acme.ato\n\nuse std.events { login }\n\npolicy stuffing {\n  on login\n\n  watch login per shape \
         over 10m {\n    tried = distinct user\n  }\n\n  rule many {\n    when tired >= 20\n    then challenge shape\n    \
         because \"{tired} accounts\"\n  }\n}\n",
    );
    let lists = sources.set("policies/lists.weir", "package acme.lists\n\ntag seen\n\ntag seen\n");
    let diagnostics = vec![
        Diagnostic::new(Code::UNKNOWN_NAME, find(&sources, ato, "tired"), "unknown name `tired`")
            .label("no signal, parameter or field of `login` has this name")
            .also(find(&sources, ato, "tried"), "a signal of a similar name")
            .help("did you mean `tried`?")
            .fix("write `tried`", find(&sources, ato, "tired"), "tried", Applicability::Suggested),
        Diagnostic::new(
            Code::NO_SCOPE,
            find(&sources, ato, "challenge shape"),
            "`challenge shape` punishes everyone with this software",
        )
        .label("names no event and spares nobody")
        .note("one browser build shares one `shape`")
        .note("an action on a place or software key must say which event it touches")
        .help("add `on EVENT` and `sparing …`")
        .fix(
            "name the scope and whom to spare",
            FileSpan { file: ato, span: Span::at(find(&sources, ato, "challenge shape").span.end) },
            " on login for 30m, sparing sessions that passed",
            Applicability::Automatic,
        ),
        Diagnostic::new(
            Code::UNUSED_IMPORT,
            find(&sources, ato, "use std.events { login }"),
            "unused import `login`",
        ),
        Diagnostic::new(Code::DUPLICATE_NAME, place(lists, 34, 38), "`seen` is declared twice")
            .label("declared again here")
            .also(place(lists, 24, 28), "first declared here")
            .also(find(&sources, ato, "package acme.ato"), "and used from here"),
    ];
    (sources, diagnostics)
}

#[test]
fn every_part_of_a_diagnostic_is_shown() {
    let (sources, mut diagnostics) = sample();
    sort(&mut diagnostics, &sources);
    golden("parts.human", &human(&diagnostics, &sources, false));
    golden("parts.styled", &human(&diagnostics, &sources, true));
    golden("parts.concise", &concise(&diagnostics, &sources));
    golden("parts.json", &json(&diagnostics, &sources));
}

#[test]
fn styles_change_no_text() {
    let (sources, diagnostics) = sample();
    let mut plain = String::new();
    let styled = human(&diagnostics, &sources, true);
    let mut rest = styled.as_str();
    while let Some(at) = rest.find('\u{1b}') {
        plain.push_str(&rest[..at]);
        let end = rest[at..].find('m').unwrap();
        rest = &rest[at + end + 1..];
    }
    plain.push_str(rest);
    assert_eq!(plain, human(&diagnostics, &sources, false));
    assert!(styled.len() > plain.len());
}

/// Texts that a careless renderer trips over.
#[test]
fn difficult_texts_are_shown_at_the_right_place() {
    let mut sources = Sources::default();
    let crlf = sources.set("crlf.weir", "package a\r\n\r\ntag b\r\ntag b\r\n");
    let tabs = sources.set("tabs.weir", "package a\n\tlist\tx:\tset<int> = [1]\n");
    let wide = sources.set("wide.weir", "package a\nlist x: set<string> = [\"käse 🧀 東京\", wrong]\n");
    let empty = sources.set("empty.weir", "");
    let bytes = sources.set("control.weir", "package a\ntag \u{1b}[31mred\u{7}\n");
    let tall =
        sources.set("tall.weir", format!("package a\npolicy p {{\n{}}}\ntag z\n", "  # …\n".repeat(500)));
    let diagnostics = [
        Diagnostic::new(Code::DUPLICATE_NAME, find(&sources, crlf, "b\r\ntag"), "`b` is declared twice")
            .label("a label over a line break"),
        Diagnostic::new(Code::SYNTAX, find(&sources, tabs, "set<int>"), "after tabs").label("here"),
        Diagnostic::new(Code::UNKNOWN_NAME, find(&sources, wide, "wrong"), "unknown name `wrong`")
            .label("after wide characters"),
        Diagnostic::new(Code::NO_PACKAGE, place(empty, 0, 0), "file without a package clause").label("empty"),
        Diagnostic::new(Code::NO_PACKAGE, place(empty, 70, 90), "beyond the end").label("clamped"),
        Diagnostic::new(
            Code::SYNTAX,
            find(&sources, bytes, "\u{1b}"),
            "a title with \u{1b}[31m and\na line break",
        )
        .label("\u{202e}gnp.exe"),
        Diagnostic::new(
            Code::SYNTAX,
            place(tall, 10, sources.text(tall).len() as u32),
            "something is wrong in five hundred lines",
        )
        .label("only the first line is marked")
        .also(find(&sources, tall, "tag z"), "far away"),
        Diagnostic::new(Code::SYNTAX, place(FileId(99), 3, 4), "a file nobody knows"),
        Diagnostic::new(Code::SYNTAX, place(tabs, 9, 3), "a range that ends before it begins"),
    ];
    golden("difficult.human", &human(&diagnostics, &sources, false));
    golden("difficult.concise", &concise(&diagnostics, &sources));
    golden("difficult.json", &json(&diagnostics, &sources));
}

#[test]
fn of_a_long_line_a_window_is_shown() {
    let mut sources = Sources::default();
    let line = "é".repeat(5_000_000);
    let file = sources.set("long.weir", format!("package a\n# {line} wrong {line}\ntag b\n"));
    let at = sources.text(file).find("wrong").unwrap() as u32;
    let end = at + 5;
    let diagnostics = [Diagnostic::new(Code::UNKNOWN_NAME, place(file, at, end), "unknown name `wrong`")
        .label("here")
        .also(place(file, 10, end + 4_000), "around it")
        .fix("write `right`", place(file, at, end), "right", Applicability::Automatic)];
    let shown = human(&diagnostics, &sources, false);
    golden("long.human", &shown);
    golden("long.concise", &concise(&diagnostics, &sources));
    assert!(json(&diagnostics, &sources).len() < 3_000);
}

#[test]
fn a_large_fix_is_named_and_not_drawn() {
    let mut sources = Sources::default();
    let file = sources.set("a.weir", "package a\n");
    let diagnostic = Diagnostic::new(Code::SYNTAX, place(file, 0, 7), "t");
    let large = [diagnostic.fix(
        "add a great deal",
        place(file, 0, 0),
        "x".repeat(1 << 20),
        Applicability::Automatic,
    )];
    let shown = human(&large, &sources, false);
    assert!(shown.len() < 500 && shown.contains("add a great deal"), "{shown}");
}

#[test]
fn order_is_file_then_place_then_severity() {
    let mut sources = Sources::default();
    let z = sources.set("z.weir", "0123456789");
    let a = sources.set("a.weir", "0123456789");
    let mut diagnostics = vec![
        Diagnostic::new(Code::UNUSED_IMPORT, place(z, 0, 1), "4"),
        Diagnostic::new(Code::UNUSED_IMPORT, place(a, 5, 6), "3"),
        Diagnostic::new(Code::SYNTAX, place(a, 5, 6), "2"),
        Diagnostic::new(Code::SYNTAX, place(a, 1, 9), "1"),
    ];
    sort(&mut diagnostics, &sources);
    let titles: Vec<&str> = diagnostics.iter().map(|d| d.title.as_str()).collect();
    assert_eq!(titles, ["1", "2", "3", "4"]);
    let version: serde_json::Value = serde_json::from_str(&json(&diagnostics, &sources)).unwrap();
    assert_eq!(version["version"], 1);
    assert_eq!(version["counts"]["warnings"], 2);
}

#[test]
fn the_summary_counts_by_severity() {
    let at = place(FileId(0), 0, 0);
    let error = Diagnostic::new(Code::SYNTAX, at, "e");
    let warning = Diagnostic::new(Code::UNUSED_IMPORT, at, "w");
    let note = Diagnostic { severity: Severity::Note, ..warning.clone() };
    assert_eq!(summary(&[]), "no problems");
    assert_eq!(summary(&[warning.clone(), error.clone(), error.clone()]), "2 errors, 1 warning");
    assert_eq!(summary(&[note.clone(), warning.clone(), warning]), "2 warnings, 1 note");
    assert_eq!(summary(&[error, note]), "1 error, 1 note");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Any text and any ranges: nothing panics, every title is shown, and the output stays small.
    #[test]
    fn any_ranges_can_be_shown(
        text in "([a-z{}\"é東\u{0}\t ]{0,30}(\n|\r\n|\r)?){0,20}",
        ranges in prop::collection::vec((0u32..600, 0u32..600, "[ -~\n]{0,12}"), 1..6),
        edits in prop::collection::vec((0u32..600, 0u32..600, "[a-z\né]{0,8}"), 0..4),
    ) {
        let mut sources = Sources::default();
        let file = sources.set("t.weir", text);
        let mut diagnostic = Diagnostic::new(Code::SYNTAX, place(file, ranges[0].0, ranges[0].1), "the title");
        diagnostic.primary.text.clone_from(&ranges[0].2);
        for (start, end, label) in &ranges[1..] {
            diagnostic = diagnostic.also(place(file, *start, *end), label.clone());
        }
        let edits: Vec<Edit> = edits
            .into_iter()
            .map(|(start, end, text)| Edit { file, span: Span::new(start, end), text })
            .collect();
        diagnostic.fix = Some(Fix { title: "mend".into(), edits, applicability: Applicability::Automatic });
        let diagnostics = [diagnostic];
        let shown = human(&diagnostics, &sources, false);
        prop_assert!(shown.starts_with("error[W0001]: the title\n"), "{shown}");
        prop_assert!(shown.ends_with("see: weir explain W0001\n\n"), "{shown}");
        prop_assert!(shown.len() < 20_000);
        prop_assert_eq!(concise(&diagnostics, &sources).lines().count(), 1);
        let value: serde_json::Value = serde_json::from_str(&json(&diagnostics, &sources)).unwrap();
        let span = &value["diagnostics"][0]["span"];
        prop_assert!(span["start"].as_u64() <= span["end"].as_u64());
        prop_assert!(span["end"].as_u64().unwrap() as usize <= sources.text(file).len());
    }
}
