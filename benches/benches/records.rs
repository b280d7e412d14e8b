//! What a record costs to make a decision again, and what the journal costs an event.
#![allow(missing_docs, clippy::expect_used, reason = "criterion's macros make undocumented items")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use weir_benches::{records, text};
use weir_engine::Secret;
use weir_engine::evidence::Compiled;
use weir_journal::{Mode, Writer};

/// As in the program that is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn sample() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../stdlib-rules/samples/wordpress-login-attack.log.xz");
    text::read(path).expect("the sample ships with the library")
}

fn evidence(criterion: &mut Criterion) {
    let (engine, evidence) = records::evidence(&sample()).expect("the library links");
    assert!(evidence.len() > 500);
    let compiled = Compiled::new(engine.hir().clone());
    let mut group = criterion.benchmark_group("records");
    group.sample_size(10).throughput(Throughput::Elements(evidence.len() as u64));
    group.bench_function("re-execute every record of the sample", |bench| {
        bench.iter(|| {
            let same = evidence.iter().filter(|one| compiled.reexecute(one).is_ok_and(|made| made.identical));
            assert_eq!(same.count(), evidence.len());
        });
    });
    group.finish();
}

fn journal(criterion: &mut Criterion) {
    let (engine, inputs) = records::inputs(&sample()).expect("the library links");
    let events: usize = inputs.iter().map(records::events_of).sum();
    let dir = std::env::temp_dir().join(format!("weir-bench-journal-{}", std::process::id()));
    let open = || {
        let _ = std::fs::remove_dir_all(&dir);
        Writer::open(&dir, Secret::PUBLIC, Mode::Async, "bench", engine.hir(), [0; 32]).expect("a folder")
    };
    let mut group = criterion.benchmark_group("journal");
    group.sample_size(10).throughput(Throughput::Elements(events as u64));
    group.bench_function("append every event of the sample", |bench| {
        bench.iter_batched(
            open,
            |mut writer| {
                for input in &inputs {
                    writer.input(engine.hir(), input).expect("room on the disk");
                    writer.commit().expect("room on the disk");
                }
                writer
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
    let _ = std::fs::remove_dir_all(&dir);
}

criterion_group!(benches, evidence, journal);
criterion_main!(benches);
