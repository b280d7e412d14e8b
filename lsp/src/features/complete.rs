//! What could be written at the cursor, in clauses that need not be whole.
//!
//! The clause before the cursor is read token by token, for the tree of what is being typed is often not there. Names come from
//! the tree of the rest: the environment, the policy's declarations, the events that the clause is about.

use serde_json::{Value, json};
use smol_str::SmolStr;
use weir_compiler::env::{Entity, Scope};
use weir_compiler::ids::EventId;
use weir_compiler::names::{self, PolicyName, PolicyNames, Symbol};
use weir_compiler::types::Type;
use weir_dsl::Span;
use weir_dsl::ast::ItemKind;

use super::{Request, describe, signature};
use crate::lex::{Class, Lexer};
use crate::protocol::Here;
use crate::uri;
use crate::words::{self, Kind};

/// The most answers.
const MOST: usize = 400;

/// Kinds of completions, by the protocol's numbers.
mod kind {
    pub(super) const FUNCTION: u32 = 3;
    pub(super) const FIELD: u32 = 5;
    pub(super) const VARIABLE: u32 = 6;
    pub(super) const CLASS: u32 = 7;
    pub(super) const MODULE: u32 = 9;
    pub(super) const KEYWORD: u32 = 14;
    pub(super) const SNIPPET: u32 = 15;
    pub(super) const ENUM_MEMBER: u32 = 20;
    pub(super) const CONSTANT: u32 = 21;
    pub(super) const EVENT: u32 = 23;
    pub(super) const TYPE_PARAMETER: u32 = 25;
}

/// The text before the cursor: the heads of the blocks around it, and the clause in it.
#[derive(Debug, Default)]
struct Before<'t> {
    /// The words before each open brace, outermost first.
    heads: Vec<Vec<&'t str>>,
    /// The tokens of the clause so far, without the word being typed.
    clause: Vec<&'t str>,
    /// The word being typed.
    typed: &'t str,
    /// The cursor stands in a comment, or in a text where nothing is named.
    inert: bool,
}

/// Words that begin a clause wherever they stand first on a line.
fn begins(word: &str) -> bool {
    words::find(word, &[Kind::Item, Kind::Member, Kind::Move]).is_some()
        || matches!(word, "when" | "then" | "because" | "if" | "otherwise" | "first" | "without")
}

impl<'t> Before<'t> {
    fn read(text: &'t str, at: u32) -> Self {
        let mut out = Self::default();
        for token in Lexer::new(text, Span::new(start_of_item(text, at), at)) {
            let ends_here = token.span.end == at;
            match token.class {
                Class::Comment => {
                    out.inert = ends_here;
                    continue;
                }
                Class::Text if ends_here && !(token.text.len() > 1 && token.text.ends_with('"')) => {
                    // `because "{` names a value.
                    let hole = token
                        .text
                        .rfind('{')
                        .filter(|open| !token.text.get(*open..).unwrap_or("").contains('}'));
                    out.inert = hole.is_none();
                    out.typed = hole.and_then(|open| token.text.get(open + 1..)).unwrap_or("");
                    out.clause.push("{hole}");
                    continue;
                }
                Class::Word if ends_here => {
                    if token.first && begins(token.text) {
                        out.clause.clear();
                    }
                    if token.first && out.heads.is_empty() {
                        out.clause.clear();
                    }
                    out.typed = token.text;
                    continue;
                }
                // `opened.`: the property is still to come.
                Class::Sign if ends_here && token.text == "." => {
                    let start = token.span.start as usize - out.clause.last().map_or(0, |word| word.len());
                    out.typed = text.get(start..at as usize).unwrap_or("");
                    out.clause.pop();
                    continue;
                }
                _ => {}
            }
            match token.text {
                "{" => {
                    let head = std::mem::take(&mut out.clause);
                    out.heads.push(head);
                }
                "}" => {
                    out.heads.pop();
                    out.clause.clear();
                }
                text => {
                    if token.first && (begins(text) || out.heads.is_empty()) {
                        out.clause.clear();
                    }
                    out.clause.push(text);
                }
            }
        }
        out
    }

    /// A token of the clause, counted from its end.
    fn last(&self, back: usize) -> &'t str {
        self.clause.len().checked_sub(back + 1).and_then(|at| self.clause.get(at)).copied().unwrap_or("")
    }

    fn head(&self, at: usize) -> &'t str {
        self.heads.get(at).and_then(|head| head.first()).copied().unwrap_or("")
    }

    /// The first word of the innermost block's head.
    fn inner(&self) -> &'t str {
        self.heads.last().and_then(|head| head.first()).copied().unwrap_or("")
    }
}

/// The last line before `at` that begins an item at its margin.
fn start_of_item(text: &str, at: u32) -> u32 {
    let before = text.get(..at as usize).unwrap_or("");
    let mut end = before.len();
    while let Some(line) = before.get(..end).map(|before| before.rfind('\n').map_or(0, |at| at + 1)) {
        let word = before.get(line..).unwrap_or("").split([' ', '\n', '\t', '{']).next().unwrap_or("");
        if words::find(word, &[Kind::Item]).is_some() || line == 0 {
            return line as u32;
        }
        end = line - 1;
    }
    0
}

/// Answers being gathered.
struct Gathered<'h, 'a> {
    here: &'h Here<'a>,
    package: SmolStr,
    policy: Option<PolicyNames<'a>>,
    events: Vec<EventId>,
    items: Vec<Value>,
}

pub(super) fn complete(here: &Here<'_>) -> Value {
    let Some(tree) = &here.document.tree else { return Value::Null };
    let before = Before::read(here.document.text.as_str(), here.at);
    if before.inert {
        return json!({ "isIncomplete": false, "items": [] });
    }
    let env = &here.world.found.env;
    let package = names::package_of(here.file, tree);
    let policy_name =
        before.heads.first().filter(|head| head.first() == Some(&"policy")).and_then(|head| head.get(1));
    let policy = policy_name.and_then(|name| {
        tree.items.iter().find_map(|item| match &item.kind {
            ItemKind::Policy(policy) if policy.name.text == *name => {
                Some(PolicyNames::of(env, &package, here.file, policy))
            }
            _ => None,
        })
    });
    let mut all = Gathered { here, package, policy, events: Vec::new(), items: Vec::new() };
    all.events = all.events_of(&before);
    all.gather(&before);
    let typed = before.typed.to_lowercase();
    let fits = |item: &Value| {
        let label = item.get("label").and_then(Value::as_str).unwrap_or("").to_lowercase();
        let mut letters = label.chars();
        typed.chars().all(|wanted| letters.any(|letter| letter == wanted))
    };
    let start = here.at.saturating_sub(before.typed.len() as u32);
    let range = here.range(Span::new(start, here.at));
    let mut items: Vec<Value> = all.items.into_iter().filter(fits).collect();
    items.sort_by(|a, b| key(a).cmp(&key(b)));
    items.dedup_by(|a, b| a.get("label") == b.get("label"));
    let incomplete = items.len() > MOST;
    items.truncate(MOST);
    for item in &mut items {
        if let Some(object) = item.as_object_mut() {
            let text =
                object.remove("insert").unwrap_or_else(|| object.get("label").cloned().unwrap_or_default());
            object.insert("textEdit".into(), json!({ "range": range, "newText": text }));
        }
    }
    json!({ "isIncomplete": incomplete, "items": items })
}

fn key(item: &Value) -> (&str, &str) {
    let text = |name| item.get(name).and_then(Value::as_str).unwrap_or("");
    (text("sortText"), text("label"))
}

impl Gathered<'_, '_> {
    fn push(&mut self, label: &str, kind: u32, detail: &str, rank: u8, symbol: Option<Value>) {
        let mut item = json!({ "label": label, "kind": kind, "sortText": format!("{rank}{label}") });
        if let Some(object) = item.as_object_mut() {
            if !detail.is_empty() {
                object.insert("detail".into(), detail.into());
            }
            if let Some(symbol) = symbol {
                object.insert("data".into(), json!({ "uri": &*self.here.document.uri, "symbol": symbol }));
            }
        }
        self.items.push(item);
    }

    fn words(&mut self, kind: Kind, rank: u8) {
        for word in words::of_kind(kind) {
            self.word(word, rank);
        }
    }

    fn word(&mut self, word: &words::Word, rank: u8) {
        let snippet = !word.snippet.is_empty();
        let mut item = json!({
            "label": word.text,
            "kind": if snippet { kind::SNIPPET } else { kind::KEYWORD },
            "detail": word.doc,
            "sortText": format!("{rank}{}", word.text),
        });
        if let (true, Some(object)) = (snippet, item.as_object_mut()) {
            object.insert("insertTextFormat".into(), 2.into());
            object.insert("insertTextMode".into(), 2.into());
            object.insert("insert".into(), word.snippet.into());
        }
        self.items.push(item);
    }

    fn some_words(&mut self, wanted: &[&str], rank: u8) {
        for text in wanted {
            match words::WORDS.iter().find(|word| word.text == *text && word.snippet.is_empty()) {
                Some(word) => self.word(word, rank),
                None => self.push(text, kind::KEYWORD, "", rank, None),
            }
        }
    }

    /// Names visible in the package for which `wanted` holds.
    fn entities(&mut self, rank: u8, wanted: impl Fn(&Entity) -> Option<u32>) {
        let env = std::sync::Arc::clone(&self.here.world.found.env);
        let package = self.package.clone();
        for (name, entity) in env.visible(&package) {
            let Some((entity, kind)) = entity.and_then(|entity| Some((entity, wanted(entity)?))) else {
                continue;
            };
            let symbol = match names::entity_symbol(&env, &package, name) {
                Some(Symbol::Entity(package, name)) => Some(json!(["entity", package, name])),
                _ => None,
            };
            let detail = match entity {
                Entity::Function(_) | Entity::Model(_) => {
                    signature::of_name(self.here, &package, name).map(|(label, _)| label).unwrap_or_default()
                }
                other => other.kind().to_owned(),
            };
            self.push(name, kind, &detail, rank, symbol);
        }
    }

    fn events(&mut self) {
        self.entities(0, |entity| matches!(entity, Entity::Event(_)).then_some(kind::EVENT));
    }

    fn packages(&mut self) {
        let env = std::sync::Arc::clone(&self.here.world.found.env);
        for name in env.packages.keys().filter(|name| !name.starts_with('?')) {
            self.push(name, kind::MODULE, "package", 0, Some(json!(["package", name])));
        }
    }

    /// The events whose fields can be read in the clause.
    fn events_of(&self, before: &Before<'_>) -> Vec<EventId> {
        let env = &self.here.world.found.env;
        let scope = Scope { package: &self.package, file: self.here.file };
        let event = |text: &str| {
            let name = weir_dsl::ast::Name { text: text.into(), span: Span::at(0) };
            env.event(scope, &name).ok()
        };
        if before.head(0) == "derive" || (before.heads.is_empty() && before.clause.first() == Some(&"derive"))
        {
            return ["http.request", "http.response"]
                .into_iter()
                .filter_map(|name| env.schema.event(name))
                .collect();
        }
        if matches!(before.head(0), "test" | "derive") {
            let name = before.heads.last().and_then(|head| head.last()).copied().unwrap_or("");
            return event(name).into_iter().collect();
        }
        // `count of login where …`, `watch login where …`, `first login as a where …`.
        let inside_watch = before.heads.last().filter(|head| head.first() == Some(&"watch"));
        let clause = inside_watch.unwrap_or(&before.clause);
        let about = clause.windows(2).rev().find_map(|pair| match pair {
            ["of" | "watch" | "first" | "then" | "without" | "from", name] => event(name),
            _ => None,
        });
        if let Some(about) = about {
            return vec![about];
        }
        self.policy.as_ref().map(|policy| policy.events.clone()).unwrap_or_default()
    }

    fn fields(&mut self, rank: u8) {
        let schema = std::sync::Arc::clone(&self.here.world.found.env.schema);
        let mut seen = std::collections::BTreeSet::new();
        let slots = self
            .events
            .clone()
            .into_iter()
            .filter_map(|event| schema.events.get(event))
            .flat_map(|event| &event.slots);
        let envelope = schema.fields.ids().take(if self.events.is_empty() { schema.envelope } else { 0 });
        let all: Vec<_> =
            slots.map(|slot| (slot.field, slot.optional)).chain(envelope.map(|id| (id, true))).collect();
        for (id, optional) in all {
            let Some(field) = schema.fields.get(id).filter(|_| seen.insert(id)) else { continue };
            let detail = format!("{}{}", field.ty, if optional { "?" } else { "" });
            let owner = schema.events.values().find(|event| event.slot(id).is_some());
            let data = owner.map(|event| json!(["field", event.name, field.name]));
            self.push(&field.name, kind::FIELD, &detail, rank, data);
        }
    }

    fn members(&mut self, wanted: impl Fn(&PolicyName<'_>) -> bool) {
        let Some(policy) = self.policy.clone() else { return };
        for (name, what) in &policy.names {
            if !wanted(what) {
                continue;
            }
            let ty = describe::type_of(self.here.world, &policy.full, name);
            let detail = ty.map_or_else(|| what.kind().to_owned(), |ty| format!("{}: {ty}", what.kind()));
            let kind = if matches!(what, PolicyName::Param(_)) { kind::CONSTANT } else { kind::VARIABLE };
            self.push(name, kind, &detail, 1, Some(json!(["member", policy.full, name])));
        }
    }

    fn types(&mut self) {
        for word in words::of_kind(Kind::Type) {
            self.word(word, 0);
        }
    }

    /// The values of the type of what stands left of a comparison.
    fn variants(&mut self, left: &str) {
        let env = std::sync::Arc::clone(&self.here.world.found.env);
        let field = self.events.iter().find_map(|event| env.schema.field(*event, left));
        let field = field.or_else(|| env.schema.envelope_field(left));
        let mut ty = field.and_then(|field| env.schema.fields.get(field)).map(|field| field.ty.clone());
        if ty.is_none()
            && let Some(policy) = &self.policy
        {
            ty = policy.type_of(&env, &self.package, self.here.file, left);
        }
        match ty {
            Some(Type::Enum(variants)) => {
                for variant in variants.iter() {
                    self.push(variant, kind::ENUM_MEMBER, left, 0, None);
                }
            }
            Some(Type::Bool) => self.words(Kind::Constant, 0),
            _ => {}
        }
    }

    /// What may stand where a value does.
    fn values(&mut self) {
        self.fields(1);
        self.members(|_| true);
        self.entities(2, |entity| match entity {
            Entity::Function(_) | Entity::Model(_) => Some(kind::FUNCTION),
            Entity::Fingerprint(_) => Some(kind::FIELD),
            Entity::Schedule(_) | Entity::Table(_) => Some(kind::CONSTANT),
            _ => None,
        });
        for (name, signature, _) in
            signature::builtins().filter(|(name, ..)| weir_compiler::check::is_builtin(name))
        {
            self.push(name, kind::FUNCTION, signature, 4, None);
        }
        self.words(Kind::Constant, 4);
        self.some_words(&["not", "case"], 5);
    }

    /// What may stand behind a value.
    fn behind_a_value(&mut self, before: &Before<'_>) {
        self.some_words(
            &["and", "or", "in", "not", "is", "matches", "contains", "starts with", "ends with"],
            3,
        );
        match before.clause.first().copied().unwrap_or("") {
            "signal" | "watch" | "cohort" => {
                self.some_words(
                    &["where", "per", "over", "before this", "exact", "economy", "tumbling", "at least"],
                    0,
                );
            }
            "sequence" => self.some_words(&["per", "within"], 0),
            "when" => self.some_words(&["then"], 2),
            "then" => {
                self.some_words(&["for", "on", "with", "to", "by", "sparing", "renewing", "because"], 0)
            }
            "first" | "without" => self.some_words(&["as", "where", "between"], 0),
            "on" => self.some_words(&["where"], 0),
            _ => {}
        }
    }

    fn properties(&mut self, typed: &str) -> bool {
        let Some((head, rest)) = typed.split_once('.') else { return false };
        let Some(policy) = self.policy.clone() else { return false };
        let env = std::sync::Arc::clone(&self.here.world.found.env);
        match policy.names.get(head) {
            Some(PolicyName::Cohort(_)) => {
                for property in ["lift", "count", "usual"] {
                    self.push(&format!("{head}.{property}"), kind::FIELD, "", 0, None);
                }
            }
            Some(PolicyName::Sequence(sequence)) => {
                for step in &sequence.steps {
                    let Some(name) = names::step_name(step) else { continue };
                    let path = format!("{head}.{}", name.text);
                    if !rest.starts_with(&format!("{}.", name.text)) {
                        self.push(&path, kind::VARIABLE, "step", 1, None);
                        self.push(&format!("{path}.age"), kind::FIELD, "duration", 0, None);
                        continue;
                    }
                    self.push(&format!("{path}.age"), kind::FIELD, "duration", 0, None);
                    let scope = Scope { package: &self.package, file: self.here.file };
                    let event =
                        env.event(scope, &step.event).ok().and_then(|event| env.schema.events.get(event));
                    for slot in event.into_iter().flat_map(|event| &event.slots) {
                        if let Some(field) = env.schema.fields.get(slot.field) {
                            self.push(
                                &format!("{path}.{}", field.name),
                                kind::FIELD,
                                &field.ty.to_string(),
                                1,
                                None,
                            );
                        }
                    }
                }
            }
            _ => return false,
        }
        true
    }

    fn gather(&mut self, before: &Before<'_>) {
        if before.typed.contains('.') && self.properties(before.typed) {
            return;
        }
        let (last, earlier) = (before.last(0), before.last(1));
        if self.after_word(before, last, earlier) {
            return;
        }
        match (before.heads.len(), before.inner()) {
            (0, _) if before.clause.is_empty() => self.words(Kind::Item, 0),
            (1, "policy") if before.clause.is_empty() => {
                self.words(Kind::Member, 0);
                self.some_words(&["decide"], 1);
            }
            (_, "rule") if before.clause.is_empty() => {
                self.some_clauses(&["when", "then", "because", "if"], &["harm", "mode"])
            }
            (_, "watch") if !before.clause.contains(&"=") => {}
            (_, "sequence") if before.clause.is_empty() => {
                self.some_words(&["first", "then", "then no", "without"], 0)
            }
            (_, "test" | "repeat") if before.clause.is_empty() => {
                self.words(Kind::Move, 0);
                self.events();
            }
            (_, "tune") if before.clause.is_empty() => self.tunable(before),
            (_, "decide") if before.clause.is_empty() => {
                for word in weir_dsl::ast::Verb::ALL {
                    self.push(word.word(), kind::KEYWORD, "", 0, None);
                }
                self.some_words(&["otherwise"], 1);
            }
            _ => {
                let operator = words::find(last, &[Kind::Operator]).is_some();
                let value = !last.is_empty()
                    && !operator
                    && (last == ")"
                        || last == "]"
                        || last.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '"'));
                let ends =
                    matches!(last, "now" | "true" | "false" | "missing" | "known" | "active" | "count");
                if value && (ends || !words::is_word(last)) {
                    self.behind_a_value(before);
                    if before.inner() == "rule" {
                        self.some_clauses(&["when", "then", "because", "if"], &["harm", "mode"]);
                    }
                    if before.inner() == "policy" {
                        self.words(Kind::Member, 6);
                    }
                } else {
                    self.values();
                }
            }
        }
    }

    fn some_clauses(&mut self, clauses: &[&str], members: &[&str]) {
        for word in words::WORDS {
            let wanted = (word.kind == Kind::Clause && clauses.contains(&word.text))
                || (word.kind == Kind::Member && members.contains(&word.text));
            if wanted {
                self.word(word, 0);
            }
        }
    }

    /// What only the words before can say; false when they say nothing.
    fn after_word(&mut self, before: &Before<'_>, last: &str, earlier: &str) -> bool {
        let first = before.clause.first().copied().unwrap_or("");
        let inner = before.inner();
        match last {
            "{hole}" => self.values(),
            "use" if before.clause.len() == 1 => self.packages(),
            "on" | "requires" | "unmapped" | "watch" => self.events(),
            "," if first == "on" => self.events(),
            "of" if matches!(earlier, "share") => self.values(),
            "of" if matches!(
                earlier,
                "sum"
                    | "avg"
                    | "min"
                    | "max"
                    | "stddev"
                    | "p1"
                    | "p5"
                    | "p50"
                    | "p95"
                    | "p99"
                    | "first"
                    | "last"
            ) =>
            {
                self.events = self
                    .policy
                    .as_ref()
                    .map(|policy| [policy.events.clone(), policy.counted.clone()].concat())
                    .unwrap_or_default();
                self.fields(0);
            }
            "of" | "first" => self.events(),
            "then" if inner == "sequence" => self.events(),
            "without" => self.events(),
            "from" if earlier == "exempt" => self.packages(),
            "from" if earlier == "elapsed" => self.events(),
            "from" if first == "derive" => {
                self.push("http.exchange", kind::EVENT, "a request with its response", 0, None)
            }
            "derive" => self.events(),
            "to" if before.clause.contains(&"elapsed") => self.events(),
            "per" | "by" | "distinct" | "entropy" | "top" | "sequential" | "revoke" | "mask" => {
                if self.events.is_empty()
                    || matches!(last, "distinct" | "entropy" | "top" | "sequential") && inner == "policy"
                {
                    self.events = self
                        .policy
                        .as_ref()
                        .map(|policy| [policy.events.clone(), policy.counted.clone()].concat())
                        .unwrap_or_default();
                }
                self.fields(0);
                self.entities(1, |entity| matches!(entity, Entity::Fingerprint(_)).then_some(kind::FIELD));
            }
            "then" | "else" => {
                self.words(Kind::Action, 0);
                self.some_words(&["tag"], 0);
            }
            "," if first == "then" => {
                self.words(Kind::Action, 0);
                self.some_words(&["tag", "sparing"], 0);
            }
            "tagged" => self.entities(0, |entity| matches!(entity, Entity::Tag(_)).then_some(kind::CONSTANT)),
            "alert" | "notify" | "ticket" => {
                self.entities(0, |entity| matches!(entity, Entity::Queue(_)).then_some(kind::CONSTANT))
            }
            "in" => {
                self.entities(0, |entity| matches!(entity, Entity::List(_)).then_some(kind::CONSTANT));
                self.members(|what| matches!(what, PolicyName::Cohort(_)));
            }
            "tune" => self.entities(0, |entity| matches!(entity, Entity::Policy(_)).then_some(kind::CLASS)),
            "given" => self.entities(0, |entity| match entity {
                Entity::List(_) | Entity::Table(_) | Entity::Schedule(_) => Some(kind::CONSTANT),
                Entity::Model(_) => Some(kind::FUNCTION),
                _ => None,
            }),
            "expect" => {
                self.some_words(&["rule", "action", "score", "no action", "stopped from event", "case"], 0)
            }
            "rule" if first == "expect" => self.tested(),
            "mode" => self.some_words(&["shadow", "canary", "enforce"], 0),
            "is" => self.some_words(&["missing", "known", "active", "tagged", "new for", "not"], 0),
            "over" | "within" | "wait" | "every" => {
                for window in ["1m", "5m", "10m", "1h", "24h", "7d", "30d"] {
                    self.push(window, kind::CONSTANT, "", 0, None);
                }
                self.members(|what| matches!(what, PolicyName::Param(_)));
            }
            "sparing" => {
                self.some_words(&["sessions that passed", "devices known", "users known", "sessions with"], 0)
            }
            "==" | "!=" => {
                self.variants(earlier);
                self.values();
            }
            "=" if first == "signal" || inner == "watch" => {
                self.words(Kind::Measure, 0);
                if inner != "watch" {
                    self.values();
                }
            }
            ":" | "->" | "<"
                if matches!(first, "param" | "fn" | "model" | "list" | "table")
                    || matches!(inner, "event" | "envelope") =>
            {
                self.types()
            }
            ":" if !matches!(inner, "policy" | "rule") => {
                self.variants(earlier);
                self.values();
            }
            "{" | "," | "" if before.head(0) == "use" => return self.imports(before),
            _ if inner == "use" => return self.imports(before),
            _ if matches!(before.head(0), "test") && !matches!(inner, "test" | "repeat" | "case") => {
                // The record of an event.
                let name = before.heads.last().and_then(|head| head.last()).copied().unwrap_or("");
                let name = weir_dsl::ast::Name { text: name.into(), span: Span::at(0) };
                let scope = Scope { package: &self.package, file: self.here.file };
                self.events = self.here.world.found.env.event(scope, &name).ok().into_iter().collect();
                self.fields(0);
            }
            _ => return false,
        }
        true
    }

    /// What a package has to give.
    fn imports(&mut self, before: &Before<'_>) -> bool {
        let env = std::sync::Arc::clone(&self.here.world.found.env);
        let Some(package) =
            before.heads.last().and_then(|head| head.get(1)).and_then(|name| env.packages.get(*name))
        else {
            return false;
        };
        for (name, declared) in &package.own {
            self.push(
                name,
                kind::TYPE_PARAMETER,
                declared.entity.kind(),
                0,
                Some(json!(["entity", package.name, name])),
            );
        }
        true
    }

    /// The rules that the tests of the package try.
    fn tested(&mut self) {
        let env = std::sync::Arc::clone(&self.here.world.found.env);
        let package = self.package.clone();
        for (_, entity) in env.visible(&package) {
            let Some(Entity::Policy(full)) = entity else { continue };
            for (_, member) in names::members(&env, full) {
                if let weir_dsl::ast::MemberKind::Rule(rule) = &member.kind {
                    self.push(
                        &rule.name.text,
                        kind::FUNCTION,
                        full,
                        0,
                        Some(json!(["rule", full, rule.name.text])),
                    );
                }
            }
        }
    }

    /// What a `tune` may change.
    fn tunable(&mut self, before: &Before<'_>) {
        let env = std::sync::Arc::clone(&self.here.world.found.env);
        self.some_words(&["mode", "harm", "rule"], 1);
        let name = before.heads.last().and_then(|head| head.get(1)).copied().unwrap_or("");
        let Some(Entity::Policy(full)) = env.find(&self.package, name) else { return };
        for (_, member) in names::members(&env, &full) {
            if let weir_dsl::ast::MemberKind::Param(param) = &member.kind {
                self.push(
                    &param.name.text,
                    kind::CONSTANT,
                    "parameter",
                    0,
                    Some(json!(["member", full, param.name.text])),
                );
            }
        }
    }
}

/// Adds the documentation of an answer.
pub(super) fn resolve(request: &Request, mut item: Value) -> Value {
    let data = item.get("data").cloned().unwrap_or_default();
    let asked = data.get("uri").and_then(Value::as_str).map(uri::canonical).unwrap_or_default();
    let part = |at: usize| data.pointer(&format!("/symbol/{at}")).and_then(Value::as_str).map(SmolStr::from);
    let world = request.worlds.iter().map(|(world, _)| world).find(|world| world.file(&asked).is_some());
    let symbol = match (part(0).as_deref(), part(1), part(2)) {
        (Some("package"), Some(name), _) => Some(Symbol::Package(name)),
        (Some("entity"), Some(package), Some(name)) => Some(Symbol::Entity(package, name)),
        (Some("member"), Some(policy), Some(name)) => Some(Symbol::Member(policy, name)),
        (Some("rule"), Some(policy), Some(name)) => Some(Symbol::Rule(policy, name)),
        (Some("field"), Some(event), Some(name)) => world.and_then(|world| {
            let schema = &world.found.env.schema;
            Some(Symbol::Field(schema.field(schema.event(&event)?, &name)?))
        }),
        _ => None,
    };
    let text = world.zip(symbol).and_then(|(world, symbol)| describe::symbol(world, &symbol));
    if let (Some(text), Some(object)) = (text, item.as_object_mut()) {
        object.insert("documentation".into(), json!({ "kind": "markdown", "value": text }));
    }
    item
}
