//! A log through the engine: lines in, decisions out.
//!
//! ```text
//!  gateway::Reader ──intake──▶ request ──Engine::begin──▶ Decision ──line──▶ decisions file, summary
//!                                └──── response, unless it was stopped ──▶ Decision ──┘
//! ```

pub(crate) mod choice;
pub(crate) mod explain;
pub mod intake;
pub mod line;
pub(crate) mod mask;
pub(crate) mod records;
pub(crate) mod report;
pub mod setup;
pub(crate) mod summary;

pub use crate::args::DisabledKey;
pub use crate::replay::setup::Setup;

use weir_compiler::hir::Verb;
use weir_engine::{Answers, Decision, Engine, Input, Record, Step};

use crate::models::Scorer;
use crate::replay::intake::Intake;

/// What the engine decided of one line.
pub struct Decided {
    /// The events of the request, where somebody has asked for them.
    pub events: Vec<Record>,
    /// At the request.
    pub request: Decision,
    /// At the response; none when the request was stopped and its response dropped.
    pub response: Option<Decision>,
}

impl Decided {
    /// Nothing fired, nothing was met and nothing is said against it, by rules in shadow neither: nearly every line of
    /// nearly every log. Nobody needs its [`line::Line`] unless every line is asked for.
    pub fn is_quiet(&self) -> bool {
        let looks =
            self.request.events.iter().chain(self.response.iter().flat_map(|response| &response.events));
        self.request.verdict.verb <= Verb::Log
            && self.request.shadow <= Verb::Log
            && looks
                .into_iter()
                .all(|look| look.matches.is_empty() && look.entries.is_empty() && look.exemptions.is_empty())
    }
}

/// Runs one line through the engine. `drop_stopped`: the response of a stopped request never was; otherwise the log is
/// what happened, and its response counts.
pub fn decide(
    engine: &mut Engine,
    scorer: &mut Scorer,
    at: i64,
    intake: Intake,
    drop_stopped: bool,
) -> Decided {
    let events = intake.events();
    Decided { events, ..decide_unseen(engine, scorer, at, intake, drop_stopped) }
}

/// The same without the events: a log's lines are decided and not kept.
pub fn decide_unseen(
    engine: &mut Engine,
    scorer: &mut Scorer,
    at: i64,
    mut intake: Intake,
    drop_stopped: bool,
) -> Decided {
    let request = settle(engine, scorer, Input::Request { at, events: intake.take_events() });
    let response = (!drop_stopped || !request.stopped).then(|| {
        let Answers { fields, events } = intake.answers(engine);
        settle(engine, scorer, Input::Response { request: request.seq, at, fields, events })
    });
    Decided { events: Vec::new(), request, response }
}

/// The same, each input taken by `settle`.
pub(crate) fn decide_by<E>(
    engine: &mut Engine,
    at: i64,
    mut intake: Intake,
    drop_stopped: bool,
    mut settle: impl FnMut(&mut Engine, Input) -> Result<Decision, E>,
) -> Result<Decided, E> {
    let request = settle(engine, Input::Request { at, events: intake.events() })?;
    if drop_stopped && request.stopped {
        return Ok(Decided { events: intake.into_events(), request, response: None });
    }
    let answers = intake.answers(engine);
    let input = Input::Response { request: request.seq, at, fields: answers.fields, events: answers.events };
    let response = settle(engine, input)?;
    Ok(Decided { events: intake.into_events(), request, response: Some(response) })
}

/// Gives an input to an engine, and what models answer.
pub fn settle(engine: &mut Engine, scorer: &mut Scorer, input: Input) -> Decision {
    match engine.begin(input) {
        Step::Decided(decision) => decision,
        Step::Pending(pending) => {
            let outcomes = scorer.answers(&pending.calls);
            engine.resume(pending, &outcomes)
        }
    }
}
