//! Code is given back: after many compilations there are as many mappings of memory as before. `WEIR_SOAK` (default 1000) says how
//! many.
//!
//! A test binary of its own, so that nobody else maps meanwhile.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::num::NonZero;
use std::sync::Arc;

use weir_compiler::data::Data;
use weir_compiler::ids::FieldId;
use weir_native::{Compiler, Options};
use weir_plan::{Condition, Kind, Literals, Plan, Test};

fn plan(first: i64) -> Arc<Plan> {
    let mut literals = Literals::default();
    let column = literals.column(FieldId(0), Kind::Int).unwrap();
    let mut literal = |at| literals.literal(column, Test::Ints([at].into()));
    // Another number of classes is another text, and so another blob.
    let literal = (first..first + 1 + first % 64).map(&mut literal).collect::<Vec<_>>();
    let conditions: Vec<_> =
        literal.into_iter().map(|literal| Condition::Literal { literal, not: false }).collect();
    Arc::new(Plan::new(&literals, &conditions, &Data::default(), &[]))
}

#[cfg(target_os = "linux")]
fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

#[cfg(target_os = "linux")]
#[test]
fn code_is_given_back() {
    let compiler = Compiler::new(Options { threads: NonZero::<usize>::MIN, ..Options::default() });
    let mut kept = Vec::new();
    let mut before = 0;
    let count = std::env::var("WEIR_SOAK").map_or(1_000, |text| text.parse().unwrap());
    for at in 0..count {
        // Two at a time: the new one is there before the old one goes.
        kept.push(compiler.compile(plan(at)));
        if kept.len() > 2 {
            kept.remove(0);
        }
        if at == 200 {
            before = mappings();
        }
    }
    let after = mappings();
    // Threads' stacks and the allocator's come and go.
    assert!(after <= before + 16, "{before} mappings, then {after}");
    assert!(kept.iter().all(|native| native.status().refused.is_empty()));
}
