//! Business events from plain HTTP.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use common::Site;
use weir_compiler::value::Value;
use weir_engine::{Http, Input, Record};

const MAPS: &str = r#"package t
use std.events { cart.add, checkout, http.request, inventory.lookup, login, signup }

derive login from http.exchange where method == POST and path matches "/api/v*/login" {
  user:    body.json("/username")
  factor:  password
  session: cookie("sid")
  outcome: case status { 200 => success, 401 => failure, 423 => locked, _ => error }
}
derive login from http.exchange where method == POST and path starts with "/api" {
  user: body.form("user")
}
derive inventory.lookup from http.exchange where method == GET and path matches "/stores/stock" {
  channel: web
  sku:     query("sku")
  zip:     query("zip")
}
derive inventory.lookup from http.exchange where method == GET and path matches "/m/v*/stock/*/*" {
  channel: mobile
  sku:     path.segment(4)
  zip:     path.segment(5)
}
derive checkout from http.exchange where method == POST and path matches "/api/orders" {
  sku:   body.json("/lines/0/sku")
  total: money(body.json("/total/minor"), body.json("/total/currency"))
}
derive signup from http.exchange where path == "/join" and status == 201 {
  email:   body.form("mail")
  outcome: success
}

policy p {
  on login
  mode enforce
  rule r { when outcome == failure then tag user x for 1h because "{user}" }
}
tag x
"#;

fn http(site: &Site, fields: &[(&str, &str)], headers: &[(&str, &str)], body: &str) -> Http {
    let (request, _) = site.record("http.request", fields);
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Http { request, headers, body: Some(body.as_bytes().to_vec()) }
}

fn get(site: &Site, record: &Record, field: &str) -> Option<Value> {
    let schema = &site.engine.hir().schema;
    record.get(schema, schema.field(record.event(), field).unwrap()).cloned()
}

#[test]
fn a_login_is_made_and_answered() {
    let mut site = Site::new(MAPS);
    let fields = [("method", "POST"), ("path", "/api/v2/login"), ("ip", "192.0.2.1"), ("user_agent", "x")];
    let request = http(&site, &fields, &[("Cookie", "a=b; sid=s1")], r#"{"username": "ana"}"#);
    let derived = site.engine.derive(&request);
    assert_eq!(derived.events.len(), 2, "the first map that applies counts");
    let login = &derived.events[1];
    assert_eq!(login.event(), site.event("login"));
    assert_eq!(get(&site, login, "user"), Some(Value::text("ana")));
    assert_eq!(get(&site, login, "session"), Some(Value::text("s1")));
    assert_eq!(get(&site, login, "ip"), Some(Value::Ip("192.0.2.1".parse().unwrap())));
    assert_eq!(get(&site, login, "outcome"), None);

    let decision = site.decided(Input::Request { at: site.now, events: derived.events.clone() });
    let (mut response, status) = site.record("http.response", &[("status", "401")]);
    let schema = site.engine.hir().schema.clone();
    status.into_iter().for_each(|(field, value)| response.set(&schema, field, value).unwrap());
    let answers = site.engine.answer_to(&request, &derived, &response);
    assert_eq!(answers.events.len(), 1);
    let at = site.now;
    let input = Input::Response { request: decision.seq, at, fields: answers.fields, events: answers.events };
    let answered = site.decided(input);
    assert_eq!(site.fired(&answered), ["r"]);
}

#[test]
fn two_doors_to_one_room() {
    let site = Site::new(MAPS);
    let web = http(
        &site,
        &[("method", "GET"), ("path", "/stores/stock"), ("query", "sku=a%20b&zip=12345")],
        &[],
        "",
    );
    let app = http(&site, &[("method", "GET"), ("path", "/m/v3/stock/a%20b/12345")], &[], "");
    for (request, channel) in [(web, 0), (app, 1)] {
        let derived = site.engine.derive(&request);
        let lookup = &derived.events[1];
        assert_eq!(get(&site, lookup, "sku"), Some(Value::text("a b")));
        assert_eq!(get(&site, lookup, "zip"), Some(Value::text("12345")));
        assert_eq!(get(&site, lookup, "channel"), Some(Value::Variant(channel)));
    }
}

#[test]
fn an_event_whose_condition_asks_the_response_begins_with_it() {
    let site = Site::new(MAPS);
    let request = http(&site, &[("method", "POST"), ("path", "/join")], &[], "mail=ana%40a.example");
    let derived = site.engine.derive(&request);
    assert_eq!(derived.events.len(), 1);
    for (status, made) in [("201", 1), ("400", 0)] {
        let (mut response, late) = site.record("http.response", &[("status", status)]);
        let schema = site.engine.hir().schema.clone();
        late.into_iter().for_each(|(field, value)| response.set(&schema, field, value).unwrap());
        let answers = site.engine.answer_to(&request, &derived, &response);
        assert_eq!(answers.events.len(), 1 + made);
        if let Some(signup) = answers.events.get(1) {
            assert_eq!(get(&site, signup, "email"), Some(Value::text("ana@a.example")));
            assert_eq!(get(&site, signup, "outcome"), Some(Value::Variant(0)));
        }
    }
}

#[test]
fn absurd_bodies_leave_fields_missing() {
    let site = Site::new(MAPS);
    let deep = "[".repeat(100_000);
    let long = format!(r#"{{"lines": [{{"sku": "{}"}}]}}"#, "x".repeat(100_000));
    let huge = "x".repeat(weir_engine::BODY + 1);
    for body in ["", "{", "null", &deep, &long, &huge, r#"{"lines": [{"sku": {"a": 1}}]}"#] {
        let request = http(&site, &[("method", "POST"), ("path", "/api/orders")], &[], body);
        let derived = site.engine.derive(&request);
        let checkout = derived.events.iter().find(|record| record.event() == site.event("checkout")).unwrap();
        assert_eq!((get(&site, checkout, "sku"), get(&site, checkout, "total")), (None, None));
    }
    let body = r#"{"lines": [{"sku": 7}], "total": {"minor": 1250, "currency": "USD"}}"#;
    let request = http(&site, &[("method", "POST"), ("path", "/api/orders")], &[], body);
    let derived = site.engine.derive(&request);
    let checkout = derived.events.iter().find(|record| record.event() == site.event("checkout")).unwrap();
    assert_eq!(get(&site, checkout, "sku"), Some(Value::text("7")));
    let usd = weir_compiler::value::Currency(*b"USD");
    assert_eq!(get(&site, checkout, "total"), Some(Value::Money(1_250, usd)));
}

#[test]
fn maps_make_the_same_on_the_walker() {
    common::run_on_the_walker("maps_make_the_same_on_the_walker");
}
