//! Entry points for fuzzers: plain functions that take any bytes and fail loudly when a promise is broken.

use std::sync::Arc;

use crate::exchange::HttpExchange;
use crate::reject::RejectReason;
use crate::time::{EARLIEST_MS, LATEST_MS};
use crate::{Input, Item, Reader, ReaderOptions, access_json, combined, typed};

/// Parses each line as a common or combined record; what parses must survive printing and parsing again.
pub fn fuzz_combined(data: &[u8]) {
    for line in data.split(|b| *b == b'\n') {
        let Ok(exchange) = combined::parse(line) else { continue };
        check(&exchange);
        // Printing is canonical, so a second round must change nothing more; the first may drop a spelling
        // the printer has no place for (a host name of dashes, a path that ends in a space).
        if let Ok(again) = combined::parse(combined::print(&exchange).as_bytes()) {
            check(&again);
            assert_eq!(again.ts_ms, exchange.ts_ms - exchange.ts_ms.rem_euclid(1000));
            assert_eq!((again.status, again.bytes), (exchange.status, exchange.bytes));
            assert_eq!(again.user_agent, exchange.user_agent);
        }
    }
}

/// Parses each line as a typed event; what parses must print as JSON that gives the same fields.
pub fn fuzz_ndjson(data: &[u8]) {
    for line in data.split(|b| *b == b'\n') {
        let Ok(event) = typed::parse(line) else { continue };
        assert!((0..LATEST_MS).contains(&event.ts_ms));
        let Ok(printed) = serde_json::to_vec(&event.fields) else { continue };
        assert_eq!(crate::value::parse_object(&printed).as_ref(), Ok(&event.fields));
    }
}

/// Parses each line as a JSON access record.
pub fn fuzz_nginx_json(data: &[u8]) {
    for line in data.split(|b| *b == b'\n') {
        if let Ok(exchange) = access_json::parse(line) {
            check(&exchange);
        }
    }
}

/// Reads the bytes as an input: decompression, lines, detection, reordering. Every line is accounted for.
pub fn fuzz_input(data: &[u8]) {
    let input = Input::Memory { name: "fuzz".into(), bytes: Arc::from(data) };
    let options = ReaderOptions { max_line: 512, ..ReaderOptions::default() };
    let Ok(mut reader) = Reader::new(vec![input], options) else { return };
    let (mut records, mut rejects, mut failures) = (0, 0, 0);
    for item in reader.by_ref() {
        match item {
            Item::Record(_) => records += 1,
            Item::Reject(reject) => {
                assert!(reject.reason != RejectReason::TooLong || !reject.sample.is_empty());
                rejects += 1;
            }
            Item::Failed(_) => failures += 1,
        }
    }
    let progress = reader.progress();
    assert_eq!(progress.lines, progress.blank + records + rejects);
    assert_eq!(rejects, reader.rejects().total());
    assert!(failures <= 1 && progress.bytes_read <= data.len() as u64);
}

fn check(exchange: &HttpExchange) {
    assert!((EARLIEST_MS..LATEST_MS).contains(&exchange.ts_ms));
    assert!(exchange.texts().all(|text| !text.chars().any(char::is_control)));
    assert!(exchange.status.is_none_or(|s| (100..1000).contains(&s)));
    assert!(exchange.duration_ms.is_none_or(|d| d.is_finite() && d >= 0.0));
    assert!(exchange.ip.is_none() || exchange.client_name.is_none());
}
