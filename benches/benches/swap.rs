//! A change of rule set: making it ready, the change itself, from an edit to what can run, and a start from compiled rules.
#![allow(missing_docs, clippy::expect_used, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use weir_benches::{generate, session};
use weir_compiler::bundle;
use weir_compiler::data::Data;
use weir_compiler::hir::Hir;
use weir_compiler::link::Options as LinkOptions;
use weir_engine::{Engine, Options, Replacement};

/// As in the program that is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RULES: [usize; 3] = [1_000, 5_000, 10_000];

fn linked(files: &[(String, String)]) -> Hir {
    let mut analysis = session::checked(files);
    let found = analysis.found();
    found.link(&found.everything(), &LinkOptions::default()).hir
}

fn swap(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("swap");
    group.sample_size(20).warm_up_time(Duration::from_millis(500));
    for rules in RULES {
        let files = generate::project(rules / 10, 10);
        let hir = linked(&files);
        let mut engine = Engine::new(hir.clone(), Data::default(), Options::default());
        let versions = [engine.version(), engine.version().next(hir, Data::default())];
        let mut turn = 0;
        group.bench_function(BenchmarkId::new("rules", rules), |bench| {
            // What is prepared and freed beside the stream is not part of it.
            bench.iter_custom(|times| {
                let mut spent = Duration::ZERO;
                for _ in 0..times {
                    turn ^= 1;
                    let next = versions.get(turn).cloned().expect("one of two");
                    let replacement = Replacement::new(next, &engine.version()).expect("of the same options");
                    let begun = Instant::now();
                    let (carried, retired) = engine.swap(black_box(replacement));
                    spent += begun.elapsed();
                    assert_eq!((carried.fresh, carried.dropped), (0, 0));
                    drop(retired);
                }
                spent
            });
        });
    }
    group.finish();
}

fn prepare(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("prepare");
    group.sample_size(10).warm_up_time(Duration::from_millis(500));
    for rules in RULES {
        let hir = linked(&generate::project(rules / 10, 10));
        let engine = Engine::new(hir.clone(), Data::default(), Options::default());
        group.bench_function(BenchmarkId::new("rules", rules), |bench| {
            bench.iter(|| {
                let running = engine.version();
                Replacement::new(running.next(hir.clone(), Data::default()), &running)
            });
        });
    }
    group.finish();
}

fn edit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("edit to ready");
    group.sample_size(10).warm_up_time(Duration::from_millis(500));
    for rules in RULES {
        let files = generate::project(rules / 10, 10);
        let mut analysis = session::checked(&files);
        let found = analysis.found();
        let hir = found.link(&found.everything(), &LinkOptions::default()).hir;
        let engine = Engine::new(hir, Data::default(), Options::default());
        let (name, text) = files.get(rules / 20).expect("there are more");
        let edited = text.replacen("= 20 in 5..32", "= 21 in 5..32", 1);
        let mut turn = false;
        group.bench_function(BenchmarkId::new("rules", rules), |bench| {
            bench.iter(|| {
                turn = !turn;
                analysis.set_file(name, if turn { edited.clone() } else { text.clone() });
                let found = analysis.found();
                let hir = found.link(&found.everything(), &LinkOptions::default()).hir;
                let running = engine.version();
                Replacement::new(running.next(hir, Data::default()), &running)
            });
        });
    }
    group.finish();
}

fn start(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("start");
    group.sample_size(10).warm_up_time(Duration::from_millis(500));
    for rules in [1_000, 10_000] {
        let files = generate::project(rules / 10, 10);
        let bytes = bundle::write(&linked(&files));
        group.bench_function(BenchmarkId::new("from compiled rules", rules), |bench| {
            bench.iter(|| {
                let hir = bundle::read(black_box(&bytes)).expect("just written");
                Engine::new(hir, Data::default(), Options::default())
            });
        });
        group.bench_function(BenchmarkId::new("from text", rules), |bench| {
            bench.iter(|| Engine::new(linked(black_box(&files)), Data::default(), Options::default()));
        });
    }
    group.finish();
}

criterion_group!(benches, swap, prepare, edit, start);
criterion_main!(benches);
