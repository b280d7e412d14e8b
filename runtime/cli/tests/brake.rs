//! The brake in a replay of real traffic: a planted rule that stops innocent readers is suspended, and the rules that
//! stop the attack are not.
//!
//! Who is innocent is inferred as the sample's README says: a browser's name that asks for what pages are made of, at an
//! address that never tries a login.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use weir_cli::models::Scorer;
use weir_cli::replay::{self, Setup};
use weir_compiler::analysis::Analysis;
use weir_compiler::hir::{Action, Mode};
use weir_compiler::project::Manifest;
use weir_compiler::value::Value;
use weir_dsl::{FileId, Severity};
use weir_engine::{EffectKind, Engine, Input, Record};
use weir_gateway::{HttpExchange, Input as Log, Item, Parsed, Reader, ReaderOptions};

/// What goes wrong: people who type an address, or use a bookmark, come from nowhere.
const PLANTED: &str = "package planted
use std.events { http.request }
policy direct-visits {
  on http.request
  mode enforce
  harm at most 0.1% of known-good sessions

  rule from-nowhere {
    when method == GET and referrer == \"\" and user_agent starts with \"Mozilla/\"
    then block session for 1h
    because \"a browser that comes from nowhere\"
  }
}";

fn sample() -> Vec<(u64, HttpExchange)> {
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../stdlib-rules/samples/wordpress-login-attack.log.xz");
    let log = Log::from_argument(std::path::Path::new(path));
    let reader = Reader::new(vec![log], ReaderOptions::default()).unwrap();
    let lines = reader.filter_map(|item| match item {
        Item::Record(record) => match record.parsed {
            Parsed::Exchange(exchange) => Some((record.seq, *exchange)),
            Parsed::Typed(_) => None,
        },
        _ => None,
    });
    lines.collect()
}

type Client = (IpAddr, String);

fn client(exchange: &HttpExchange) -> Option<Client> {
    Some((exchange.ip?, exchange.user_agent.as_ref()?.to_string()))
}

fn is_login(exchange: &HttpExchange) -> bool {
    let path = exchange.path.as_deref().unwrap_or_default();
    exchange.method.as_deref() == Some("POST")
        && (path.contains("/wp-login.php") || path.contains("/xmlrpc.php"))
}

/// Readers, by address and software.
fn innocents(lines: &[(u64, HttpExchange)]) -> BTreeSet<Client> {
    let attackers: BTreeSet<IpAddr> = lines
        .iter()
        .filter(|(_, exchange)| is_login(exchange))
        .filter_map(|(_, exchange)| exchange.ip)
        .collect();
    let reads = |exchange: &HttpExchange| {
        let path = exchange.path.as_deref().unwrap_or_default();
        exchange.status == Some(200) && (path.ends_with(".css") || path.ends_with(".js"))
    };
    let is_person = |(ip, agent): &Client| {
        let agent = agent.to_lowercase();
        !attackers.contains(ip)
            && agent.starts_with("mozilla/")
            && !["bot", "spider", "crawl", "slurp", "preview"].iter().any(|robot| agent.contains(robot))
    };
    lines
        .iter()
        .filter(|(_, exchange)| reads(exchange))
        .filter_map(|(_, e)| client(e))
        .filter(is_person)
        .collect()
}

/// The library's default profile and, if asked for, the planted policy.
fn engine(setup: &Setup, planted: bool) -> Engine {
    let mut analysis = Analysis::new();
    for file in weir_stdlib::policies() {
        analysis.set_file(&format!("{}{}", weir_stdlib::PREFIX, file.path), file.text);
    }
    let (base, _) = Manifest::parse(FileId::default(), weir_stdlib::MANIFEST);
    analysis.set_base(base);
    if planted {
        analysis.set_file("planted.weir", PLANTED);
    }
    let found = analysis.found();
    let errors: Vec<_> = found.diagnostics.iter().filter(|d| d.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let mut selection = found.profile("default").unwrap();
    if planted {
        selection.policies.push("planted.direct-visits".into());
    }
    setup.prepare(&found, &selection, None).unwrap_or_else(|faults| panic!("{faults:?}")).engine()
}

/// What came of a replay.
#[derive(Debug, Default)]
struct Outcome {
    /// Rules that were suspended, with how many known-good sessions they had been seen with and had stopped.
    suspended: BTreeMap<String, (u64, u64)>,
    /// Readers stopped by each rule.
    harmed: BTreeMap<String, BTreeSet<Client>>,
    logins: u64,
    logins_stopped: u64,
}

/// Replays the sample. Every reader passes a challenge before their first request.
fn run(setup: &Setup, planted: bool) -> Outcome {
    let lines = sample();
    let innocent = innocents(&lines);
    assert!(innocent.len() > 40, "{} readers", innocent.len());
    let mut engine = engine(setup, planted);
    let mapper = setup.mapper(&engine);
    let mut outcome = Outcome::default();
    let mut greeted = BTreeSet::new();
    for (seq, exchange) in &lines {
        let reader = client(exchange).filter(|client| innocent.contains(client));
        if let Some((ip, agent)) = &reader
            && greeted.insert((*ip, agent.clone()))
        {
            let session = engine.pseudonym(&[Value::Ip(*ip), Value::text(agent)]);
            let record = passed(&engine, &session);
            replay::settle(
                &mut engine,
                &mut Scorer::default(),
                Input::Request { at: exchange.ts_ms, events: vec![record] },
            );
        }
        let intake = mapper.intake(&engine, *seq, &Parsed::Exchange(Box::new(exchange.clone()))).unwrap();
        let decided =
            replay::decide(&mut engine, &mut Scorer::default(), exchange.ts_ms, intake, setup.as_if_enforce);
        if is_login(exchange) {
            outcome.logins += 1;
            outcome.logins_stopped += u64::from(decided.request.stopped);
        }
        let name = |rule| engine.hir().rules[rule].full_name.to_string();
        for look in decided.request.looks() {
            for rule in &look.stopped_by {
                if let Some(reader) = &reader {
                    outcome.harmed.entry(name(*rule)).or_default().insert(reader.clone());
                }
            }
            for effect in &look.effects {
                if let EffectKind::Suspended { suspension, .. } = &effect.kind {
                    outcome.suspended.insert(name(effect.rule), (suspension.seen, suspension.harmed));
                }
            }
        }
    }
    outcome
}

/// A challenge passed by a session.
fn passed(engine: &Engine, session: &str) -> Record {
    let schema = &engine.hir().schema;
    let event = schema.event("challenge.result").unwrap();
    let mut record = Record::empty(schema, event);
    record.set(schema, schema.field(event, "session").unwrap(), Value::text(session)).unwrap();
    record.set(schema, schema.field(event, "outcome").unwrap(), Value::Variant(0)).unwrap();
    record
}

/// + brake, suspension: a planted rule in a replay of real traffic
/// - brake, suspension: the rules that stop the attack act on
#[test]
fn a_planted_rule_that_stops_readers_is_suspended_and_the_others_are_not() {
    let setup = Setup { as_if_enforce: true, plain_http: true, ..Setup::default() };
    let without = run(&setup, false);
    assert!(without.suspended.is_empty(), "{:?}", without.suspended);
    assert_eq!(without.logins, 923);
    let with = run(&setup, true);
    let names: Vec<_> = with.suspended.keys().map(String::as_str).collect();
    assert_eq!(names, ["planted.direct-visits.from-nowhere"]);
    let (seen, harmed) = with.suspended["planted.direct-visits.from-nowhere"];
    assert_eq!((seen, harmed), (9, 3), "three of the first nine readers were enough");
    // It has stopped nobody else, and the attack is stopped as without it.
    assert_eq!(with.harmed.len(), 1);
    assert_eq!(with.harmed["planted.direct-visits.from-nowhere"].len(), 3);
    assert_eq!((with.logins_stopped, without.logins_stopped), (921, 921));
}

/// + harm: what it would have come to
#[test]
fn without_a_brake_the_planted_rule_would_have_stopped_a_third_of_all_readers() {
    let setup = Setup { plain_http: true, ..Setup::default() };
    let lines = sample();
    let innocent = innocents(&lines);
    let mut engine = engine(&setup, true);
    let mapper = setup.mapper(&engine);
    let mut stopped = BTreeSet::new();
    // Nobody is known to be good, so the brake sees nobody harmed.
    for (seq, exchange) in &lines {
        let intake = mapper.intake(&engine, *seq, &Parsed::Exchange(Box::new(exchange.clone()))).unwrap();
        let decided = replay::decide(&mut engine, &mut Scorer::default(), exchange.ts_ms, intake, false);
        if decided.request.stopped {
            stopped.extend(client(exchange).filter(|client| innocent.contains(client)));
        }
    }
    assert_eq!((stopped.len(), innocent.len()), (25, 78));
}

/// The library as it ships: its `safe` policies enforce from the first minute, and all others watch, but for those that only
/// spare people or mark what is shared.
///
/// + safe: it enforces from the first minute
/// - safe: it touches no reader, and nothing else enforces
#[test]
fn the_safe_set_enforces_from_the_first_minute_and_touches_no_reader() {
    let setup = Setup { plain_http: true, ..Setup::default() };
    for profile in ["default", "shop", "bank"] {
        let engine = setup.library(profile).unwrap();
        let hir = engine.hir();
        for policy in hir.policies.values().filter(|policy| policy.mode == Mode::Enforce) {
            let punishes =
                policy.rules.iter().flat_map(|rule| &hir.rules[*rule].then).any(|action| {
                    !matches!(action, Action::Tag { .. } | Action::Exempt(_) | Action::Aside(..))
                });
            let is_safe = policy.tags.iter().any(|tag| tag == "safe");
            assert_eq!(punishes, is_safe, "{}.{}", policy.package, policy.name);
        }
    }
    let outcome = run(&setup, false);
    assert!(outcome.harmed.is_empty() && outcome.suspended.is_empty(), "{outcome:?}");
    assert!(outcome.logins_stopped > 700, "{outcome:?}");
}

/// A replay says at its end what the brake has suspended.
#[test]
fn a_replay_tells_of_a_suspended_rule() {
    let folder = std::env::temp_dir().join(format!("weir-brake-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (policy, log) = (folder.join("sale.weir"), folder.join("events.ndjson"));
    let text = "package sale
use std.events { page.view }
policy guard {
  on page.view
  mode enforce
  harm at most 0.1% of known-good sessions
  rule eager { when path == \"/sale\" then block because \"everybody\" }
}
";
    std::fs::write(&policy, text).unwrap();
    let mut lines = String::new();
    for n in 0..5 {
        let at = 1_767_571_200_000_i64 + n;
        lines.push_str(&format!(
            "{{\"event\":\"challenge.result\",\"ts\":{at},\"session\":\"s{n}\",\"outcome\":\"passed\"}}\n\
             {{\"event\":\"page.view\",\"ts\":{at},\"session\":\"s{n}\",\"path\":\"/sale\"}}\n"
        ));
    }
    std::fs::write(&log, lines).unwrap();
    let replay = |more: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_weir"))
            .args(["replay", "--policy", policy.to_str().unwrap()])
            .args(more)
            .arg(&log)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let shown = replay(&[]);
    let line = "suspended: sale.guard.eager at 2026-01-05T00:00:00.001Z: it stopped 2 of 2 known-good sessions in a day";
    assert!(shown.contains(line), "{shown}");
    let json: serde_json::Value = serde_json::from_str(&replay(&["--json"])).unwrap();
    assert_eq!(json["suspended"][0]["harmed"], 2);
    std::fs::remove_dir_all(&folder).unwrap();
}
