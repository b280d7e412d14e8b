//! A set of patterns against `aho-corasick` and `RegexSet`: 400 texts, and with 100 expressions, over user agents, paths and queries; then
//! small sets over single fields. The totals of all are compared before anything is timed.
//!
//! Reads `patterns-500.txt` and `hay.txt.xz` of `benches/peers/workload`, or of the folder that `WEIR_WORKLOAD` names.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "criterion's macros make undocumented items"
)]

use std::hint::black_box;
use std::path::PathBuf;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use regex::RegexSet;
use weir_benches::text;
use weir_patterns::{Limits, Pattern, PatternSet};

/// As in the program that is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Workload {
    patterns: Vec<Pattern>,
    hays: Vec<String>,
}

impl Workload {
    fn read() -> Option<Workload> {
        let folder = std::env::var_os("WEIR_WORKLOAD").map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/workload")),
            PathBuf::from,
        );
        let lines = std::fs::read_to_string(folder.join("patterns-500.txt"));
        let hays = text::read(folder.join("hay.txt.xz").to_str()?);
        let (Ok(lines), Ok(hays)) = (lines, hays) else {
            eprintln!("no patterns-500.txt and hay.txt.xz in {}: nothing is measured", folder.display());
            return None;
        };
        let pattern = |line: &str| match line.split_once('\t')? {
            ("L", text) => Some(Pattern::Contains(text.into())),
            ("R", source) => Some(Pattern::Regex(source.into())),
            _ => None,
        };
        let patterns = lines.lines().filter_map(pattern).collect();
        Some(Workload { patterns, hays: hays.lines().map(str::to_owned).collect() })
    }

    /// One of the fields of the haystacks: 0 user agents, 1 paths, 2 queries.
    fn field(&self, field: usize) -> Vec<String> {
        self.hays.iter().map(|hay| hay.split('\t').nth(field).unwrap_or_default().to_owned()).collect()
    }
}

fn is_word(pattern: &&Pattern) -> bool {
    matches!(pattern, Pattern::Contains(_))
}

fn bits(found: &[u64]) -> u64 {
    found.iter().map(|word| u64::from(word.count_ones())).sum()
}

/// Times all three on the same patterns and texts. `aho-corasick` takes part where all are texts.
fn compare(criterion: &mut Criterion, name: &str, patterns: &[Pattern], hays: &[String]) {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(20).throughput(Throughput::Elements(hays.len() as u64));

    let set = PatternSet::new(patterns, &Limits::default());
    let mut scratch = set.scratch();
    let mut found = vec![0; set.words()];
    let mut weir = || {
        let total = hays.iter().map(|hay| {
            set.scan(black_box(hay), &mut scratch, &mut found);
            bits(&found)
        });
        total.sum::<u64>()
    };
    let sources = patterns.iter().map(|pattern| match pattern {
        Pattern::Contains(text) => regex::escape(text),
        Pattern::StartsWith(text) => format!("^{}", regex::escape(text)),
        Pattern::EndsWith(text) => format!("{}$", regex::escape(text)),
        Pattern::Regex(source) => source.to_string(),
    });
    let regexes = RegexSet::new(sources).expect("the workload's patterns are valid");
    let regex_set =
        || hays.iter().map(|hay| regexes.matches(black_box(hay)).iter().count() as u64).sum::<u64>();

    let expected = weir();
    assert_eq!(regex_set(), expected, "{name}: matches of RegexSet");
    group.bench_function("weir", |bench| bench.iter(&mut weir));
    if patterns.iter().all(|pattern| is_word(&pattern)) {
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .match_kind(MatchKind::Standard)
            .build(patterns.iter().map(Pattern::source))
            .expect("a few hundred texts fit");
        let mut found = vec![0; patterns.len().div_ceil(64)];
        let mut aho_corasick = || {
            let total = hays.iter().map(|hay| {
                found.fill(0);
                for one in automaton.find_overlapping_iter(black_box(hay)) {
                    let pattern = one.pattern().as_usize();
                    if let Some(word) = found.get_mut(pattern / 64) {
                        *word |= 1_u64 << (pattern % 64);
                    }
                }
                bits(&found)
            });
            total.sum::<u64>()
        };
        assert_eq!(aho_corasick(), expected, "{name}: matches of aho-corasick");
        group.bench_function("aho-corasick DFA", |bench| bench.iter(&mut aho_corasick));
    }
    group.bench_function("RegexSet", |bench| bench.iter(regex_set));
    group.finish();
}

fn scan(criterion: &mut Criterion) {
    let Some(workload) = Workload::read() else { return };
    let words: Vec<Pattern> = workload.patterns.iter().filter(is_word).cloned().collect();
    compare(criterion, "400 texts", &words, &workload.hays);
    compare(criterion, "400 texts and 100 expressions", &workload.patterns, &workload.hays);
    let paths = workload.field(1);
    let path_words: Vec<Pattern> =
        words.iter().filter(|word| word.source().starts_with('/')).cloned().collect();
    for count in [3, 12, 60] {
        let step = path_words.len() / count;
        let some: Vec<Pattern> = path_words.iter().step_by(step.max(1)).take(count).cloned().collect();
        compare(criterion, &format!("{count} texts in paths"), &some, &paths);
    }
    let some: Vec<Pattern> = words.iter().take(60).cloned().collect();
    compare(criterion, "60 texts in queries", &some, &workload.field(2));
    compare(criterion, "60 texts in user agents", &some, &workload.field(0));
}

fn build(criterion: &mut Criterion) {
    let Some(workload) = Workload::read() else { return };
    let mut group = criterion.benchmark_group("500 patterns, to be ready");
    group.sample_size(20);
    let limits = Limits::default();
    group.bench_function("built", |bench| {
        bench.iter(|| PatternSet::new(black_box(&workload.patterns), &limits))
    });
    let bytes = PatternSet::new(&workload.patterns, &limits).to_bytes();
    group.bench_function("loaded", |bench| {
        let load = |bytes: &[u8]| PatternSet::from_bytes(bytes).expect("what was written reads back");
        bench.iter_batched(|| &bytes, |bytes| load(bytes), BatchSize::SmallInput);
    });
    group.finish();
}

criterion_group!(benches, scan, build);
criterion_main!(benches);
