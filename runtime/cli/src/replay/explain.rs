//! `weir replay --explain SEQ`: the whole trace of one decision.
//!
//! What was decided and why comes first, then what would have changed it, then each look at an event: rules that
//! fired with their conditions, rules that are unknown with what was missing, and a line for each rule that did not
//! fire. `--full` prints every operand of every rule.

use serde_json::{Value as Json, json};
use weir_compiler::civil;
use weir_engine::{Explanation, LookTrace, RuleTrace, Trace};

use crate::replay::line::{Line, Match};
use crate::ui::{self, Failure, Ui};

/// How deep operands are printed with `--full`; deeper ones are in `--json`.
const DEPTH: usize = 12;
/// How long a line may be before it is broken between words.
const WIDTH: usize = 110;

/// For people; `full` with every operand of every rule.
pub(crate) fn print(line: &Line, traces: &[Explanation], full: bool, ui: &mut Ui) -> Result<(), Failure> {
    ui.line(format_args!(
        "{}  {}  {}",
        ui::bold(format_args!("line {}", line.seq)),
        line.ts,
        line.events.join(", ")
    ))?;
    let width = line.keys.keys().map(String::len).max().unwrap_or(0);
    for (name, value) in &line.keys {
        let value = value.as_str().unwrap_or_default();
        ui.line(format_args!("  {name:<width$}  {}", if value.is_empty() { "(empty)" } else { value }))?;
    }
    ui.line(format_args!("\n{}, score {}", ui::bold(line.verdict.word()), line.score))?;
    if (line.shadow, line.shadow_score) != (line.verdict, line.score) {
        ui.line(format_args!(
            "were every rule enforced: {}, score {}",
            line.shadow.word(),
            line.shadow_score
        ))?;
    }
    reasons(line, ui)?;
    let looks = || traces.iter().flat_map(|trace| &trace.looks);
    for (look, nearest) in looks().filter_map(|look| Some((look, look.nearest.as_ref()?))) {
        ui.line(format_args!(
            "\n{} at `{}`: {}",
            ui::bold("nearest other outcome"),
            look.event,
            nearest.verdict.word()
        ))?;
        wrapped(&nearest.change, 2, ui)?;
        ui.line(ui::dim(format_args!("  in {}", nearest.name)))?;
    }
    for look in looks() {
        look_lines(look, full, ui)?;
    }
    Ok(())
}

/// Why: each rule that fired, or whose entry was met, with its reason.
fn reasons(line: &Line, ui: &mut Ui) -> Result<(), Failure> {
    let told: Vec<&Match> = line.matches.iter().collect();
    if told.is_empty() {
        return ui.line("no rule fired");
    }
    for found in told {
        let phase = match found.phase {
            "entry" => ", put on it earlier",
            "response" => ", after the response",
            _ => "",
        };
        let how = match (found.unknown, found.lifted) {
            (true, _) => ", because it is unknown",
            (_, true) => ", lifted by an exemption",
            _ => "",
        };
        ui.line(format_args!("  {}  {} ({}{phase}{how})", found.rule, ui::bold(&found.action), found.mode))?;
        if !found.because.is_empty() {
            wrapped(&found.because, 4, ui)?;
        }
    }
    Ok(())
}

fn look_lines(look: &LookTrace, full: bool, ui: &mut Ui) -> Result<(), Failure> {
    let phase = format!("{:?}", look.phase).to_lowercase();
    ui.line(format_args!(
        "\n{} {}",
        ui::bold(format_args!("{} at the {phase}", look.event)),
        ui::dim(civil::format(look.at))
    ))?;
    if look.rules.is_empty() {
        ui.line("  no rule looks at this")?;
    }
    for rule in look.rules.iter().filter(|rule| rule.outcome == Some(true)) {
        ui.line(format_args!("  {} {}", ui::bold_red("fired  "), rule.name))?;
        conditions(rule, full, ui)?;
    }
    for rule in look.rules.iter().filter(|rule| rule.outcome.is_none()) {
        ui.line(format_args!("  {} {}", ui::yellow("unknown"), rule.name))?;
        if full {
            conditions(rule, full, ui)?;
        } else {
            missing(rule, ui)?;
        }
    }
    let quiet = || look.rules.iter().filter(|rule| rule.outcome == Some(false));
    if full {
        for rule in quiet() {
            ui.line(format_args!("  {} {}", ui::dim("not    "), rule.name))?;
            conditions(rule, full, ui)?;
        }
    } else if quiet().next().is_some() {
        ui.line(format_args!("  did not fire {}", ui::dim("(`--full` shows every condition)")))?;
        for rule in quiet() {
            ui.line(format_args!("    {}", rule.name))?;
            if let Some(part) = parts(rule).into_iter().find(|part| part.value == "false") {
                ui.line(ui::dim(format_args!("      {}", told(part))))?;
            }
        }
    }
    if !look.resolution.is_empty() {
        ui.line("  resolution")?;
    }
    for (at, step) in look.resolution.iter().enumerate() {
        ui.line(format_args!("    {}. {}", at + 1, step.text))?;
    }
    Ok(())
}

/// The conditions of a rule that are joined by `and`, those of its policy's filter first.
fn parts(rule: &RuleTrace) -> Vec<&Trace> {
    rule.filter.iter().chain([&rule.condition]).flat_map(conjuncts).collect()
}

/// The operands of an `and`, or the expression itself. A trace does not tell what joins its operands; its text does.
fn conjuncts(trace: &Trace) -> Vec<&Trace> {
    let mut rest = trace.text.as_str();
    for (at, operand) in trace.operands.iter().enumerate() {
        let text = if at == 0 { Some(rest) } else { rest.strip_prefix(" and ") };
        let after = text.and_then(|text| {
            let bare = text.strip_prefix(operand.text.as_str());
            bare.or_else(|| text.strip_prefix('(')?.strip_prefix(operand.text.as_str())?.strip_prefix(')'))
        });
        match after {
            Some(after) => rest = after,
            None => return vec![trace],
        }
    }
    if trace.operands.len() > 1 && rest.is_empty() { trace.operands.iter().collect() } else { vec![trace] }
}

/// Each condition of a rule with the values it was made of.
fn conditions(rule: &RuleTrace, full: bool, ui: &mut Ui) -> Result<(), Failure> {
    if full {
        for trace in rule.filter.iter().chain([&rule.condition]) {
            tree(trace, 2, ui)?;
        }
        return Ok(());
    }
    let mut told: Vec<&str> = Vec::new();
    for part in parts(rule) {
        let mark = match part.value.as_str() {
            "true" => "yes",
            "false" => "no ",
            _ => "?  ",
        };
        wrapped(&format!("{mark}  {}", part.text), 4, ui)?;
        for (text, value) in values(part) {
            if text != part.text && !told.contains(&text) {
                told.push(text);
                ui.line(ui::dim(format_args!("           {text} = {value}")))?;
            }
        }
    }
    Ok(())
}

/// What is missing where a rule is unknown, each thing once.
fn missing(rule: &RuleTrace, ui: &mut Ui) -> Result<(), Failure> {
    let mut told: Vec<String> = Vec::new();
    for part in parts(rule) {
        let mut open = vec![part];
        while let Some(trace) = open.pop() {
            open.extend(trace.operands.iter().rev());
            let Some(why) = trace.why.as_ref().filter(|_| trace.unknown) else { continue };
            let text = format!("{}: {why}", trace.text);
            if !told.contains(&text) {
                told.push(text);
            }
        }
    }
    told.iter().try_for_each(|text| ui.line(ui::dim(format_args!("           {text}"))))
}

/// A condition that decided, with its values in one line.
fn told(part: &Trace) -> String {
    const LONGEST: usize = 100;
    let mut text = format!("no: {}", part.text);
    let values: Vec<String> = values(part)
        .into_iter()
        .filter(|(name, _)| *name != part.text)
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    if !values.is_empty() {
        text.push_str(&format!("  ({})", values.join(", ")));
    }
    if text.chars().count() > LONGEST {
        text = text.chars().take(LONGEST - 1).chain(['…']).collect();
    }
    text
}

/// The names in an expression with their values, each once: what a person would ask about.
fn values(trace: &Trace) -> Vec<(&str, String)> {
    let mut found: Vec<(&str, String)> = Vec::new();
    let mut open = vec![trace];
    while let Some(trace) = open.pop() {
        // A name stands for what it is made of.
        if trace.operands.is_empty() || !trace.text.contains([' ', '(']) {
            if !found.iter().any(|(text, _)| *text == trace.text) {
                found.push((&trace.text, valued(trace)));
            }
        } else {
            open.extend(trace.operands.iter().rev());
        }
    }
    found
}

/// A value with its bounds and, where it is unknown, the reason.
fn valued(trace: &Trace) -> String {
    let value = if trace.value.is_empty() { "(empty)" } else { &trace.value };
    let interval = trace.interval.map(|(lo, hi)| format!(" (between {lo} and {hi})")).unwrap_or_default();
    let why = trace.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
    format!("{value}{interval}{why}")
}

fn tree(trace: &Trace, depth: usize, ui: &mut Ui) -> Result<(), Failure> {
    if depth > DEPTH {
        return Ok(());
    }
    wrapped(&format!("{} = {}", trace.text, valued(trace)), 2 * depth, ui)?;
    trace.operands.iter().try_for_each(|operand| tree(operand, depth + 1, ui))
}

/// A line that is broken between words, what follows further in.
fn wrapped(text: &str, indent: usize, ui: &mut Ui) -> Result<(), Failure> {
    let mut line = " ".repeat(indent);
    let mut room = false;
    for word in text.split(' ') {
        if room && line.chars().count() + 1 + word.chars().count() > WIDTH {
            ui.line(&line)?;
            line = " ".repeat(indent + 4);
            room = false;
        }
        if room {
            line.push(' ');
        }
        line.push_str(word);
        room = true;
    }
    ui.line(&line)
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

#[cfg(test)]
mod tests {
    use weir_dsl::FileSpan;

    use super::*;

    fn trace(text: &str, operands: Vec<Trace>) -> Trace {
        Trace {
            text: text.to_owned(),
            at: FileSpan::default(),
            value: "true".to_owned(),
            unknown: false,
            why: None,
            interval: None,
            operands,
        }
    }

    fn texts(trace: &Trace) -> Vec<&str> {
        conjuncts(trace).into_iter().map(|part| part.text.as_str()).collect()
    }

    #[test]
    fn an_and_is_taken_apart_and_nothing_else_is() {
        let leaves = || vec![trace("a == 1", vec![]), trace("b", vec![]), trace("c > 2", vec![])];
        assert_eq!(texts(&trace("(a == 1) and b and (c > 2)", leaves())), ["a == 1", "b", "c > 2"]);
        assert_eq!(texts(&trace("(a == 1) or b or (c > 2)", leaves())), ["(a == 1) or b or (c > 2)"]);
        // A constant operand is not traced.
        assert_eq!(texts(&trace("(a == 1) and true", vec![trace("a == 1", vec![])])), ["(a == 1) and true"]);
        assert_eq!(texts(&trace("b", vec![])), ["b"]);
    }

    #[test]
    fn a_name_stands_for_what_it_is_made_of() {
        let pages = trace("pages", vec![trace("x ?? y", vec![trace("x", vec![]), trace("y", vec![])])]);
        let whole = trace(
            "pages == ip or pages == 0",
            vec![
                trace("pages == ip", vec![pages.clone(), trace("ip", vec![])]),
                trace("pages == 0", vec![pages]),
            ],
        );
        let names: Vec<&str> = values(&whole).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["pages", "ip"]);
    }
}
