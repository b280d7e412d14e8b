//! `docs/reference/catalogue-probe.md` says the truth: every pack of the catalogue has a rule, every rule that the page names is
//! shipped, and its tests say when it fires and when it does not.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what must not happen"
)]

#[expect(dead_code, reason = "what the conformance suite needs beside this")]
mod support;

use std::collections::{BTreeMap, BTreeSet};

use support::Library;
use weir_compiler::hir::{Expect, Move, MoveKind};
use weir_compiler::link::Options;

/// The packs of the catalogue, in its order.
const PACKS: &str = "oat001 oat002 oat003 oat004 oat005 oat006 oat007 oat008 oat009 oat010 oat011 oat012 oat013 oat014 oat015 \
    oat016 oat017 oat018 oat019 oat020 oat021 api01 api02 api03 api04 api05 api06 api07 api08 api09 api10 ato newacct promo \
    loyalty pay sim retail travel bank telco gaming ticket health media ai proto net sd post meta";

/// A row of the page's table: a pack, a rule of it, and the rule here.
struct Row {
    pack: String,
    of_catalogue: String,
    here: String,
}

fn rows() -> Vec<Row> {
    let page = support::read(&support::root().join("docs/reference/catalogue-probe.md"));
    let code = |cell: &str| cell.trim().trim_matches('`').to_owned();
    page.lines()
        .take_while(|line| !line.starts_with("## "))
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
            assert_eq!(cells.len(), 3, "{line}");
            Row { pack: code(cells[0]), of_catalogue: code(cells[1]), here: code(cells[2]) }
        })
        .collect()
}

fn expects<'m>(moves: &'m [Move], found: &mut Vec<&'m Expect>) {
    for step in moves {
        match &step.kind {
            MoveKind::Expect(expect) => found.push(expect),
            MoveKind::Repeat { body, .. } => expects(body, found),
            _ => {}
        }
    }
}

#[test]
fn every_pack_has_a_rule() {
    let packs: Vec<&str> = PACKS.split_whitespace().collect();
    assert_eq!(packs.len(), 51);
    let mut named: Vec<String> = rows().into_iter().map(|row| row.pack).collect();
    named.dedup();
    assert_eq!(named, packs, "the packs of the page, in the catalogue's order");
}

#[test]
fn every_rule_named_is_shipped_and_shown_to_fire_and_not_to() {
    let mut library = Library::new();
    let found = library.analysis.found();
    let everything = found.link(&found.everything(), &Options::default());
    let shipped: BTreeSet<&str> = everything.hir.rules.values().map(|rule| rule.full_name.as_str()).collect();
    let mut fires: BTreeSet<&str> = BTreeSet::new();
    let mut is_quiet: BTreeSet<&str> = BTreeSet::new();
    let mut quiet_packages: BTreeSet<&str> = BTreeSet::new();
    for package in found.env.packages.keys() {
        for test in found.tests(package) {
            let mut found = Vec::new();
            expects(&test.moves, &mut found);
            for expect in found {
                match expect {
                    Expect::Fired(rule, _) => drop(fires.insert(rule)),
                    Expect::NotFired(rule, _) | Expect::Unknown(rule, _) => drop(is_quiet.insert(rule)),
                    Expect::NoAction => drop(quiet_packages.insert(package)),
                    _ => {}
                }
            }
        }
    }
    let mut faults: Vec<String> = Vec::new();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for Row { pack, of_catalogue, here } in rows() {
        if !of_catalogue.starts_with(&format!("{pack}.")) {
            faults.push(format!("`{of_catalogue}` is not of pack `{pack}`"));
        }
        if let Some(other) = seen.insert(of_catalogue.clone(), here.clone()) {
            faults.push(format!("`{of_catalogue}` is `{here}` and `{other}`"));
        }
        if !shipped.contains(here.as_str()) {
            faults.push(format!("`{here}` is not shipped"));
            continue;
        }
        if !fires.contains(here.as_str()) {
            faults.push(format!("no test expects `{here}` to fire"));
        }
        let package = here.rsplitn(3, '.').last().unwrap_or_default();
        if !is_quiet.contains(here.as_str()) && !quiet_packages.contains(package) {
            faults.push(format!("no test expects `{here}` not to fire"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
