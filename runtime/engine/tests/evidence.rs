//! Records of decisions: made again from the record alone, a decision is the same to the byte.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "a test stops at the first surprise"
)]

mod support;

use support::Library;
use weir_engine::evidence::Compiled;
use weir_engine::{Decision, Engine};

/// What is wrong with the record of a decision, if anything.
fn faults(engine: &Engine, compiled: &Compiled, decision: &Decision) -> Option<String> {
    let Some(evidence) = engine.evidence(decision) else { return Some("it has no record".to_owned()) };
    let made = match compiled.reexecute(&evidence) {
        Ok(made) => made,
        Err(error) => return Some(error.to_string()),
    };
    if !made.identical {
        return Some(format!("was\n{decision:?}\nis\n{:?}", made.decision));
    }
    // Explaining costs most of the time here, and says little of what is quiet.
    if !decision.seq.0.is_multiple_of(8) && decision.looks().all(|look| look.matches.is_empty()) {
        return None;
    }
    let (was, is) = (engine.explain(decision), compiled.explain(&made));
    let (was, is) = (format!("{was:#?}"), format!("{is:#?}"));
    if was != is {
        let differs = was.lines().zip(is.lines()).find(|(was, is)| was != is);
        return Some(format!("the explanation differs: {differs:?}"));
    }
    None
}

/// Runs the tests of packages, with a record of every decision.
fn hold(library: &mut Library, package: &str, every: usize, seen: &mut usize, wrong: &mut Vec<String>) {
    let (mut tests, mut last) = (0, String::new());
    let mut of: Option<(String, Compiled)> = None;
    library.watch_tests(package, &mut |test, engine, decision| {
        if last != test {
            tests += 1;
            last = test.to_owned();
        }
        if tests % every != 0 {
            return;
        }
        let (_, compiled) = match of.take() {
            Some((known, compiled)) if known == test => of.insert((known, compiled)),
            _ => of.insert((test.to_owned(), Compiled::new(engine.hir().clone()))),
        };
        *seen += 1;
        wrong.extend(faults(engine, compiled, decision).map(|fault| format!("{package}: {test}: {fault}")));
    });
}

#[test]
fn every_decision_of_the_conformance_suite_is_made_again_from_its_record() {
    let mut library = Library::new();
    let (mut seen, mut wrong) = (0, Vec::new());
    let folder = support::root().join("runtime/engine/conformance");
    for path in support::files(&folder, "weir") {
        if path.parent().is_some_and(|parent| parent.ends_with("refused")) {
            continue;
        }
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        library.check(&name, &support::read(&path));
        let package = library.package(&name).expect("a topic is a package");
        hold(&mut library, &package, 1, &mut seen, &mut wrong);
        library.forget(&name);
    }
    assert!(wrong.is_empty(), "{} of {seen}: {}", wrong.len(), wrong[..wrong.len().min(5)].join("\n"));
    assert!(seen > 2_000, "{seen} decisions");
}

#[test]
fn every_decision_of_the_library_is_made_again_from_its_record() {
    let mut library = Library::new();
    let (mut seen, mut wrong) = (0, Vec::new());
    let packages: Vec<String> = library.analysis.env().packages.keys().map(ToString::to_string).collect();
    for package in packages {
        // One test in four: that is many still, and a rule set is compiled for each.
        hold(&mut library, &package, 4, &mut seen, &mut wrong);
    }
    assert!(wrong.is_empty(), "{} of {seen}: {}", wrong.len(), wrong[..wrong.len().min(5)].join("\n"));
    assert!(seen > 500, "{seen} decisions");
}
