//! Exchanges as data, and what a rule set's maps make of them.

use serde_json::Value as Json;
use weir_compiler::convert;
use weir_compiler::hir::Hir;
use weir_compiler::ids::FieldId;
use weir_compiler::show;
use weir_compiler::value::Value;
use weir_engine::{Engine, Http, Record};

/// What is wrong with one case; nothing when the maps make of it what it says.
pub(crate) fn faults(engine: &Engine, hir: &Hir, case: &Json) -> Vec<String> {
    let mut wrong = Vec::new();
    let http = request(hir, &case["request"]);
    let derived = engine.derive(&http);
    let made: Vec<&Record> = derived.events.iter().skip(1).collect();
    compare(hir, &made, &case["events"], "", &mut wrong);
    let Some(status) = case["status"].as_i64() else { return wrong };
    let mut response = record(hir, "http.response");
    set(hir, &mut response, "status", &status.to_string());
    let answers = engine.answer_to(&http, &derived, &response);
    for (nth, wanted) in case["answers"].as_array().into_iter().flatten().enumerate() {
        let found = answers.fields.get(nth + 1).map(Vec::as_slice).unwrap_or_default();
        for (name, wanted) in wanted.as_object().into_iter().flatten() {
            let field =
                found.iter().find(|(field, _)| hir.schema.fields.get(*field).is_some_and(|f| f.name == name));
            expect(hir, name, field.map(|(field, value)| (*field, value)), wanted, &mut wrong);
        }
    }
    if case["late"].is_array() {
        let late: Vec<&Record> = answers.events.iter().skip(1).collect();
        compare(hir, &late, &case["late"], "late ", &mut wrong);
    }
    wrong
}

fn compare(hir: &Hir, made: &[&Record], wanted: &Json, which: &str, wrong: &mut Vec<String>) {
    let wanted = wanted.as_array().map(Vec::as_slice).unwrap_or_default();
    if made.len() != wanted.len() {
        wrong.push(format!("{} {which}events are made, not {}", made.len(), wanted.len()));
    }
    for (record, wanted) in made.iter().zip(wanted) {
        let name = hir.schema.events.get(record.event()).map(|event| event.name.as_str());
        if name != wanted["event"].as_str() {
            wrong.push(format!("{name:?} is made, not {}", wanted["event"]));
        }
        for (name, wanted) in wanted.as_object().into_iter().flatten().filter(|(name, _)| *name != "event") {
            let field = hir.schema.field(record.event(), name);
            let found = field.and_then(|field| Some((field, record.get(&hir.schema, field)?)));
            expect(hir, name, found, wanted, wrong);
        }
    }
}

fn expect(hir: &Hir, name: &str, found: Option<(FieldId, &Value)>, wanted: &Json, wrong: &mut Vec<String>) {
    let shown = found.map(|(field, value)| show::show(value, &hir.schema.fields[field].ty));
    if shown.as_deref() != wanted.as_str() {
        wrong.push(format!("`{name}` is {shown:?}, not {wanted}"));
    }
}

fn record(hir: &Hir, event: &str) -> Record {
    Record::empty(&hir.schema, hir.schema.event(event).expect("a standard event"))
}

fn set(hir: &Hir, record: &mut Record, name: &str, text: &str) {
    let field = hir.schema.field(record.event(), name).unwrap_or_else(|| panic!("no field `{name}`"));
    let value = convert::from_text(text, &hir.schema.fields[field].ty).expect("a value of the field's type");
    record.set(&hir.schema, field, value).expect("a field of the event");
}

fn request(hir: &Hir, case: &Json) -> Http {
    let mut made = record(hir, "http.request");
    for (name, value) in case.as_object().expect("a request") {
        if !["headers", "body"].contains(&name.as_str()) {
            set(hir, &mut made, name, value.as_str().expect("text"));
        }
    }
    let pair = |pair: &Json| {
        (pair[0].as_str().unwrap_or_default().to_owned(), pair[1].as_str().unwrap_or_default().to_owned())
    };
    Http {
        request: made,
        headers: case["headers"].as_array().into_iter().flatten().map(pair).collect(),
        body: case["body"].as_str().map(|body| body.as_bytes().to_vec()),
    }
}
