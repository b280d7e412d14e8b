//! Diagnostics for clients that ask for them.

use serde_json::{Value, json};

use super::Request;
use crate::lane;
use crate::protocol::Answer;
use crate::uri;

pub(super) fn document(request: &Request, value: &Value) -> Answer {
    let asked =
        value.pointer("/textDocument/uri").and_then(Value::as_str).map(uri::canonical).unwrap_or_default();
    let known = value.get("previousResultId").and_then(Value::as_str);
    for (world, root) in &request.worlds {
        if let Some((file, document)) = world.file(&asked) {
            // Nobody can mend the library here.
            let listed =
                if document.read_only { Vec::new() } else { lane::listed(world, request.beside(root), file) };
            return Ok(report(&listed, known));
        }
    }
    Ok(report(&[], known))
}

pub(super) fn workspace(request: &Request, value: &Value) -> Answer {
    let previous =
        value.get("previousResultIds").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let known = |wanted: &str| {
        let of = |entry: &&Value| {
            entry.get("uri").and_then(Value::as_str).map(uri::canonical).as_deref() == Some(wanted)
        };
        previous.iter().find(of).and_then(|entry| entry.get("value")).and_then(Value::as_str)
    };
    let mut items = Vec::new();
    for (world, root) in &request.worlds {
        for (file, document) in world.documents.iter().filter(|(_, document)| !document.read_only) {
            let mut item = report(&lane::listed(world, request.beside(root), *file), known(&document.uri));
            if let Some(object) = item.as_object_mut() {
                object.insert("uri".into(), json!(&*document.uri));
                object.insert("version".into(), Value::Null);
            }
            items.push(item);
        }
    }
    Ok(json!({ "items": items }))
}

fn report(listed: &[Value], known: Option<&str>) -> Value {
    let id = lane::result_id(listed);
    if known == Some(id.as_str()) {
        return json!({ "kind": "unchanged", "resultId": id });
    }
    json!({ "kind": "full", "resultId": id, "items": listed })
}
