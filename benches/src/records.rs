//! The inputs and the records of a log in memory, by the path of `weir replay`.

use weir_cli::models::Scorer;
use weir_cli::replay::{Setup, decide, intake::Mapper};
use weir_engine::evidence::Evidence;
use weir_engine::{Engine, Input, Seq};
use weir_gateway::{Item, Record};

use crate::replay::reader;

fn engine(record: bool) -> Result<(Engine, Mapper), String> {
    let setup = Setup { as_if_enforce: true, plain_http: true, record, ..Setup::default() };
    let engine = setup
        .library("default")
        .map_err(|found| found.first().map(|diagnostic| diagnostic.title.clone()).unwrap_or_default())?;
    let mapper = setup.mapper(&engine);
    Ok((engine, mapper))
}

fn lines(log: &str) -> impl Iterator<Item = Record> + use<> {
    reader(log).into_iter().flatten().filter_map(|item| match item {
        Item::Record(record) => Some(record),
        _ => None,
    })
}

/// The record of each decision in which something fired.
///
/// # Errors
/// With the first diagnostic, when the library does not link.
pub fn evidence(log: &str) -> Result<(Engine, Vec<Evidence>), String> {
    let (mut engine, mapper) = engine(true)?;
    let (mut found, mut scorer) = (Vec::new(), Scorer::default());
    for record in lines(log) {
        let Ok(intake) = mapper.intake(&engine, record.seq, &record.parsed) else { continue };
        let decided = decide(&mut engine, &mut scorer, record.parsed.ts_ms(), intake, true);
        if !decided.is_quiet() {
            found.extend(engine.evidence(&decided.request));
        }
    }
    Ok((engine, found))
}

/// The requests and responses of a log.
///
/// # Errors
/// As [`evidence`].
pub fn inputs(log: &str) -> Result<(Engine, Vec<Input>), String> {
    let (engine, mapper) = engine(false)?;
    let mut inputs = Vec::new();
    for (nth, record) in (0..).zip(lines(log)) {
        let Ok(mut intake) = mapper.intake(&engine, record.seq, &record.parsed) else { continue };
        let at = record.parsed.ts_ms();
        inputs.push(Input::Request { at, events: intake.events() });
        let answers = intake.answers(&engine);
        inputs.push(Input::Response {
            request: Seq(nth),
            at,
            fields: answers.fields,
            events: answers.events,
        });
    }
    Ok((engine, inputs))
}

/// How many events an input carries.
pub fn events_of(input: &Input) -> usize {
    match input {
        Input::Request { events, .. } | Input::Response { events, .. } => events.len(),
        Input::Command { .. } | Input::Tick { .. } => 0,
    }
}
