//! The fuzz targets on mutated seeds, for `WEIR_FUZZ_SECONDS` (default 2) seconds each, on stable Rust.
//! `WEIR_FUZZ_SEED` repeats a run; a failure prints the seed and the input.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test stops at the first surprise"
)]

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use weir_gateway::fuzzing::{fuzz_combined, fuzz_input, fuzz_ndjson, fuzz_nginx_json};

#[test]
fn combined() {
    run("combined", fuzz_combined, &["combined"]);
}

#[test]
fn ndjson() {
    run("ndjson", fuzz_ndjson, &["ndjson"]);
}

#[test]
fn nginx_json() {
    run("nginx-json", fuzz_nginx_json, &["nginx-json"]);
}

#[test]
fn input() {
    run("input", fuzz_input, &["streams", "auto", "combined", "ndjson", "nginx-json"]);
}

fn run(name: &str, target: fn(&[u8]), folders: &[&str]) {
    let seconds = number("WEIR_FUZZ_SECONDS").unwrap_or(2);
    let seed = number("WEIR_FUZZ_SEED").unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        since.as_nanos() as u64
    });
    let seeds = seeds(folders);
    assert!(!seeds.is_empty());
    let mut random = Random(seed);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut runs = 0_u64;
    for input in &seeds {
        guarded(name, seed, target, input);
    }
    while Instant::now() < end {
        let mut input = random.pick(&seeds).clone();
        for _ in 0..=random.below(6) {
            mutate(&mut input, &seeds, &mut random);
        }
        guarded(name, seed, target, &input);
        runs += 1;
    }
    eprintln!("{name}: {runs} inputs in {seconds} s, seed {seed}");
}

/// Runs the target; if it fails, says on what.
fn guarded(name: &str, seed: u64, target: fn(&[u8]), input: &[u8]) {
    let outcome = std::panic::catch_unwind(|| target(input));
    if let Err(failure) = outcome {
        eprintln!("{name} fails with seed {seed} on: \"{}\"", input.escape_ascii());
        std::panic::resume_unwind(failure);
    }
}

/// The inputs of the golden tests: whole files, and their lines alone, which are quicker and mutate deeper.
fn seeds(folders: &[&str]) -> Vec<Vec<u8>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut seeds = Vec::new();
    for folder in folders {
        let mut files: Vec<_> =
            std::fs::read_dir(data.join(folder)).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        for file in files.into_iter().filter(|f| f.extension().is_none_or(|e| e != "out")) {
            let bytes = std::fs::read(file).unwrap();
            if *folder != "streams" {
                seeds.extend(bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(<[u8]>::to_vec));
            }
            seeds.push(bytes);
        }
    }
    seeds
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Bytes that mean something to some parser.
const TOKENS: &[&[u8]] = &[
    b"\"",
    b"\\",
    b"\\x",
    b"\\x22",
    b"\\\"",
    b"[",
    b"]",
    b" ",
    b"-",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b"\xc2\x85",
    b"{",
    b"}",
    b"\":",
    b",",
    b"\\ud83d",
    b"null",
    b"1e999",
    b"-0",
    b"9223372036854775808",
    b"0.1",
    b"[20/Feb/2016:00:00:45 -0500]",
    b"HTTP/1.1",
    b"::1",
    b"%",
    b"?",
    b"000",
    b"\x1f\x8b\x08\x00",
    b"\x28\xb5\x2f\xfd",
    b"\xef\xbb\xbf",
    b"\"event\":\"x\"",
    b"\"ts\":1455944445000",
    b"\"request\":{\"headers\":{\"User-Agent\":[\"x\"]}}",
];

fn mutate(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let end = (at + random.below(32)).min(input.len());
    match random.below(9) {
        0 if at < end => input[at] ^= 1 << random.below(8),
        1 if at < end => input[at] = random.next() as u8,
        2 => input.insert(at, random.next() as u8),
        3 => drop(input.drain(at..end)),
        4 => {
            let token = *random.pick(TOKENS);
            drop(input.splice(at..at, token.iter().copied()));
        }
        5 => {
            let token = *random.pick(TOKENS);
            drop(input.splice(at..end, token.iter().copied()));
        }
        6 => {
            let copy = input[at..end].repeat(random.below(40));
            drop(input.splice(at..at, copy));
        }
        7 => {
            let other = random.pick(seeds);
            let from = random.below(other.len() + 1);
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
        _ => input.truncate(at),
    }
    input.truncate(1 << 16);
}

/// SplitMix64 (Steele, Lea and Flood 2014): small, and the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}
