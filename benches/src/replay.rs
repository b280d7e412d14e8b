//! A log in memory through the standard library, by the very path of `weir replay`.

use weir_cli::models::Scorer;
use weir_cli::replay::intake::Mapper;
use weir_cli::replay::{DisabledKey, Setup, decide as decide_line};
use weir_compiler::evaluate::Tier;
use weir_engine::{Engine, Record};
use weir_gateway::{Input, Item, Reader, ReaderOptions};

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Lines that became a request.
    pub events: u64,
    /// Of these, stopped.
    pub stopped: u64,
    /// The input lines that were stopped.
    pub lines: Vec<u64>,
}

pub(crate) fn reader(log: &str) -> Option<Reader> {
    let input = Input::Memory { name: "log".into(), bytes: log.as_bytes().into() };
    Reader::new(vec![input], ReaderOptions::default()).ok()
}

/// Reads a log and throws its records away; answers how many there were.
pub fn read(log: &str) -> u64 {
    let records = reader(log).into_iter().flatten().filter(|item| matches!(item, Item::Record(_)));
    records.count() as u64
}

/// The events that a log's lines give.
pub fn events(mapper: &Mapper, engine: &Engine, log: &str) -> Vec<Record> {
    let mut events = Vec::new();
    for item in reader(log).into_iter().flatten() {
        let Item::Record(record) = item else { continue };
        let Ok(intake) = mapper.intake(engine, record.seq, &record.parsed) else { continue };
        events.extend(intake.events());
    }
    events
}

/// Reads a log and decides each line with the default profile.
///
/// # Errors
/// With the first diagnostic, when the library does not link.
pub fn decide(log: &str, as_if_enforce: bool, disabled: &[DisabledKey]) -> Result<Run, String> {
    decide_on(Tier::default(), log, as_if_enforce, disabled)
}

/// [`decide`], on one tier.
///
/// # Errors
/// As [`decide`].
pub fn decide_on(
    tier: Tier,
    log: &str,
    as_if_enforce: bool,
    disabled: &[DisabledKey],
) -> Result<Run, String> {
    let setup =
        Setup { as_if_enforce, plain_http: true, disabled: disabled.to_vec(), tier, ..Setup::default() };
    let first = |diagnostics: Vec<weir_dsl::Diagnostic>| {
        diagnostics.first().map_or(String::new(), |d| d.title.clone())
    };
    let mut engine = setup.library("default").map_err(first)?;
    let mapper = setup.lean_mapper(&engine);
    let mut run = Run::default();
    for item in reader(log).into_iter().flatten() {
        let Item::Record(record) = item else { continue };
        let Ok(intake) = mapper.intake(&engine, record.seq, &record.parsed) else { continue };
        let decided =
            decide_line(&mut engine, &mut Scorer::default(), record.parsed.ts_ms(), intake, as_if_enforce);
        run.events += 1;
        if decided.request.stopped {
            run.stopped += 1;
            run.lines.push(record.seq);
        }
    }
    Ok(run)
}

/// Decides a combined log so many times over, each time a day after the time before ended, reading it as a stream.
///
/// # Errors
/// When the log cannot be read or the library does not link.
pub fn looped(path: &str, times: u32) -> Result<u64, String> {
    let setup = Setup { as_if_enforce: true, plain_http: true, ..Setup::default() };
    let first = |diagnostics: Vec<weir_dsl::Diagnostic>| {
        diagnostics.first().map_or(String::new(), |d| d.title.clone())
    };
    let mut engine = setup.library("default").map_err(first)?;
    let mapper = setup.lean_mapper(&engine);
    let (mut events, mut shift, mut last) = (0, 0, 0);
    for _ in 0..times {
        let mut start = None;
        let inputs = vec![Input::from_argument(path)];
        let reader = Reader::new(inputs, ReaderOptions::default()).map_err(|error| error.to_string())?;
        for item in reader {
            let Item::Record(mut record) = item else { continue };
            let weir_gateway::Parsed::Exchange(exchange) = &mut record.parsed else { continue };
            let start = *start.get_or_insert(exchange.ts_ms);
            exchange.ts_ms += if shift == 0 { 0 } else { shift - start };
            last = exchange.ts_ms;
            let at = exchange.ts_ms;
            let Ok(intake) = mapper.intake(&engine, record.seq, &record.parsed) else { continue };
            decide_line(&mut engine, &mut Scorer::default(), at, intake, true);
            events += 1;
        }
        shift = last + 86_400_000;
    }
    Ok(events)
}
