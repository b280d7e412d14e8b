//! A replay into a ledger, and what became known months later.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

const SAMPLE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../stdlib-rules/samples/wordpress-login-attack.log.xz");
const RULE: &str = "web.logins.login-basics.nameless-client";

fn weir(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weir")).args(arguments).output().unwrap()
}

fn json(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("weir-ledger-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
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

fn rule<'a>(stats: &'a Value, name: &str) -> &'a Value {
    stats["rules"].as_array().unwrap().iter().find(|rule| rule["rule"] == name).unwrap()
}

/// Replays the sample; answers the ids of decisions that the rule stopped.
fn replay(folder: &Folder) -> Vec<String> {
    let (ledger, decisions) = (folder.path("ledger"), folder.path("decisions.ndjson"));
    let replayed = weir(&["replay", "--ledger", &ledger, "--decisions", &decisions, SAMPLE]);
    assert_eq!(replayed.status.code(), Some(0), "{}", String::from_utf8_lossy(&replayed.stderr));
    let text = std::fs::read_to_string(&decisions).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let fired =
        lines.filter(|line| line["matches"].as_array().unwrap().iter().any(|found| found["rule"] == RULE));
    fired.map(|line| line["id"].as_str().unwrap().to_owned()).collect()
}

/// + precision, label, chargeback: joined to the decisions of a replay by their ids
/// - precision: without a label there is none
#[test]
fn labels_from_later_are_joined_to_their_decisions() {
    let folder = Folder::new("joined");
    let ids = replay(&folder);
    let ledger = folder.path("ledger");
    let before = json(&weir(&["rules", "stats", "--ledger", &ledger, "--json"]));
    let fired = ids.len() as u64;
    assert!(fired > 700, "{fired}");
    let known = rule(&before, RULE);
    assert_eq!((known["fired"].as_u64(), known["stopped"].as_u64()), (Some(fired), Some(fired)));
    assert_eq!((known["unlabelled"].as_u64(), &known["precision"]), (Some(fired), &Value::Null));

    let label = |id: &str, at: &str, verdict: &str| {
        format!("{{\"event\":\"label\",\"decision\":\"{id}\",\"at\":\"{at}\",\"verdict\":\"{verdict}\"}}\n")
    };
    let mut labels = String::new();
    for id in &ids[..30] {
        labels.push_str(&label(id, "2016-05-01T00:00:00Z", "fraud"));
    }
    labels.push_str(&label(&ids[30], "2016-05-01T00:00:00Z", "good"));
    // The latest counts, whatever the order.
    labels.push_str(&label(&ids[31], "2016-06-01T00:00:00Z", "good"));
    labels.push_str(&label(&ids[31], "2016-05-01T00:00:00Z", "fraud"));
    labels.push_str(&label(&ids[32], "2016-06-01T00:00:00Z", "unsure"));
    labels.push_str(&format!("{{\"event\":\"chargeback\",\"decision\":\"{}\"}}\n", ids[0]));
    labels.push_str(&label("123456789-0000000000000000", "2016-05-01T00:00:00Z", "fraud"));
    labels.push_str("not a label\n{\"event\":\"label\",\"decision\":\"?\",\"verdict\":\"fraud\"}\n\n");
    let path = folder.path("labels.ndjson");
    std::fs::write(&path, labels).unwrap();
    let output =
        weir(&["rules", "stats", "--ledger", &ledger, "--labels", &path, "--rule", "nameless", "--json"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("line 37"), "{output:?}");
    let after = json(&output);
    assert_eq!(after["rules"].as_array().unwrap().len(), 1);
    assert_eq!((after["joined"].as_u64(), after["unmatched"].as_u64()), (Some(33), Some(1)));
    assert_eq!(after["refused"].as_u64(), Some(2));
    let known = rule(&after, RULE);
    let counts =
        ["bad", "good", "unsure", "unlabelled", "chargebacks"].map(|name| known[name].as_u64().unwrap());
    assert_eq!(counts, [30, 2, 1, fired - 33, 1]);
    let precision = known["precision"]["share"].as_f64().unwrap();
    assert!((precision - 30.0 / 32.0).abs() < 1e-12);
    assert!(known["precision"]["low"].as_f64().unwrap() > 0.79);
}

#[test]
fn a_damaged_tail_is_reported_and_left_out() {
    let folder = Folder::new("damaged");
    replay(&folder);
    let ledger = folder.path("ledger");
    let whole = json(&weir(&["rules", "stats", "--ledger", &ledger, "--json"]));
    assert_eq!(whole["damaged"].as_array().unwrap().len(), 0);
    let segment = std::fs::read_dir(&ledger).unwrap().next().unwrap().unwrap().path();
    assert_eq!(segment.file_name().unwrap(), "2016-02.0000.weirledger");
    let bytes = std::fs::read(&segment).unwrap();
    std::fs::write(&segment, &bytes[..bytes.len() - 5]).unwrap();
    std::fs::write(segment.with_file_name("2016-03.0000.weirledger"), b"nothing of the kind").unwrap();
    let output = weir(&["rules", "stats", "--ledger", &ledger, "--json"]);
    let cut = json(&output);
    assert_eq!(cut["damaged"].as_array().unwrap().len(), 2);
    assert_eq!(cut["decisions"].as_u64().unwrap() + 1, whole["decisions"].as_u64().unwrap());
    assert!(String::from_utf8_lossy(&output.stderr).contains("is damaged from byte"));

    // A second replay begins a segment of its own.
    replay(&folder);
    let twice = json(&weir(&["rules", "stats", "--ledger", &ledger, "--json"]));
    let (cut, whole) = (cut["decisions"].as_u64().unwrap(), whole["decisions"].as_u64().unwrap());
    assert_eq!(twice["decisions"].as_u64().unwrap(), cut + whole);
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let output = weir(&["rules", "stats", "--ledger", "/no/such/folder"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no such file or folder"));
}
