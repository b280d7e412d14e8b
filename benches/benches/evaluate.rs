//! Walker and bytecode side by side: the conditions of the standard library over the events of the sample log; and how soon the
//! programs of a large rule set are ready.
#![allow(missing_docs, clippy::expect_used, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use weir_benches::conditions::{Conditions, generated};
use weir_benches::{generate, text};
use weir_compiler::evaluate::Tier;
use weir_compiler::ir;

fn conditions(criterion: &mut Criterion) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../stdlib-rules/samples/wordpress-login-attack.log.xz");
    let log = text::read(path).expect("the sample ships with the library");
    let conditions = Conditions::library(&log).expect("the library links");
    let mut group = criterion.benchmark_group("conditions");
    group.sample_size(10).throughput(Throughput::Elements(conditions.events() as u64));
    let expected = conditions.evaluate(Tier::Walker);
    for tier in Tier::ALL {
        group.bench_function(tier.word(), |bench| {
            bench.iter(|| assert_eq!(black_box(conditions.evaluate(tier)), expected));
        });
    }
    group.finish();
}

fn lower(criterion: &mut Criterion) {
    let hir = generated(&generate::project(500, 10));
    assert_eq!(hir.rules.len(), 5_000);
    let text = ir::lower(&hir).to_string();
    let mut group = criterion.benchmark_group("lower");
    group.sample_size(10).throughput(Throughput::Elements(5_000));
    group.bench_function("5,000 rules", |bench| bench.iter(|| ir::lower(black_box(&hir))));
    group.bench_function("5,000 rules read from text", |bench| {
        bench.iter(|| ir::parse(black_box(&text)).expect("what was printed reads back"));
    });
    group.finish();
}

criterion_group!(benches, conditions, lower);
criterion_main!(benches);
