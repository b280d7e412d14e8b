//! What editors highlight and offer comes from the server's table of words: `WEIR_GOLDEN=write` writes it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use serde_json::{Value, json};
use weir_lsp::words::{Kind, WORDS, of_kind};

/// The words of some kinds as one pattern: the longest first, and not inside of a longer name.
fn pattern(kinds: &[Kind]) -> String {
    let mut words: Vec<&str> = kinds.iter().flat_map(|kind| of_kind(*kind)).map(|word| word.text).collect();
    words.sort_by_key(|word| (std::cmp::Reverse(word.len()), *word));
    words.dedup();
    format!("(?<![\\w.-])(?:{})(?![\\w]|[.-]\\w)", words.join("|"))
}

fn textmate() -> Value {
    let rule = |name: &str, pattern: String| json!({ "name": format!("{name}.weir"), "match": pattern });
    json!({
        "$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
        "name": "Weir",
        "scopeName": "source.weir",
        "patterns": [
            { "include": "#comment" },
            { "include": "#string" },
            { "include": "#declaration" },
            { "include": "#number" },
            rule("constant.language", pattern(&[Kind::Constant])),
            rule("keyword.operator.word", pattern(&[Kind::Operator])),
            rule("support.function", pattern(&[Kind::Measure])),
            rule("keyword.control", pattern(&[Kind::Action, Kind::Clause, Kind::Move])),
            rule("storage.type", pattern(&[Kind::Item, Kind::Member])),
            rule("support.type", pattern(&[Kind::Type])),
            rule("keyword.operator", "==|!=|<=|>=|=>|->|\\?\\?|[-+*/%<>=]".to_owned()),
        ],
        "repository": {
            "comment": rule("comment.line.number-sign", "#.*$".to_owned()),
            "string": {
                "name": "string.quoted.double.weir",
                "begin": "\"",
                "end": "\"|$",
                "patterns": [
                    rule("constant.character.escape", "\\\\.|\\{\\{|\\}\\}".to_owned()),
                    rule("variable.other", "\\{[^}\"]*\\}".to_owned()),
                ],
            },
            "number": rule("constant.numeric", "(?<![\\w.-])(?:[A-Z]{3} )?\\d[\\d_]*(?:\\.\\d+)?(?:%|ms|[smhd]\\b|/(?:s|min|h|d)\\b)?".to_owned()),
            "declaration": {
                "match": format!("^\\s*({})\\s+([A-Za-z_][\\w.-]*)", declaring().join("|")),
                "captures": { "1": { "name": "storage.type.weir" }, "2": { "name": "entity.name.weir" } },
            },
        },
    })
}

/// Words that stand before the name they declare.
fn declaring() -> Vec<&'static str> {
    let named = [
        "use", "envelope", "cap", "test", "decide", "on", "requires", "tags", "mode", "harm", "watch",
        "tune", "derive",
    ];
    let all = WORDS.iter().filter(|word| matches!(word.kind, Kind::Item | Kind::Member));
    all.map(|word| word.text).filter(|word| !named.contains(word)).collect()
}

fn snippets() -> Value {
    let with = WORDS.iter().filter(|word| {
        !word.snippet.is_empty() && matches!(word.kind, Kind::Item | Kind::Member | Kind::Move)
    });
    let shown = with.map(|word| {
        let body: Vec<&str> = word.snippet.split('\n').collect();
        (word.text.to_owned(), json!({ "prefix": word.text, "body": body, "description": word.doc }))
    });
    Value::Object(shown.collect())
}

fn compare(path: &str, value: &Value) {
    let path = format!("{}/editors/{path}", env!("CARGO_MANIFEST_DIR"));
    let text = serde_json::to_string_pretty(value).unwrap() + "\n";
    if std::env::var("WEIR_GOLDEN").is_ok_and(|how| how == "write") {
        std::fs::write(&path, text).unwrap();
        return;
    }
    assert_eq!(
        text,
        std::fs::read_to_string(&path).unwrap_or_default(),
        "{path}: write it anew with WEIR_GOLDEN=write"
    );
}

#[test]
fn the_grammar_of_highlighting_is_the_tables() {
    compare("vscode/syntaxes/weir.tmLanguage.json", &textmate());
}

#[test]
fn snippets_are_the_tables() {
    compare("vscode/snippets/weir.json", &snippets());
}

#[test]
fn manifests_can_be_read() {
    for file in ["package.json", "tsconfig.json", "language-configuration.json"] {
        let path = format!("{}/editors/vscode/{file}", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str::<Value>(&std::fs::read_to_string(path).unwrap()).unwrap();
    }
}
