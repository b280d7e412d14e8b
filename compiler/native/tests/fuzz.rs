//! Compiles arbitrary conditions and runs arbitrary events: native code, the interpreter and the conditions themselves agree.
//!
//! `WEIR_FUZZ_SECONDS` (default 2) says how long, `WEIR_FUZZ_SEED` where to begin; the seed of a failure is printed.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and print")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use weir_native::{Compiler, Generation, Options};
use weir_plan::generate::{KINDS, agrees, condition, data, scalars, tree, value};
use weir_plan::{Condition, Frame, Literals, Plan};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

#[test]
fn arbitrary_conditions_and_events_agree() {
    let until = Instant::now() + Duration::from_secs(number("WEIR_FUZZ_SECONDS", 2));
    let first = number("WEIR_FUZZ_SEED", 1);
    let compilers = Generation::ALL
        .map(|generation| Compiler::new(Options { generation, canary: 0, ..Options::default() }));
    let data = data();
    let mut cases = 0;
    for seed in first.. {
        if Instant::now() > until {
            break;
        }
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
        let size = 1_usize << (seed % 10);
        let trees = prop::collection::vec(tree(), size..=size * 2).new_tree(&mut runner).unwrap().current();
        let rows = prop::collection::vec(KINDS.map(value), 8).new_tree(&mut runner).unwrap().current();
        let mut literals = Literals::default();
        let conditions: Vec<Condition> =
            trees.iter().map(|tree| condition(tree, false, &mut literals)).collect();
        let unsampled = Plan::new(&literals, &conditions, &data, &[]);
        let sample: Vec<_> = rows.iter().take(4).map(|row| scalars(&unsampled, row)).collect();
        let plan = Arc::new(Plan::new(&literals, &conditions, &data, &sample));
        let native = compilers[seed as usize % compilers.len()].compile(Arc::clone(&plan));
        assert_eq!(native.status().refused, [], "seed {seed}");
        let mut frame = Frame::new(&plan);
        for row in &rows {
            let scalars = scalars(&plan, row);
            let mut found = Vec::new();
            plan.matches_with(&scalars, &mut frame, &*native, &mut found);
            let mut possible = Vec::new();
            plan.possible(&scalars, &mut frame, Some(&*native), |id, certain| possible.push((id, certain)));
            if let Err(wrong) = agrees(&plan, &trees, row, &data, &found, &possible) {
                panic!("seed {seed}: {wrong}");
            }
        }
        cases += 1;
    }
    println!("{cases} rule sets from seed {first}");
}
