//! Which engine evaluates a set of rules how fast, after it has shown that it evaluates it right.
//!
//! Rounds are interleaved: in each, every engine has its turn, so that noise hits all alike. A figure is the median of its
//! rounds, a ratio the median of each round's.

use std::collections::HashMap;

use crate::clock;
use crate::engine::{Compiled, Engine, is_base};
use crate::event::Event;
use crate::workload::{Rule, Set, Workload};

/// How a run is done.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Turns of each engine.
    pub rounds: usize,
    /// What a turn takes at most, in nanoseconds.
    pub turn: f64,
    /// Totals are checked on the first events only, so many.
    pub quick: Option<usize>,
    /// Cells that are known to be slow are measured too.
    pub full: bool,
}

/// What came of an engine with a set of rules.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It matches what it should.
    Measured(Figures),
    /// It does not: the first rule that differs, what it counted and what is right.
    Wrong(String),
    /// It was not tried, or could not be, and why.
    Skipped(String),
}

/// Figures of an engine.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// From typed, borrowed fields to the set of matches; nanoseconds an event.
    pub ns: f64,
    /// The least and the most of the rounds.
    pub spread: (f64, f64),
    /// From a line of NDJSON.
    pub decoding_ns: f64,
    /// CPU time of all threads until it could take its first event.
    pub compile_ms: f64,
    /// Matches over the events checked.
    pub matches: u64,
    /// How many times as long as Weir takes for the same rules, in the same rounds.
    pub ratio: Option<f64>,
    pub decoding_ratio: Option<f64>,
    /// What Weir takes for the same rules.
    pub base_ns: Option<f64>,
}

/// An engine with a set of rules.
#[derive(Clone, Debug)]
pub struct Row {
    pub engine: &'static str,
    pub package: Option<&'static str>,
    pub rules: usize,
    /// How many of them it can express.
    pub expressed: usize,
    /// Why not the others, each reason once.
    pub reasons: Vec<String>,
    pub outcome: Outcome,
}

/// Ten times as many rules of an engine that takes so long for an event, in nanoseconds, are not tried without being asked for.
const SLOW: f64 = 1e6;

/// How many events each rule matches, by its id.
type Expected<'w> = HashMap<&'w str, u32>;

/// An engine that is ready.
struct Cell<'w> {
    compiled: Compiled<'w>,
    /// Nanoseconds an event, roughly.
    guess: f64,
    compile_ms: f64,
    matches: u64,
    samples: Vec<f64>,
    decoding: Vec<f64>,
    /// The cell of Weir with the same rules.
    base: Option<usize>,
    next: usize,
}

/// What every cell is measured on.
#[derive(Clone, Copy)]
pub struct Input<'w> {
    pub lines: &'w [&'w str],
    pub events: &'w [Event<'w>],
}

/// How many events engines may look at before.
const SAMPLE: usize = 512;

impl<'w> Input<'w> {
    fn set(self, workload: &'w Workload, rules: &'w [&'w Rule]) -> Set<'w> {
        Set { rules, lists: &workload.lists, sample: self.events.get(..SAMPLE).unwrap_or(self.events) }
    }
}

/// Measures engines with one set of rules. `before` are the rows of smaller sets.
pub fn measure<'w>(
    engines: &[&'static dyn Engine],
    workload: &'w Workload,
    rules: &'w [&'w Rule],
    input: Input<'w>,
    plan: Plan,
    before: &[Row],
) -> Vec<Row> {
    let mut cells: Vec<Cell<'w>> = Vec::new();
    let mut rows: Vec<(Row, Option<usize>)> = Vec::new();
    let base = engines.iter().find(|engine| is_base(engine.name()));
    let expected = expected(workload, rules, input, plan);
    for engine in engines {
        let mut row = Row {
            engine: engine.name(),
            package: engine.package(),
            rules: rules.len(),
            expressed: rules.len(),
            reasons: Vec::new(),
            outcome: Outcome::Skipped(String::new()),
        };
        eprintln!("  {} rules, {}", rules.len(), engine.name());
        let guess = before
            .iter()
            .filter(|row| row.engine == engine.name())
            .filter_map(Row::estimate)
            .max_by(f64::total_cmp);
        if let Some(guess) =
            guess.map(|each| each * rules.len() as f64).filter(|guess| *guess > SLOW && !plan.full)
        {
            let ms = guess / 1e6;
            row.outcome = Outcome::Skipped(format!("about {ms:.1} ms an event; --full measures it"));
            rows.push((row, None));
            continue;
        }
        let made = prepare(*engine, workload, rules, input, plan, &expected);
        match made {
            Ok(cell) => {
                row.expressed = rules.len() - cell.compiled.left_out.len();
                row.reasons = cell.compiled.left_out.iter().map(|(_, reason)| reason.clone()).collect();
                row.reasons.sort();
                row.reasons.dedup();
                cells.push(cell);
                rows.push((row, Some(cells.len() - 1)));
            }
            Err(outcome) => {
                row.outcome = outcome;
                rows.push((row, None));
            }
        }
    }
    // What Weir is compared on: the same rules, each set of them once.
    let mut bases: Vec<(Vec<usize>, usize)> = Vec::new();
    for at in 0..cells.len() {
        let left_out: Vec<usize> = cells[at].compiled.left_out.iter().map(|(rule, _)| *rule).collect();
        let known = bases.iter().find(|(same, _)| *same == left_out).map(|(_, base)| *base);
        let own =
            rows.iter().find(|(row, cell)| is_base(row.engine) && left_out.is_empty() && cell.is_some());
        cells[at].base = known.or(own.and_then(|(_, cell)| *cell)).or_else(|| {
            let kept = rules
                .iter()
                .enumerate()
                .filter(|(rule, _)| left_out.binary_search(rule).is_err())
                .map(|(_, rule)| *rule);
            let kept: &'w [&'w Rule] = Vec::leak(kept.collect());
            cells.push(prepare(*base?, workload, kept, input, plan, &expected).ok()?);
            Some(cells.len() - 1)
        });
        bases.extend(cells[at].base.map(|base| (left_out, base)));
    }
    let mut counts = vec![0; rules.len()];
    for round in 0..plan.rounds {
        // Each begins in turn: whoever comes after an engine that needs much memory finds its own pushed out of the caches.
        let begins = round % cells.len().max(1);
        let (last, first) = cells.split_at_mut(begins);
        for cell in first.iter_mut().chain(last) {
            if let Err(error) = cell.turn(input, plan, &mut counts) {
                eprintln!("  {error}");
            }
        }
    }
    let figures = |cell: usize| {
        let cell = &cells[cell];
        let base = cell.base.map(|base| &cells[base]);
        Figures {
            ns: median(&cell.samples),
            spread: (
                cell.samples.iter().copied().fold(f64::INFINITY, f64::min),
                cell.samples.iter().copied().fold(0.0, f64::max),
            ),
            decoding_ns: median(&cell.decoding),
            compile_ms: cell.compile_ms,
            matches: cell.matches,
            ratio: base.map(|base| ratio(&cell.samples, &base.samples)),
            decoding_ratio: base.map(|base| ratio(&cell.decoding, &base.decoding)),
            base_ns: base.map(|base| median(&base.samples)),
        }
    };
    let finished = rows.into_iter().map(|(mut row, cell)| {
        if let Some(cell) = cell {
            row.outcome = Outcome::Measured(figures(cell));
        }
        row
    });
    finished.collect()
}

/// Compiles and checks.
fn prepare<'w>(
    engine: &'static dyn Engine,
    workload: &'w Workload,
    rules: &'w [&'w Rule],
    input: Input<'w>,
    plan: Plan,
    expected: &Expected<'w>,
) -> Result<Cell<'w>, Outcome> {
    let begin = clock::process();
    let compiled = engine.compile(input.set(workload, rules)).map_err(|why| Outcome::Skipped(brief(&why)))?;
    let compile_ms = (clock::process() - begin) / 1e6;
    let mut kept = vec![true; rules.len()];
    compiled.left_out.iter().for_each(|(rule, _)| kept[*rule] = false);
    if !kept.contains(&true) {
        return Err(Outcome::Skipped("it can express none of them".to_owned()));
    }
    let mut cell = Cell {
        compiled,
        guess: 0.0,
        compile_ms,
        matches: 0,
        samples: Vec::new(),
        decoding: Vec::new(),
        base: None,
        next: 0,
    };
    let checked = plan.quick.unwrap_or(input.events.len()).min(input.events.len());
    let mut counts = vec![0; rules.len()];
    let events = input.events.get(..checked).unwrap_or_default();
    let begin = clock::thread();
    cell.compiled.matcher.run(events, &mut counts).map_err(Outcome::Wrong)?;
    cell.guess = ((clock::thread() - begin) / checked.max(1) as f64).max(1.0);
    cell.matches = counts.iter().map(|count| u64::from(*count)).sum();
    for ((rule, kept), count) in rules.iter().zip(&kept).zip(&counts) {
        let expected = expected.get(rule.id.as_str()).filter(|_| *kept).copied().unwrap_or(0);
        if *count != expected {
            return Err(Outcome::Wrong(format!("rule {} matches {count} events, not {expected}", rule.id)));
        }
    }
    // Lines must give the same; a part of them shows that.
    let checked = checked.min(1_000);
    let (mut whole, mut lines) = (vec![0; rules.len()], vec![0; rules.len()]);
    let matcher = &mut cell.compiled.matcher;
    matcher.run(events.get(..checked).unwrap_or_default(), &mut whole).map_err(Outcome::Wrong)?;
    matcher.run_lines(input.lines.get(..checked).unwrap_or_default(), &mut lines).map_err(Outcome::Wrong)?;
    match rules.iter().zip(whole.iter().zip(&lines)).find(|(_, (whole, lines))| whole != lines) {
        Some((rule, (whole, lines))) => Err(Outcome::Wrong(format!(
            "rule {} matches {lines} of the decoded events, not {whole}",
            rule.id
        ))),
        None => Ok(cell),
    }
}

/// How many events each rule matches: what the workload says of all, and of a part of them the baseline whose totals over all are
/// checked like everyone's.
fn expected<'w>(workload: &'w Workload, rules: &'w [&'w Rule], input: Input<'w>, plan: Plan) -> Expected<'w> {
    let of =
        |counts: &[u32]| rules.iter().zip(counts).map(|(rule, count)| (rule.id.as_str(), *count)).collect();
    let said: Vec<u32> = rules.iter().map(|rule| rule.expected).collect();
    let Some(first) = plan.quick.filter(|first| *first < input.events.len()) else { return of(&said) };
    let mut counts = vec![0; rules.len()];
    if let Ok(mut compiled) = crate::engine::reference().compile(input.set(workload, rules)) {
        _ = compiled.matcher.run(input.events.get(..first).unwrap_or_default(), &mut counts);
    }
    of(&counts)
}

impl<'w> Cell<'w> {
    /// One turn in each column, on the events that are next.
    fn turn(&mut self, input: Input<'w>, plan: Plan, counts: &mut Vec<u32>) -> Result<(), String> {
        let all = input.events.len();
        let number = ((plan.turn / self.guess) as usize).clamp(1, all);
        let first = if self.next + number > all { 0 } else { self.next };
        self.next = first + number;
        let events = input.events.get(first..first + number).unwrap_or_default();
        let passes = ((plan.turn / 4.0 / (self.guess * number as f64)) as usize).max(1);
        let begin = clock::thread();
        for _ in 0..passes {
            self.compiled.matcher.run(events, counts)?;
        }
        self.samples.push((clock::thread() - begin) / (passes * number) as f64);
        // Decoding alone takes about a microsecond.
        let guess = self.guess + 1_000.0;
        let number = ((plan.turn / 2.0 / guess) as usize).clamp(1, number);
        let lines = input.lines.get(first..first + number).unwrap_or_default();
        let begin = clock::thread();
        self.compiled.matcher.run_lines(lines, counts)?;
        self.decoding.push((clock::thread() - begin) / number as f64);
        Ok(())
    }
}

impl Row {
    /// Nanoseconds a rule, of a set that was measured.
    fn estimate(&self) -> Option<f64> {
        match &self.outcome {
            Outcome::Measured(figures) => Some(figures.ns / self.expressed.max(1) as f64),
            _ => None,
        }
    }
}

/// The last line of an explanation, cut: those of parsers quote their input.
fn brief(why: &str) -> String {
    let line = why.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().take(120).collect()
}

/// The middle one.
pub fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The middle ratio of samples that were taken in the same rounds.
pub fn ratio(samples: &[f64], base: &[f64]) -> f64 {
    let ratios: Vec<f64> = samples.iter().zip(base).map(|(sample, base)| sample / base).collect();
    median(&ratios)
}
