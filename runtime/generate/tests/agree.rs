//! Engines agree with each other and with themselves on generated rule sets and streams.
//!
//! `WEIR_CASES` says how many cases (default 60), `WEIR_SEED` where to begin. A failure is made smaller, printed, and written
//! below the target folder; put its file into `regressions/` under a name that says what it shows.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::ThreadPool;
use weir_compiler::data::Data;
use weir_compiler::evaluate::Tier;
use weir_compiler::hir::Hir;
use weir_engine::{Decision, Engine, Input, Limits, Options, Replacement};
use weir_generate::choice::{bytes, shrink};
use weir_generate::play::{decided, essence, everything, play};
use weir_generate::set::Editor;
use weir_generate::shuffle::shuffle;
use weir_generate::stream::{Feed, Move};
use weir_generate::{BYTES, Case, Play, Set};
use weir_native::{Compiler, Generation, Native, Options as CompilerOptions};

/// What must hold of a case: nothing, or what does not.
type Property = fn(&Case) -> Result<(), String>;

const PROPERTIES: [(&str, Property); 11] = [
    ("walker, bytecode and plan", tiers),
    ("walker and native code", native),
    ("sizes of a batch", batches),
    ("numbers of threads", threads),
    ("a restart", restarts),
    ("operands, rules and policies in another order", reordered),
    ("the formatter's wording", reformatted),
    ("what is not recorded", unrecorded),
    ("what nothing reads", unread),
    ("tiny tables", bounded),
    ("edits", edited),
];

fn options(case: &Case) -> Options {
    Options { record: true, lateness: case.feed.lateness, ..Options::default() }
}

/// The first place where two tellings differ.
fn compare(what: &str, one: &[String], other: &[String]) -> Result<(), String> {
    match one.iter().zip(other).position(|(one, other)| one != other) {
        None => Ok(()),
        Some(at) => {
            let (mut a, mut b): (Vec<&str>, Vec<&str>) =
                (one[at].lines().collect(), other[at].lines().collect());
            while a.len() > 1 && b.len() > 1 && a[0] == b[0] {
                a.remove(0);
                b.remove(0);
            }
            a.truncate(12);
            b.truncate(12);
            Err(format!("move {at}, {what}:\n  {}\nbut\n  {}", a.join("\n  "), b.join("\n  ")))
        }
    }
}

/// Every tier says the same of everything, explanations included.
fn tiers(case: &Case) -> Result<(), String> {
    let told = |tier| play(&case.set, Options { tier, ..options(case) }, &case.feed, everything);
    let walker = told(Tier::Walker);
    Tier::ALL.iter().skip(1).try_for_each(|tier| compare(tier.word(), &walker, &told(*tier)))
}

/// Native code says what the walker says, at each level of optimisation and with each allocator of registers, also when it comes
/// into use in the middle of a stream.
fn native(case: &Case) -> Result<(), String> {
    let walker = play(&case.set, Options { tier: Tier::Walker, ..options(case) }, &case.feed, everything);
    // One case tries one of them, all cases all.
    let generation = Generation::ALL[case.set.text.len() % Generation::ALL.len()];
    let compiler = Compiler::new(CompilerOptions { generation, canary: 1, ..CompilerOptions::default() });
    let mut play = Play::new(&case.set, options(case));
    let half = case.feed.moves.len() / 2;
    let (first, rest) = case.feed.moves.split_at(half);
    let feed = |moves: &[Move]| Feed { moves: moves.to_vec(), ..case.feed.clone() };
    let mut told = play.all(&feed(first), everything);
    let version = play.engine.version();
    version.warm();
    let mut natives = Vec::new();
    for plan in version.plans() {
        let native = compiler.compile(Arc::clone(plan.plan()));
        if let Some((_, refusal)) = native.status().refused.first() {
            return Err(format!("a plan is refused: {refusal}"));
        }
        if !version.set_kernel(&plan, Arc::<Native>::clone(&native)) {
            return Err("a plan takes no kernel".into());
        }
        natives.push(native);
    }
    told.extend(play.all(&feed(rest), everything));
    if natives.iter().any(|native| native.status().disagreements > 0) {
        return Err("native code disagrees with the interpreter".into());
    }
    compare("native", &walker, &told)
}

/// The inputs of a case, as they come about with models answered at once.
fn inputs(case: &Case) -> Vec<Input> {
    let mut play = Play::new(&case.set, options(case));
    let mut inputs = Vec::new();
    for next in &case.feed.moves {
        // A response is found once: what waits is asked for it here and not by `make`.
        let Some(input) = play.input(next) else { continue };
        inputs.push(input.clone());
        let decision = play.give(input);
        play.note(next, &decision);
    }
    inputs
}

/// Inputs in batches of some size; in each, what waits for models is resumed after all. The last line is what is remembered.
fn batched(case: &Case, inputs: &[Input], size: usize, pool: Option<&ThreadPool>) -> Vec<String> {
    let mut play = Play::new(&case.set, options(case));
    let mut told = Vec::new();
    for batch in inputs.chunks(size) {
        let steps = play.engine.batch(batch.to_vec(), pool);
        for step in steps {
            let decision = play.settle(step);
            told.push(decided(&play.engine, &decision));
        }
    }
    told.push(format!("{:?}", play.engine.snapshot()));
    told
}

/// Sets that ask a model decide later in a larger batch, so only those that ask none say the same in all sizes.
fn asks_models(case: &Case) -> bool {
    !case.set.hir.calls.is_empty()
}

fn batches(case: &Case) -> Result<(), String> {
    if asks_models(case) {
        return Ok(());
    }
    let inputs = inputs(case);
    let one = batched(case, &inputs, 1, None);
    let pool = pool(2);
    [(7, None), (7, Some(&pool)), (64, Some(&pool)), (inputs.len(), Some(&pool))].into_iter().try_for_each(
        |(size, pool)| compare(&format!("batches of {size}"), &one, &batched(case, &inputs, size, pool)),
    )
}

fn threads(case: &Case) -> Result<(), String> {
    let inputs = inputs(case);
    let one = batched(case, &inputs, 23, None);
    [1, 5].into_iter().try_for_each(|threads| {
        compare(&format!("{threads} threads"), &one, &batched(case, &inputs, 23, Some(&pool(threads))))
    })
}

fn pool(threads: usize) -> ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

/// An engine that goes on from what another has written says what that one would have.
fn restarts(case: &Case) -> Result<(), String> {
    let inputs = inputs(case);
    let one = batched(case, &inputs, 1, None);
    // One case asks at few points, all cases at every one.
    let step = (inputs.len() / 3).max(1);
    let first = case.set.text.len() % step;
    for at in (first..inputs.len()).step_by(step) {
        let mut before = Play::new(&case.set, options(case));
        for input in &inputs[..at] {
            before.give(input.clone());
        }
        let bytes = before.engine.snapshot();
        let mut after = Play::new(&case.set, options(case));
        after.engine.restore(&bytes).map_err(|error| error.to_string())?;
        let mut told: Vec<String> = one[..at].to_vec();
        for input in &inputs[at..] {
            let decision = after.give(input.clone());
            told.push(decided(&after.engine, &decision));
        }
        told.push(format!("{:?}", after.engine.snapshot()));
        compare(&format!("restarted before input {at}"), &one, &told)?;
    }
    Ok(())
}

fn told(set: &Set, case: &Case) -> Vec<String> {
    play(set, options(case), &case.feed, essence)
}

fn reordered(case: &Case) -> Result<(), String> {
    let text = shuffle(&case.set.text, case.set.text.len() as u64);
    compare("reordered", &told(&case.set, case), &told(&case.set.reworded(&text), case))
        .map_err(|error| format!("{error}\n{text}"))
}

fn reformatted(case: &Case) -> Result<(), String> {
    let text = weir_dsl::format::format(&case.set.text).map_err(|faults| format!("{faults:?}"))?;
    compare("reformatted", &told(&case.set, case), &told(&case.set.reworded(&text), case))
}

/// Fields that an engine does not want change nothing.
fn unread(case: &Case) -> Result<(), String> {
    let options = || Options { record: false, ..options(case) };
    let told = |_: &Engine, decision: &Decision| format!("{decision:#?}");
    let whole = play(&case.set, options(), &case.feed, told);
    let engine = Engine::new(case.set.hir.clone(), case.set.data.clone(), options());
    let schema = &engine.hir().schema;
    let mut feed = case.feed.clone();
    for next in &mut feed.moves {
        let Move::Request { events, .. } = next else { continue };
        for one in events {
            let event = schema.event(one.event).unwrap();
            let wanted = |name: &str| schema.field(event, name).is_some_and(|field| engine.wants(field));
            one.fields.retain(|(name, _)| wanted(name));
            one.response.retain(|(name, _)| wanted(name));
        }
    }
    compare("without what nothing reads", &whole, &play(&case.set, options(), &feed, told))
}

/// Recording what was read changes nothing but that it can be told.
fn unrecorded(case: &Case) -> Result<(), String> {
    let plain = Options { record: false, ..options(case) };
    compare("without recording", &told(&case.set, case), &play(&case.set, plain, &case.feed, essence))
}

/// The text with one of its digits changed: of a threshold, a window, a duration, whatever it may be.
fn edit(text: &str, nth: usize) -> String {
    let digits: Vec<usize> = text.match_indices(|c: char| c.is_ascii_digit()).map(|(at, _)| at).collect();
    let Some(at) = digits.get((nth * 7_919 + text.len()) % digits.len().max(1)) else {
        return text.to_owned();
    };
    let digit = char::from(b'0' + ((text.as_bytes()[*at] - b'0' + 1 + (nth % 7) as u8) % 10));
    format!("{}{digit}{}", &text[..*at], &text[at + 1..])
}

/// A rule set that follows another by an edit decides as the same rule set made by itself.
fn edited(case: &Case) -> Result<(), String> {
    let mut editor = Editor::default();
    let (hir, data) = editor.link(&case.set.text)?;
    let mut follows = Play::with(Engine::new(hir, data, options(case)), Default::default());
    let mut alone = Play::new(&case.set, options(case));
    let (mut one, mut two) = (Vec::new(), Vec::new());
    let mut text = case.set.text.clone();
    let change = |play: &mut Play, (hir, data): (Hir, Data)| {
        let running = play.engine.version();
        play.engine.swap(Replacement::new(running.next(hir, data), &running).unwrap());
    };
    for (nth, moves) in case.feed.moves.chunks(case.feed.moves.len().div_ceil(6).max(1)).enumerate() {
        // Not every edit is right: windows have their bounds.
        let next = edit(&text, nth);
        if let (Ok(again), Ok(anew)) = (editor.link(&next), Set::link(&next)) {
            change(&mut follows, again);
            change(&mut alone, anew);
            text = next;
        }
        for next in moves {
            let told = |play: &mut Play| play.make(next).map(|decision| decided(&play.engine, &decision));
            one.extend(told(&mut follows));
            two.extend(told(&mut alone));
        }
    }
    one.push(format!("{:?}", follows.engine.snapshot()));
    two.push(format!("{:?}", alone.engine.snapshot()));
    compare("edited", &two, &one).map_err(|error| format!("{error}\n{text}"))
}

/// However little an engine may hold, it holds no more, and explains what it decides.
fn bounded(case: &Case) -> Result<(), String> {
    fn held(engine: &Engine, decision: &Decision) -> String {
        let hir = engine.hir();
        let tables = hir.states.len() + hir.sequences.len() + hir.cohorts.len() + hir.facts.len();
        let held = engine.tallies().held;
        assert!(held <= (tables * 16 + 128) as u64, "{held} in {tables} tables of 16");
        everything(engine, decision)
    }
    let limits = Limits {
        state_bytes: 0,
        keys: 16,
        tagged: 2,
        entries: 2,
        exchanges: 2,
        timers: 2,
        actors: 2,
        braked: 2,
        cases: 2,
        remembered: 2,
        labelled: 2,
        switches: 2,
    };
    play(&case.set, Options { limits, ..options(case) }, &case.feed, held);
    Ok(())
}

/// Everything that does not hold of the case of some bytes.
fn judge(bytes: &[u8]) -> Option<(&'static str, String)> {
    let case = match catch_unwind(|| Case::new(bytes)) {
        Ok(case) => case,
        Err(panic) => return Some(("the generator", message(&panic))),
    };
    PROPERTIES.iter().find_map(|(name, property)| {
        let found = catch_unwind(AssertUnwindSafe(|| property(&case)));
        let wrong = match found {
            Ok(Ok(())) => return None,
            Ok(Err(wrong)) => wrong,
            Err(panic) => format!("panics: {}", message(&panic)),
        };
        Some((*name, wrong))
    })
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

/// Fails with the smallest bytes that do not satisfy the property that these do not.
fn fail(name: &str, bytes: Vec<u8>) -> ! {
    let (property, _) = judge(&bytes).expect("it has failed before");
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let small = shrink(bytes, 1_500, |bytes| judge(bytes).is_some_and(|(same, _)| same == property));
    std::panic::set_hook(hook);
    let (property, wrong) = judge(&small).expect("shrinking keeps failing");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.hex"));
    std::fs::write(&path, to_hex(&small)).unwrap();
    let case = catch_unwind(|| Case::new(&small));
    let (text, feed) = case.map_or_else(|_| Default::default(), |case| (case.set.text.clone(), case.feed));
    let moves: Vec<String> = feed.moves.iter().map(|next| format!("{next:?}")).collect();
    panic!("{name}, {property}: {wrong}\n{text}\n{}\nwritten to {}", moves.join("\n"), path.display());
}

fn to_hex(bytes: &[u8]) -> String {
    let lines =
        bytes.chunks(64).map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::chars)
        .filter_map(|c| c.to_digit(16))
        .collect();
    digits.chunks_exact(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().map_or(otherwise, |value| value.parse().expect("a number"))
}

#[test]
fn what_once_failed_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "hex"));
    files.sort();
    for path in files {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let bytes = from_hex(&std::fs::read_to_string(&path).unwrap());
        if let Some((property, wrong)) = judge(&bytes) {
            panic!("{name}, {property}: {wrong}");
        }
    }
}

#[test]
fn engines_agree() {
    let (first, count) = (number("WEIR_SEED", 0), number("WEIR_CASES", 60));
    for seed in first..first + count {
        let bytes = bytes(seed, BYTES);
        if judge(&bytes).is_some() {
            fail(&format!("seed-{seed}"), bytes);
        }
    }
}

/// The streams are worth the name: rules fire, are unknown, act on keys and meet what they put there, in every phase.
#[test]
fn the_streams_touch_what_there_is() {
    let mut seen = [0_usize; 12];
    for seed in 0..60 {
        let case = Case::of_seed(seed);
        let mut play = weir_generate::Play::new(&case.set, options(&case));
        for next in &case.feed.moves {
            let Some(decision) = play.make(next) else { continue };
            let looks: Vec<_> = decision.looks().collect();
            let count = |of: &dyn Fn(&weir_engine::EventDecision) -> usize| {
                looks.iter().map(|look| of(look)).sum::<usize>()
            };
            seen[0] += usize::from(decision.stopped);
            seen[1] += count(&|look| look.matches.len());
            seen[2] += count(&|look| look.unknown.len());
            seen[3] += count(&|look| look.entries.len());
            seen[4] += count(&|look| look.effects.len());
            seen[5] += count(&|look| look.caps.len());
            seen[6] += count(&|look| look.exemptions.len());
            seen[7] += decision.deadlines.len();
            seen[8] += usize::from(decision.score > 0);
            seen[9] += usize::from(
                decision.phase == weir_compiler::hir::Phase::Response && !decision.events.is_empty(),
            );
            let known = |look: &weir_engine::EventDecision| {
                look.matches
                    .iter()
                    .flat_map(|found| &found.values)
                    .filter(|shown| shown.name.starts_with('s') && shown.value.is_some())
                    .count()
            };
            seen[10] += count(&known);
        }
        seen[11] += 1;
    }
    eprintln!("{seen:?}");
    assert!(seen.iter().all(|count| *count >= 1), "{seen:?}");
}
