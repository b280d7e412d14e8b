//! The engine's fuzz target on mutated bytes, for `WEIR_FUZZ_SECONDS` (default 2) seconds, on stable Rust.
//! `WEIR_FUZZ_SEED` repeats a run; the bytes of a failure are written below the target folder.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test stops at the first surprise"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use weir_generate::choice::{bytes, random, shrink};
use weir_generate::fuzzing::fuzz_engine;

/// Bytes of some seed, changed in a few places.
fn mutate(state: &mut u64, kept: &[Vec<u8>]) -> Vec<u8> {
    let mut below = |bound: usize| (random(state) % bound.max(1) as u64) as usize;
    let mut input = match kept.is_empty() || below(3) == 0 {
        true => bytes(below(usize::MAX) as u64, 256 << below(6)),
        false => kept[below(kept.len())].clone(),
    };
    for _ in 0..below(12) {
        let (at, length) = (below(input.len()), below(64));
        let end = (at + length).min(input.len());
        match below(6) {
            0 => input[at..end].fill(0),
            1 => input[at..end].iter_mut().for_each(|byte| *byte = below(256) as u8),
            2 => input.truncate(at.max(16)),
            3 => input[at] ^= 1 << below(8),
            4 => {
                let piece = input[at..end].to_vec();
                let to = below(input.len());
                input.splice(to..to, piece);
            }
            _ => input[at..end].fill(0xff),
        }
    }
    input.truncate(1 << 14);
    input
}

#[test]
fn engines_keep_their_promises_on_mutated_cases() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).ok().map_or(otherwise, |value| value.parse().unwrap())
    };
    let (seconds, seed) = (number("WEIR_FUZZ_SECONDS", 2), number("WEIR_FUZZ_SEED", 1));
    let (mut state, mut kept, mut rounds) = (seed, Vec::new(), 0_u64);
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        let input = mutate(&mut state, &kept);
        let outcome = std::panic::catch_unwind(|| fuzz_engine(&input));
        if let Err(panic) = outcome {
            let hook = std::panic::take_hook();
            std::panic::set_hook(Box::new(|_| {}));
            let input = shrink(input, 400, |bytes| std::panic::catch_unwind(|| fuzz_engine(bytes)).is_err());
            std::panic::set_hook(hook);
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz_engine.crash");
            std::fs::write(&path, &input).unwrap();
            eprintln!("seed {seed}, round {rounds}: input written to {}", path.display());
            std::panic::resume_unwind(panic);
        }
        if kept.len() < 64 {
            kept.push(input);
        }
        rounds += 1;
    }
    eprintln!("engine: {rounds} inputs in {seconds} s, seed {seed}");
    assert!(rounds > 0);
}

/// Repeats one input: `WEIR_FUZZ_INPUT=FILE cargo test -p weir-generate --test fuzz one_input`.
#[test]
fn one_input() {
    if let Some(path) = std::env::var_os("WEIR_FUZZ_INPUT") {
        let bytes = std::fs::read(path).unwrap();
        let (policy, _) = bytes.split_at(bytes.len() / 2);
        eprintln!("{}", weir_generate::policy::write(&mut weir_generate::Choices::new(policy)).text);
        fuzz_engine(&bytes);
    }
}
