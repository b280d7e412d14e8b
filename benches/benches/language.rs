//! From text to checked policies: parsing, formatting, checking, one edit.
#![allow(missing_docs, clippy::expect_used, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use weir_benches::{generate, session};
use weir_dsl::FileId;

fn parse(criterion: &mut Criterion) {
    let text: String = generate::project(1, 2_000).remove(0).1;
    let mut group = criterion.benchmark_group("parse");
    group.sample_size(10).throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("2,000 rules in one file", |bench| {
        bench.iter(|| weir_dsl::parse(FileId::default(), black_box(&text)));
    });
    group.finish();
    let mut group = criterion.benchmark_group("format");
    group.sample_size(10).throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("2,000 rules in one file", |bench| {
        bench.iter(|| weir_dsl::format::format(black_box(&text)));
    });
    group.finish();
}

fn check(criterion: &mut Criterion) {
    let files = generate::project(500, 10);
    let mut group = criterion.benchmark_group("check");
    group.sample_size(10).throughput(Throughput::Elements(5_000));
    group.bench_function("5,000 rules cold", |bench| {
        bench.iter(|| assert!(session::checked(black_box(&files)).diagnostics().is_empty()));
    });
    let mut analysis = session::checked(&files);
    let (name, text) = files.get(250).expect("there are 500");
    let edited = text.replacen("= 20 in 5..32", "= 21 in 5..32", 1);
    let mut turn = false;
    group.bench_function("5,000 rules, one edit", |bench| {
        bench.iter(|| {
            turn = !turn;
            analysis.set_file(name, if turn { edited.clone() } else { text.clone() });
            assert!(analysis.diagnostics().is_empty());
        });
    });
    group.finish();
}

criterion_group!(benches, parse, check);
criterion_main!(benches);
