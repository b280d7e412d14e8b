//! Sessions: what is found does not depend on how the files came to be what they are.

use weir_compiler::analysis::{Analysis, Found};
use weir_compiler::link::Options;
use weir_dsl::Sources;

use crate::support;

/// A session with the standard library.
pub(crate) fn library() -> Analysis {
    let mut session = Analysis::new();
    let mut sources = Sources::default();
    support::library(&mut sources);
    for file in sources.ids() {
        session.set_file(sources.name(file), sources.text(file));
    }
    let manifest = support::library_manifest(&mut sources);
    session.set_base(manifest);
    session
}

#[test]
fn the_library_is_linked() {
    let mut session = library();
    let found = session.found();
    let errors = found.diagnostics.iter().filter(|found| found.severity == weir_dsl::Severity::Error);
    let errors: Vec<_> = errors.cloned().collect();
    assert_eq!(support::show(session.sources(), &errors), "nothing to say\n");
    assert!(found.policies.len() > 10);
    assert!(found.tests("std.ato").count() >= 7);
    for profile in ["default", "shop", "bank"] {
        let linked = found.link(&found.profile(profile).unwrap(), &Options::default());
        assert_eq!(linked.diagnostics, []);
        assert!(linked.hir.rules.len() > 5, "{profile}");
        assert_eq!(linked.hir.policies.len(), linked.members.len());
    }
    let error = found.profile("shopp").unwrap_err();
    assert_eq!(error.help.as_deref(), Some("did you mean `shop`?"));
}

/// Everything a session found, as text.
fn whole(found: &Found) -> String {
    let fragments: Vec<_> =
        found.policies.iter().map(|(name, checked)| (name, &checked.at, &checked.item)).collect();
    format!("{:?}\n{:?}\n{:?}", found.diagnostics, fragments, found.others)
}

pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        // xorshift64*, Vigna 2016.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound.max(1)
    }
}

/// An edit somewhere in a text.
fn edited(text: &str, random: &mut Random) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let at = random.below(lines.len());
    match random.below(6) {
        0 => lines.insert(at, "# a comment"),
        1 => lines.insert(at, ""),
        2 if !lines.is_empty() => {
            lines.remove(at);
        }
        3 => {
            let line = lines[at];
            lines.insert(at, line);
        }
        4 => return text.replacen("enforce", "shadow", 1),
        _ => {
            let words: Vec<&str> = text.split_whitespace().collect();
            let word = words[random.below(words.len())];
            return text.replacen(word, "session", 1);
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn edits_leave_what_a_fresh_session_finds() {
    let names = [
        "std/events.weir",
        "std/shared.weir",
        "std/ato.weir",
        "std/addresses.weir",
        "std/protect.weir",
        "web/logins.weir",
    ];
    let mut sources = Sources::default();
    support::library(&mut sources);
    let mut files: Vec<(String, String)> = Vec::new();
    for file in sources.ids() {
        if names.contains(&sources.name(file)) {
            files.push((sources.name(file).to_owned(), sources.text(file).to_owned()));
        }
    }
    assert_eq!(files.len(), names.len());
    let original = files.clone();
    let mut session = Analysis::new();
    for (name, text) in &files {
        session.set_file(name, text.as_str());
    }
    session.found();
    let mut random = Random(0x5eed);
    for round in 0..40 {
        let at = random.below(files.len());
        files[at].1 =
            if random.below(4) == 0 { original[at].1.clone() } else { edited(&files[at].1, &mut random) };
        session.set_file(&files[at].0, files[at].1.as_str());
        let mut fresh = Analysis::new();
        for (name, text) in &files {
            fresh.set_file(name, text.as_str());
        }
        let (found, expected) = (whole(&session.found()), whole(&fresh.found()));
        assert!(found == expected, "round {round}, {}", files[at].0);
    }
}

#[test]
fn mangled_files_are_survived() {
    let mut random = Random(0xbad);
    let mut session = library();
    let sources = session.sources().clone();
    let files: Vec<_> = sources.ids().collect();
    for _ in 0..80 {
        let file = files[random.below(files.len())];
        let mut bytes = sources.text(file).as_bytes().to_vec();
        for _ in 0..=random.below(3) {
            let from = random.below(bytes.len());
            let to = (from + random.below(40)).min(bytes.len());
            match random.below(3) {
                0 => drop(bytes.drain(from..to)),
                1 => bytes[from..to].reverse(),
                _ => {
                    let copy = bytes[from..to].to_vec();
                    bytes.splice(from..from, copy);
                }
            }
        }
        session.set_bytes(sources.name(file), &bytes);
        let found = session.found();
        let linked = found.link(&found.everything(), &Options::default());
        assert_eq!(linked.hir.policies.len(), linked.members.len());
        // Places lie in the files they name.
        for diagnostic in &found.diagnostics {
            let text = session.sources().text(diagnostic.primary.file);
            assert!(diagnostic.primary.span.end as usize <= text.len(), "{diagnostic:?}");
        }
        if random.below(3) == 0 {
            session.set_file(sources.name(file), sources.text(file));
        }
    }
}

#[test]
fn a_file_that_is_gone_is_gone() {
    let mut session = Analysis::new();
    session.set_file("a.weir", "package a\n\ntag x\n");
    session.set_file("b.weir", "package b\n\nuse a { x }\n");
    assert_eq!(session.diagnostics().len(), 1, "the import is not used");
    assert!(session.remove_file("a.weir"));
    assert!(!session.remove_file("a.weir"));
    let said = session.diagnostics();
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].title, "unknown package `a`");
    session.set_file("a.weir", "package a\n\ntag x\n");
    assert_eq!(session.diagnostics()[0].title, "`x` is imported and never used");
}

#[test]
fn bytes_that_are_no_text_are_said_to_be_none() {
    let mut session = Analysis::new();
    session.set_bytes(
        "a.weir",
        b"package a\n\n# \xff, in a comment of which the rest is text and can be read\n\ntag y\n",
    );
    let said = session.diagnostics();
    assert!(said.iter().any(|found| found.title.contains("not UTF-8")), "{said:?}");
    assert!(session.env().find("a", "y").is_some());
}

#[test]
fn a_broken_file_does_not_make_imports_unused() {
    let mut session = Analysis::new();
    session.set_file("a.weir", "package a\n\nevent e { x: int }\n");
    session.set_file("b.weir", "package b\n\nuse a { e }\n\npolicy p {\n  on e\n  rule r { when when then because }\n}\n\npolicy q { on ) e }\n");
    let said = session.diagnostics();
    assert!(!said.is_empty());
    assert!(said.iter().all(|found| found.code != weir_dsl::Code::UNUSED_IMPORT), "{said:?}");
}

#[test]
fn tests_and_tunes_follow_the_policies_they_see() {
    let mut session = Analysis::new();
    let policy = |rule: &str, low: u32| {
        format!(
            "package a\n\nevent e {{ x: int }}\n\npolicy p {{\n  on e\n  param n: int = 5 in {low}..9\n  rule {rule} {{ when x > n then block because \"x\" }}\n}}\n"
        )
    };
    session.set_file("a.weir", policy("r", 1));
    session.set_file(
        "b.weir",
        "package b\n\nuse a { e, p }\n\ntune p {\n  n = 3\n}\n\ntest \"t\" {\n  e { x: 1 }\n  expect rule r not fired\n}\n",
    );
    let said = session.diagnostics();
    assert_eq!(support::show(session.sources(), &said), "nothing to say\n");
    session.set_file("a.weir", policy("s", 1));
    let said = session.diagnostics();
    assert!(said.iter().any(|found| found.title.contains("`r`")), "{said:?}");
    session.set_file("a.weir", policy("r", 4));
    let said = session.diagnostics();
    assert!(said.iter().any(|found| found.code == weir_dsl::Code::OUT_OF_RANGE), "{said:?}");
}
