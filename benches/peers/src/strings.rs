//! Which engine finds a set of patterns in a text how fast: for each text, which of the patterns are in it.

use regex::Regex;

use crate::clock;
use crate::measure::{Plan, median, ratio};

mod aho;
#[cfg(feature = "hyperscan")]
mod hyperscan;
mod set;
mod weir;
#[cfg(feature = "yara")]
mod yara;

/// An engine.
pub trait Searcher {
    /// Its name here.
    fn name(&self) -> &'static str;

    /// The crate it comes from.
    fn package(&self) -> Option<&'static str>;

    /// Makes ready whatever can be made ready. Patterns are numbered literals first.
    ///
    /// # Errors
    /// When it cannot take the set.
    fn compile(&self, literals: &[String], regexes: &[String]) -> Result<Box<dyn Search>, String>;
}

/// A set of patterns, ready.
pub trait Search {
    /// Calls `found` with the number of each pattern that is in the text, once each.
    fn search(&mut self, text: &str, found: &mut dyn FnMut(usize));
}

/// What came of an engine with a set of patterns.
#[derive(Clone, Debug)]
pub struct Row {
    pub engine: &'static str,
    pub package: Option<&'static str>,
    pub literals: usize,
    pub regexes: usize,
    pub outcome: Result<Figures, String>,
    /// It finds what it should not, or not what it should.
    pub wrong: bool,
}

/// Figures of an engine.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Nanoseconds a text.
    pub ns: f64,
    pub compile_ms: f64,
    /// Patterns found in all texts.
    pub matches: u64,
    /// How many times as long as Weir takes, in the same rounds.
    pub ratio: Option<f64>,
}

/// All engines that were built in.
pub fn all() -> Vec<&'static dyn Searcher> {
    #[allow(unused_mut, reason = "some are behind features")]
    let mut all: Vec<&'static dyn Searcher> = vec![&weir::Patterns, &aho::Automaton, &set::Set, &set::Both];
    #[cfg(feature = "yara")]
    all.push(&yara::Yara);
    #[cfg(feature = "hyperscan")]
    all.push(&hyperscan::Hyperscan);
    all
}

/// Measures engines with one set of patterns.
pub fn measure(
    engines: &[&'static dyn Searcher],
    literals: &[String],
    regexes: &[String],
    hay: &[String],
    plan: Plan,
) -> Result<Vec<Row>, String> {
    let expected = expected(literals, regexes, hay)?;
    let mut rows = Vec::new();
    let mut ready = Vec::new();
    for engine in engines {
        eprintln!("  {} patterns, {}", literals.len() + regexes.len(), engine.name());
        let row = |outcome, wrong| Row {
            engine: engine.name(),
            package: engine.package(),
            literals: literals.len(),
            regexes: regexes.len(),
            outcome,
            wrong,
        };
        let begin = clock::process();
        let mut search = match engine.compile(literals, regexes) {
            Ok(search) => search,
            Err(error) => {
                rows.push(row(Err(error), false));
                continue;
            }
        };
        let compile_ms = (clock::process() - begin) / 1e6;
        let mut counts = vec![0; expected.len()];
        let begin = clock::thread();
        hay.iter().for_each(|text| search.search(text, &mut |pattern| counts[pattern] += 1));
        let guess = (clock::thread() - begin) / hay.len().max(1) as f64;
        match counts.iter().zip(&expected).position(|(count, expected)| count != expected) {
            Some(at) => {
                let pattern = literals.iter().chain(regexes).nth(at).map_or("", |pattern| pattern);
                let why = format!("`{pattern}` is in {} texts, not {}", counts[at], expected[at]);
                rows.push(row(Err(why), true));
            }
            None => {
                let matches = counts.iter().sum();
                rows.push(row(Ok(Figures { ns: 0.0, compile_ms, matches, ratio: None }), false));
                ready.push((rows.len() - 1, search, guess, Vec::new()));
            }
        }
    }
    for _ in 0..plan.rounds {
        for (_, search, guess, samples) in &mut ready {
            let number = ((plan.turn / *guess) as usize).clamp(1, hay.len());
            let passes = ((plan.turn / 4.0 / (*guess * number as f64)) as usize).max(1);
            let mut found = 0;
            let begin = clock::thread();
            for _ in 0..passes {
                hay.iter().take(number).for_each(|text| search.search(text, &mut |pattern| found += pattern));
            }
            samples.push((clock::thread() - begin) / (passes * number) as f64);
            std::hint::black_box(found);
        }
    }
    let base = ready
        .iter()
        .find(|(row, ..)| rows[*row].engine.starts_with("weir"))
        .map(|(.., samples)| samples.clone());
    for (row, _, _, samples) in &ready {
        if let Ok(figures) = &mut rows[*row].outcome {
            figures.ns = median(samples);
            figures.ratio = base.as_ref().map(|base| ratio(samples, base));
        }
    }
    Ok(rows)
}

/// In how many texts each pattern is, looked for one by one.
fn expected(literals: &[String], regexes: &[String], hay: &[String]) -> Result<Vec<u64>, String> {
    let mut expected: Vec<u64> = literals
        .iter()
        .map(|literal| {
            let finder = memchr::memmem::Finder::new(literal);
            hay.iter().filter(|text| finder.find(text.as_bytes()).is_some()).count() as u64
        })
        .collect();
    for regex in regexes {
        let regex = Regex::new(regex).map_err(|error| error.to_string())?;
        expected.push(hay.iter().filter(|text| regex.is_match(text)).count() as u64);
    }
    Ok(expected)
}
