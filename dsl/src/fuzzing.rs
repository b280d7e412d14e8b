//! Fuzz targets as plain functions: any driver may call them, and a panic is a finding.

use serde_json::Value;

use crate::parse::{Parser, limits, parse, parse_bytes};
use crate::span::FileId;

/// Parses arbitrary bytes and checks what must hold of every answer.
///
/// # Panics
///
/// When a place lies outside of the text or inside a character, when a node does not contain its children, when
/// diagnostics are out of order, without help or too many, or when a remembered parse differs from a fresh one.
#[expect(clippy::panic, reason = "a panic is how a fuzz target reports")]
pub fn fuzz_parser(bytes: &[u8]) {
    let file = FileId(7);
    let (tree, diagnostics) = parse_bytes(file, bytes);
    let end = bytes.len() as u64;
    let text = std::str::from_utf8(bytes).ok();
    let check = |start: u64, stop: u64, what: &str| {
        let inside = start <= stop && stop <= end;
        let on_characters = text
            .is_none_or(|text| text.is_char_boundary(start as usize) && text.is_char_boundary(stop as usize));
        if !inside || !on_characters {
            panic!("{what} has the place {start}..{stop} of {end} bytes");
        }
    };
    if let Ok(value) = serde_json::to_value(&tree) {
        places(&value, (0, end), &check);
    }
    if diagnostics.len() > limits::MAX_DIAGNOSTICS + 2 {
        panic!("{} diagnostics", diagnostics.len());
    }
    let mut last = 0;
    for diagnostic in &diagnostics {
        let labels = diagnostic.secondary.iter().map(|label| label.span);
        let edits = diagnostic.fix.iter().flat_map(|fix| &fix.edits).map(|edit| edit.span);
        for span in labels.chain(edits).chain([diagnostic.primary.span]) {
            check(u64::from(span.start), u64::from(span.end), &diagnostic.title);
        }
        if diagnostic.help.is_none() {
            panic!("no help with `{}`", diagnostic.title);
        }
        if diagnostic.primary.span.start < last {
            panic!("`{}` is out of order", diagnostic.title);
        }
        last = diagnostic.primary.span.start;
    }
    if let Some(text) = text {
        let mut parser = Parser::new();
        parser.parse(FileId(1), &format!("# shifted\n{text}"));
        let remembered = parser.parse(file, text);
        if remembered != parse(file, text) {
            panic!("a remembered parse differs from a fresh one");
        }
    }
}

/// Checks every place in a tree: inside the nearest node above it, and whatever `check` checks.
#[expect(clippy::panic, reason = "a panic is how a fuzz target reports")]
fn places(value: &Value, around: (u64, u64), check: &impl Fn(u64, u64, &str)) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| places(value, around, check)),
        Value::Object(fields) => {
            let number = |name: &str| fields.get(name).and_then(Value::as_u64);
            if let (Some(start), Some(end), 2) = (number("start"), number("end"), fields.len()) {
                check(start, end, "a node");
                if start < around.0 || end > around.1 {
                    panic!("{start}..{end} reaches out of {}..{}", around.0, around.1);
                }
                return;
            }
            let own = fields
                .get("span")
                .and_then(|span| Some((span.get("start")?.as_u64()?, span.get("end")?.as_u64()?)));
            for (_, value) in fields {
                places(value, own.unwrap_or(around), check);
            }
            if own.is_some() {
                places(fields.get("span").unwrap_or(&Value::Null), around, check);
            }
        }
        _ => {}
    }
}
