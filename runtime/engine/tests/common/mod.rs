//! Policies written in a test, over the schemas of the standard library, and an engine that runs them.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "each test uses a part of it")]

pub(crate) mod player;

use std::path::Path;
use std::sync::Arc;

use weir_compiler::analysis::Analysis;
use weir_compiler::convert;
use weir_compiler::data::{Data, ListData, TableData};
use weir_compiler::evaluate::Tier;
use weir_compiler::hir::{Hir, Source};
use weir_compiler::ids::{EventId, FieldId};
use weir_compiler::link::{Linked, Options as LinkOptions};
use weir_compiler::value::Value;
use weir_engine::{Carried, Decision, Engine, Input, Options, Outcome, Record, Replacement, Seq, Step};

/// Monday, 5 January 2026.
pub(crate) const START: i64 = 1_767_571_200_000;

/// The variable that says on which tier a test's engines evaluate.
const TIER: &str = "WEIR_TEST_TIER";

fn tier() -> Option<Tier> {
    let named = std::env::var(TIER).ok();
    Tier::ALL.into_iter().find(|tier| named.as_deref() == Some(tier.word()))
}

/// Runs every other test of this program once more, with the walker. To be called by the test `name` alone.
pub(crate) fn run_on_the_walker(name: &str) {
    let program = std::env::current_exe().unwrap();
    let output = std::process::Command::new(program)
        .args(["--skip", name])
        .env(TIER, Tier::Walker.word())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Links `package t` with the library's schemas.
pub(crate) fn link(text: &str) -> Linked {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stdlib-rules/std");
    let mut analysis = Analysis::new();
    for name in ["events.weir", "shared.weir"] {
        analysis.set_file(name, std::fs::read_to_string(root.join(name)).unwrap());
    }
    analysis.set_manifest("weir.toml", "edition = \"2026\"\n[exempt]\n\"t\" = [\"t\"]\n");
    analysis.set_file("t.weir", text);
    let found = analysis.found();
    let errors: Vec<String> = found
        .diagnostics
        .iter()
        .filter(|d| d.severity == weir_dsl::Severity::Error)
        .map(|d| format!("{}: {:?}", d.title, d.primary.span))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let linked = found.link(&found.everything(), &LinkOptions::default());
    assert!(!linked.hir.policies.is_empty(), "{:?}", linked.left_out);
    linked
}

/// Lists and tables loaded and empty, but for those written in place.
pub(crate) fn data(hir: &Hir) -> Data {
    let mut data = Data::default();
    for (id, list) in hir.declarations.lists.iter() {
        let mut members = ListData::empty(&list.member);
        if let Source::Values(values) = &list.source {
            values.iter().for_each(|value| members.insert(value));
        }
        data.set_list(id, Arc::new(members));
    }
    for id in hir.declarations.tables.ids() {
        data.set_table(id, Arc::new(TableData::default()));
    }
    data
}

/// Changes an engine to another rule set.
pub(crate) fn swap(engine: &mut Engine, hir: Hir, data: Data) -> Carried {
    let running = engine.version();
    engine.swap(Replacement::new(running.next(hir, data), &running).unwrap()).0
}

/// An engine over a policy text, with a clock.
pub(crate) struct Site {
    pub(crate) engine: Engine,
    pub(crate) now: i64,
}

impl Site {
    pub(crate) fn new(text: &str) -> Self {
        Self::with(text, Options { record: true, ..Options::default() })
    }

    pub(crate) fn with(text: &str, options: Options) -> Self {
        let hir = link(text).hir;
        let data = data(&hir);
        Self {
            engine: Engine::new(hir, data, Options { tier: tier().unwrap_or(options.tier), ..options }),
            now: START,
        }
    }

    pub(crate) fn event(&self, name: &str) -> EventId {
        self.engine.hir().schema.event(name).unwrap()
    }

    /// A record, its values read from text, and the values known only with the response.
    pub(crate) fn record(&self, event: &str, fields: &[(&str, &str)]) -> (Record, Vec<(FieldId, Value)>) {
        let event = self.event(event);
        let schema = &self.engine.hir().schema;
        let mut record = self.engine.record(event);
        let mut response = Vec::new();
        for (name, text) in fields {
            let field = schema.field(event, name).unwrap_or_else(|| panic!("no field {name}"));
            let value = convert::from_text(text, &schema.fields[field].ty).unwrap();
            if schema.events[event].slot_info(field).unwrap().response {
                response.push((field, value));
            } else {
                record.set(field, value).unwrap();
            }
        }
        (record.finish(), response)
    }

    pub(crate) fn decided(&mut self, input: Input) -> Decision {
        match self.engine.begin(input) {
            Step::Decided(decision) => decision,
            Step::Pending(pending) => {
                let outcomes = vec![Outcome::Failed; pending.calls.len()];
                self.engine.resume(pending, &outcomes)
            }
        }
    }

    /// A request alone.
    pub(crate) fn ask(&mut self, event: &str, fields: &[(&str, &str)]) -> Decision {
        let (record, _) = self.record(event, fields);
        self.decided(Input::Request { at: self.now, events: vec![record] })
    }

    /// A request and, unless it was stopped, its response; answers both decisions.
    pub(crate) fn both(&mut self, event: &str, fields: &[(&str, &str)]) -> (Decision, Option<Decision>) {
        let (record, response) = self.record(event, fields);
        let decision = self.decided(Input::Request { at: self.now, events: vec![record] });
        if decision.stopped {
            return (decision, None);
        }
        let answer = self.answer(decision.seq, response);
        (decision, Some(answer))
    }

    pub(crate) fn answer(&mut self, request: Seq, response: Vec<(FieldId, Value)>) -> Decision {
        self.decided(Input::Response { request, at: self.now, fields: vec![response], events: Vec::new() })
    }

    pub(crate) fn tick(&mut self) -> Decision {
        self.decided(Input::Tick { at: self.now })
    }

    /// Rules that fired in a decision, by their own name.
    pub(crate) fn fired(&self, decision: &Decision) -> Vec<String> {
        let rules = &self.engine.hir().rules;
        decision
            .looks()
            .flat_map(|look| look.matches.iter().filter(|found| !found.unknown))
            .map(|found| rules[found.rule].name.to_string())
            .collect()
    }

    /// Rules that were unknown in a decision, by their own name.
    pub(crate) fn unknown(&self, decision: &Decision) -> Vec<String> {
        let rules = &self.engine.hir().rules;
        decision.looks().flat_map(|look| &look.unknown).map(|id| rules[*id].name.to_string()).collect()
    }
}
