//! Golden tests of the checker and the lints: `data/check/NAME.weir` is checked beside the packages of
//! `data/check/prelude`, and what comes of it is `NAME.out`.
//!
//! The first line of a case names the codes it must give, `#= W0201 W0302`, or `#= clean`. `WEIR_BLESS=1`
//! writes the `.out` files anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use weir_compiler::canonical;
use weir_compiler::check;
use weir_compiler::env::Env;
use weir_compiler::hir::Hir;
use weir_dsl::ast::ItemKind;
use weir_dsl::{Diagnostic, FileId, Sources, ast};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/check")
}

fn weir_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "weir"));
    paths.sort();
    paths
}

struct Outcome {
    diagnostics: Vec<Diagnostic>,
    fragments: Vec<Hir>,
}

/// The packages beside every case, parsed once.
fn prelude() -> &'static [(String, String, Arc<ast::File>)] {
    static PRELUDE: OnceLock<Vec<(String, String, Arc<ast::File>)>> = OnceLock::new();
    PRELUDE.get_or_init(|| {
        let parsed = |(position, path): (usize, PathBuf)| {
            let text = std::fs::read_to_string(&path).unwrap();
            let (tree, found) = weir_dsl::parse(FileId(position as u32), &text);
            assert!(found.is_empty(), "{}: {found:?}", path.display());
            (path.to_string_lossy().into_owned(), text, Arc::new(tree))
        };
        weir_files(&data().join("prelude")).into_iter().enumerate().map(parsed).collect()
    })
}

/// Checks `text` beside the prelude; only what is said of `text` is kept.
fn check_text(text: &str, sources: &mut Sources) -> Outcome {
    let mut files: Vec<(FileId, Arc<ast::File>)> = Vec::new();
    for (position, (name, text, tree)) in prelude().iter().enumerate() {
        let file = sources.set(name, text.as_str());
        assert_eq!(file, FileId(position as u32));
        files.push((file, Arc::clone(tree)));
    }
    let own = sources.set("case.weir", text);
    let (tree, mut diagnostics) = weir_dsl::parse(own, text);
    let tree = Arc::new(tree);
    files.push((own, Arc::clone(&tree)));
    let (env, found) = Env::build(&files);
    diagnostics.extend(found);
    let mut fragments = Vec::new();
    let package = tree.package.as_ref().map(|name| name.text.clone()).unwrap_or_default();
    for item in &tree.items {
        match &item.kind {
            ItemKind::Policy(_) | ItemKind::Cap(_) | ItemKind::Derive(_) => {
                let checked = match &item.kind {
                    ItemKind::Policy(_) => check::check_policy(&env, &package, own, item),
                    ItemKind::Cap(_) => check::check_cap(&env, &package, own, item),
                    _ => check::check_derive(&env, &package, own, item),
                };
                diagnostics.extend(checked.diagnostics);
                fragments.push(checked.value);
            }
            ItemKind::Tune(_) => diagnostics.extend(check::check_tune(&env, &package, own, item).diagnostics),
            ItemKind::Test(_) => diagnostics.extend(check::check_test(&env, &package, own, item).diagnostics),
            ItemKind::Decide(decide) => {
                diagnostics.extend(check::check_decide(&env, &package, own, decide).diagnostics);
            }
            _ => {}
        }
    }
    for function in env.functions.ids() {
        if env.functions[function].at.file == own {
            diagnostics.extend(check::check_function(&env, own, function).diagnostics);
        }
    }
    diagnostics.retain(|diagnostic| diagnostic.primary.file == own);
    Outcome { diagnostics, fragments }
}

fn shown(outcome: &Outcome, sources: &Sources) -> String {
    let mut text = String::new();
    let place = |file, at| {
        let (line, column) = sources.position(file, at);
        if sources.name(file) == "case.weir" { format!("{line}:{column}") } else { "elsewhere".to_owned() }
    };
    for diagnostic in &outcome.diagnostics {
        let primary = &diagnostic.primary;
        let snippet =
            sources.snippet(primary.file, primary.span).lines().next().unwrap_or_default().to_owned();
        let _ = writeln!(
            text,
            "{} {} {}",
            diagnostic.code,
            place(primary.file, primary.span.start),
            diagnostic.title
        );
        let _ = writeln!(text, "  at `{snippet}` {}", primary.text);
        for label in &diagnostic.secondary {
            let snippet =
                sources.snippet(label.file, label.span).lines().next().unwrap_or_default().to_owned();
            let _ =
                writeln!(text, "  and {} `{snippet}`: {}", place(label.file, label.span.start), label.text);
        }
        for note in &diagnostic.notes {
            let _ = writeln!(text, "  note: {note}");
        }
        if let Some(help) = &diagnostic.help {
            let _ = writeln!(text, "  help: {help}");
        }
        if let Some(fix) = &diagnostic.fix {
            for edit in &fix.edits {
                let _ = writeln!(
                    text,
                    "  fix: {} → {}: `{}`",
                    place(edit.file, edit.span.start),
                    fix.title,
                    edit.text
                );
            }
        }
    }
    for hir in &outcome.fragments {
        for rule in hir.rules.values() {
            let _ = writeln!(text, "rule {} {:?}", rule.full_name, rule.phase);
            let _ = writeln!(text, "  when {}", canonical::expr(hir, rule.when));
        }
        for signal in hir.signals.values() {
            let state = &hir.states[signal.state];
            let _ = writeln!(
                text,
                "signal {}: {} {:?}, {} bytes a key",
                signal.name, signal.ty, signal.phase, state.bytes_per_key
            );
            let _ = writeln!(text, "  {}", state.identity);
        }
        for sequence in hir.sequences.values() {
            let _ = writeln!(text, "sequence {} {:?}", sequence.name, sequence.phase);
            for step in &sequence.steps {
                let kept: Vec<&str> =
                    step.captures.iter().map(|field| hir.schema.fields[*field].name.as_str()).collect();
                let _ = writeln!(text, "  {} {:?} keeps ({})", step.name, step.phase, kept.join(", "));
            }
        }
    }
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn expected_codes(text: &str) -> Vec<String> {
    let first = text.lines().next().unwrap_or_default();
    let list = first.strip_prefix("#= ").expect("a case begins with `#= CODES` or `#= clean`");
    let mut codes: Vec<String> =
        list.split_whitespace().filter(|code| *code != "clean").map(str::to_owned).collect();
    codes.sort();
    codes
}

#[test]
fn cases_give_what_they_are_named_for() {
    let bless = std::env::var_os("WEIR_BLESS").is_some();
    let cases = weir_files(&data());
    assert!(cases.len() >= 70, "{} cases", cases.len());
    let mut faults = String::new();
    for path in cases {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut sources = Sources::default();
        let outcome = check_text(&text, &mut sources);
        let mut codes: Vec<String> =
            outcome.diagnostics.iter().map(|diagnostic| diagnostic.code.to_string()).collect();
        codes.sort();
        codes.dedup();
        if codes != expected_codes(&text) {
            let _ = writeln!(faults, "{name}: gives {codes:?}\n{}", shown(&outcome, &sources));
            continue;
        }
        let shown = shown(&outcome, &sources);
        let golden = path.with_extension("out");
        if bless {
            std::fs::write(&golden, &shown).unwrap();
        } else if std::fs::read_to_string(&golden).unwrap_or_default() != shown {
            let _ = writeln!(faults, "{name}: differs from {}\n{shown}", golden.display());
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
}

/// A fix that is offered mends what it is offered for: applied, its code is gone from that place.
#[test]
fn fixes_mend() {
    let mut tried = 0;
    for path in weir_files(&data()) {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut sources = Sources::default();
        let outcome = check_text(&text, &mut sources);
        let own = sources.set("case.weir", text.as_str());
        let count = |outcome: &Outcome, code| outcome.diagnostics.iter().filter(|it| it.code == code).count();
        for diagnostic in &outcome.diagnostics {
            let Some(fix) = &diagnostic.fix else { continue };
            let mut mended = text.clone();
            for edit in fix.edits.iter().rev() {
                assert_eq!(edit.file, own, "{}", path.display());
                mended.replace_range(edit.span.start as usize..edit.span.end as usize, &edit.text);
            }
            let after = check_text(&mended, &mut Sources::default());
            let name = path.display();
            assert!(
                count(&after, diagnostic.code) < count(&outcome, diagnostic.code),
                "{name}: `{}` does not mend {}: {:?}",
                fix.title,
                diagnostic.code,
                after.diagnostics
            );
            tried += 1;
        }
    }
    assert!(tried >= 10, "{tried} fixes tried");
}

/// Hostile nesting ends in a diagnostic, and the checker comes back.
#[test]
fn nothing_is_too_deep_or_too_large() {
    let head = "package deep\nuse std.events { transfer }\n";
    let rule = "rule r {\n when amount > USD 1 and n > 0\n then challenge\n because \"x\"\n }\n";
    // Each function calls the one before twice: 2^40 nodes when inlined.
    let mut functions = String::from("fn f0(x: int) -> int = x + 1\n");
    for level in 1..40 {
        let _ = writeln!(functions, "fn f{level}(x: int) -> int = f{0}(x) + f{0}(x)", level - 1);
    }
    let text = format!("{head}{functions}policy p {{\n on transfer\n signal n = f39(1)\n {rule}}}\n");
    let outcome = check_text(&text, &mut Sources::default());
    assert!(
        outcome.diagnostics.iter().any(|it| it.code == weir_dsl::Code::TOO_LARGE),
        "{:?}",
        outcome.diagnostics
    );
    // Signals that read one another, doubled at every level.
    let mut signals = String::from("signal s0 = count of transfer per user over 1h before this\n");
    for level in 1..60 {
        let below = level - 1;
        let _ = writeln!(
            signals,
            "signal s{level} = count of transfer where s{below} > 1 or s{below} < 9 per user over 1h before this"
        );
    }
    let text = format!("{head}policy p {{\n on transfer\n {signals} signal n = s59\n {rule}}}\n");
    let outcome = check_text(&text, &mut Sources::default());
    assert!(
        outcome.diagnostics.iter().any(|it| it.code == weir_dsl::Code::TOO_LARGE),
        "{:?}",
        outcome.diagnostics
    );
    // Long chains of operators.
    let sum = vec!["1"; 20_000].join(" + ");
    let text = format!("{head}policy p {{\n on transfer\n signal n = {sum}\n {rule}}}\n");
    let outcome = check_text(&text, &mut Sources::default());
    assert!(!outcome.diagnostics.is_empty());
}

/// The policies that ship with the project compile without a word.
#[test]
fn the_standard_library_is_clean() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stdlib-rules");
    let mut folders = vec![root.clone()];
    let mut analysis = weir_compiler::analysis::Analysis::new();
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // Templates are the beginnings of other projects.
            if path.is_dir() && path.file_name().unwrap() != "templates" {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "weir") {
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                analysis.set_file(&name, std::fs::read_to_string(&path).unwrap());
                files += 1;
            }
        }
    }
    analysis.set_manifest("weir.toml", &std::fs::read_to_string(root.join("weir.toml")).unwrap());
    let found = analysis.found();
    assert!(files >= 12, "{files} files");
    assert!(found.diagnostics.is_empty(), "{:#?}", found.diagnostics);
}

/// The next number of a fixed sequence (xorshift64).
fn next(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 16) as usize
}

/// Whatever is cut out of a case or written into it, checking comes back, and every place it names exists.
#[test]
fn damaged_cases_do_not_panic() {
    let pieces = [
        "",
        " ",
        "(",
        ")",
        "{",
        "}",
        "not ",
        " and ",
        " or ",
        " == ",
        " > ",
        "0",
        "90%",
        "USD 5",
        "10m",
        "\"x\"",
        "user",
        "amount",
        "n",
        "s",
        "c",
        "event",
        "score",
        "now",
        " in ",
        " is known",
        " before this",
        "count",
        " per ip/24",
        "drop_skus",
        "-",
        "??",
        "case x { 1 => 2 }",
        "f(",
        "s.a.age",
        "c.lift",
        " else block",
        ", sparing users known 1d",
        " for 1h",
        " renewing",
        "usual(n)",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for path in weir_files(&data()) {
        let text = std::fs::read_to_string(&path).unwrap();
        let body = text.find("policy").unwrap_or(0);
        for _ in 0..12 {
            let mut damaged = text.clone();
            for _ in 0..=next(&mut state) % 2 {
                let start = body + next(&mut state) % (damaged.len() - body);
                let length = next(&mut state) % 12;
                let border =
                    |at: usize| (at..=damaged.len()).find(|at| damaged.is_char_boundary(*at)).unwrap();
                let range = border(start)..border((start + length).min(damaged.len()));
                damaged.replace_range(range, pieces[next(&mut state) % pieces.len()]);
            }
            let outcome = check_text(&damaged, &mut Sources::default());
            for diagnostic in &outcome.diagnostics {
                let span = diagnostic.primary.span;
                assert!(span.end as usize <= damaged.len() && span.start <= span.end, "{diagnostic:?}");
            }
        }
    }
}
