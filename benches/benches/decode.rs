//! From a line's bytes to its fields: what the decoders borrow, beside readers that make trees and copies.
#![allow(missing_docs, clippy::expect_used, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use weir_benches::text;
use weir_gateway::{Decoder, Format, UsualLine, parse_combined};

/// As in the program that is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Fields that a rule set of the usual kind reads.
const READ: [&str; 12] = [
    "ts",
    "method",
    "host",
    "path",
    "query",
    "user_agent",
    "referer",
    "ip",
    "asn",
    "country",
    "session_age_s",
    "status",
];

/// The first lines of a sample.
fn lines(path: &str) -> Vec<String> {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    let text = text::read(&path).expect("the sample is in the repository");
    text.lines().take(500).map(str::to_owned).collect()
}

/// Events of 32 fields and some 840 bytes, one a line.
fn events(criterion: &mut Criterion) {
    let lines = lines("peers/workload/events.ndjson.xz");
    let first: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(lines.first().expect("there are lines")).expect("JSON");
    let all: Vec<&str> = first.keys().map(String::as_str).collect();
    let typed: Vec<String> =
        lines.iter().map(|line| line.replacen('{', "{\"event\":\"http.request\",", 1)).collect();
    let mut group = criterion.benchmark_group("event");
    group.throughput(Throughput::Elements(lines.len() as u64));
    for (what, names) in [("12 of 32 fields, borrowed", READ.as_slice()), ("32 of 32 fields, borrowed", &all)]
    {
        group.bench_function(what, |bench| {
            let mut decoder = Decoder::new(names.iter().copied());
            bench.iter(|| {
                let mut members = Vec::with_capacity(names.len());
                for line in &lines {
                    assert_eq!(decoder.decode(line.as_bytes(), &mut members), Ok(()));
                    black_box(&members);
                }
            });
        });
    }
    group.bench_function("a tree of all, by this reader", |bench| {
        bench.iter(|| {
            for line in &typed {
                assert!(black_box(Format::Ndjson.parse(line.as_bytes())).is_ok());
            }
        });
    });
    group.bench_function("a tree of all, by serde_json", |bench| {
        bench.iter(|| {
            for line in &lines {
                assert!(black_box(serde_json::from_str::<serde_json::Value>(line)).is_ok());
            }
        });
    });
    group.finish();
}

/// Combined lines of some 190 bytes.
fn combined(criterion: &mut Criterion) {
    let lines = lines("../stdlib-rules/samples/wordpress-login-attack.log.xz");
    let mut group = criterion.benchmark_group("combined line");
    group.throughput(Throughput::Elements(lines.len() as u64));
    group.bench_function("borrowed", |bench| {
        bench.iter(|| {
            for line in &lines {
                black_box(UsualLine::read(line.as_bytes()));
            }
        });
    });
    group.bench_function("copied", |bench| {
        bench.iter(|| {
            for line in &lines {
                assert!(black_box(parse_combined(line.as_bytes())).is_ok());
            }
        });
    });
    group.finish();
}

criterion_group!(benches, events, combined);
criterion_main!(benches);
