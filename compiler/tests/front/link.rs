//! Linking: what is shared, what is overridden, what sleeps.

use std::collections::BTreeSet;

use weir_compiler::analysis::Analysis;
use weir_compiler::budget;
use weir_compiler::hir::{Hir, Measure, Mode};
use weir_compiler::ids::*;
use weir_compiler::link::{Linked, Options, Reading, Requires};
use weir_compiler::project::Manifest;
use weir_compiler::visit::{self, Visitor};
use weir_dsl::{Code, FileId};

use crate::{analysis, support};

const EVENTS: &str = "package t.events

envelope {
  session: id<session>?
  user: id<user>?
}

event http.request { path: string }
event login {
  outcome: enum { success, failure }
  factor: string?
}
event queue.pass { }
";

/// A session over the events above and `packages`, without errors.
fn session(packages: &[(&str, &str)]) -> Analysis {
    let mut session = Analysis::new();
    session.set_file("events.weir", EVENTS);
    for (name, text) in packages {
        session.set_file(name, *text);
    }
    let said = session.diagnostics();
    let errors: Vec<_> =
        said.into_iter().filter(|found| found.severity == weir_dsl::Severity::Error).collect();
    assert_eq!(support::show(session.sources(), &errors), "nothing to say\n");
    session
}

fn linked(session: &mut Analysis, options: &Options) -> Linked {
    let found = session.found();
    found.link(&found.everything(), options)
}

/// A policy that counts failed logins a user.
fn policy(package: &str, signal: &str, rest: &str) -> String {
    format!(
        "package {package}

use t.events {{ login }}

policy p {{
  on login
  mode shadow
  param horizon: duration = 10m in 1m..1h
  param most: int = 5 in 1..9
  {signal}
  rule r {{ when n > most then block because \"{{n}}\" }}
  {rest}
}}
"
    )
}

const PLAIN: &str =
    "signal n = count of login where outcome == failure and factor == \"x\" per user over 10m";

fn states(first: &str, second: &str) -> usize {
    let (a, b) = (policy("t.a", first, ""), policy("t.b", second, ""));
    let linked = linked(&mut session(&[("a", &a), ("b", &b)]), &Options::default());
    assert_eq!(linked.hir.policies.len(), 2);
    assert_eq!(linked.hir.signals.len(), 2);
    linked.hir.states.len()
}

#[test]
fn equal_state_is_one() {
    for same in [
        PLAIN,
        "signal n = count of login where factor == \"x\" and outcome == failure per user over 10m",
        "signal n = count of login where failure == outcome and \"x\" == factor per user over 600s",
        "signal n = count of login where (outcome == failure) and not not (factor == \"x\") per user over horizon",
        "signal n = count of login where outcome == failure and factor == \"x\" per user over 10m before this",
        "signal n = count of login where outcome == failure and factor == \"x\" and outcome == failure per user over 10m",
    ] {
        assert_eq!(states(PLAIN, same), 1, "{same}");
    }
}

#[test]
fn different_state_is_not() {
    for other in [
        "signal n = distinct session of login where outcome == failure and factor == \"x\" per user over 10m",
        "signal n = count of login where outcome == failure or factor == \"x\" per user over 10m",
        "signal n = count of login where outcome != failure and factor == \"x\" per user over 10m",
        "signal n = count of login where outcome == failure and factor == \"y\" per user over 10m",
        "signal n = count of login where outcome == failure and factor == \"x\" per session over 10m",
        "signal n = count of login where outcome == failure and factor == \"x\" per (user, session) over 10m",
        "signal n = count of login where outcome == failure and factor == \"x\" over 10m",
        "signal n = count of login where outcome == failure and factor == \"x\" per user over 11m",
        "signal n = count of login where outcome == failure and factor == \"x\" per user over 10m exact",
        "signal n = count of login where outcome == failure per user over 10m",
        "signal n = count of login per user over 10m",
    ] {
        assert_eq!(states(PLAIN, other), 2, "{other}");
    }
}

#[test]
fn merged_state_is_read_by_both() {
    let (a, b) = (policy("t.a", PLAIN, ""), policy("t.b", PLAIN, ""));
    let linked = linked(&mut session(&[("a", &a), ("b", &b)]), &Options::default());
    let reading = |name: &str| match linked.names.get(name) {
        Some(Reading::Signal(id)) => linked.hir.signals[*id].state,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(reading("t.a.p.n"), reading("t.b.p.n"));
    let state = &linked.hir.states[reading("t.b.p.n")];
    assert!(matches!(state.measure, Measure::Count));
    assert_eq!(state.bytes_per_key, bytes("count"));
    assert!(state.identity.contains("600000"), "{}", state.identity);
    assert_eq!(linked.members.values().map(|members| members.states.len()).collect::<Vec<_>>(), [1, 1]);
}

fn tuning(changes: &str) -> String {
    format!("package t.tuning\n\nuse t.events {{ login }}\nuse t.a {{ p }}\n\ntune p {{\n{changes}\n}}\n")
}

#[test]
fn parameters_take_their_tuned_value_before_state_is_shared() {
    let a = policy("t.a", "signal n = count of login per user over horizon", "");
    let b = policy("t.b", "signal n = count of login per user over 20m", "");
    let before = linked(&mut session(&[("a", &a), ("b", &b)]), &Options::default());
    assert_eq!(before.hir.states.len(), 2);
    let tune = tuning("  horizon = 20m\n  most = 7").replace("use t.events { login }\n", "");
    let after = linked(&mut session(&[("a", &a), ("b", &b), ("c", &tune)]), &Options::default());
    assert_eq!(after.diagnostics, []);
    assert_eq!(after.hir.states.len(), 1);
    let window = after.hir.states.values().next().unwrap().window.unwrap();
    assert_eq!(window.span.ms, 1_200_000);
    let values: Vec<_> = after.hir.params.values().map(|param| (param.name.as_str(), &param.value)).collect();
    let most: Vec<_> =
        values.iter().filter(|(name, _)| *name == "most").map(|(_, value)| format!("{value:?}")).collect();
    assert_eq!(most, ["Int(7)", "Int(5)"]);
}

#[test]
fn modes_are_overridden_but_not_a_rules_own() {
    let a = policy(
        "t.a",
        PLAIN,
        "rule own { when n > 1 then log because \"x\" mode shadow }\n  rule other { when n > 2 then log because \"x\" }",
    );
    let tune = tuning(
        "  rule other mode shadow\n  mode canary 5% per session\n  harm at most 1% of known-good users",
    )
    .replace("use t.events { login }\n", "");
    let mut session = session(&[("a", &a), ("c", &tune)]);
    let result = linked(&mut session, &Options::default());
    assert_eq!(result.diagnostics, []);
    let mode = |linked: &Linked, name: &str| {
        linked.hir.rules.values().find(|rule| rule.name == name).unwrap().mode.word()
    };
    assert_eq!(
        [mode(&result, "r"), mode(&result, "own"), mode(&result, "other")],
        ["canary", "shadow", "shadow"]
    );
    let harm = result.hir.rules.values().next().unwrap().harm.clone().unwrap();
    assert_eq!((harm.share, harm.population.as_str()), (0.01, "users"));
    let forced = linked(&mut session, &Options { as_if_enforce: true, ..Options::default() });
    assert!(forced.hir.rules.values().all(|rule| rule.mode == Mode::Enforce));
}

#[test]
fn what_is_tuned_twice_is_said() {
    let a = policy("t.a", PLAIN, "");
    let one = tuning("  most = 6").replace("use t.events { login }\n", "");
    let two = one.replace("t.tuning", "t.tuning-again").replace("= 6", "= 7");
    let result = linked(&mut session(&[("a", &a), ("b", &one), ("c", &two)]), &Options::default());
    assert_eq!(result.diagnostics.len(), 1);
    assert_eq!(result.diagnostics[0].title, "parameter `most` of `t.a.p` is tuned twice");
}

fn mapped(session: &mut Analysis, names: &[&str]) -> Option<BTreeSet<EventId>> {
    let env = session.env();
    Some(names.iter().map(|name| env.schema.event(name).unwrap()).collect())
}

const QUEUE: &str = "package t.queue

use t.events { login, queue.pass }

policy q {
  on login
  requires queue.pass mapped
  rule r { when outcome == failure then block because \"x\" }
}
";

#[test]
fn a_policy_without_what_it_requires_is_left_out_and_named() {
    let mut session = session(&[("q", QUEUE)]);
    let mapped = mapped(&mut session, &["login"]);
    let options = Options { mapped: mapped.clone(), ..Options::default() };
    let result = linked(&mut session, &options);
    assert!(result.hir.rules.is_empty() && result.diagnostics.is_empty());
    let reason = "requires `queue.pass`, which nothing supplies";
    assert_eq!(result.left_out, [("t.queue.q".into(), reason.into())]);
    let refused = linked(&mut session, &Options { requires: Requires::Refuse, ..options });
    assert_eq!(refused.diagnostics.len(), 1);
    assert_eq!(refused.diagnostics[0].code, Code::NOT_MAPPED);
    assert_eq!(
        session.sources().snippet(refused.diagnostics[0].primary.file, refused.diagnostics[0].primary.span),
        "queue.pass"
    );
    let all = linked(&mut session, &Options::default());
    assert_eq!(all.hir.rules.len(), 1);
}

const SLEEPERS: &str = "package t.sleep

use t.events { http.request, login, queue.pass }

policy p {
  on login
  signal passes = count of queue.pass per session over 1h
  signal logins = count of login per session over 1h
  signal slow = passes + logins
  rule asks-only-that { when passes > 3 then block because \"x\" }
  rule asks-that-too { when passes > 3 and logins > 3 then block because \"x\" }
  rule either { when passes > 3 or logins > 3 then block because \"x\" }
  rule through-a-name { when slow > 3 then block because \"x\" }
  rule never { when not (passes == 0) then block because \"x\" }
  rule falls-back { when (passes ?? 9) > 3 then block because \"x\" }
  rule sees-absence { when passes is missing then block because \"x\" }
  rule acts-unknown { when passes > 3 then block because \"x\" if unknown then challenge }
  rule no-state { when outcome == failure then block because \"x\" }
}

policy other {
  on queue.pass
  rule r { when session is known then block because \"x\" }
}
";

#[test]
fn rules_that_nothing_can_wake_say_so() {
    let mut session = session(&[("s", SLEEPERS)]);
    let options = Options { mapped: mapped(&mut session, &["http.request", "login"]), ..Options::default() };
    let result = linked(&mut session, &options);
    let inactive: BTreeSet<&str> = result
        .hir
        .rules
        .values()
        .filter(|rule| rule.inactive.as_deref() == Some("nothing supplies `queue.pass`"))
        .map(|rule| rule.name.as_str())
        .collect();
    assert_eq!(inactive, BTreeSet::from(["asks-only-that", "asks-that-too", "never", "r", "through-a-name"]));
    assert_eq!(result.hir.rules.values().filter(|rule| rule.inactive.is_some()).count(), inactive.len());
    let said = result.sleepers();
    assert_eq!(said.len(), inactive.len());
    assert!(
        said.iter().all(|found| found.code == Code::INACTIVE && found.primary.text.contains("queue.pass"))
    );
    let unmapped = result.hir.signals.values().filter(|signal| signal.unmapped.is_some());
    assert_eq!(unmapped.map(|signal| signal.name.as_str()).collect::<Vec<_>>(), ["passes"]);
    let awake = linked(&mut session, &Options::default());
    assert!(awake.hir.rules.values().all(|rule| rule.inactive.is_none()));
}

#[test]
fn a_map_supplies_what_it_makes() {
    let map = "package t.map

use t.events { queue.pass }

derive queue.pass from http.exchange where path matches \"/queue\" { }
";
    let mut session = session(&[("s", SLEEPERS), ("m", map)]);
    let options = Options { mapped: mapped(&mut session, &["http.request", "login"]), ..Options::default() };
    let result = linked(&mut session, &options);
    assert!(result.hir.rules.values().all(|rule| rule.inactive.is_none()));
    // Without requests there is nothing to make it from.
    let options = Options { mapped: mapped(&mut session, &["login"]), ..Options::default() };
    let result = linked(&mut session, &options);
    assert!(result.hir.rules.values().any(|rule| rule.inactive.is_some()));
}

/// Counts references that point nowhere.
struct Strays<'a> {
    hir: &'a Hir,
    strays: usize,
    seen: usize,
}

impl Strays<'_> {
    fn ask(&mut self, there: bool) {
        self.seen += 1;
        self.strays += usize::from(!there);
    }
}

impl Visitor for Strays<'_> {
    fn expr(&mut self, id: &mut ExprId) {
        self.ask(self.hir.exprs.get(*id).is_some());
    }
    fn pattern(&mut self, id: &mut PatternId) {
        self.ask(self.hir.patterns.get(*id).is_some());
    }
    fn param(&mut self, id: &mut ParamId) {
        self.ask(self.hir.params.get(*id).is_some());
    }
    fn signal(&mut self, id: &mut SignalId) {
        self.ask(self.hir.signals.get(*id).is_some());
    }
    fn state(&mut self, id: &mut StateId) {
        self.ask(self.hir.states.get(*id).is_some());
    }
    fn cohort(&mut self, id: &mut CohortId) {
        self.ask(self.hir.cohorts.get(*id).is_some());
    }
    fn sequence(&mut self, id: &mut SequenceId) {
        self.ask(self.hir.sequences.get(*id).is_some());
    }
    fn call(&mut self, id: &mut CallId) {
        self.ask(self.hir.calls.get(*id).is_some());
    }
    fn fact(&mut self, id: &mut FactId) {
        self.ask(self.hir.facts.get(*id).is_some());
    }
    fn policy(&mut self, id: &mut PolicyId) {
        self.ask(self.hir.policies.get(*id).is_some());
    }
    fn rule(&mut self, id: &mut RuleId) {
        self.ask(self.hir.rules.get(*id).is_some());
    }
}

#[test]
fn every_reference_of_the_linked_library_holds() {
    let mut session = analysis::library();
    let result = linked(&mut session, &Options::default());
    let mut copy = result.hir.clone();
    let mut strays = Strays { hir: &result.hir, strays: 0, seen: 0 };
    visit::hir(&mut copy, &mut strays);
    assert!(strays.seen > 500, "{}", strays.seen);
    assert_eq!(strays.strays, 0);
    // Children stand before their parents.
    for (parent, node) in result.hir.exprs.iter() {
        struct Later(ExprId, bool);
        impl Visitor for Later {
            fn expr(&mut self, id: &mut ExprId) {
                self.1 |= *id >= self.0;
            }
        }
        let mut later = Later(parent, false);
        visit::expr(&mut node.clone(), &mut later);
        assert!(!later.1, "{parent:?} {node:?}");
    }
    // Every rule is its policy's, and no identity occurs twice.
    for (id, policy) in result.hir.policies.iter() {
        assert!(policy.rules.iter().all(|rule| result.hir.rules[*rule].policy == id));
    }
    let identities: BTreeSet<_> = result.hir.states.values().map(|state| &state.identity).collect();
    assert_eq!(identities.len(), result.hir.states.len());
}

/// Moves every id far up, so that one left behind shows.
struct Far;

const FAR: u32 = 1_000_000;

impl Visitor for Far {
    fn expr(&mut self, id: &mut ExprId) {
        id.0 += FAR;
    }
    fn pattern(&mut self, id: &mut PatternId) {
        id.0 += FAR;
    }
    fn param(&mut self, id: &mut ParamId) {
        id.0 += FAR;
    }
    fn signal(&mut self, id: &mut SignalId) {
        id.0 += FAR;
    }
    fn state(&mut self, id: &mut StateId) {
        id.0 += FAR;
    }
    fn cohort(&mut self, id: &mut CohortId) {
        id.0 += FAR;
    }
    fn sequence(&mut self, id: &mut SequenceId) {
        id.0 += FAR;
    }
    fn call(&mut self, id: &mut CallId) {
        id.0 += FAR;
    }
    fn fact(&mut self, id: &mut FactId) {
        id.0 += FAR;
    }
    fn policy(&mut self, id: &mut PolicyId) {
        id.0 += FAR;
    }
    fn rule(&mut self, id: &mut RuleId) {
        id.0 += FAR;
    }
}

#[test]
fn no_reference_is_left_behind() {
    let mut session = analysis::library();
    let result = linked(&mut session, &Options::default());
    let mut hir = result.hir;
    visit::hir(&mut hir, &mut Far);
    let text = format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        hir.exprs,
        hir.params,
        hir.signals,
        hir.states,
        hir.cohorts,
        hir.sequences,
        hir.calls,
        hir.facts,
        hir.policies,
        hir.rules,
        (&hir.caps, &hir.derives),
    );
    let mut kinds: BTreeSet<&str> = BTreeSet::new();
    let shared = [
        "Event",
        "Field",
        "List",
        "Table",
        "Model",
        "Tag",
        "Queue",
        "Decoy",
        "Schedule",
        "Fingerprint",
        "File",
    ];
    for (at, _) in text.match_indices("Id(") {
        let start =
            text[..at].rfind(|letter: char| !letter.is_ascii_alphanumeric()).map_or(0, |start| start + 1);
        let kind = &text[start..at];
        let number = text[at + 3..].split(')').next().unwrap();
        let Ok(number) = number.parse::<u32>() else { continue };
        if !shared.contains(&kind) {
            kinds.insert(kind);
            assert!(number >= FAR, "{}", &text[start..(at + 40).min(text.len())]);
        }
    }
    let all = ["Cohort", "Expr", "Fact", "Param", "Pattern", "Policy", "Rule", "Sequence", "Signal", "State"];
    assert!(all.iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
}

#[test]
fn budgets_are_kept_or_said() {
    let a = policy(
        "t.a",
        PLAIN,
        "signal d = distinct session of login per user over 1h\n  rule s { when d > 3 then log because \"x\" }",
    );
    let result = linked(&mut session(&[("a", &a)]), &Options::default());
    let each = u64::from(bytes("count") + bytes("distinct"));
    let kept = budget::policies(&result, 1_000);
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].bytes_per_key(), each);
    assert_eq!(kept[0].bytes(), each * 1_000);
    assert_eq!(budget::total(&result, 1_000), kept[0].bytes());
    let manifest = |bytes: u64| {
        let text =
            format!("edition = \"2026\"\n[limits]\nkeys = 1_000\n[budgets]\n\"t.a.p\" = \"{bytes} B\"\n");
        let (manifest, said) = Manifest::parse(FileId(9), &text);
        assert_eq!(said, []);
        manifest
    };
    assert_eq!(budget::check(&result, &manifest(each * 1_000)), []);
    let said = budget::check(&result, &manifest(each * 1_000 - 1));
    assert_eq!(said.len(), 1);
    assert_eq!((said[0].code, said[0].primary.file), (Code::STATE_BUDGET, FileId(1)));
    assert!(said[0].notes[0].starts_with("d: "), "{:?}", said[0].notes);
}

/// Bytes a key of a measure.
fn bytes(measure: &str) -> u32 {
    budget::BYTES.iter().find(|(name, _)| *name == measure).unwrap().1
}

#[test]
fn shared_state_counts_for_each_and_once_in_all() {
    let (a, b) = (policy("t.a", PLAIN, ""), policy("t.b", PLAIN, ""));
    let result = linked(&mut session(&[("a", &a), ("b", &b)]), &Options::default());
    let one = u64::from(bytes("count")) * 10;
    let kept = budget::policies(&result, 10);
    assert_eq!(kept.iter().map(|policy| policy.bytes()).collect::<Vec<_>>(), [one, one]);
    assert_eq!(budget::total(&result, 10), one);
}
