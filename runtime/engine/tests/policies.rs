//! The tests that the standard library's policies bring along.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::{Path, PathBuf};

use weir_compiler::analysis::Analysis;
use weir_compiler::evaluate::Tier;
use weir_compiler::link::Options;
use weir_engine::testing::{self, Coverage};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().unwrap() != "templates" {
                files(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "weir") {
            found.push(path);
        }
    }
}

#[test]
fn the_standard_library_does_what_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stdlib-rules");
    let mut paths = Vec::new();
    files(&root, &mut paths);
    paths.sort();
    let mut analysis = Analysis::new();
    for path in &paths {
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        analysis.set_file(&name, std::fs::read_to_string(path).unwrap());
    }
    let manifest = root.join("weir.toml");
    if manifest.exists() {
        analysis.set_manifest("weir.toml", &std::fs::read_to_string(manifest).unwrap());
    }
    let found = analysis.found();
    for diagnostic in &found.diagnostics {
        println!("{diagnostic:?}");
    }
    let packages: Vec<_> = found.env.packages.keys().cloned().collect();
    let (mut passed, mut failed) = (0, Vec::new());
    let mut coverage = Coverage::default();
    for package in packages {
        let linked = found.link(&found.for_tests(&package), &Options::default());
        for test in found.tests(&package) {
            let [on_walker, on_bytecode, on_plan] =
                Tier::ALL.map(|tier| testing::run_on(tier, &linked.hir, &linked.names, test));
            assert_eq!(format!("{on_walker:?}"), format!("{on_bytecode:?}"), "tiers differ");
            assert_eq!(format!("{on_walker:?}"), format!("{on_plan:?}"), "tiers differ");
            let (result, covered) = on_plan;
            coverage.join(&covered);
            if result.failures.is_empty() {
                passed += 1;
            } else {
                failed.push(format!("{package}: {}\n  {:#?}", result.name, result.failures));
            }
        }
    }
    println!("{passed} passed, {} failed", failed.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(passed >= 380, "{passed} tests ran");
    assert!(!coverage.rules.is_empty());
}
