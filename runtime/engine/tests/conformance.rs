//! The conformance suite: the language's cases as data, under `conformance/`.
//!
//! - `conformance/*.weir`: one package a topic, checked without an error, its tests run. A test's name begins
//!   with `+ WORD:` for what must hold and `- WORD:` for what must not; several words are separated by commas.
//! - `conformance/refused/*.weir`: whole files separated by lines `#---`, each beginning with
//!   `# - WORD: W0301 what is refused`, each giving errors of exactly that code (of a warning's code: that
//!   warning and no error).
//! - `conformance/derive.json`: exchanges and the events that the maps of `derive.weir` make of them, named alike.
//! - `runtime/*/tests/*.rs`: what the language has no words for, such as commands: lines `/// + WORD: …` and
//!   `/// - WORD: …` above a test name it alike.
//! - `conformance/vocabulary.txt`: every word that must have one of each.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what must not happen"
)]

#[path = "support/exchange.rs"]
mod exchange;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use support::Library;
use weir_compiler::data::Data;
use weir_compiler::link;
use weir_dsl::Code;
use weir_engine::{Engine, Options};

fn folder() -> PathBuf {
    support::root().join("runtime/engine/conformance")
}

/// A file that must be refused.
struct Refused {
    /// Topic and line, for people.
    place: String,
    words: Vec<String>,
    code: Code,
    text: String,
}

fn refused() -> Vec<Refused> {
    let mut all = Vec::new();
    for path in support::files(&folder().join("refused"), "weir") {
        let topic = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        let text = support::read(&path);
        let mut line = 1;
        for block in text.split_inclusive('\n').collect::<Vec<_>>().split(|line| line.trim() == "#---") {
            let start = line;
            line += block.len() + 1;
            let Some(head) = block.first().and_then(|head| head.trim().strip_prefix("# - ")) else {
                continue;
            };
            let place = format!("refused/{topic}:{start}");
            let (words, rest) = head.split_once(": ").unwrap_or_else(|| panic!("{place}: no `WORD: CODE`"));
            let code = rest.split(' ').next().and_then(Code::parse);
            all.push(Refused {
                words: words.split(", ").map(str::to_owned).collect(),
                code: code.unwrap_or_else(|| panic!("{place}: no diagnostic code")),
                text: block.concat(),
                place,
            });
        }
    }
    assert!(all.len() > 100, "{} refused files", all.len());
    all
}

/// The words of a test's name and whether they must hold.
fn named(name: &str) -> Option<(bool, Vec<String>)> {
    let (holds, rest) = match name.split_at_checked(2)? {
        ("+ ", rest) => (true, rest),
        ("- ", rest) => (false, rest),
        _ => return None,
    };
    let (words, what) = rest.split_once(": ")?;
    (!what.is_empty()).then(|| (holds, words.split(", ").map(str::to_owned).collect()))
}

/// The files of topics.
fn topics() -> Vec<PathBuf> {
    let mut topics = support::files(&folder(), "weir");
    topics.retain(|path| path.parent().is_some_and(|parent| !parent.ends_with("refused")));
    topics
}

#[test]
fn every_topic_checks_without_an_error_and_its_tests_pass() {
    let mut library = Library::new();
    let (mut ran, mut wrong) = (0, Vec::new());
    for path in topics() {
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        let errors = support::errors(&library.check(&name, &support::read(&path)));
        if errors.is_empty() {
            let package = library.package(&name).expect("a file without errors has a package");
            let (more, failed) = library.run_tests(&package);
            ran += more;
            wrong.extend(failed);
        } else {
            wrong.push(library.show(&errors));
        }
        library.forget(&name);
    }
    assert!(wrong.is_empty(), "{} of {ran} tests\n{}", wrong.len(), wrong.join("\n"));
    assert!(ran > 500, "{ran} tests ran");
}

#[test]
fn what_must_be_refused_is_refused_with_its_code() {
    let mut library = Library::new();
    let mut wrong = Vec::new();
    for case in refused() {
        let diagnostics = library.check("case.weir", &case.text);
        if let Err(why) = support::refusal(&diagnostics, case.code) {
            wrong.push(format!("{}: {}: {why}", case.place, case.words.join(", ")));
        }
        library.forget("case.weir");
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn exchanges() -> Vec<serde_json::Value> {
    let text = support::read(&folder().join("derive.json"));
    serde_json::from_str(&text).expect("derive.json is a list of cases")
}

fn name_of(case: &serde_json::Value) -> &str {
    case["name"].as_str().expect("a case has a name")
}

#[test]
fn maps_make_of_exchanges_what_they_say() {
    let mut library = Library::new();
    let errors =
        support::errors(&library.check("derive.weir", &support::read(&folder().join("derive.weir"))));
    assert!(errors.is_empty(), "{}", library.show(&errors));
    let found = library.analysis.found();
    let hir = found.link(&found.for_tests("conformance.derive"), &link::Options::default()).hir;
    let engine = Engine::new(hir.clone(), Data::default(), Options::default());
    let mut wrong = Vec::new();
    for case in exchanges() {
        let faults = exchange::faults(&engine, &hir, &case);
        wrong.extend(faults.into_iter().map(|fault| format!("{}: {fault}", name_of(&case))));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_word_has_a_case_that_holds_and_one_that_does_not() {
    let mut seen: BTreeMap<bool, BTreeSet<String>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for path in topics() {
        for line in support::read(&path).lines() {
            let Some(name) = line.strip_prefix("test \"").and_then(|rest| rest.rsplit_once('"')) else {
                continue;
            };
            match named(name.0) {
                Some((holds, words)) => seen.entry(holds).or_default().extend(words),
                None => wrong.push(format!("{}: `{}` names no word", path.display(), name.0)),
            }
        }
    }
    for case in exchanges() {
        match named(name_of(&case)) {
            Some((holds, words)) => seen.entry(holds).or_default().extend(words),
            None => wrong.push(format!("derive.json: `{}` names no word", name_of(&case))),
        }
    }
    for path in support::files(&support::root().join("runtime"), "rs") {
        if !path.parent().is_some_and(|parent| parent.ends_with("tests")) {
            continue;
        }
        let text = support::read(&path);
        let names = text.lines().filter_map(|line| line.trim_start().strip_prefix("/// "));
        let cases: Vec<_> = names.filter_map(named).collect();
        // What names a word holds on both engines: its program runs again on the walker.
        let of_engine = path.starts_with(support::root().join("runtime/engine"));
        if of_engine
            && !path.ends_with("conformance.rs")
            && !cases.is_empty()
            && !text.contains("common::run_on_the_walker(")
        {
            wrong.push(format!("{} does not run on the walker", path.display()));
        }
        for (holds, words) in cases {
            seen.entry(holds).or_default().extend(words);
        }
    }
    seen.entry(false).or_default().extend(refused().into_iter().flat_map(|case| case.words));
    let vocabulary = support::read(&folder().join("vocabulary.txt"));
    let words: BTreeSet<String> = vocabulary
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    assert!(words.len() > 200, "{} words", words.len());
    for (holds, sign) in [(true, '+'), (false, '-')] {
        let seen = seen.remove(&holds).unwrap_or_default();
        wrong.extend(words.difference(&seen).map(|word| format!("`{word}` has no case `{sign} {word}: …`")));
        wrong.extend(seen.difference(&words).map(|word| format!("`{sign} {word}` is not in the vocabulary")));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
