//! Tests of what happens where something goes wrong: groups stay with the interpreter, and decisions stay right.

use std::num::NonZero;
use std::sync::Arc;

use weir_compiler::data::Data;
use weir_compiler::ids::FieldId;
use weir_plan::{Condition, Frame, Kernel, Kind, Literals, Plan, Scalar, Test};

use crate::compile::Fault;
use crate::{Compiler, Native, Options, Refusal};

/// A condition for each number below `count`: a column is this number, another is at most its double.
fn plan(count: i64) -> Arc<Plan> {
    let mut literals = Literals::default();
    let conditions: Vec<Condition> = (0..count)
        .map(|at| {
            let mut literal = |field, test| {
                let column = literals.column(FieldId(field), Kind::Int).unwrap();
                Condition::Literal { literal: literals.literal(column, test), not: false }
            };
            let is = literal(0, Test::Ints([at].into()));
            let most = literal(1, Test::Range(i64::MIN, at * 2));
            Condition::And(vec![is, most])
        })
        .collect();
    Arc::new(Plan::new(&literals, &conditions, &Data::default(), &[]))
}

fn options() -> Options {
    Options { threads: NonZero::<usize>::MIN, ..Options::default() }
}

fn holds(plan: &Plan, frame: &mut Frame, kernel: &dyn Kernel, one: i64, other: i64) -> Vec<u32> {
    let mut found = Vec::new();
    plan.matches_with(&[Scalar::Int(one), Scalar::Int(other)][..], frame, kernel, &mut found);
    found
}

/// Asks some events, in one frame, and expects what is right.
fn is_right(native: &Native, events: i64) {
    let plan = native.plan();
    let mut frame = Frame::new(plan);
    for at in 0..events {
        assert_eq!(holds(plan, &mut frame, native, at, at * 2), [at as u32]);
        assert!(holds(plan, &mut frame, native, at, at * 2 + 1).is_empty());
    }
}

fn refused(fault: Fault) -> Refusal {
    let native = Compiler::with_fault(options(), fault).compile(plan(600));
    is_right(&native, 50);
    let status = native.status();
    assert_eq!((status.native_groups, status.chunks), (0, 0), "{status:?}");
    assert_eq!(status.interpreted_groups, native.plan().groups().len());
    status.refused.first().unwrap().1.clone()
}

#[test]
fn without_a_fault_all_groups_are_native() {
    let native = Compiler::new(options()).compile(plan(600));
    is_right(&native, 600);
    let status = native.status();
    assert_eq!((status.interpreted_groups, status.disagreements), (0, 0));
    assert_eq!(status.native_groups, native.plan().groups().len());
    // One event in 1,024, the first among them.
    assert_eq!(status.canaries, 2);
}

#[test]
fn what_the_checker_refuses_is_interpreted() {
    assert!(matches!(refused(Fault::Astray), Refusal::Unchecked(_)));
}

#[test]
fn what_the_verifier_refuses_is_interpreted() {
    assert!(matches!(refused(Fault::Malformed), Refusal::Verifier(_)));
}

#[test]
fn a_panic_of_the_code_generator_is_caught() {
    assert_eq!(refused(Fault::Panic), Refusal::Panicked);
}

#[test]
fn code_that_is_too_large_is_not_used() {
    assert!(matches!(refused(Fault::Large), Refusal::Large { what: "bytes of code", .. }));
}

#[test]
fn without_executable_memory_all_is_interpreted() {
    assert!(matches!(refused(Fault::Memory), Refusal::Memory(_)));
}

#[test]
fn a_wrong_blob_is_demoted_for_good() {
    let compiler = Compiler::with_fault(Options { canary: 64, ..options() }, Fault::Idle);
    let plan = plan(600);
    let native = compiler.compile(Arc::clone(&plan));
    assert_eq!(native.status().interpreted_groups, 0);
    is_right(&native, 600);
    let status = native.status();
    assert!(status.disagreements > 0);
    // A chunk is demoted when a canary shows it wrong, and not before.
    assert!(status.refused.iter().all(|(_, refusal)| *refusal == Refusal::Demoted));
    assert!(!status.refused.is_empty() && status.refused.len() <= status.disagreements as usize);
    // Whoever compiles the same chunk later does without.
    drop(native);
    let again = compiler.compile(plan).status();
    assert!(again.refused.iter().all(|(_, refusal)| *refusal == Refusal::Demoted));
    assert_eq!(again.refused, status.refused);
}

#[test]
fn a_plan_of_another_is_interpreted() {
    let compiler = Compiler::new(options());
    let (one, other) = (compiler.compile(plan(300)), plan(300));
    let mut frame = Frame::new(&other);
    assert_eq!(holds(&other, &mut frame, &*one, 7, 14), [7]);
}

#[test]
fn equal_chunks_share_their_code_while_it_is_used() {
    let compiler = Compiler::new(options());
    let (one, other) = (compiler.compile(plan(300)), compiler.compile(plan(300)));
    let shared = one.blobs().zip(other.blobs()).all(|(one, other)| std::ptr::eq(one, other));
    assert!(shared && one.blobs().count() > 0);
}

#[test]
fn a_cancelled_compilation_ends_with_a_tier_that_works() {
    let compilation = Compiler::new(options()).start(plan(3_000));
    compilation.cancel();
    let native = compilation.wait();
    is_right(&native, 20);
    let cancelled = |(_, refusal): &(_, Refusal)| *refusal == Refusal::Cancelled;
    assert!(native.status().refused.iter().all(cancelled));
    let progress = compilation.progress();
    assert_eq!(progress.done, progress.total);
    assert!(compilation.native().is_some());
}
