//! What a function, model or aggregate takes, while its arguments are being written.

use serde_json::{Value, json};
use weir_compiler::env::Entity;
use weir_dsl::Span;

use crate::lex::{Class, Lexer, Token};
use crate::protocol::Here;

/// Built-in functions: how they are called, and what they answer.
const BUILTINS: &[(&str, &str, &str)] = &[
    ("abs", "abs(x: number) -> number", "without its sign"),
    ("min", "min(a: number, b: number) -> number", "the lesser of the two"),
    ("max", "max(a: number, b: number) -> number", "the greater of the two"),
    ("length", "length(x: string) -> int", "how many characters, or items"),
    ("lower", "lower(x: string) -> string", "in lower case"),
    ("hour", "hour(t: timestamp) -> int", "hour of the day, 0 to 23"),
    ("weekday", "weekday(t: timestamp) -> int", "day of the week"),
    ("log", "log(x: float) -> float", "natural logarithm; unknown for 0 and less"),
    ("exp", "exp(x: float) -> float", "e to the power of x"),
    ("sqrt", "sqrt(x: float) -> float", "square root; unknown below 0"),
    ("host", "host(url: string) -> string", "the host of an address on the web"),
    ("number", "number(x: string) -> float", "the number that a text writes"),
    ("between", "between(x: string, from: string, to: string) -> string", "what stands between two texts"),
    ("decoded", "decoded(x: string) -> string", "escapes of an address undone"),
    ("address", "address(x: string) -> ip", "the address that a text writes"),
    ("card_number", "card_number(x: string) -> bool", "whether a text holds the number of a card"),
    ("letter_entropy", "letter_entropy(x: string) -> float", "entropy of its letters, in bits"),
    ("edits", "edits(a: string, b: string) -> int", "how many edits lie between two texts"),
    ("mailbox", "mailbox(x: string) -> string", "an e-mail address as its provider delivers it"),
    ("distance", "distance(a: string, b: string) -> float", "how far two places lie apart"),
    ("money", "money(amount: string, currency: string) -> money", "an amount; in `derive` alone"),
    ("body.json", "body.json(pointer: string) -> string", "a value of a JSON body; in `derive` alone"),
    ("body.form", "body.form(name: string) -> string", "a value of a form; in `derive` alone"),
    ("query", "query(name: string) -> string", "a value of the query; in `derive` alone"),
    ("path.segment", "path.segment(n: int) -> string", "a part of the path; in `derive` alone"),
    ("header", "header(name: string) -> string", "a header of the request; in `derive` alone"),
    ("cookie", "cookie(name: string) -> string", "a cookie of the request; in `derive` alone"),
    ("bucket", "bucket(capacity: int, leak: rate)", "the level of a leaky bucket"),
    ("gcra", "gcra(rate: rate, burst: int)", "whether an event conforms to a rate"),
    ("usual", "usual(signal, floor n)", "the greater of the floor and the baseline by hour of the week"),
];

/// How a built-in function is called, and what it answers.
pub(super) fn builtin(name: &str) -> Option<(&'static str, &'static str)> {
    BUILTINS.iter().find(|(known, ..)| *known == name).map(|(_, signature, doc)| (*signature, *doc))
}

/// The names of the built-in functions.
pub(super) fn builtins() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    BUILTINS.iter().copied()
}

/// How what a name calls is called, with its parameters.
pub(super) fn of_name(here: &Here<'_>, package: &str, name: &str) -> Option<(String, String)> {
    let env = &here.world.found.env;
    let shown = |params: &[(smol_str::SmolStr, weir_compiler::types::Type)],
                 output: &weir_compiler::types::Type| {
        let params: Vec<String> = params.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
        format!("{name}({}) -> {output}", params.join(", "))
    };
    let doc = |package: &str| {
        let declared = env.packages.get(package).and_then(|package| package.own.get(name));
        declared.map(|declared| declared.doc.to_string()).unwrap_or_default()
    };
    match env.find(package, name) {
        Some(Entity::Function(id)) => {
            let function = env.functions.get(id)?;
            Some((shown(&function.params, &function.output), doc(&function.package)))
        }
        Some(Entity::Model(id)) => {
            let model = env.declarations.models.get(id)?;
            Some((shown(&model.inputs, &model.output), doc(&model.named.package)))
        }
        _ => builtin(name).map(|(signature, doc)| (signature.to_owned(), doc.to_owned())),
    }
}

pub(super) fn help(here: &Here<'_>) -> Value {
    let Some(tree) = &here.document.tree else { return Value::Null };
    let Some((name, argument)) = call(here) else { return Value::Null };
    let package = weir_compiler::names::package_of(here.file, tree);
    let Some((label, doc)) = of_name(here, &package, name) else { return Value::Null };
    let inner =
        label.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(inner, _)| inner);
    let parameters: Vec<Value> =
        inner.split(", ").filter(|part| !part.is_empty()).map(|part| json!({ "label": part })).collect();
    let mut signature = json!({ "label": label, "parameters": parameters });
    if let (false, Some(object)) = (doc.is_empty(), signature.as_object_mut()) {
        object.insert("documentation".into(), doc.into());
    }
    json!({ "signatures": [signature], "activeSignature": 0, "activeParameter": argument })
}

/// The call around the cursor, and which of its arguments it is in. A call does not reach over more than so many lines.
fn call<'a>(here: &Here<'a>) -> Option<(&'a str, u32)> {
    const LINES: u32 = 40;
    let line = here.document.text.position(here.at).line;
    let start = here.document.text.line(line.saturating_sub(LINES)).start;
    let mut open: Vec<(Option<&'a str>, u32)> = Vec::new();
    let mut before: Option<Token<'a>> = None;
    for token in Lexer::new(here.document.text.as_str(), Span::new(start, here.at)) {
        match token.text {
            "(" => {
                open.push((before.filter(|before| before.class == Class::Word).map(|before| before.text), 0))
            }
            "[" => open.push((None, 0)),
            ")" | "]" => {
                open.pop();
            }
            "{" | "}" => open.clear(),
            "," => {
                if let Some((_, argument)) = open.last_mut() {
                    *argument += 1;
                }
            }
            _ => {}
        }
        before = Some(token);
    }
    open.into_iter().rev().find_map(|(name, argument)| Some((name?, argument)))
}
