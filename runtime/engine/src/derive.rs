//! Business events from plain HTTP.
//!
//! A map makes an event of a request to which its condition applies; of several maps of one event the first that
//! applies counts. What depends on the response is filled in when it comes, and an event whose condition asks the
//! response begins with it. Bodies and queries are read with bounds, and never more than once an exchange.

use std::borrow::Cow;
use std::cell::OnceCell;

use weir_compiler::data::Data;
use weir_compiler::evaluate::Evaluator;
use weir_compiler::hir::{Builtin, CohortValue, Derive, Hir, Key, Phase};
use weir_compiler::ids::*;
use weir_compiler::ir::{Memo, Unit};
use weir_compiler::schema::{Event, Schema, Slot};
use weir_compiler::value::Value;
use weir_compiler::walk::World;

use crate::engine::Engine;
use crate::reads::Reads;
use crate::record::{Record, RecordBuilder};

/// The longest body that is looked into; a longer one is as good as missing.
pub const BODY: usize = 1 << 20;
/// The most pairs of a query, form or cookie header that are looked at.
const PAIRS: usize = 1_000;

/// A request as it came: its `http.request` and what else maps may look at.
#[derive(Clone, Debug)]
pub struct Http {
    /// The event.
    pub request: Record,
    /// Names and values, in order; names in any case.
    pub headers: Vec<(String, String)>,
    /// The body, where it is known.
    pub body: Option<Vec<u8>>,
}

/// What a request gave.
#[derive(Clone, Debug)]
pub struct Derived {
    /// `http.request`, then what was made of it, in the order in which the maps are declared.
    pub events: Vec<Record>,
    /// The map of each event but the first.
    maps: Vec<usize>,
}

/// What a response gave, for [`crate::Input::Response`].
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// The response fields of each of the request's events.
    pub fields: Vec<Vec<(FieldId, Value)>>,
    /// Events that begin with the response.
    pub events: Vec<Record>,
}

/// The maps of a rule set.
#[derive(Debug, Default)]
pub(crate) struct Maps {
    /// Whether the condition of each asks the response.
    late: Vec<bool>,
    /// Whether one of them does.
    any_late: bool,
    /// What the events of each are made of.
    fills: Vec<Fill>,
    path: Option<FieldId>,
    query: Option<FieldId>,
    at: Option<FieldId>,
}

/// What the event of a map is made of.
#[derive(Debug)]
struct Fill {
    /// By slot of the request: where its value goes; [`Event::ABSENT`] where it goes nowhere.
    copied: Vec<u16>,
    /// What the map fills in. A value over its bound or of another type is missing: the event stays usable.
    made: Vec<(FieldId, ExprId)>,
    /// What it fills in with the response.
    late: Vec<(FieldId, ExprId)>,
}

impl Fill {
    /// Of a map; `late`: of one that begins with the response, which knows all of it.
    fn new(schema: &Schema, request: EventId, derive: &Derive, late: bool) -> Self {
        let event = schema.events.get(derive.event);
        let mapped = |field: FieldId| derive.fields.iter().any(|(known, ..)| *known == field);
        let to = |slot: &Slot| {
            let place = event.and_then(|event| event.slot_info(slot.field));
            // A field that the map fills is not copied, even where that comes to nothing.
            let goes = place.is_some_and(|place| late || !place.response) && !mapped(slot.field);
            event.and_then(|event| event.slot_of.get(slot.field.index())).filter(|_| goes).copied()
        };
        let of_request = schema.events.get(request).into_iter().flat_map(|request| &request.slots);
        let mut fill = Self {
            copied: of_request.map(|slot| to(slot).unwrap_or(Event::ABSENT)).collect(),
            made: Vec::new(),
            late: Vec::new(),
        };
        for (nth, (field, expr, phase)) in derive.fields.iter().enumerate() {
            if *phase == Phase::Response {
                fill.late.push((*field, *expr));
            }
            let waits = *phase == Phase::Response
                || event.and_then(|event| event.slot_info(*field)).is_some_and(|slot| slot.response);
            // Of two expressions for a field the first counts.
            let first = derive.fields.iter().position(|(known, ..)| known == field) == Some(nth);
            if (late || !waits) && first {
                fill.made.push((*field, *expr));
            }
        }
        fill
    }

    fn to(&self, slot: usize) -> Option<usize> {
        self.copied.get(slot).filter(|to| **to != Event::ABSENT).map(|to| usize::from(*to))
    }
}

impl Maps {
    pub(crate) fn new(hir: &Hir) -> Self {
        let Some(request) = hir.schema.event("http.request") else {
            return Self { late: vec![true; hir.derives.len()], any_late: true, ..Self::default() };
        };
        let of_request = |field: &FieldId| {
            hir.schema.events.get(request).is_some_and(|event| event.slot(*field).is_some())
        };
        let late = |derive: &Derive| {
            derive.filter.is_some_and(|filter| !Reads::of(hir, filter).fields.iter().all(of_request))
        };
        let late: Vec<bool> = hir.derives.iter().map(late).collect();
        let fill = |(derive, late): (&Derive, &bool)| Fill::new(&hir.schema, request, derive, *late);
        Self {
            fills: hir.derives.iter().zip(&late).map(fill).collect(),
            any_late: late.contains(&true),
            late,
            path: hir.schema.field(request, "path"),
            query: hir.schema.field(request, "query"),
            at: hir.schema.envelope_field("at"),
        }
    }

    /// The fields that maps take apart.
    pub(crate) fn fields(&self) -> impl Iterator<Item = FieldId> {
        let taken = self.path.into_iter().chain(self.query);
        taken.filter(|_| !self.late.is_empty())
    }
}

impl Engine {
    /// The events of a request. The request's record is copied; everything else is made anew.
    pub fn derive(&self, http: &Http) -> Derived {
        // One request in two gives another event, hardly one gives three.
        let mut derived = Derived { events: Vec::with_capacity(2), maps: Vec::new() };
        derived.events.push(http.request.clone());
        let exchange = Exchange::new(self, http, None);
        for (at, derive) in self.set.hir.derives.iter().enumerate() {
            let known = derived.events.iter().any(|record| record.event() == derive.event);
            if known || self.set.maps.late.get(at) != Some(&false) || !exchange.applies(derive) {
                continue;
            }
            derived.events.extend(exchange.make(at, derive));
            derived.maps.push(at);
        }
        derived
    }

    /// What the response adds to the events of a request. `response` is its `http.response`.
    pub fn answer_to(&self, http: &Http, derived: &Derived, response: &Record) -> Answers {
        let mut fields = Vec::with_capacity(1 + derived.maps.len());
        fields.push(Vec::new());
        let mut answers = Answers { fields, events: vec![response.clone()] };
        if derived.maps.is_empty() && !self.set.maps.any_late {
            return answers;
        }
        let exchange = Exchange::new(self, http, Some(response));
        answers.fields.extend(derived.maps.iter().map(|at| exchange.late_fields(*at)));
        let derives = &self.set.hir.derives;
        let of = |at: &usize| derives.get(*at).map(|derive| derive.event);
        for (at, derive) in derives.iter().enumerate().filter(|_| self.set.maps.any_late) {
            // Of each event there is one, be it the request, made of it or made before.
            let known = derive.event == http.request.event()
                || derived.maps.iter().any(|at| of(at) == Some(derive.event))
                || answers.events.iter().skip(1).any(|record| record.event() == derive.event);
            if self.set.maps.late.get(at) == Some(&true) && !known && exchange.applies(derive) {
                answers.events.extend(exchange.make(at, derive));
            }
        }
        answers
    }
}

/// A request with its response, as maps see it.
struct Exchange<'a> {
    hir: &'a Hir,
    unit: Option<&'a Unit>,
    memo: &'a Memo,
    data: &'a Data,
    maps: &'a Maps,
    http: &'a Http,
    response: Option<&'a Record>,
    json: OnceCell<Option<serde_json::Value>>,
    form: OnceCell<Vec<(String, String)>>,
    pairs: OnceCell<Vec<(String, String)>>,
}

impl<'a> Exchange<'a> {
    fn new(engine: &'a Engine, http: &'a Http, response: Option<&'a Record>) -> Self {
        Self {
            hir: &engine.set.hir,
            unit: engine.set.unit.as_ref(),
            memo: engine.readings.begin_maps(),
            data: &engine.data,
            maps: &engine.set.maps,
            http,
            response,
            json: OnceCell::new(),
            form: OnceCell::new(),
            pairs: OnceCell::new(),
        }
    }

    fn schema(&self) -> &'a Schema {
        &self.hir.schema
    }

    fn walker(&self) -> Evaluator<'a> {
        Evaluator::new(self.hir, self.data, self.unit).with_memo(self.memo)
    }

    fn applies(&self, derive: &Derive) -> bool {
        derive.filter.is_none_or(|filter| self.walker().truth(filter, self) == Some(true))
    }

    /// The event: what the request has of it, then what the map fills.
    fn make(&self, at: usize, derive: &Derive) -> Option<Record> {
        let (schema, fill) = (self.schema(), self.maps.fills.get(at)?);
        let mut record =
            RecordBuilder::copied(schema, derive.event, &self.http.request, |slot| fill.to(slot));
        for (field, expr) in &fill.made {
            if let Some(value) = self.walker().value(*expr, self) {
                let _ = record.set(*field, value.into_owned());
            }
        }
        Some(record.finish())
    }

    fn late_fields(&self, at: usize) -> Vec<(FieldId, Value)> {
        let late = self.maps.fills.get(at).map(|fill| fill.late.as_slice()).unwrap_or_default();
        let value = |(field, expr): &(FieldId, ExprId)| {
            Some((*field, self.walker().value(*expr, self)?.into_owned()))
        };
        let mut fields = Vec::with_capacity(late.len());
        fields.extend(late.iter().filter_map(value));
        fields
    }

    fn body(&self) -> Option<&'a [u8]> {
        self.http.body.as_deref().filter(|body| body.len() <= BODY)
    }

    fn text_field(&self, field: Option<FieldId>) -> Option<&'a str> {
        match self.http.request.get(self.schema(), field?)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    fn headers(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let wanted = name.to_owned();
        let named = move |(name, value): &'a (String, String)| {
            name.eq_ignore_ascii_case(&wanted).then_some(value.as_str())
        };
        self.http.headers.iter().filter_map(named)
    }

    fn json(&self, pointer: &str) -> Option<Value> {
        let parsed = self.json.get_or_init(|| serde_json::from_slice(self.body()?).ok()).as_ref()?;
        match parsed.pointer(pointer)? {
            serde_json::Value::String(text) => Some(Value::text(text)),
            serde_json::Value::Bool(truth) => Some(Value::Bool(*truth)),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(whole) => Some(Value::Int(whole)),
                None => Value::float(number.as_f64()?),
            },
            _ => None,
        }
    }
}

impl World for Exchange<'_> {
    fn field(&self, field: FieldId) -> Option<Cow<'_, Value>> {
        let schema = &self.hir.schema;
        let of_response = || self.response.and_then(|response| response.get(schema, field));
        self.http.request.get(schema, field).or_else(of_response).map(Cow::Borrowed)
    }

    fn http(&self, builtin: Builtin, argument: &Value) -> Option<Value> {
        match (builtin, argument) {
            (Builtin::BodyJson, Value::Text(pointer)) => self.json(pointer),
            (Builtin::BodyForm, Value::Text(name)) => {
                let body = || self.body().and_then(|body| std::str::from_utf8(body).ok());
                find(self.form.get_or_init(|| body().map(pairs).unwrap_or_default()), name)
            }
            (Builtin::Query, Value::Text(name)) => {
                let query = || self.text_field(self.maps.query);
                find(self.pairs.get_or_init(|| query().map(pairs).unwrap_or_default()), name)
            }
            (Builtin::PathSegment, Value::Int(nth)) => {
                let nth = usize::try_from(*nth).ok()?.checked_sub(1)?;
                let path = self.text_field(self.maps.path)?;
                let segment = path.trim_start_matches('/').split('/').nth(nth)?;
                (!segment.is_empty()).then(|| Value::text(&decoded(segment, false)))
            }
            (Builtin::Header, Value::Text(name)) => self.headers(name).next().map(Value::text),
            (Builtin::Cookie, Value::Text(name)) => {
                let cookies = self.headers("cookie").flat_map(|header| header.split(';')).take(PAIRS);
                let mut pairs = cookies.filter_map(|pair| pair.trim().split_once('='));
                pairs
                    .find(|(known, _)| *known == &**name)
                    .map(|(_, value)| Value::text(value.trim_matches('"')))
            }
            _ => None,
        }
    }

    fn now(&self) -> i64 {
        match self.maps.at.and_then(|field| self.http.request.get(&self.hir.schema, field)) {
            Some(Value::Time(at)) => *at,
            _ => 0,
        }
    }

    // Maps ask no state; the checker sees to it.
    fn fingerprint(&self, _: FingerprintId) -> Option<Value> {
        None
    }
    fn signal(&self, _: SignalId) -> Option<Value> {
        None
    }
    fn absent(&self, _: SignalId) -> Option<bool> {
        None
    }
    fn in_cohort(&self, _: CohortId) -> Option<bool> {
        None
    }
    fn cohort_value(&self, _: CohortId, _: CohortValue) -> Option<Value> {
        None
    }
    fn holds(&self, _: SequenceId) -> Option<bool> {
        None
    }
    fn captured(&self, _: SequenceId, _: u16, _: FieldId) -> Option<Value> {
        None
    }
    fn age(&self, _: SequenceId, _: u16) -> Option<i64> {
        None
    }
    fn call(&self, _: CallId) -> Option<Value> {
        None
    }
    fn tagged(&self, _: &Key, _: TagId) -> Option<bool> {
        None
    }
}

fn find(pairs: &[(String, String)], name: &str) -> Option<Value> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| Value::text(value))
}

/// The pairs of `application/x-www-form-urlencoded` text (WHATWG URL, 5.1), the first thousand of them.
fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name, true), decoded(value, true))
    };
    text.split('&').filter(|text| !text.is_empty()).take(PAIRS).map(pair).collect()
}

/// Percent-decoded text; a `%` without two hexadecimal digits stands for itself, bytes that are no UTF-8 become U+FFFD.
fn decoded(text: &str, plus_is_space: bool) -> String {
    if !text.contains(['%', '+']) {
        return text.to_owned();
    }
    let hex = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let source = text.as_bytes();
    let mut bytes = Vec::with_capacity(source.len());
    let mut at = 0;
    while let Some(byte) = source.get(at) {
        match (byte, hex(source.get(at + 1)), hex(source.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                at += 2;
            }
            (b'+', ..) if plus_is_space => bytes.push(b' '),
            (byte, ..) => bytes.push(*byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms_are_decoded() {
        let found = pairs("user=ana+b%C3%A9&=x&flag&user=second&bad=%zz%4");
        assert_eq!(find(&found, "user"), Some(Value::text("ana bé")));
        assert_eq!(find(&found, "flag"), Some(Value::text("")));
        assert_eq!(find(&found, "bad"), Some(Value::text("%zz%4")));
        assert_eq!(find(&found, "none"), None);
    }

    #[test]
    fn a_plus_in_a_path_is_a_plus() {
        assert_eq!(decoded("a+b%2Fc", false), "a+b/c");
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in any::<String>()) {
            for (name, value) in pairs(&text) {
                prop_assert!(name.len() + value.len() <= 3 * text.len());
            }
        }
    }
}
