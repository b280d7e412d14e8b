//! Names as editors see them against names as the checker does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};

use weir_compiler::analysis::Analysis;
use weir_compiler::names::{self, Symbol};
use weir_dsl::{FileId, Severity};

fn library() -> Analysis {
    let mut analysis = Analysis::new();
    for file in weir_stdlib::policies() {
        analysis.set_file(&file.path, file.text);
    }
    analysis
}

#[test]
fn the_library_has_no_unknown_name() {
    let mut analysis = library();
    let found = analysis.found();
    let ids: Vec<FileId> = analysis.sources().ids().collect();
    let mut unknown = Vec::new();
    let mut count = 0;
    for file in ids {
        let names = names::of_file(&found.env, file, analysis.tree(file).unwrap());
        count += names.occurrences.len();
        for span in names.unknown {
            let (line, _) = analysis.sources().position(file, span.start);
            unknown.push(format!(
                "{}:{line} {}",
                analysis.sources().name(file),
                analysis.sources().snippet(file, span)
            ));
        }
    }
    assert!(unknown.is_empty(), "{} of {count}: {:#?}", unknown.len(), &unknown[..unknown.len().min(40)]);
    assert!(count > 5_000, "{count}");
}

#[test]
fn declarations_are_where_the_symbol_says() {
    let mut analysis = library();
    let found = analysis.found();
    let ids: Vec<FileId> = analysis.sources().ids().collect();
    for file in ids {
        let tree = analysis.tree(file).unwrap();
        for name in names::of_file(&found.env, file, tree).occurrences.into_iter().step_by(7) {
            let places = names::declared(&found.env, &name.symbol);
            match &name.symbol {
                Symbol::Variant(_) | Symbol::Builtin(_) => assert!(places.is_empty()),
                symbol => assert!(!places.is_empty(), "{symbol:?} in {}", analysis.sources().name(file)),
            }
            if name.declares {
                assert!(places.iter().any(|at| at.file == file && at.span == name.span), "{name:?}");
            }
            let at = names::at(&found.env, file, tree, name.span.start).unwrap();
            assert_eq!(at.symbol, name.symbol);
        }
    }
}

/// Renaming what policies declare, everywhere at once, changes no diagnostic. Fields, packages and what the language looks
/// up by name (events of HTTP and of outcomes, plurals) stay.
#[test]
fn renaming_every_symbol_leaves_a_library_without_errors() {
    let mut analysis = library();
    let found = analysis.found();
    let ids: Vec<FileId> = analysis.sources().ids().collect();
    let before = analysis.diagnostics().len();
    let mut edits: BTreeMap<FileId, Vec<weir_dsl::Edit>> = BTreeMap::new();
    let mut renamed: BTreeSet<Symbol> = BTreeSet::new();
    for file in &ids {
        for name in names::of_file(&found.env, *file, analysis.tree(*file).unwrap()).occurrences {
            let text = analysis.sources().snippet(*file, name.span);
            let event =
                matches!(names::entity(&found.env, &name.symbol), Some(weir_compiler::env::Entity::Event(_)));
            if event
                || matches!(
                    name.symbol,
                    Symbol::Field(_) | Symbol::Package(_) | Symbol::Variant(_) | Symbol::Builtin(_)
                )
            {
                continue;
            }
            edits.entry(*file).or_default().push(weir_dsl::Edit {
                file: *file,
                span: name.span,
                text: format!("{text}-zz"),
            });
            renamed.insert(name.symbol);
        }
    }
    assert!(renamed.len() > 900, "{}", renamed.len());
    let mut after = Analysis::new();
    for file in ids {
        let text = analysis.sources().text(file);
        let text = weir_dsl::fix::apply(text, edits.get(&file).map_or(&[][..], Vec::as_slice)).unwrap();
        after.set_file(analysis.sources().name(file), text);
    }
    let diagnostics = after.diagnostics();
    let errors: Vec<_> = diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Error)
        .map(|found| {
            let (line, _) = after.sources().position(found.primary.file, found.primary.span.start);
            format!("{}:{line} {}", after.sources().name(found.primary.file), found.title)
        })
        .collect();
    assert!(errors.is_empty(), "{}: {:#?}", errors.len(), &errors[..errors.len().min(20)]);
    assert_eq!(diagnostics.len(), before);
}
