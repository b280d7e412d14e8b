//! Sets of patterns and their stored bytes on mutated seeds, for `WEIR_FUZZ_SECONDS` (default 2) seconds each.
//!
//! `WEIR_FUZZ_SEED` says where to begin; the seed is printed, and the input of a failure is written below the target folder.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic and print"
)]

use std::path::Path;
use std::time::{Duration, Instant};
use weir_patterns::fuzzing::{fuzz_bytes, fuzz_scan};
use weir_patterns::{Limits, Pattern, PatternSet};

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

const SEEDS: &[&str] = &[
    "c/config.php\nc/config.asp\nc/con\nc.php\ns/api\ne.jsp\nr^/api/v[0-9]+\nr\\.(php|cgi)$\n\n/api/v1/config.php\n/config.as\n",
    "cChrome/118\ncChrome/1\nrChrome/1(0[0-9]|1[0-9])\\.\nrFirefox/(9[0-9]|10[0-9])\\.0\ncheadless\nr(?i)headless\n\nMozilla/5.0 Chrome/118.0 Firefox/99.0\nHEADLE\u{17f}S\n",
    "r[?&]?q=[^&]*(select|union)\nr[?&]?id=[^&]*(select|union)\nr(?i)union\\s+select\nr(?i)('|%27)\\s*or\\s\n\nq=1&id=union\nUNION \t SELECT' or 1\n",
    "r\\bbot\\b\nr\\w+@\\w+\nr(?m)^a$\nr.*\\d{3}\nc\ne\ns\n\na bot é@é\na\n123\n",
    "r(a|b)*a(a|b){6}\nraa+b\nca\ncaa\ncaaa\ncaaaa\n\naaaaaaaab\nabababababab\n",
];

const WORDS: &[&str] = &[
    "\n",
    "\n\n",
    "\nc",
    "\nr",
    "\ns",
    "\ne",
    "(?i)",
    "^",
    "$",
    "\\b",
    ".*",
    "[^&]*",
    "{2,4}",
    "|",
    "(",
    ")",
    "+",
    "?",
    "\\s",
    "\\w",
    "\\d",
    "é",
    "ſ",
    "\0",
    "select",
    "/config",
    "q=",
    "(?m)",
    "(?-u:\\b)",
    "[a-z]",
    "aaaa",
];

fn mutate(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].clone();
    for _ in 0..random.below(8) {
        let at = random.below(bytes.len() + 1);
        match random.below(6) {
            0 => bytes.insert(at, random.next() as u8),
            1 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            2 => {
                let end = (at + random.below(20)).min(bytes.len());
                bytes.drain(at..end);
            }
            3 => {
                let end = (at + random.below(60)).min(bytes.len());
                let part = bytes[at..end].repeat(1 + random.below(3));
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, part);
            }
            4 => {
                let other = &seeds[random.below(seeds.len())];
                let start = random.below(other.len());
                let end = (start + random.below(100)).min(other.len());
                bytes.splice(at..at, other[start..end].iter().copied());
            }
            _ => {
                let word = WORDS[random.below(WORDS.len())];
                bytes.splice(at..at, word.bytes());
            }
        }
    }
    bytes
}

fn run(name: &str, seeds: &[Vec<u8>], target: fn(&[u8])) {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).ok().map_or(otherwise, |value| value.parse().unwrap())
    };
    let seconds = number("WEIR_FUZZ_SECONDS", 2);
    let seed = number("WEIR_FUZZ_SEED", 1);
    for seed in seeds {
        target(seed);
    }
    let mut random = Random(seed);
    let start = Instant::now();
    let mut rounds = 0_u64;
    while start.elapsed() < Duration::from_secs(seconds) {
        let bytes = mutate(&mut random, seeds);
        if let Err(panic) = std::panic::catch_unwind(|| target(&bytes)) {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.crash"));
            std::fs::write(&path, &bytes).unwrap();
            println!("seed {seed}, round {rounds}: input written to {}", path.display());
            std::panic::resume_unwind(panic);
        }
        rounds += 1;
    }
    println!("{name}, seed {seed}: {rounds} rounds in {seconds} s");
    assert!(rounds > 0);
}

#[test]
fn sets_find_what_their_patterns_mean() {
    let seeds: Vec<_> = SEEDS.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    run("fuzz_scan", &seeds, fuzz_scan);
}

#[test]
fn stored_sets_are_read_or_refused() {
    let seeds: Vec<_> = SEEDS
        .iter()
        .map(|seed| {
            let escaped = seed.lines().map(|line| Pattern::Regex(regex::escape(line).into()));
            let regex = Pattern::Regex("^a[0-9]+b|c$".into());
            PatternSet::new(&escaped.chain([regex]).collect::<Vec<_>>(), &Limits::default()).to_bytes()
        })
        .collect();
    run("fuzz_bytes", &seeds, fuzz_bytes);
}
