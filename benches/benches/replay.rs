//! From log text to decisions: reading alone, and all the way through the standard library.
#![allow(missing_docs, clippy::expect_used, reason = "criterion's macros make undocumented items")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use weir_benches::{replay, text};
use weir_compiler::evaluate::Tier;

/// As in the program that is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn sample() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../stdlib-rules/samples/wordpress-login-attack.log.xz");
    text::read(path).expect("the sample ships with the library")
}

fn lines(criterion: &mut Criterion) {
    let log = sample();
    let count = log.lines().count() as u64;
    let mut group = criterion.benchmark_group("lines");
    group.sample_size(10).throughput(Throughput::Elements(count));
    group.bench_function("read", |bench| bench.iter(|| assert_eq!(replay::read(&log), count)));
    for tier in Tier::ALL {
        group.bench_function(format!("read and decide, {}", tier.word()), |bench| {
            bench.iter(|| {
                let run = replay::decide_on(tier, &log, true, &[]).expect("the library links");
                assert_eq!(run.events, count);
                assert!(run.stopped > 0);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, lines);
criterion_main!(benches);
