//! The size of a batch and the number of threads change nothing.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use common::player::{POLICY, Player, moves, split};
use proptest::prelude::*;
use rayon::ThreadPool;
use weir_engine::{Decision, Input, Limits, Options, Outcome, Seq, Step};

fn pool(threads: usize) -> ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

/// The inputs of some moves. Numbers of requests are given out in order, and do not depend on decisions.
fn inputs(moves: &[common::player::Move]) -> Vec<Input> {
    let mut player = Player::new(Options { observe: true, ..Options::default() }, true);
    player.keep_inputs();
    player.play(moves);
    player.inputs.unwrap()
}

fn finish(player: &mut Player, steps: Vec<Step>) -> Vec<Decision> {
    let finish = |step| match step {
        Step::Decided(decision) => decision,
        Step::Pending(pending) => {
            let outcomes = vec![Outcome::Late; pending.calls.len()];
            player.site.engine.resume(pending, &outcomes)
        }
    };
    steps.into_iter().map(finish).collect()
}

/// Decisions and the state in the end, taking the inputs in batches.
fn run(
    inputs: &[Input],
    policy: &str,
    size: usize,
    threads: Option<&ThreadPool>,
    limits: Limits,
) -> (Vec<Decision>, Vec<u8>) {
    let mut player = Player::of(policy, Options { limits, lateness: 2_000, ..Options::default() }, false);
    let mut decisions = Vec::new();
    for batch in inputs.chunks(size) {
        let steps = player.site.engine.batch(batch.to_vec(), threads);
        decisions.extend(finish(&mut player, steps));
    }
    (decisions, player.site.engine.snapshot())
}

fn limits(keys: usize) -> Limits {
    Limits { keys, ..Limits::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// + partition, batch, thread: state of all sizes, however many inputs come at once, on however many threads
    /// - partition: into how many parts a table is cut shows in no decision
    #[test]
    fn any_batch_size_and_any_number_of_threads(
        moves in moves(), more in moves(), keys in prop_oneof![Just(16_usize), Just(40), Just(1_000_000)]
    ) {
        let inputs = inputs(&moves.into_iter().chain(more).collect::<Vec<_>>());
        let (decisions, state) = run(&inputs, &plain(), 1, None, limits(keys));
        for (size, threads) in [(1, 2), (7, 2), (64, 3), (usize::MAX, 5)] {
            let (other, other_state) = run(&inputs, &plain(), size, Some(&pool(threads)), limits(keys));
            prop_assert_eq!(split(&decisions), split(&other), "{} at once on {} threads", size, threads);
            prop_assert!(state == other_state, "{} at once on {} threads", size, threads);
        }
    }

    /// Models are answered after each batch: an answer is an input, and has its place in the order.
    ///
    /// - batch, thread: no answer is seen before its place
    #[test]
    fn with_models_any_number_of_threads(moves in moves(), size in 1_usize..40) {
        let inputs = inputs(&moves);
        let (decisions, state) = run(&inputs, POLICY, size, None, limits(64));
        let (other, other_state) = run(&inputs, POLICY, size, Some(&pool(3)), limits(64));
        prop_assert_eq!(split(&decisions), split(&other));
        prop_assert!(state == other_state);
    }
}

/// The policy without the rule that asks a model.
fn plain() -> String {
    POLICY.lines().filter(|line| !line.contains("odd(")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn responses_find_their_requests_in_the_same_batch() {
    let mut site = common::Site::with(POLICY, Options::default());
    let (record, response) = site.record("login", &[("session", "s"), ("outcome", "failure")]);
    let request = Input::Request { at: site.now, events: vec![record] };
    let answer = |seq| Input::Response {
        request: Seq(seq),
        at: site.now,
        fields: vec![response.clone()],
        events: vec![],
    };
    let inputs = vec![request.clone(), answer(0), request, answer(1)];
    let steps = site.engine.batch(inputs, Some(&pool(2)));
    assert_eq!(steps.len(), 4);
    assert_eq!(site.engine.tallies().responses_unmatched, 0);
}

#[test]
fn batches_change_nothing_on_the_walker() {
    common::run_on_the_walker("batches_change_nothing_on_the_walker");
}
