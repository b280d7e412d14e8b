//! Events as bytes: what is written returns, names are found again, and no bytes do harm.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod common;

use std::sync::Arc;

use common::{Site, link};
use proptest::prelude::*;
use weir_compiler::hir::Hir;
use weir_compiler::ids::IdVec;
use weir_compiler::types::Type;
use weir_compiler::value::{Country, Currency, Value};
use weir_engine::wire::{Bytes, Decoder, Dictionary, Dropped, Error, Variants, put_input, put_value, value};
use weir_engine::{Input, Record, RecordBuilder, Seq};

const POLICY: &str = "package t
event sale {
  item: string
  tries: int?
  share: probability?
  from: country?
  price: money?
  how: enum { card, cash }?
  tags: set<string>?
  more: map<string, int>?
  networks: list<cidr>?
}
policy p {
  on sale
  rule dear { when tries > 3 then log because \"dear\" }
}";

fn sale(hir: &Hir, item: &str, how: u16) -> Record {
    let event = hir.schema.event("sale").unwrap();
    let mut record = RecordBuilder::new(&hir.schema, event);
    for (name, value) in [
        ("item", Value::text(item)),
        ("tries", Value::Int(-7)),
        ("share", Value::Float(0.25)),
        ("from", Value::Country(Country::parse("FR").unwrap())),
        ("price", Value::Money(1999, Currency::parse("EUR").unwrap())),
        ("how", Value::Variant(how)),
        ("tags", Value::List(vec![Value::text("a"), Value::text("b")].into())),
        ("more", Value::Map(vec![(Arc::from("x"), Value::Int(1))].into())),
        ("networks", Value::List(vec![Value::Cidr("192.0.2.0/24".parse().unwrap())].into())),
        ("ip", Value::Ip("2001:db8::1".parse().unwrap())),
    ] {
        record.set_named(name, value).unwrap();
    }
    record.finish()
}

fn bytes_of(hir: &Hir, input: &Input) -> Vec<u8> {
    let mut out = Vec::new();
    put_input(&mut out, &hir.schema, input);
    out
}

#[test]
fn an_input_returns_as_it_was() {
    let hir = link(POLICY).hir;
    let request = Input::Request { at: -5, events: vec![sale(&hir, "é", 1)] };
    let status = hir.schema.fields.iter().find(|(_, field)| field.name == "status").unwrap().0;
    let response = Input::Response {
        request: Seq(7),
        at: i64::MAX,
        fields: vec![vec![(status, Value::Int(200))], vec![]],
        events: vec![sale(&hir, "", 0)],
    };
    let mut dictionary = Vec::new();
    Dictionary::of(&hir).write(&mut dictionary);
    let dictionary = Dictionary::read(&mut Bytes::new(&dictionary)).unwrap();
    let mut decoder = Decoder::new(dictionary, &hir);
    for input in [request, response, Input::Tick { at: 3 }] {
        let bytes = bytes_of(&hir, &input);
        let mut left = Bytes::new(&bytes);
        let read = decoder.input(&mut left).unwrap();
        left.end().unwrap();
        assert_eq!(format!("{read:?}"), format!("{input:?}"));
        assert_eq!(bytes_of(&hir, &read), bytes);
    }
    assert_eq!(decoder.dropped(), Dropped::default());
}

#[test]
fn names_are_found_again_in_a_later_schema() {
    let hir = link(POLICY).hir;
    let bytes = bytes_of(&hir, &Input::Request { at: 0, events: vec![sale(&hir, "tea", 1)] });
    // Fields in another order, one gone, one renamed, one of another type, the variants turned round.
    let later = link(
        "package t
event sale {
  how: enum { cheque, cash, card }?
  attempts: int? alias tries
  item: int?
  networks: list<cidr>?
}
policy p {
  on sale
  rule dear { when attempts > 3 then log because \"dear\" }
}",
    )
    .hir;
    let mut decoder = Decoder::new(Dictionary::of(&hir), &later);
    let Input::Request { events, .. } = decoder.input(&mut Bytes::new(&bytes)).unwrap() else { panic!() };
    let get = |name: &str| {
        let field = later.schema.field(events[0].event(), name).unwrap();
        events[0].get(&later.schema, field).cloned()
    };
    assert_eq!(get("how"), Some(Value::Variant(1)));
    assert_eq!(get("attempts"), Some(Value::Int(-7)));
    assert_eq!(get("item"), None);
    assert_eq!(get("ip"), Some(Value::Ip("2001:db8::1".parse().unwrap())));
    assert_eq!(decoder.dropped(), Dropped { fields: 5, values: 1 });
}

#[test]
fn an_event_that_is_gone_is_an_error() {
    let hir = link(POLICY).hir;
    let bytes = bytes_of(&hir, &Input::Request { at: 0, events: vec![sale(&hir, "tea", 1)] });
    let mut later = Hir { declarations: Arc::clone(&hir.declarations), ..Hir::default() };
    later.schema = Arc::new(weir_compiler::schema::Schema {
        fields: hir.schema.fields.clone(),
        envelope: hir.schema.envelope,
        events: IdVec::default(),
    });
    let read = Decoder::new(Dictionary::of(&hir), &later).input(&mut Bytes::new(&bytes));
    assert!(matches!(read, Err(Error::Damaged(_))));
}

#[test]
fn variants_by_name_need_no_dictionary() {
    let ty = Type::List(Box::new(Type::Enum(["a".into(), "b".into()].into())));
    let turned = Type::List(Box::new(Type::Enum(["b".into(), "a".into()].into())));
    let mut out = Vec::new();
    put_value(&mut out, &Value::List(vec![Value::Variant(1)].into()), &ty, Variants::Name);
    let read = value(&mut Bytes::new(&out), &Type::Error, &turned).unwrap();
    assert_eq!(read, Value::List(vec![Value::Variant(0)].into()));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut left = Bytes::new(&bytes);
        if let Ok(found) = value(&mut left, &Type::Error, &Type::Error) {
            let mut again = Vec::new();
            put_value(&mut again, &found, &Type::Error, Variants::Position);
            // A variant by name of no known type is read as one that nobody declares.
            prop_assert!(again.len() == bytes.len() - left.left() || bytes.contains(&16));
        }
        let _ = Dictionary::read(&mut Bytes::new(&bytes));
    }

    #[test]
    fn damaged_inputs_are_read_or_refused(at in 0_usize..4096, byte: u8, cut in 0_usize..4096) {
        thread_local!(static SITE: (Hir, Vec<u8>) = {
            let hir = link(POLICY).hir;
            let bytes = bytes_of(&hir, &Input::Request { at: 9, events: vec![sale(&hir, "tea", 1), sale(&hir, "x", 0)] });
            (hir, bytes)
        });
        SITE.with(|(hir, bytes)| {
            let mut bytes = bytes.clone();
            let at = at % bytes.len();
            bytes[at] = byte;
            bytes.truncate(bytes.len().max(1) - cut % bytes.len());
            let mut decoder = Decoder::new(Dictionary::of(hir), hir);
            let _ = decoder.input(&mut Bytes::new(&bytes));
        });
    }
}

#[test]
fn the_wire_is_small() {
    let site = Site::new(POLICY);
    let input = Input::Request { at: site.now, events: vec![sale(site.engine.hir(), "tea", 1)] };
    assert!(bytes_of(site.engine.hir(), &input).len() < 120);
}
