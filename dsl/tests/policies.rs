//! The worked policies parse without a diagnostic, and nothing of them is lost.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use weir_dsl::ast::{ItemKind, MemberKind};
use weir_dsl::{FileId, Sources, parse};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/policies");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn worked_policies_parse_without_a_diagnostic() {
    let mut found = String::new();
    for path in files() {
        let text = std::fs::read_to_string(&path).unwrap();
        let (file, diagnostics) = parse(FileId(0), &text);
        let mut sources = Sources::default();
        let id = sources.set("", text.as_str());
        for diagnostic in &diagnostics {
            let (line, column) = sources.position(id, diagnostic.primary.span.start);
            found += &format!("{}:{line}:{column} {}\n", path.display(), diagnostic.title);
        }
        assert!(file.package.is_some(), "{}", path.display());
    }
    assert_eq!(found, "");
}

/// Counts what an independent reading of the lines finds: a keyword at the margin or, in a policy, at two
/// blanks begins an item or a member.
#[test]
fn every_item_and_member_is_in_the_tree() {
    let (mut tests, mut rules, mut watched) = (0, 0, 0);
    for path in files() {
        let text = std::fs::read_to_string(&path).unwrap();
        let (file, _) = parse(FileId(0), &text);
        let at_margin = text
            .lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
            .filter(|line| !line.starts_with("package ") && !line.starts_with("use "))
            .count();
        assert_eq!(file.items.len(), at_margin, "{}", path.display());
        assert_eq!(file.uses.len(), text.lines().filter(|line| line.starts_with("use ")).count());
        assert_eq!(file.comments.len(), text.matches('#').count(), "{}", path.display());
        for item in &file.items {
            match &item.kind {
                ItemKind::Test(test) => {
                    tests += 1;
                    assert!(!test.moves.is_empty());
                }
                ItemKind::Policy(policy) => {
                    let body = item.span.text(&text);
                    let members = body
                        .lines()
                        .filter(|line| {
                            line.starts_with("  ") && line[2..].starts_with(|c: char| c.is_ascii_lowercase())
                        })
                        .count();
                    assert_eq!(policy.members.len(), members, "{}", policy.name.text);
                    for member in &policy.members {
                        match &member.kind {
                            MemberKind::Rule(_) => rules += 1,
                            MemberKind::Watch(watch) => watched += watch.signals.len(),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
    }
    assert_eq!((tests, rules, watched), (97, 36, 22));
}
