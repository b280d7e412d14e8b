//! The documentation pages of diagnostics: complete, and of the promised form.

#![allow(clippy::unwrap_used, reason = "a test stops at what must not happen")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use weir_dsl::codes::REGISTRY;
use weir_dsl::pages::page;
use weir_dsl::{Code, FileId, parse};

/// Pages whose fault no policy file of its own can show: bytes that are not text, a project file, the age of
/// a file.
const WITHOUT_FAULTY_POLICY: [Code; 3] = [Code::NOT_TEXT, Code::BAD_PROJECT, Code::STALE_LIST];

/// The fenced blocks of a page: what stands behind the fence, and the text.
fn blocks(page: &str) -> Vec<(&str, String)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((info, text.join("\n") + "\n"));
        }
    }
    blocks
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/diagnostics");
    let found: BTreeSet<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let wanted: BTreeSet<String> = REGISTRY.iter().map(|entry| format!("{}.md", entry.code)).collect();
    assert_eq!(found, wanted);
    for entry in REGISTRY {
        let text = page(entry.code).unwrap_or_else(|| panic!("{} has no page in pages.rs", entry.code));
        let title = format!("# {}: {}\n", entry.code, entry.name);
        assert!(text.starts_with(&title), "{} begins with {:?}", entry.code, text.lines().next());
    }
}

#[test]
fn every_page_shows_the_fault_and_its_mending() {
    for entry in REGISTRY {
        let blocks = blocks(page(entry.code).unwrap());
        let fault = format!("fail({})", entry.code);
        let faulty = blocks.iter().filter(|(info, _)| *info == format!("weir {fault}")).count();
        assert_eq!(faulty, usize::from(!WITHOUT_FAULTY_POLICY.contains(&entry.code)), "{}", entry.code);
        assert_eq!(
            blocks.iter().filter(|(info, _)| *info == "weir").count(),
            usize::from(entry.code != Code::BAD_PROJECT),
            "{}",
            entry.code
        );
        for (info, text) in blocks {
            let known = ["weir", "toml", "text"].contains(&info)
                || info == format!("weir {fault}")
                || info == format!("toml {fault}");
            assert!(known, "{}: {info}", entry.code);
            let whole = text.starts_with("package ") || info == "weir fail(W0005)";
            assert!(whole || !info.starts_with("weir"), "{}: a block is a whole file", entry.code);
        }
    }
}

/// Faults of reading text are found here; those of later stages must at least read well, so that the fault
/// shown is the only one.
#[test]
fn the_parser_finds_its_own_faults_and_no_others() {
    let own = [Code::SYNTAX, Code::UNBALANCED, Code::TOO_LARGE, Code::NO_PACKAGE, Code::BAD_LITERAL];
    for entry in REGISTRY {
        for (info, text) in blocks(page(entry.code).unwrap()) {
            if !info.starts_with("weir") {
                continue;
            }
            let (_, diagnostics) = parse(FileId(0), &text);
            let found: Vec<Code> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
            let expected =
                if info != "weir" && own.contains(&entry.code) { vec![entry.code] } else { vec![] };
            assert_eq!(found, expected, "{}: {info}: {diagnostics:#?}", entry.code);
        }
    }
}

#[test]
fn pages_are_short() {
    for entry in REGISTRY {
        let text = page(entry.code).unwrap();
        assert!(text.lines().count() <= 60, "{}: {} lines", entry.code, text.lines().count());
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{}", entry.code);
    }
}
