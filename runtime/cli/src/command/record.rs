//! `weir explain --record FILE`: decisions made again from their records, and explained.

use std::path::Path;

use serde_json::{Value as Json, json};
use smol_str::SmolStr;
use weir_compiler::civil;
use weir_compiler::hir::Phase;
use weir_compiler::value::Value;
use weir_engine::evidence::{self, Error, File, Reexecuted};
use weir_engine::{Explanation, Record};
use weir_journal::seal::OperatorKey;

use crate::args::ExplainArgs;
use crate::command::keygen;
use crate::load;
use crate::replay::explain;
use crate::replay::line::Line;
use crate::ui::{self, Exit, Failure, Outcome, Ui};

/// The decisions of one input line.
struct Group {
    number: u64,
    /// Places in the file.
    places: Vec<usize>,
}

pub(crate) fn run(path: &Path, args: &ExplainArgs, ui: &mut Ui) -> Outcome {
    let bytes = load::read(path)?;
    let file = match File::open(&bytes) {
        Ok(file) => file,
        Err(error @ (Error::Magic | Error::Version(_))) => return Err(unusable(path, &error)),
        Err(error) => {
            ui.fail(&unusable(path, &error));
            return Ok(Exit::Failed);
        }
    };
    let groups = groups(&file);
    if groups.is_empty() {
        return Err(Failure::new(format!("`{}` has no decision in it", path.display())));
    }
    let chosen = match (args.seq, args.nth) {
        (Some(seq), _) => groups.iter().find(|group| group.number == seq),
        (_, Some(nth)) => groups.get(nth),
        _ if groups.len() == 1 => groups.first(),
        _ => return list(&file, &groups, args, ui),
    };
    let Some(group) = chosen else {
        let numbers = (groups.first().map_or(0, |g| g.number), groups.last().map_or(0, |g| g.number));
        return Err(Failure::with_help(
            "the file has no such decision".to_owned(),
            format!("it has {} lines, from {} to {}", groups.len(), numbers.0, numbers.1),
        ));
    };
    one(&file, group, args, ui)
}

fn unusable(path: &Path, error: &Error) -> Failure {
    Failure::new(format!("`{}`: {error}", path.display()))
}

/// Decisions by line, in the order of the file.
fn groups(file: &File) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (place, evidence) in file.decisions().enumerate() {
        match groups.last_mut().filter(|group| group.number == evidence.number) {
            Some(group) => group.places.push(place),
            None => groups.push(Group { number: evidence.number, places: vec![place] }),
        }
    }
    groups
}

/// A line's decisions, made again.
struct Made {
    line: Line,
    looks: Vec<Explanation>,
    identical: bool,
    /// Why one could not be made again.
    error: Option<Error>,
}

fn make(file: &File, group: &Group) -> Result<Option<Made>, Error> {
    let mut made: Vec<(usize, Reexecuted)> = Vec::new();
    let mut error = None;
    for place in &group.places {
        match file.reexecute(*place) {
            Ok(again) => made.push((*place, again)),
            Err(found) => error = Some(found),
        }
    }
    let identical = error.is_none() && made.iter().all(|(_, made)| made.identical);
    let of = |phase: Phase| made.iter().find(|(_, made)| made.decision.phase == phase);
    let Some((first, request)) = of(Phase::Request).or(made.first()) else {
        return error.map_or(Ok(None), Err);
    };
    let response = of(Phase::Response).filter(|(place, _)| place != first).map(|(_, made)| &made.decision);
    let Some(hir) = file.hir(*first) else { return Ok(None) };
    let records: Vec<&Record> = request.records().collect();
    // What stands in a record for a personal value is its hash already.
    let hide = |value: &Value| match value {
        Value::Text(hash) => hash.to_string(),
        _ => "#".to_owned(),
    };
    let line = Line::of(hir, group.number, &records, &request.decision, response, Some(&hide));
    let looks = made.iter().map(|(place, made)| file.explain(*place, made)).collect::<Result<_, _>>()?;
    Ok(Some(Made { line, looks, identical, error }))
}

fn told(made: &Made) -> &'static str {
    match (&made.error, made.identical) {
        (Some(_), _) => "cannot be re-executed",
        (None, true) => "identical",
        (None, false) => "another decision",
    }
}

/// One line for each.
fn list(file: &File, groups: &[Group], args: &ExplainArgs, ui: &mut Ui) -> Outcome {
    let mut rows: Vec<Json> = Vec::new();
    let mut different = 0;
    for group in groups {
        let (seq, row) = match make(file, group) {
            Ok(Some(made)) => {
                different += usize::from(!made.identical);
                let how = told(&made);
                if !args.json {
                    let rules: Vec<&str> =
                        made.line.matches.iter().map(|found| found.rule.as_str()).collect();
                    ui.line(format_args!(
                        "{}  {}  {}  {how}  {}",
                        made.line.seq,
                        made.line.ts,
                        made.line.verdict.word(),
                        rules.join(", ")
                    ))?;
                }
                (group.number, json!({ "identical": made.identical, "decision": made.line }))
            }
            Ok(None) => continue,
            Err(error) => {
                different += 1;
                if !args.json {
                    ui.line(format_args!("{}  cannot be re-executed: {error}", group.number))?;
                }
                (group.number, json!({ "identical": false, "error": error.to_string() }))
            }
        };
        rows.push(json!({ "seq": seq, "record": row }));
    }
    if args.json {
        ui.json(&json!({ "version": 1, "identical": different == 0, "records": rows }))?;
    } else if different == 0 {
        ui.line(format_args!("re-executed {}: identical", ui::count(groups.len(), "line")))?;
    } else {
        ui.line(format_args!("re-executed {}: {different} not identical", ui::count(groups.len(), "line")))?;
    }
    Ok(if different == 0 { Exit::Clean } else { Exit::Failed })
}

/// The personal fields of a line's events, each once.
fn personal(file: &File, group: &Group, key: &OperatorKey) -> Result<Vec<(SmolStr, String)>, Failure> {
    let mut found: Vec<(SmolStr, String)> = Vec::new();
    let mut sealed = false;
    for evidence in group.places.iter().filter_map(|place| file.decisions().nth(*place)) {
        if evidence.sealed.is_empty() {
            continue;
        }
        sealed = true;
        let clear = key.open(&evidence.sealed).map_err(|error| Failure::new(error.to_string()))?;
        let looks = evidence::personal(&clear).map_err(|error| Failure::new(error.to_string()))?;
        for field in looks.into_iter().flatten() {
            if !found.contains(&field) {
                found.push(field);
            }
        }
    }
    if sealed {
        return Ok(found);
    }
    Err(Failure::with_help(
        "the record keeps no personal field",
        "`weir replay --records FILE --seal KEY.pub` keeps them, sealed",
    ))
}

/// One line, explained.
fn one(file: &File, group: &Group, args: &ExplainArgs, ui: &mut Ui) -> Outcome {
    let made = match make(file, group) {
        Ok(Some(made)) => made,
        Ok(None) => return Err(Failure::new("the file has no such decision")),
        Err(error) => {
            ui.fail(&Failure::new(error.to_string()));
            return Ok(Exit::Failed);
        }
    };
    let personal = match &args.key {
        Some(path) => personal(file, group, &keygen::operator(path)?)?,
        None => Vec::new(),
    };
    let rules = group.places.first().and_then(|place| file.rules(*place));
    if args.json {
        let mut explained = explain::json(&made.line, &made.looks);
        if let Some(object) = explained.as_object_mut() {
            object.insert("identical".to_owned(), made.identical.into());
            object.insert("rules".to_owned(), rules.map(|hash| hash.to_string()).into());
            if args.key.is_some() {
                let fields = personal.iter().map(|(name, text)| (name.to_string(), text.as_str().into()));
                object.insert("personal".to_owned(), Json::Object(fields.collect()));
            }
        }
        ui.json(&explained)?;
    } else {
        ui.line(format_args!("re-executed: {}", told(&made)))?;
        if let Some(rules) = rules {
            ui.line(ui::dim(format_args!("rule set {rules}")))?;
        }
        for place in &group.places {
            if let (Some(was), Ok(is)) = (file.decisions().nth(*place), file.reexecute(*place))
                && !is.identical
            {
                ui.line(format_args!(
                    "on record: {} bytes; now: {} bytes, {} at {}",
                    was.outcome().len(),
                    is.outcome.len(),
                    is.decision.verdict.verb.word(),
                    civil::format(is.decision.at)
                ))?;
            }
        }
        if !personal.is_empty() {
            ui.line(ui::bold("sealed to this key"))?;
        }
        for (name, text) in &personal {
            ui.line(format_args!("  {name}  {text}"))?;
        }
        ui.line("")?;
        explain::print(&made.line, &made.looks, args.full, ui)?;
    }
    Ok(if made.identical { Exit::Clean } else { Exit::Failed })
}
