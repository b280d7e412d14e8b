//! `weir replay --explain SEQ`: the whole trace of one decision.

use serde_json::{Value as Json, json};
use weir_compiler::civil;
use weir_engine::{Explanation, LookTrace, RuleTrace, Trace};

use crate::replay::line::Line;
use crate::ui::{self, Failure, Ui};

/// How deep operands are printed.
const DEPTH: usize = 6;

/// For people.
pub(crate) fn print(line: &Line, traces: &[Explanation], ui: &mut Ui) -> Result<(), Failure> {
    ui.line(format_args!(
        "{} {}  {}  verdict {}, score {}; with every rule enforced {}, score {}",
        ui::bold("line"),
        ui::bold(line.seq),
        line.ts,
        ui::bold(line.verdict.word()),
        line.score,
        line.shadow.word(),
        line.shadow_score
    ))?;
    for (name, value) in &line.keys {
        ui.line(format_args!("  {name:<14} {}", value.as_str().unwrap_or_default()))?;
    }
    for look in traces.iter().flat_map(|trace| &trace.looks) {
        ui.line(format_args!(
            "\n{} at the {}, {}",
            ui::bold(&look.event),
            format!("{:?}", look.phase).to_lowercase(),
            civil::format(look.at)
        ))?;
        if look.rules.is_empty() {
            ui.line("  no rule looks at this")?;
        }
        // What fired first, then what was unknown, then the rest.
        for wanted in [Some(true), None, Some(false)] {
            for rule in look.rules.iter().filter(|rule| rule.outcome == wanted) {
                rule_lines(rule, ui)?;
            }
        }
        if !look.resolution.is_empty() {
            ui.line(format_args!("  {}", ui::bold("resolution")))?;
        }
        for (at, step) in look.resolution.iter().enumerate() {
            ui.line(format_args!("    {}. {}", at + 1, step.text))?;
        }
        if let Some(nearest) = &look.nearest {
            ui.line(format_args!(
                "  {} {}: were it {}, the verdict would be {}",
                ui::bold("nearest other outcome:"),
                nearest.condition,
                nearest.change,
                nearest.verdict.word()
            ))?;
            ui.line(ui::dim(format_args!("    in {}", nearest.name)))?;
        }
    }
    for found in line.matches.iter().filter(|found| !found.because.is_empty()) {
        ui.line(format_args!(
            "\n{} ({}, {}): {}",
            ui::bold(&found.rule),
            found.mode,
            found.action,
            found.because
        ))?;
    }
    Ok(())
}

fn rule_lines(rule: &RuleTrace, ui: &mut Ui) -> Result<(), Failure> {
    let outcome = match rule.outcome {
        Some(true) => ui::bold_red("fired"),
        Some(false) => ui::dim("did not fire"),
        None => ui::yellow("unknown"),
    };
    ui.line(format_args!("  {} {outcome}", rule.name))?;
    if let Some(filter) = &rule.filter {
        trace_lines(filter, 2, ui)?;
    }
    trace_lines(&rule.condition, 2, ui)
}

fn trace_lines(trace: &Trace, depth: usize, ui: &mut Ui) -> Result<(), Failure> {
    if depth > DEPTH {
        return Ok(());
    }
    let indent = "  ".repeat(depth);
    let interval = match trace.interval {
        Some((lo, hi)) => format!(" [{lo} to {hi}]"),
        None => String::new(),
    };
    let why = trace.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
    ui.line(format_args!("{indent}{} = {}{interval}{why}", trace.text, trace.value))?;
    for operand in &trace.operands {
        trace_lines(operand, depth + 1, ui)?;
    }
    Ok(())
}

/// One object.
pub(crate) fn json(line: &Line, traces: &[Explanation]) -> Json {
    let looks: Vec<Json> = traces.iter().flat_map(|trace| &trace.looks).map(look_json).collect();
    json!({ "version": 1, "decision": line, "looks": looks })
}

fn look_json(look: &LookTrace) -> Json {
    let rules: Vec<Json> = look
        .rules
        .iter()
        .map(|rule| {
            json!({
                "rule": rule.name, "outcome": rule.outcome, "filter": rule.filter.as_ref().map(trace_json),
                "condition": trace_json(&rule.condition),
            })
        })
        .collect();
    let resolution: Vec<Json> = look
        .resolution
        .iter()
        .map(|step| json!({ "stage": format!("{:?}", step.stage).to_lowercase(), "text": step.text }))
        .collect();
    json!({
        "event": look.event, "at": civil::format(look.at), "phase": format!("{:?}", look.phase).to_lowercase(),
        "verdict": look.verdict, "rules": rules, "resolution": resolution,
        "nearest": look.nearest.as_ref().map(|nearest| json!({
            "rule": nearest.name, "condition": nearest.condition, "change": nearest.change,
            "verdict": nearest.verdict, "distance": nearest.distance,
        })),
    })
}

fn trace_json(trace: &Trace) -> Json {
    json!({
        "text": trace.text, "value": if trace.unknown { Json::Null } else { json!(trace.value) }, "why": trace.why,
        "interval": trace.interval, "operands": trace.operands.iter().map(trace_json).collect::<Vec<_>>(),
    })
}
