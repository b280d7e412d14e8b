//! The program as its users run it: arguments in, text and exit codes out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const WEIR: &str = env!("CARGO_BIN_EXE_weir");
const CACHE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/cache");
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn weir(arguments: &[&str]) -> Output {
    Command::new(WEIR).args(arguments).env("WEIR_CACHE", CACHE).stdin(Stdio::null()).output().unwrap()
}

fn with_input(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(WEIR)
        .args(arguments)
        .env("WEIR_CACHE", CACHE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Standard output as one JSON value and nothing else.
fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(output)))
}

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("weir-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn sample() -> String {
    Path::new(ROOT).join("stdlib-rules/samples/wordpress-login-attack.log.xz").to_str().unwrap().to_owned()
}

#[test]
fn every_template_is_clean_and_nothing_is_overwritten() {
    let folder = Folder::new("init");
    for profile in ["default", "shop", "bank"] {
        let dir = folder.path(profile);
        assert_eq!(weir(&["init", &dir, "--profile", profile]).status.code(), Some(0));
        let checked = weir(&["check", &dir, "--json", "--deny", "warnings"]);
        assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
        assert_eq!(weir(&["test", &dir]).status.code(), Some(0));
        assert_eq!(weir(&["fmt", "--check", &dir]).status.code(), Some(0));
        assert_eq!(weir(&["init", &dir, "--profile", profile]).status.code(), Some(2));
    }
    assert_eq!(weir(&["init", &folder.path("x"), "--profile", "nonsense"]).status.code(), Some(2));
}

#[test]
fn findings_have_places_codes_and_fixes() {
    let folder = Folder::new("check");
    let policy = "package my.rules\n\nuse std.events { login }\n\npolicy p {\n  on login\n  mode shadow\n\n  rule r {\n    when user_agnt == \"\"\n    then challenge\n    because \"no name\"\n  }\n}\n";
    let path = folder.file("p.weir", policy);
    let output = weir(&["check", &path, "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let found = json(&output);
    let first = &found["diagnostics"][0];
    assert_eq!((first["code"].as_str(), first["severity"].as_str()), (Some("W0101"), Some("error")));
    let concise = text(&weir(&["check", &path, "--format", "concise"]));
    assert!(concise.contains("p.weir:10:10: error[W0101]"), "{concise}");
    assert_eq!(weir(&["fix", &path, "--suggested"]).status.code(), Some(0));
    assert!(std::fs::read_to_string(&path).unwrap().contains("user_agent == \"\""));
    assert_eq!(weir(&["check", &path]).status.code(), Some(0));
}

#[test]
fn what_cannot_be_read_is_a_usage_error() {
    for arguments in [
        &["check", "/no/such/place"][..],
        &["replay", "/no/such/log"],
        &["replay", "--explain", "99999999", &sample()],
        &["explain", "no-such-rule"],
        &["nonsense"],
    ] {
        let output = weir(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn hostile_policies_end_in_a_diagnostic() {
    let folder = Folder::new("hostile");
    let rule = |condition: &str| {
        format!(
            "package a.b\nuse std.events {{ login }}\npolicy p {{\n  on login\n  rule r {{\n    when {condition}\n    then block\n    because \"x\"\n  }}\n}}\n"
        )
    };
    let cases: [(&str, Vec<u8>); 7] = [
        ("parentheses", rule(&format!("{}true{}", "(".repeat(100_000), ")".repeat(100_000))).into()),
        ("nots", rule(&format!("{}true", "not ".repeat(50_000))).into()),
        ("sum", rule(&format!("{} > 3", vec!["1"; 100_000].join(" + "))).into()),
        ("line", rule(&format!("user_agent == \"{}\"", "y".repeat(10_000_000))).into()),
        ("string", b"package a.b\npolicy p { rule r { when path == \"abc\n then block } }".to_vec()),
        ("nul", b"package a.b\n\0\npolicy p {\0}".to_vec()),
        ("bytes", (0..=255).cycle().take(200_000).collect()),
    ];
    for (name, bytes) in cases {
        let path = folder.file(&format!("{name}.weir"), bytes);
        let output = weir(&["check", &path, "--json"]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert!(json(&output)["diagnostics"].as_array().is_some_and(|found| !found.is_empty()), "{name}");
    }
}

#[test]
fn a_failing_test_says_what_came() {
    let folder = Folder::new("test");
    let path = folder.file(
        "p.weir",
        "package my.rules\n\nuse std.events { login }\n\npolicy p {\n  on login\n  mode shadow\n\n  signal tries = count of login per session over 10m\n\n  rule r {\n    when tries > 2\n    then challenge\n    because \"{tries} tries\"\n  }\n}\n\ntest \"too early\" {\n  repeat 4 as i every 1s {\n    login { session: \"s\" }\n  }\n  expect rule r fired at event 2\n}\n",
    );
    let output = weir(&["test", &path, "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report = json(&output);
    assert_eq!((report["passed"].as_u64(), report["failed"].as_u64()), (Some(0), Some(1)));
    assert!(report["tests"][0]["failures"][0]["came"].as_str().unwrap().contains("event 3"), "{report}");
}

/// Login posts by line: true where the server let somebody in.
fn login_posts() -> Vec<(u64, bool)> {
    let mut log = String::new();
    let file = std::fs::File::open(sample()).unwrap();
    std::io::Read::read_to_string(&mut lzma_rust2::XzReader::new(file, true), &mut log).unwrap();
    let lines = log.lines().enumerate();
    let posts = lines.filter(|(_, line)| {
        line.split_once("\"POST ").is_some_and(|(_, rest)| {
            let target = rest.split([' ', '?']).next().unwrap_or_default();
            target.contains("wp-login.php") || target.contains("xmlrpc.php")
        })
    });
    posts.map(|(seq, line)| (seq as u64, line.contains("\" 302 "))).collect()
}

#[test]
fn the_sample_attack_is_stopped_and_nobody_else_is() {
    let folder = Folder::new("replay");
    let posts = login_posts();
    let attacks: BTreeSet<u64> =
        posts.iter().filter(|(_, admitted)| !admitted).map(|(seq, _)| *seq).collect();
    assert_eq!(attacks.len(), 922);
    for (keys, percent) in [("", 96), ("ip,net,asn", 95)] {
        let out = folder.path("out.ndjson");
        let sample = sample();
        let mut arguments = vec!["replay", "--as-if", "enforce", "--json", "--decisions", &out, &sample];
        if !keys.is_empty() {
            arguments.extend(["--disable-keys", keys]);
        }
        let output = weir(&arguments);
        assert_eq!(output.status.code(), Some(0));
        let summary = json(&output);
        assert_eq!((summary["events"].as_u64(), summary["rejected"].as_u64()), (Some(8_000), Some(0)));
        let mut stopped = BTreeSet::new();
        for line in std::fs::read_to_string(&out).unwrap().lines() {
            let decision: Value = serde_json::from_str(line).unwrap();
            for field in ["seq", "ts", "events", "verdict", "score", "matches", "keys"] {
                assert!(!decision[field].is_null(), "{field}: {line}");
            }
            if !matches!(decision["verdict"].as_str(), Some("pass" | "log")) {
                stopped.insert(decision["seq"].as_u64().unwrap());
                assert!(decision["matches"].as_array().is_some_and(|found| !found.is_empty()), "{line}");
            }
        }
        assert!(
            stopped.is_subset(&attacks),
            "innocent: {:?}",
            stopped.difference(&attacks).collect::<Vec<_>>()
        );
        assert!(
            stopped.len() * 100 >= attacks.len() * percent,
            "{keys}: {} of {}",
            stopped.len(),
            attacks.len()
        );
    }
}

#[test]
fn personal_values_stay_inside_unless_revealed() {
    let line =
        b"192.0.2.77 - - [20/Feb/2016:00:00:45 +0000] \"POST /wp-login.php HTTP/1.1\" 200 1 \"-\" \"-\"\n";
    for arguments in [&["replay", "-"][..], &["replay", "--json", "-"], &["replay", "--explain", "0", "-"]] {
        let output = with_input(arguments, line);
        assert_eq!(output.status.code(), Some(0));
        assert!(!text(&output).contains("192.0.2.77"), "{arguments:?}: {}", text(&output));
        let mut revealed = arguments.to_vec();
        revealed.push("--reveal");
        assert!(text(&with_input(&revealed, line)).contains("192.0.2.77"), "{arguments:?}");
    }
}

#[test]
fn typed_events_are_read_and_refused_with_reasons() {
    let log = b"{\"event\":\"login\",\"ts\":\"2026-01-05T00:00:00Z\",\"user_agent\":\"\",\"outcome\":\"failure\"}\n\
        {\"event\":\"no.such\",\"ts\":1767571201000}\n\
        {\"event\":\"payment.auth\",\"ts\":1767571202000,\"card\":\"c\",\"amount\":\"USD 5\"}\n\
        not json\n";
    let output = with_input(&["replay", "--format", "ndjson", "--json", "-"], log);
    assert_eq!(output.status.code(), Some(0));
    let summary = json(&output);
    assert_eq!((summary["events"].as_u64(), summary["rejected"].as_u64()), (Some(1), Some(3)), "{summary}");
    assert_eq!(summary["decisions"]["challenge"].as_u64(), Some(1));
}

#[test]
fn explanations_name_conditions_and_the_nearest_other_outcome() {
    let line =
        b"192.0.2.77 - - [20/Feb/2016:00:00:45 +0000] \"POST /wp-login.php HTTP/1.1\" 200 1 \"-\" \"-\"\n";
    let explained = json(&with_input(&["replay", "--explain", "0", "--json", "-"], line));
    assert_eq!(explained["decision"]["verdict"].as_str(), Some("challenge"));
    let looks = explained["looks"].as_array().unwrap();
    let login = looks.iter().find(|look| look["event"] == "login").unwrap();
    let fired = login["rules"].as_array().unwrap().iter().find(|rule| rule["outcome"] == true).unwrap();
    assert_eq!(fired["rule"].as_str(), Some("web.logins.login-basics.nameless-client"));
    assert!(!login["nearest"].is_null());
}

#[test]
fn a_decision_is_made_again_from_its_record_alone() {
    let folder = Folder::new("records");
    let path = folder.path("stopped.weirrec");
    assert!(weir(&["replay", "--records", &path, &sample()]).status.success());
    let listed = weir(&["explain", "--record", &path, "--json"]);
    assert!(listed.status.success());
    let listed = json(&listed);
    assert_eq!(listed["identical"], true);
    let records = listed["records"].as_array().unwrap();
    assert!(records.len() > 500, "{}", records.len());
    let seq = records[records.len() / 2]["seq"].as_u64().unwrap().to_string();

    // What it explains is what was explained live, but for what it says of itself.
    let live = text(&weir(&["replay", "--explain", &seq, &sample()]));
    let again = weir(&["explain", "--record", &path, "--seq", &seq]);
    let again = text(&again);
    let (head, explained) = again.split_once("\n\n").unwrap();
    assert!(head.starts_with("re-executed: identical"), "{head}");
    assert_eq!(explained, live);
    let first = json(&weir(&["explain", "--record", &path, "--nth", "0", "--json"]));
    assert_eq!(first["identical"], true);
    assert_eq!(first["decision"]["seq"], records[0]["seq"]);

    // No address of the log is in it.
    let bytes = std::fs::read(&path).unwrap();
    let log = text(&weir(&["replay", "--explain", &seq, "--reveal", &sample()]));
    let address = log.lines().find_map(|line| line.trim().strip_prefix("ip ")).unwrap().trim().to_owned();
    assert!(address.contains('.') && !bytes.windows(address.len()).any(|w| w == address.as_bytes()));

    let mut damaged = bytes.clone();
    let last = damaged.len() - 100;
    damaged[last] ^= 4;
    let damaged = weir(&["explain", "--record", &folder.file("damaged", damaged)]);
    assert_eq!(damaged.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&damaged.stderr).contains("damaged"));
    let foreign = weir(&["explain", "--record", &folder.file("foreign", "127.0.0.1 - -")]);
    assert_eq!(foreign.status.code(), Some(2));
    assert_eq!(weir(&["explain", "--record", &path, "--seq", "99999999"]).status.code(), Some(2));
}

#[test]
fn a_node_journals_what_it_is_given() {
    let folder = Folder::new("journal");
    let data = folder.path("state");
    let input = b"{\"event\":\"login\",\"ts\":1767571200000,\"user\":\"alice@example.org\",\"outcome\":\"failure\"}\n\
{\"tick\":1767571201000}\n{\"command\":{\"panic\":{\"off\":true}}}\n";
    assert!(with_input(&["run", "--data", &data, "--journal", "sync"], input).status.success());
    let journal = format!("{data}/journal");
    let summary = json(&weir(&["journal", &journal, "--json"]));
    let segment = &summary["segments"][0];
    assert_eq!(summary["sound"], true);
    let counted = |name: &str| segment[name].as_u64().unwrap();
    assert_eq!((counted("requests"), counted("responses"), counted("ticks")), (1, 1, 1), "{summary}");
    assert_eq!(counted("commands"), 1);

    let inputs = text(&weir(&["journal", &journal, "--inputs"]));
    assert_eq!(inputs.lines().count(), 4, "{inputs}");
    assert!(inputs.contains("\"user\":\"#") && !inputs.contains("alice"), "{inputs}");
    let revealed = text(&weir(&["journal", &journal, "--inputs", "--reveal"]));
    assert!(revealed.contains("alice@example.org") && revealed.contains("\"outcome\":\"failure\""));

    let other = folder.file("other", "00112233445566778899aabbccddeeff\n");
    let refused = weir(&["journal", &journal, "--secret", &other]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("another secret"));

    let path = format!("{journal}/00000000000000000000.weirjrnl");
    let mut bytes = std::fs::read(&path).unwrap();
    assert!(!bytes.windows(5).any(|window| window == b"alice"));
    bytes.truncate(bytes.len() - 3);
    std::fs::write(&path, bytes).unwrap();
    let torn = weir(&["journal", &journal, "--json"]);
    assert_eq!(torn.status.code(), Some(1));
    assert!(json(&torn)["segments"][0]["torn"]["at"].as_u64().is_some());
}

/// + sealing: with its key the personal fields are read
/// - sealing: with another key they are not
#[test]
fn personal_fields_are_read_with_the_key_they_were_sealed_to() {
    let folder = Folder::new("seal");
    let (key, other, path) = (folder.path("desk.key"), folder.path("other.key"), folder.path("r.weirrec"));
    for key in [&key, &other] {
        assert!(weir(&["keygen", "operator", "--out", key]).status.success());
    }
    assert_eq!(weir(&["keygen", "operator", "--out", &key]).status.code(), Some(2), "nothing is overwritten");
    let public = format!("{key}.pub");
    assert!(weir(&["replay", "--records", &path, "--seal", &public, &sample()]).status.success());
    let read = weir(&["explain", "--record", &path, "--nth", "0", "--key", &key, "--json"]);
    let read = json(&read);
    let address = read["personal"]["ip"].as_str().unwrap().to_owned();
    assert!(address.contains('.') && read["identical"] == true);
    assert!(read["decision"]["keys"]["ip"].as_str().unwrap().starts_with('#'));
    let bytes = std::fs::read(&path).unwrap();
    assert!(!bytes.windows(address.len()).any(|window| window == address.as_bytes()));
    for wrong in [&other, &public] {
        let refused = weir(&["explain", "--record", &path, "--nth", "0", "--key", wrong]);
        assert_eq!(refused.status.code(), Some(2), "{wrong}");
        assert!(!text(&refused).contains(&address));
    }
}

#[test]
fn every_command_shows_examples() {
    for command in
        ["init", "check", "fmt", "fix", "test", "replay", "explain", "journal", "keygen", "completions"]
    {
        let help = text(&weir(&[command, "--help"]));
        assert!(help.contains("Examples:") && help.contains(&format!("weir {command}")), "{command}: {help}");
    }
    assert!(text(&weir(&["completions", "bash"])).contains("_weir"));
}

#[test]
fn programs_of_a_rule_are_printed_and_read_back() {
    let whole = weir(&["ir"]);
    assert_eq!(whole.status.code(), Some(0));
    let unit = weir_compiler::ir::parse(&text(&whole)).unwrap();
    assert_eq!(unit.to_string(), text(&whole));

    let name = "std.ato.credential-stuffing.rotating-proxies";
    for asked in [name, "rotating-proxies"] {
        let output = weir(&["ir", "--rule", asked]);
        assert_eq!(output.status.code(), Some(0));
        let some = weir_compiler::ir::parse(&text(&output)).unwrap();
        assert!(some.len() > 1 && some.len() < unit.len());
        let labels = || some.programs().flat_map(|program| program.roots()).map(|root| root.label.as_str());
        assert!(labels().any(|label| label == format!("rule {name}")));
    }
    let unknown = weir(&["ir", "--rule", "rotating-proxy"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("did you mean `rotating-proxies`?"));

    let folder = Folder::new("ir");
    let broken = folder.file("broken.weir", "package t\npolicy p { on nothing }\n");
    assert_eq!(weir(&["ir", &broken]).status.code(), Some(1));
}

#[test]
fn each_stage_of_compilation_is_printed() {
    let folder = Folder::new("compile");
    let rules: String = (0..8)
        .map(|at| format!("  rule r{at} {{ when path == \"/{at}\" then score +1 because \"x\" }}\n"))
        .collect();
    let policy =
        format!("package t\nuse std.events {{ http.request }}\npolicy p {{\n  on http.request\n{rules}}}\n");
    let policy = folder.file("policy.weir", policy);
    let emitted = |stage| {
        let output = weir(&["compile", &policy, "--emit", stage]);
        assert_eq!(output.status.code(), Some(0));
        text(&output)
    };
    let plan = emitted("plan");
    assert!(plan.starts_with("# http.request request\nweir-plan 1\nconditions 8\n"), "{plan}");
    assert!(plan.contains("group 0 of 8\n  class a0") && plan.contains("condition 7 is t.p.r7"), "{plan}");
    assert_eq!(emitted("ir"), text(&weir(&["ir", &policy])));
    if cfg!(all(unix, target_arch = "x86_64")) {
        assert!(emitted("clif").contains("# group 0\n#   class a0") && emitted("clif").contains("return"));
        assert!(emitted("asm").contains("ret"));
    }
    let broken = folder.file("broken.weir", "package t\npolicy p { on nothing }\n");
    assert_eq!(weir(&["compile", &broken]).status.code(), Some(1));
}

#[test]
fn every_engine_tests_and_replays_alike() {
    let tests = Path::new(ROOT).join("stdlib-rules/web");
    let run = |engine| {
        let tested = weir(&["test", tests.to_str().unwrap(), "--json", "--engine", engine]);
        let mut replayed =
            json(&weir(&["replay", "--as-if", "enforce", "--json", "--engine", engine, &sample()]));
        let object = replayed.as_object_mut().unwrap();
        object.retain(|name, _| {
            !name.contains("seconds") && !name.contains("per_second") && !name.contains("ms")
        });
        (tested.status.code(), text(&tested), replayed)
    };
    assert_eq!(run("walker"), run("bytecode"));
}

const KEPT: &str = r#"package shop
use std.events { login }

policy logins {
  on login
  mode enforce
  signal failures = count of login where outcome == failure per user over 1h
  rule many {
    when failures >= 3 and user matches "a*"
    then challenge user on login for 10m
    because "{failures} failures"
  }
}
"#;

/// Rules that have not changed are compiled once, and decide alike; what is damaged is passed over.
#[test]
fn compiled_rules_are_kept() {
    let folder = Folder::new("cached");
    let policy = folder.file("shop.weir", KEPT);
    let event = |n: i64| {
        let at = 1_767_571_200_000 + n;
        serde_json::json!({ "event": "login", "ts": at, "user": "ann", "session": "s", "channel": "web", "outcome": "failure" })
    };
    let log = folder.file("log.ndjson", (0..5).map(|n| format!("{}\n", event(n))).collect::<String>());
    let (cache, decisions) = (folder.path("cache"), folder.path("out.ndjson"));
    let run = |more: &[&str]| {
        let arguments = ["replay", &log, "--policy", &policy, "--decisions", &decisions, "--all", "-v"];
        let output = weir(&[&arguments[..], &["--cache", &cache], more].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        (std::fs::read_to_string(&decisions).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (plain, said) = run(&["--no-cache"]);
    assert!(!said.contains("compiled rules"), "{said}");
    assert!(!Path::new(&cache).exists());
    let (first, said) = run(&[]);
    assert!(said.contains("compiled rules kept in"), "{said}");
    let (second, said) = run(&[]);
    assert!(said.contains("compiled rules from"), "{said}");
    assert_eq!((&first, &second), (&plain, &plain));
    assert!(plain.contains("shop.logins.many"), "{plain}");
    let entry = std::fs::read_dir(&cache).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&entry).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&entry, bytes).unwrap();
    let (third, said) = run(&[]);
    assert!(said.contains("is passed over: it is damaged") && said.contains("kept in"), "{said}");
    assert_eq!(third, plain);
    // Another text is another rule set.
    folder.file("shop.weir", KEPT.replace("failures >= 3", "failures >= 4"));
    let (other, said) = run(&[]);
    assert!(said.contains("compiled rules kept in") && other != plain, "{said}");
    assert!(run(&[]).1.contains("compiled rules from"));
}
