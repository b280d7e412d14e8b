//! The text form of programs: `ir/NAME.weir` is lowered, and what comes of it is `NAME.ir`; the first line of a case says
//! what it shows. `WEIR_BLESS=1` writes the `.ir` files anew. Every `.ir` file reads back as it was.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::path::{Path, PathBuf};

use weir_compiler::analysis::Analysis;
use weir_compiler::hir::Hir;
use weir_compiler::ir;
use weir_compiler::link::Options;
use weir_dsl::Severity;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().unwrap() != "templates" {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "weir") {
            found.push(path);
        }
    }
    found.sort();
}

/// A case, linked.
fn linked(path: &Path) -> Hir {
    let schema = root().join("tests/data/ir/events.weir");
    let mut analysis = Analysis::new();
    analysis.set_file("events.weir", std::fs::read_to_string(schema).unwrap());
    analysis.set_file("case.weir", std::fs::read_to_string(path).unwrap());
    let found = analysis.found();
    let errors: Vec<_> = found.diagnostics.iter().filter(|d| d.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
    found.link(&found.everything(), &Options::default()).hir
}

#[test]
fn programs_are_as_recorded() {
    let mut cases = Vec::new();
    files(&root().join("tests/ir"), &mut cases);
    assert!(cases.len() >= 5);
    let mut wrong = Vec::new();
    for path in cases {
        let text = ir::lower(&linked(&path)).to_string();
        let golden = path.with_extension("ir");
        if std::env::var_os("WEIR_BLESS").is_some() {
            std::fs::write(&golden, &text).unwrap();
        }
        let recorded = std::fs::read_to_string(&golden).unwrap_or_default();
        if recorded != text {
            wrong.push(format!("{} differs:\n{text}", golden.display()));
        }
        assert_eq!(ir::parse(&recorded).unwrap().to_string(), recorded);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_whole_library_reads_back_as_it_was() {
    let library = root().join("../stdlib-rules");
    let mut paths = Vec::new();
    files(&library, &mut paths);
    let mut analysis = Analysis::new();
    for path in &paths {
        let name = path.strip_prefix(&library).unwrap().to_string_lossy().into_owned();
        analysis.set_file(&name, std::fs::read_to_string(path).unwrap());
    }
    analysis.set_manifest("weir.toml", &std::fs::read_to_string(library.join("weir.toml")).unwrap());
    let found = analysis.found();
    let hir = found.link(&found.everything(), &Options::default()).hir;
    let unit = ir::lower(&hir);
    assert!(hir.rules.len() > 40, "{} rules", hir.rules.len());
    assert!(unit.len() > 50, "{} programs", unit.len());
    let read = ir::parse(&unit.to_string()).unwrap();
    assert_eq!(format!("{read:?}"), format!("{unit:?}"));
    // Every rule of the library has a program.
    let mut rules: Vec<String> = unit
        .programs()
        .flat_map(|program| program.roots())
        .filter_map(|root| root.label.strip_prefix("rule ").map(str::to_owned))
        .collect();
    rules.sort();
    rules.dedup();
    assert_eq!(rules.len(), hir.rules.len());
}
