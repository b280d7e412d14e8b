//! What a line of the stream is: an event, the response of an earlier one, time that passes, or a command.

use serde::Deserialize;
use weir_compiler::ids::FieldId;
use weir_compiler::value::Value;
use weir_engine::{Command, DecisionId, Engine, Input, Seq};
use weir_gateway::{Format, Parsed, Parser, TypedEvent};

use crate::replay::intake::{Intake, Mapper};

/// What a line asks for.
#[derive(Debug)]
pub(crate) enum Asked {
    /// An event at its time, and whether its response comes later.
    Event {
        /// In ms UTC.
        at: i64,
        /// What it is.
        intake: Intake,
        /// The response comes in a line of its own.
        open: bool,
    },
    /// Something that the engine takes as it is.
    Input(Input),
    /// An operator's command, which has the time of what came before it.
    Command(Command),
    /// The rule set before the present one.
    Rollback,
    /// Nothing.
    Blank,
}

/// Lines that speak to the node and not of the world.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
enum Control {
    Tick(i64),
    Command(Command),
    Rollback(bool),
}

/// What a line is, or why it is nothing that can be used.
pub(crate) fn parse(
    (parser, format): (&mut Parser, Format),
    mapper: &Mapper,
    engine: &Engine,
    number: u64,
    line: &[u8],
) -> Result<Asked, String> {
    if line.trim_ascii().is_empty() {
        return Ok(Asked::Blank);
    }
    let mut parsed = match parser.parse(format, line) {
        Ok(parsed) => parsed,
        Err(reason) => {
            return match serde_json::from_slice::<Control>(line) {
                Ok(Control::Tick(at)) => Ok(Asked::Input(Input::Tick { at })),
                Ok(Control::Command(command)) => Ok(Asked::Command(command)),
                Ok(Control::Rollback(true)) => Ok(Asked::Rollback),
                Ok(Control::Rollback(false)) => Ok(Asked::Blank),
                Err(error) if is_control(line) => Err(error.to_string()),
                Err(_) => Err(reason.to_string()),
            };
        }
    };
    let mut open = false;
    let mut answers = None;
    if let Parsed::Typed(typed) = &mut parsed {
        open = taken(typed, "open") == Some(weir_gateway::Value::Bool(true));
        answers = match taken(typed, "response") {
            Some(weir_gateway::Value::Text(id)) => Some(decision(engine, &id)?),
            Some(_) => return Err(no_decision()),
            None => None,
        };
    }
    let at = parsed.ts_ms();
    if let (Some(request), Parsed::Typed(typed)) = (answers, &parsed) {
        let fields = mapper.response_fields(engine, typed).map_err(|refusal| refusal.to_string())?;
        let fields: Vec<Vec<(FieldId, Value)>> = vec![fields];
        return Ok(Asked::Input(Input::Response { request, at, fields, events: Vec::new() }));
    }
    let intake = mapper.intake(engine, number, &parsed).map_err(|refusal| refusal.to_string())?;
    Ok(Asked::Event { at, intake, open })
}

/// The number of the decision of an id that this node has given.
fn decision(engine: &Engine, id: &str) -> Result<Seq, String> {
    let id: DecisionId = id.parse().map_err(|_| no_decision())?;
    if engine.decision_id(id.seq) == id { Ok(id.seq) } else { Err("no decision here has that id".to_owned()) }
}

/// Whether a line means to speak to the node.
fn is_control(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    line.strip_prefix(b"{").is_some_and(|rest| {
        let rest = rest.trim_ascii_start();
        [&b"\"command\""[..], b"\"tick\"", b"\"rollback\""].iter().any(|name| rest.starts_with(name))
    })
}

fn no_decision() -> String {
    "`response` is the `id` of a decision".to_owned()
}

/// Takes a member out of an event that is not the event's own.
fn taken(typed: &mut TypedEvent, name: &str) -> Option<weir_gateway::Value> {
    typed.fields.take(name)
}
