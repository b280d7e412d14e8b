//! From what a log says to what the engine takes: an exchange or a typed event becomes a request and, where the log
//! knows it, a response.

use std::fmt;

use smol_str::{SmolStr, format_smolstr};
use weir_compiler::convert;
use weir_compiler::ids::{EventId, FieldId};
use weir_compiler::schema::Schema;
use weir_compiler::types::Type;
use weir_compiler::value::Value;
use weir_engine::{Answers, Derived, Engine, Http, Place, Record, RecordBuilder, clip};
use weir_gateway::{HttpExchange, Parsed, TypedEvent};

use crate::args::DisabledKey;

/// Fields that a replay leaves missing.
#[derive(Clone, Debug, Default)]
pub struct Disabled {
    ip: bool,
    fields: Vec<FieldId>,
}

impl Disabled {
    /// The fields that go with the keys disabled: country with the address, the class with the network.
    pub fn new(keys: &[DisabledKey], schema: &Schema) -> Self {
        let names: Vec<&str> = keys
            .iter()
            .flat_map(|key| match key {
                DisabledKey::Ip => ["ip", "country"].as_slice(),
                DisabledKey::Net => &[],
                DisabledKey::Asn => &["asn", "asn.class"],
            })
            .copied()
            .collect();
        Self {
            ip: keys.contains(&DisabledKey::Ip),
            fields: names.iter().filter_map(|name| schema.envelope_field(name)).collect(),
        }
    }
}

/// One line on its way into the engine.
#[derive(Debug)]
pub enum Intake {
    /// A request with what its maps made of it, and its `http.response`.
    Http(Http, Derived, Record),
    /// A typed event, and its fields known only with the response.
    Typed(Record, Vec<(FieldId, Value)>),
}

impl Intake {
    /// The events of the request.
    pub fn events(&self) -> Vec<Record> {
        match self {
            Self::Http(_, derived, _) => derived.events.clone(),
            Self::Typed(record, _) => vec![record.clone()],
        }
    }

    /// The same, of which an exchange keeps none: what the response adds is then added to records that nobody shares.
    pub(crate) fn take_events(&mut self) -> Vec<Record> {
        match self {
            Self::Http(_, derived, _) => std::mem::take(&mut derived.events),
            Self::Typed(record, _) => vec![record.clone()],
        }
    }

    /// The events of the request alone.
    pub fn into_events(self) -> Vec<Record> {
        match self {
            Self::Http(_, derived, _) => derived.events,
            Self::Typed(record, _) => vec![record],
        }
    }

    /// What the response adds; may be taken once.
    pub fn answers(&mut self, engine: &Engine) -> Answers {
        match self {
            Self::Http(http, derived, response) => engine.answer_to(http, derived, response),
            Self::Typed(_, late) => Answers { fields: vec![std::mem::take(late)], events: Vec::new() },
        }
    }
}

/// From lines to the engine's inputs. Fields are found by name once, not at every line.
#[derive(Debug)]
pub struct Mapper {
    /// `http.request` and `http.response`, where the schema has both.
    exchange: Option<Columns>,
    disabled: Disabled,
}

/// The fields of an access log, with where they stand. What the schema does not have, or is disabled, is `None` and stays missing.
#[derive(Debug)]
struct Columns {
    request: EventId,
    id: Option<Place>,
    at: Option<Place>,
    ip: Option<Place>,
    user_agent: Option<Place>,
    ja4: Option<Place>,
    user: Option<Place>,
    session: Option<Place>,
    method: Option<Place>,
    path: Option<Place>,
    query: Option<Place>,
    host: Option<Place>,
    referrer: Option<Place>,
    protocol: Option<Place>,
    response: EventId,
    /// Something looks at the response's own event, which then has the request's envelope.
    looks_at_response: bool,
    answers: Option<Place>,
    status: Option<Place>,
    bytes: Option<Place>,
}

impl Columns {
    fn new(schema: &Schema, disabled: &Disabled, wants: impl Fn(FieldId) -> bool) -> Option<Self> {
        let (request, response) = (schema.event("http.request")?, schema.event("http.response")?);
        let place = |event, name| {
            let field: Option<FieldId> = schema.field(event, name);
            let field = field.filter(|field| !disabled.fields.contains(field) && wants(*field))?;
            Place::of(schema, event, field)
        };
        let of_request = |name| place(request, name);
        let of_response = |name| place(response, name);
        Some(Self {
            request,
            id: of_request("id"),
            at: of_request("at"),
            ip: of_request("ip"),
            user_agent: of_request("user_agent"),
            ja4: of_request("ja4"),
            user: of_request("user"),
            // A session is made of the address: without the one there is not the other.
            session: of_request("session").filter(|_| !disabled.ip),
            method: of_request("method"),
            path: of_request("path"),
            query: of_request("query"),
            host: of_request("host"),
            referrer: of_request("referrer"),
            protocol: of_request("protocol"),
            response,
            looks_at_response: true,
            answers: of_response("request"),
            status: of_response("status"),
            bytes: of_response("bytes"),
        })
    }
}

/// Why a line is no event, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Its `event` is not declared.
    UnknownEvent,
    /// A field that must be there is not.
    MissingField,
    /// A value is not of its field's type or over its bound.
    BadValue,
}

impl Reason {
    /// As a key in JSON.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::UnknownEvent => "unknown-event",
            Self::MissingField => "missing-field",
            Self::BadValue => "bad-value",
        }
    }
}

/// Why a line is no event. Names come from the schema but for the event's of [`Reason::UnknownEvent`]; there is
/// nothing of the line's values in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// In a word.
    pub reason: Reason,
    /// The event's name, as the line has it.
    pub event: SmolStr,
    /// The field, if it is one.
    pub field: Option<SmolStr>,
    /// The type that its value must have.
    pub wanted: Option<SmolStr>,
}

impl Refusal {
    fn unknown(event: &str) -> Self {
        Self { reason: Reason::UnknownEvent, event: event.into(), field: None, wanted: None }
    }

    fn of_field(reason: Reason, schema: &Schema, event: EventId, field: FieldId) -> Self {
        let declared = schema.fields.get(field);
        Self {
            reason,
            event: schema.events.get(event).map(|event| event.name.clone()).unwrap_or_default(),
            field: declared.map(|field| field.name.clone()),
            wanted: declared.map(|field| format_smolstr!("{}", field.ty)),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = self.field.as_deref().unwrap_or("a field");
        let wanted = self.wanted.as_deref().unwrap_or("what is declared");
        match self.reason {
            Reason::UnknownEvent => write!(f, "no schema declares an event `{}`", self.event),
            Reason::MissingField => write!(f, "`{}` without its `{field}`, {wanted}", self.event),
            Reason::BadValue => write!(f, "`{field}` of `{}` is no {wanted}, or too long", self.event),
        }
    }
}

impl Mapper {
    /// For a schema, whole events.
    pub fn new(schema: &Schema, disabled: Disabled) -> Self {
        Self { exchange: Columns::new(schema, &disabled, |_| true), disabled }
    }

    /// For an engine: what nothing reads is left out of requests. They are decided as whole ones are, and cannot stand for them elsewhere.
    pub fn lean(engine: &Engine, disabled: Disabled) -> Self {
        let schema = &engine.hir().schema;
        let columns = Columns::new(schema, &disabled, |field| engine.wants(field));
        let looks_at = |columns: &Columns| engine.looks_at(columns.response);
        let exchange = columns.map(|columns| Columns { looks_at_response: looks_at(&columns), ..columns });
        Self { exchange, disabled }
    }

    /// What a line gives.
    pub fn intake(&self, engine: &Engine, seq: u64, parsed: &Parsed) -> Result<Intake, Refusal> {
        match parsed {
            Parsed::Exchange(exchange) => self.exchange(engine, seq, exchange),
            Parsed::Typed(typed) => self.typed(engine, typed),
        }
    }

    fn exchange(&self, engine: &Engine, seq: u64, exchange: &HttpExchange) -> Result<Intake, Refusal> {
        let columns = self.exchange.as_ref().ok_or_else(|| Refusal::unknown("http.request"))?;
        let schema = &engine.hir().schema;
        let id = (columns.id.is_some() || columns.answers.is_some()).then(|| number(seq));
        let mut request = RecordBuilder::new(schema, columns.request);
        text(&mut request, &columns.id, id.as_ref());
        put(&mut request, &columns.at, Some(Value::Time(exchange.ts_ms)));
        put(&mut request, &columns.ip, exchange.ip.map(|ip| Value::Ip(ip.to_canonical())));
        text(&mut request, &columns.user_agent, exchange.user_agent.as_ref());
        text(&mut request, &columns.ja4, exchange.ja4.as_ref());
        text(&mut request, &columns.user, exchange.user.as_ref());
        // A log knows no cookies: one client at one address stands for a session.
        if let (Some(_), Some(ip), Some(agent)) = (&columns.session, exchange.ip, &exchange.user_agent) {
            text(&mut request, &columns.session, Some(&engine.client(ip, agent)));
        }
        text(&mut request, &columns.method, exchange.method.as_ref());
        // A request line that could not be read has a path, too, and it is empty.
        let none = SmolStr::new_static("");
        let path = exchange.path.as_ref().unwrap_or(&none);
        match origin_form(path) {
            form if form.len() == path.len() => text(&mut request, &columns.path, Some(path)),
            form => text(&mut request, &columns.path, Some(&SmolStr::new(form))),
        }
        text(&mut request, &columns.query, exchange.query.as_ref());
        text(&mut request, &columns.host, exchange.host.as_ref());
        text(&mut request, &columns.referrer, exchange.referrer.as_ref());
        text(&mut request, &columns.protocol, exchange.protocol.as_ref());
        let request = request.finish();
        let mut response = if columns.looks_at_response {
            RecordBuilder::beside(schema, columns.response, &request)
        } else {
            RecordBuilder::new(schema, columns.response)
        };
        text(&mut response, &columns.answers, id.as_ref());
        put(&mut response, &columns.status, exchange.status.map(|status| Value::Int(i64::from(status))));
        let bytes = exchange.bytes.and_then(|bytes| i64::try_from(bytes).ok());
        put(&mut response, &columns.bytes, bytes.map(Value::Int));
        let response = response.finish();
        let http = Http { request, headers: Vec::new(), body: None };
        let derived = engine.derive(&http);
        Ok(Intake::Http(http, derived, response))
    }

    /// The fields of a typed event that are known only with its response.
    pub fn response_fields(
        &self,
        engine: &Engine,
        typed: &TypedEvent,
    ) -> Result<Vec<(FieldId, Value)>, Refusal> {
        self.fields(engine, typed).map(|(_, late)| late)
    }

    fn typed(&self, engine: &Engine, typed: &TypedEvent) -> Result<Intake, Refusal> {
        let (record, late) = self.fields(engine, typed)?;
        let schema = &engine.hir().schema;
        // The envelope's own id and time are the reader's to give.
        let id = schema.envelope_field("id");
        let missing = record.missing(schema).find(|field| Some(*field) != id);
        match missing {
            Some(field) => Err(Refusal::of_field(Reason::MissingField, schema, record.event(), field)),
            None => Ok(Intake::Typed(record, late)),
        }
    }

    /// A typed event's fields: those of the request in a record, those of the response apart.
    fn fields(
        &self,
        engine: &Engine,
        typed: &TypedEvent,
    ) -> Result<(Record, Vec<(FieldId, Value)>), Refusal> {
        let schema = &engine.hir().schema;
        let event = schema.event(&typed.event).ok_or_else(|| Refusal::unknown(&typed.event))?;
        let mut record = RecordBuilder::new(schema, event);
        let mut late = Vec::new();
        if let Some(at) = schema.envelope_field("at") {
            let bad = |_| Refusal::of_field(Reason::BadValue, schema, event, at);
            record.set(at, Value::Time(typed.ts_ms)).map_err(bad)?;
        }
        for (name, value) in typed.fields.iter() {
            let Some(field) = schema.field(event, name) else { continue };
            if self.disabled.fields.contains(&field) || matches!(value, weir_gateway::Value::Null) {
                continue;
            }
            let bad = || Refusal::of_field(Reason::BadValue, schema, event, field);
            let declared = schema.fields.get(field).ok_or_else(bad)?;
            let value = match value {
                weir_gateway::Value::Text(text) if declared.ty.is_textual() => {
                    convert::from_text(clip(text, declared.bound as usize), &declared.ty)
                }
                value => typed_value(value, &declared.ty),
            };
            let value = value.ok_or_else(bad)?;
            let slot = schema.events.get(event).and_then(|event| event.slot_info(field));
            if slot.is_some_and(|slot| slot.response) {
                late.push((field, value));
            } else {
                record.set(field, value).map_err(|_| bad())?;
            }
        }
        Ok((record.finish(), late))
    }

    /// The names in a line that its event has no field for: they are passed over.
    pub fn passed_over<'a>(
        &self,
        engine: &'a Engine,
        parsed: &'a Parsed,
    ) -> impl Iterator<Item = &'a str> + 'a {
        let schema = &engine.hir().schema;
        let typed = match parsed {
            Parsed::Typed(typed) => schema.event(&typed.event).map(|event| (event, typed)),
            Parsed::Exchange(_) => None,
        };
        typed.into_iter().flat_map(move |(event, typed)| {
            let names = typed.fields.iter().map(|(name, _)| name);
            names.filter(move |name| schema.field(event, name).is_none())
        })
    }
}

/// Fills a field from a log: what the schema does not have or refuses stays missing.
#[inline]
fn put(record: &mut RecordBuilder<'_>, place: &Option<Place>, value: Option<Value>) {
    if let (Some(place), Some(value)) = (place, value) {
        record.put(place, value);
    }
}

/// The same with what is text in the log, and may be of any type in the schema.
#[inline]
fn text(record: &mut RecordBuilder<'_>, place: &Option<Place>, text: Option<&SmolStr>) {
    let (Some(place), Some(text)) = (place, text) else { return };
    if place.ty().is_textual() {
        record.put_text(place, text);
    } else if let Some(value) = convert::from_text(text, place.ty()) {
        record.put(place, value);
    }
}

/// The digits of a line's number; by hand, as formatting costs five times as much.
fn number(mut seq: u64) -> SmolStr {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit += (seq % 10) as u8;
        seq /= 10;
        at -= 1;
        if seq == 0 {
            break;
        }
    }
    digits.get(at..).and_then(|digits| std::str::from_utf8(digits).ok()).map(SmolStr::new).unwrap_or_default()
}

/// The path of a request target: an absolute form (`http://host/path`) names the same page.
fn origin_form(target: &str) -> &str {
    // Nearly every target is a path, and has no scheme whatever follows.
    if target.starts_with('/') {
        return target;
    }
    let Some((scheme, rest)) = target.split_once("://") else { return target };
    if !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return target;
    }
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
}

fn typed_value(value: &weir_gateway::Value, ty: &Type) -> Option<Value> {
    use weir_gateway::Value as Json;
    match (value, ty) {
        (Json::Null, _) => None,
        (Json::Bool(truth), _) => convert::convert(&Value::Bool(*truth), ty),
        (Json::Int(int), _) => convert::convert(&Value::Int(*int), ty),
        (Json::Float(float), _) => convert::convert(&Value::float(*float)?, ty),
        (Json::Text(text), Type::Duration) => convert::duration(text).map(Value::Duration),
        (Json::Text(text), _) => convert::from_text(text, ty),
        (Json::List(items), Type::List(of) | Type::Set(of)) => {
            let items: Option<Vec<Value>> = items.iter().map(|item| typed_value(item, of)).collect();
            items.map(|items| Value::List(items.into()))
        }
        // {"minor": 500, "currency": "USD"}
        (Json::Object(fields), Type::Money) => match (fields.find("minor"), fields.find("currency")) {
            (Some(Json::Int(minor)), Some(Json::Text(currency))) => {
                weir_compiler::value::Currency::parse(currency).map(|currency| Value::Money(*minor, currency))
            }
            _ => None,
        },
        (Json::Object(fields), Type::Map(_, of)) => {
            let entries: Option<Vec<_>> =
                fields.iter().map(|(key, value)| Some((key.into(), typed_value(value, of)?))).collect();
            entries.map(|entries| Value::Map(entries.into()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_they_are() {
        for seq in [0, 7, 10, 119_844, u64::MAX] {
            assert_eq!(number(seq), seq.to_string());
        }
    }

    #[test]
    fn an_absolute_target_names_its_path() {
        assert_eq!(origin_form("http://other.example/a/b"), "/a/b");
        assert_eq!(origin_form("http://other.example"), "/");
        assert_eq!(origin_form("/a?b://c"), "/a?b://c");
    }
}
