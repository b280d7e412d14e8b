//! `golden/NAME.weir` is planned and compiled: the plan is `NAME.plan`, its chunks with their intermediate form `NAME.clif`.
//! `WEIR_BLESS=1` writes them anew.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fmt::Write as _;
use std::path::Path;

use weir_compiler::analysis::Analysis;
use weir_compiler::data::Data;
use weir_compiler::link;
use weir_native::{Options, texts};
use weir_plan::{Conditions, Plan};

#[test]
fn a_policy_becomes_what_is_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut analysis = Analysis::new();
    analysis.set_file("small.weir", std::fs::read_to_string(folder.join("small.weir")).unwrap());
    let found = analysis.found();
    assert!(
        found.diagnostics.iter().all(|d| d.severity != weir_dsl::Severity::Error),
        "{:#?}",
        found.diagnostics
    );
    let hir = found.link(&found.everything(), &link::Options::default()).hir;
    let mut conditions = Conditions::new(&hir);
    let lowered: Vec<_> = hir.rules.values().map(|rule| conditions.condition(rule.when)).collect();
    assert_eq!(lowered.len(), 48);
    let plan = Plan::new(&conditions.literals, &lowered, &Data::default(), &[]);
    let planned = plan.text(|field| hir.schema.fields.get(field).unwrap().name.to_string());
    let mut clif = String::new();
    for (groups, texts) in texts(&plan, Options::default().generation) {
        let texts = texts.unwrap();
        assert!(texts.asm.contains("ret"), "{}", texts.asm);
        writeln!(clif, "groups {groups:?}\n{}\n{}", texts.chunk, texts.clif).unwrap();
    }
    let mut wrong = Vec::new();
    for (name, text) in [("small.plan", planned), ("small.clif", clif)] {
        let path = folder.join(name);
        if std::env::var_os("WEIR_BLESS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        if std::fs::read_to_string(&path).unwrap_or_default() != text {
            wrong.push(format!("{} differs (WEIR_BLESS=1 accepts):\n{text}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
