//! Engines: each takes rules, and says which of them match an event. One file an engine.

use crate::event::{self, Event};
use crate::workload::Set;

#[cfg(feature = "a-tree")]
mod a_tree;
#[cfg(feature = "cedar")]
mod cedar;
#[cfg(feature = "cel")]
mod cel;
#[cfg(feature = "evalexpr")]
mod evalexpr;
mod host;
mod index;
#[cfg(feature = "regorus")]
mod regorus;
#[cfg(feature = "rhai")]
mod rhai;
mod rust;
mod tree;
mod weir;
#[cfg(feature = "wirefilter")]
mod wirefilter;
mod words;
#[cfg(feature = "zen")]
mod zen;

pub use rust::generate;
pub use weir::source as policy;

/// An engine.
pub trait Engine: Sync {
    /// Its name here.
    fn name(&self) -> &'static str;

    /// The crate it comes from; nothing for what is written here.
    fn package(&self) -> Option<&'static str>;

    /// Makes ready whatever can be made ready before the first event.
    ///
    /// # Errors
    /// When it cannot take the set at all. Single rules that it cannot express are left out instead.
    fn compile<'w>(&self, set: Set<'w>) -> Result<Compiled<'w>, String>;
}

/// A set of rules, ready.
pub struct Compiled<'w> {
    pub matcher: Box<dyn Held<'w> + 'w>,
    /// Rules that the engine cannot express, by their place in the set, in order, and why.
    pub left_out: Vec<(usize, String)>,
}

/// How many events are decoded before they are matched.
const BATCH: usize = 256;

/// What evaluates all rules on every event. Counts are by a rule's place in the set.
pub trait Matcher {
    /// Adds one to the count of every rule that matches an event.
    fn run(&mut self, events: &[Event<'_>], counts: &mut [u32]) -> Result<(), String>;

    /// The same from lines of NDJSON, decoded as the engine's users would.
    fn run_lines(&mut self, lines: &[&str], counts: &mut [u32]) -> Result<(), String> {
        for lines in lines.chunks(BATCH) {
            let records = event::decode(lines)?;
            let events: Vec<Event<'_>> = records.iter().map(event::Record::event).collect();
            self.run(&events, counts)?;
        }
        Ok(())
    }
}

/// A [`Matcher`] whose events must live as long as its rules. Any other is one, too.
pub trait Held<'w> {
    /// As [`Matcher::run`].
    fn run(&mut self, events: &[Event<'w>], counts: &mut [u32]) -> Result<(), String>;

    /// As [`Matcher::run_lines`].
    fn run_lines(&mut self, lines: &[&'w str], counts: &mut [u32]) -> Result<(), String>;
}

impl<'w, T: Matcher> Held<'w> for T {
    fn run(&mut self, events: &[Event<'w>], counts: &mut [u32]) -> Result<(), String> {
        Matcher::run(self, events, counts)
    }

    fn run_lines(&mut self, lines: &[&'w str], counts: &mut [u32]) -> Result<(), String> {
        Matcher::run_lines(self, lines, counts)
    }
}

/// All engines that were built in, in the order of the table.
pub fn all() -> Vec<&'static dyn Engine> {
    let mut all: Vec<&'static dyn Engine> = Vec::new();
    all.extend(weir::ALL);
    all.extend([&rust::Rust as &dyn Engine, &tree::Tree, &index::Index]);
    #[cfg(feature = "wirefilter")]
    all.push(&wirefilter::Wirefilter);
    #[cfg(feature = "a-tree")]
    all.push(&a_tree::ATree);
    #[cfg(feature = "cel")]
    all.push(&cel::Cel);
    #[cfg(feature = "rhai")]
    all.push(&rhai::Rhai);
    #[cfg(feature = "regorus")]
    all.push(&regorus::Regorus);
    #[cfg(feature = "cedar")]
    all.push(&cedar::Cedar);
    #[cfg(feature = "evalexpr")]
    all.push(&evalexpr::Evalexpr);
    #[cfg(feature = "zen")]
    all.push(&zen::Zen);
    all
}

/// Whether figures are told as ratios to this engine: the best of Weir's own that is built in.
pub fn is_base(name: &str) -> bool {
    name == base_name()
}

/// What says how many of a part of the events match, when not all are tried.
pub fn reference() -> &'static dyn Engine {
    &tree::Tree
}

/// The engine that ratios are told to.
pub fn base_name() -> &'static str {
    weir::ALL.first().map_or("", |engine| engine.name())
}
