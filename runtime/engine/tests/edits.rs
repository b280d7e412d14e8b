//! A rule set that follows another by an edit shares with it what the edit leaves alone, and decides as one that was made by itself.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use std::path::Path;

use common::data;
use common::player::{POLICY, Player, moves, split};
use proptest::prelude::*;
use weir_compiler::analysis::Analysis;
use weir_compiler::hir::Hir;
use weir_compiler::link::Options as LinkOptions;
use weir_dsl::Severity;
use weir_engine::{Engine, Limits, Options, Replacement, Rollout};

/// Edits, each done or not: of thresholds, conditions, actions, reasons, modes and filters; of places; of state.
const EDITS: [(&str, &str); 21] = [
    ("users >= 3", "users >= 2"),
    ("n >= 2 * usual_n", "n >= 3 * usual_n"),
    ("out >= USD 2", "out >= USD 3"),
    ("when in_flight >= 3", "when in_flight >= 2 and user_agent contains \"curl\" or n >= 4"),
    ("score +60", "score +30"),
    ("block ip on login", "block session on login"),
    ("because \"{users}\"", "because \"{users} of {n}\""),
    ("mode enforce\n  signal out", "mode shadow\n  signal out"),
    ("on login\n  mode enforce", "on login where channel != api\n  mode enforce"),
    ("tag ip shared-address for 1m", "tag ip shared-address for 2m"),
    ("\n\npolicy money", "\n\n# Money.\n\npolicy money"),
    ("asn.class == cellular", "asn.class == hosting and user is known"),
    ("when silent then", "when silent and user is known and user is tagged shared-address then"),
    ("within 20s", "within 40s"),
    ("per user over 1h before this", "per user over 2h before this"),
    (
        "\n  rule drained { when drain and",
        "\n  signal away = count of transfer per user over 2h\n  rule drained { when drain and away >= 1 and",
    ),
    (
        "\n  rule fleet { when event in surplus",
        "\n  signal lands = distinct country of login per session over 5m, at least 2\n  rule fleet { when lands >= 1 and event in surplus",
    ),
    ("then transfer as cash", "then transfer as cash where channel == web"),
    ("without mfa where outcome == success", "without mfa where outcome == failure"),
    ("where ip is tagged shared-address because", "where user is tagged shared-address because"),
    ("surplus of login by", "surplus of login where outcome == failure by"),
];

fn text(done: &[bool]) -> String {
    let edits = EDITS.iter().zip(done).filter(|(_, done)| **done);
    edits.fold(POLICY.to_owned(), |text, ((from, to), _)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    })
}

fn session() -> Analysis {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stdlib-rules/std");
    let mut analysis = Analysis::new();
    for name in ["events.weir", "shared.weir"] {
        analysis.set_file(name, std::fs::read_to_string(root.join(name)).unwrap());
    }
    analysis.set_manifest("weir.toml", "edition = \"2026\"\n[exempt]\n\"t\" = [\"t\"]\n");
    analysis
}

fn linked(analysis: &mut Analysis, text: &str) -> Hir {
    analysis.set_file("t.weir", text);
    let found = analysis.found();
    let errors = found.diagnostics.iter().filter(|found| found.severity == Severity::Error);
    assert_eq!(errors.collect::<Vec<_>>(), Vec::<&weir_dsl::Diagnostic>::new());
    found.link(&found.everything(), &LinkOptions::default()).hir
}

fn swap(engine: &mut Engine, hir: Hir, screened: bool) {
    let running = engine.version();
    let loaded = data(&hir);
    let next = running.next(hir, loaded);
    let next = if screened { next.screened() } else { next };
    engine.swap(Replacement::new(next, &running).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn an_edited_rule_set_decides_as_one_made_by_itself(
        legs in prop::collection::vec((moves(), 0..EDITS.len(), any::<bool>()), 1..7),
        after in moves(),
        record in any::<bool>(),
        roomy in any::<bool>(),
    ) {
        let limits = Limits { keys: if roomy { 1_000 } else { 1 << 20 }, ..Limits::default() };
        let options = || Options { record, limits, ..Options::default() };
        let (mut edited, mut made) = (Player::new(options(), false), Player::new(options(), false));
        let mut session_of_all = session();
        let mut done = [false; EDITS.len()];
        swap(&mut edited.site.engine, linked(&mut session_of_all, &text(&done)), true);
        let (mut one, mut other) = (Vec::new(), Vec::new());
        for (moves, edit, screened) in legs {
            done[edit] = !done[edit];
            let text = text(&done);
            swap(&mut edited.site.engine, linked(&mut session_of_all, &text), screened);
            swap(&mut made.site.engine, linked(&mut session(), &text), true);
            one.extend(edited.play(&moves));
            other.extend(made.play(&moves));
            for (field, _) in made.site.engine.hir().schema.fields.iter() {
                prop_assert!(edited.site.engine.wants(field) || !made.site.engine.wants(field));
            }
        }
        one.extend(edited.play(&after));
        other.extend(made.play(&after));
        prop_assert_eq!(split(&one), split(&other));
        prop_assert_eq!(edited.site.engine.snapshot(), made.site.engine.snapshot());
    }
}

/// Which edits are made by themselves, so that the properties above are about something.
#[test]
fn edits_of_rules_share_what_they_leave_alone() {
    let mut shared = Vec::new();
    for edit in 0..EDITS.len() {
        let mut analysis = session();
        let hir = linked(&mut analysis, POLICY);
        let loaded = data(&hir);
        // Room for all keys, so that another state takes none from those there are.
        let limits = Limits { keys: 1_000, ..Limits::default() };
        let engine = Engine::new(hir, loaded, Options { limits, ..Options::default() });
        let running = engine.version();
        let first = running.screened();
        let mut done = [false; EDITS.len()];
        done[edit] = true;
        let hir = linked(&mut analysis, &text(&done));
        let loaded = data(&hir);
        let next = first.next(hir, loaded);
        assert!(next.screened().is_screened());
        shared.push(!next.is_screened());
    }
    let expected = [
        true, true, true, true, true, true, true, true, false, true, true, true, false, false, false, true,
        true, false, false, false, false,
    ];
    assert_eq!(shared, expected);
}

/// Planning the conditions of an edit together is no change of rules: what was before stays what is put back.
#[test]
fn an_edit_is_live_before_its_plans_and_can_be_put_back() {
    let mut analysis = session();
    let hir = linked(&mut analysis, POLICY);
    let loaded = data(&hir);
    let mut engine = Engine::new(hir, loaded, Options::default());
    let first = engine.version();
    first.warm();
    let (mut rollout, mut updates) = Rollout::new(first.clone(), "first");
    let mut done = [false; EDITS.len()];
    done[0] = true;
    let hir = linked(&mut analysis, &text(&done));
    let loaded = data(&hir);
    let edited = first.next(hir, loaded);
    assert!(!edited.is_screened());
    assert!(rollout.publish(edited.clone(), "edited"));
    assert_eq!(updates.apply(&mut engine).map(|(_, with)| with), Some("edited"));
    assert!(rollout.screen(|_, is_taken| if is_taken { "planned" } else { "edited" }));
    // Nobody has taken it, and what is asked for is the rules before.
    assert!(rollout.roll_back(|with| with));
    assert_eq!(updates.apply(&mut engine).map(|(_, with)| with), Some("first"));
    assert!(engine.version().is_set_of(&first));
    assert!(rollout.roll_back(|with| with));
    assert_eq!(updates.apply(&mut engine).map(|(_, with)| with), Some("edited"));
    assert!(rollout.screen(|_, is_taken| if is_taken { "planned" } else { "edited" }));
    assert_eq!(updates.apply(&mut engine).map(|(_, with)| with), Some("planned"));
    assert!(engine.version().is_set_of(&edited) && engine.version().is_screened());
    assert!(!rollout.screen(|with, _| with));
    assert!(rollout.roll_back(|with| with));
    assert_eq!(updates.apply(&mut engine).map(|(_, with)| with), Some("first"));

    // One that has not been taken is planned before it is.
    assert!(rollout.publish(edited, "edited"));
    assert!(rollout.screen(|_, is_taken| if is_taken { "planned" } else { "edited" }));
    assert_eq!(updates.apply(&mut engine).map(|(_, with)| with), Some("edited"));
    assert!(engine.version().is_screened());
    assert!(rollout.roll_back(|with| with));
    assert_eq!(updates.apply(&mut engine).map(|(_, with)| with), Some("first"));
}
