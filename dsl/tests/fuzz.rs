//! Runs the fuzz target on mutations of real policies and of known broken ones.
//!
//! `WEIR_FUZZ_SECONDS` (default 2) says how long, `WEIR_FUZZ_SEED` where to begin; the seed is printed, and the
//! input of a failure is written below the target folder.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic and print"
)]

use std::path::Path;
use std::time::{Duration, Instant};
use weir_dsl::fuzzing::fuzz_parser;

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `bound`, which is not zero.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

const WORDS: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "\"",
    "\\",
    "#",
    "\n",
    ",",
    ":",
    "=",
    "==",
    "=>",
    "->",
    "..",
    "??",
    "<",
    ">",
    "-",
    "not ",
    " and ",
    " or ",
    " in ",
    " is ",
    " case x { _ => 1 }",
    "\npolicy p {\n",
    "\n  rule r {\n",
    "\ntest \"t\" {\n",
    "when ",
    "then ",
    "because \"{",
    "{{",
    "}}",
    "\\u{41}",
    "if unknown then ",
    ", sparing ",
    "over 1h ",
    "per ip/24:56 ",
    "share of ",
    "distinct (",
    "\0",
    "é",
    "\u{feff}",
    "\u{0c}",
    "USD 5",
    "1_000/min",
    "0.5%",
    "9999999999999999999999",
    "\ntune t {\n",
    "\nderive d from ",
    "repeat 3 as i {",
    "expect ",
    "given ",
    "usual(",
    "elapsed from a to b ",
];

fn seeds() -> Vec<Vec<u8>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut paths: Vec<_> = ["policies", "errors"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(data.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "weir"))
        .collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// A piece of a seed, changed in a few places.
fn mutate(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let seed = &seeds[random.below(seeds.len())];
    let from = if random.below(3) == 0 { 0 } else { random.below(seed.len()) };
    let len = 1 + random.below(4_000);
    let mut bytes = seed[from..(from + len).min(seed.len())].to_vec();
    for _ in 0..random.below(8) {
        let at = random.below(bytes.len() + 1);
        match random.below(6) {
            0 => bytes.insert(at, random.next() as u8),
            1 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            2 => {
                let end = (at + random.below(40)).min(bytes.len());
                bytes.drain(at..end);
            }
            3 => {
                let end = (at + random.below(200)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, part);
            }
            4 => {
                let other = &seeds[random.below(seeds.len())];
                let start = random.below(other.len());
                let end = (start + random.below(200)).min(other.len());
                bytes.splice(at..at, other[start..end].iter().copied());
            }
            _ => {
                let word = WORDS[random.below(WORDS.len())];
                let times = if random.below(20) == 0 { 100 } else { 1 };
                bytes.splice(at..at, word.repeat(times).into_bytes());
            }
        }
    }
    bytes
}

#[test]
fn the_parser_keeps_its_promises_on_mutated_policies() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).ok().map_or(otherwise, |value| value.parse().unwrap())
    };
    let seconds = number("WEIR_FUZZ_SECONDS", 2);
    let seed = number("WEIR_FUZZ_SEED", 1);
    let seeds = seeds();
    for seed in &seeds {
        fuzz_parser(seed);
    }
    let mut random = Random(seed);
    let start = Instant::now();
    let mut rounds = 0_u64;
    while start.elapsed() < Duration::from_secs(seconds) {
        let bytes = mutate(&mut random, &seeds);
        let result = std::panic::catch_unwind(|| fuzz_parser(&bytes));
        if let Err(panic) = result {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz_parser.crash");
            std::fs::write(&path, &bytes).unwrap();
            println!("seed {seed}, round {rounds}: input written to {}", path.display());
            std::panic::resume_unwind(panic);
        }
        rounds += 1;
    }
    println!("seed {seed}: {rounds} rounds in {seconds} s");
    assert!(rounds > 0);
}
