//! What is held for a person, and what becomes known of a decision later.
//!
//! Lines `+ WORD: …` and `- WORD: …` above a test are its name in the conformance suite.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod common;

use common::{START, Site};
use weir_dsl::ast::Verb;
use weir_engine::{Answer, Command, Decision, EffectKind, Input, Limits, Options, Said};

const HOUR: i64 = 3_600_000;

const HOLD: &str = "package t
use std.events { login, payment.auth, chargeback, label }
use std.shared { fraud-desk, order-desk }
policy p { on payment.auth mode enforce
  rule large  { when amount >= USD 100 then hold payment.auth for fraud-desk within 2h else pass because \"{amount} on {bin}\" }
  rule larger { when amount >= USD 500 then hold payment.auth for order-desk within 1h else block with status 402 because \"{amount}\" }
  rule stolen { when bin == \"666666\" then block because \"x\" }
  rule robot  { when session == \"robot\" then block session for 1h because \"x\" } }";

fn pay(site: &mut Site, amount: &str, session: &str) -> Decision {
    site.ask("payment.auth", &[("card", "4111"), ("bin", "411111"), ("amount", amount), ("session", session)])
}

fn release(site: &mut Site, case: u64, verdict: Verb) -> Decision {
    let at = site.now;
    site.decided(Input::Command { at, command: Command::Release { case, verdict } })
}

fn held(decision: &Decision) -> Option<u64> {
    decision.events[0].effects.iter().find_map(|effect| match effect.kind {
        EffectKind::Held { case, .. } => Some(case),
        _ => None,
    })
}

/// + hold, queue: what is held is a case, without a name in clear
#[test]
fn a_hold_opens_a_case() {
    let mut site = Site::new(HOLD);
    let decision = pay(&mut site, "USD 120", "ana");
    assert_eq!((decision.verdict.verb, decision.stopped, held(&decision)), (Verb::Hold, true, Some(1)));
    let cases: Vec<_> = site.engine.cases().cloned().collect();
    let [case] = &cases[..] else { unreachable!("one case: {cases:?}") };
    assert_eq!(
        (case.id, case.queue.as_str(), case.event.as_str()),
        (1, "std.shared.fraud-desk", "payment.auth")
    );
    assert_eq!((case.opened, case.deadline, case.otherwise), (START, START + 2 * HOUR, Verb::Pass));
    assert_eq!(case.rule, "t.p.large");
    assert_eq!(case.decision, site.engine.decision_id(decision.seq).to_string());
    assert!(case.because.contains("411111"), "{}", case.because);
    let names: Vec<_> = case.keys.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["session", "card"]);
    assert!(case.keys.iter().all(|(_, hash)| hash.starts_with('#') && !hash.contains("ana")));
}

/// - hold, queue: no case for what passes, nor for what is blocked
#[test]
fn what_is_not_held_opens_no_case() {
    let mut site = Site::new(HOLD);
    pay(&mut site, "USD 99", "ana");
    let robot = pay(&mut site, "USD 120", "robot");
    assert_eq!((robot.verdict.verb, held(&robot)), (Verb::Block, None));
    assert_eq!(site.engine.cases().count(), 0);
}

/// + deadline: the `else` action comes when it has been reached, the earliest first
#[test]
fn at_the_deadline_the_else_action_comes() {
    let mut site = Site::new(HOLD);
    pay(&mut site, "USD 120", "ana");
    site.now += HOUR;
    let second = pay(&mut site, "USD 120", "bob");
    assert!(second.closed.is_empty());
    site.now += HOUR;
    let due = site.tick();
    assert_eq!(due.closed.len(), 1);
    let closed = &due.closed[0];
    assert_eq!((closed.case.id, closed.verdict, closed.by_person), (1, Verb::Pass, false));
    assert_eq!(site.engine.cases().map(|case| case.id).collect::<Vec<_>>(), [2]);
    site.now += 10 * HOUR;
    assert_eq!(pay(&mut site, "USD 1", "eve").closed[0].case.id, 2);
}

/// - deadline: nothing before it, and nothing after a person has decided
#[test]
fn before_the_deadline_nothing_comes() {
    let mut site = Site::new(HOLD);
    pay(&mut site, "USD 120", "ana");
    site.now += 2 * HOUR - 1;
    assert!(site.tick().closed.is_empty());
    release(&mut site, 1, Verb::Block);
    site.now += HOUR;
    assert!(site.tick().closed.is_empty());
}

/// + release: a person's verdict ends the case
/// - release: there is no such case
#[test]
fn a_person_releases_a_case() {
    let mut site = Site::new(HOLD);
    pay(&mut site, "USD 120", "ana");
    let done = release(&mut site, 1, Verb::Block);
    assert_eq!((done.answer, done.closed.len()), (Some(Answer::Done(1)), 1));
    assert_eq!((done.closed[0].verdict, done.closed[0].by_person), (Verb::Block, true));
    let again = release(&mut site, 1, Verb::Pass);
    assert_eq!((again.answer, again.closed.len()), (Some(Answer::NotFound), 0));
}

/// + queue: past its bound the `else` action comes at once, and says so
#[test]
fn a_full_queue_holds_no_more() {
    let limits = Limits { cases: 2, ..Limits::default() };
    let mut site = Site::with(HOLD, Options { limits, ..Options::default() });
    for session in ["ana", "bob"] {
        assert_eq!(pay(&mut site, "USD 120", session).verdict.verb, Verb::Hold);
    }
    let third = pay(&mut site, "USD 120", "eve");
    assert_eq!((third.verdict.verb, third.stopped), (Verb::Pass, false));
    assert!(matches!(third.events[0].effects[0].kind, EffectKind::QueueFull(_)));
    // The other queue has room.
    assert_eq!(held(&pay(&mut site, "USD 500", "zoe")), Some(3));
    assert_eq!(site.engine.cases().last().unwrap().queue, "std.shared.order-desk");
    release(&mut site, 1, Verb::Pass);
    assert_eq!(held(&pay(&mut site, "USD 120", "eve")), Some(4));
}

/// + hold: cases outlive a restart
#[test]
fn cases_outlive_a_restart() {
    let mut site = Site::new(HOLD);
    pay(&mut site, "USD 120", "ana");
    let bytes = site.engine.snapshot();
    let mut other = Site::new(HOLD);
    other.engine.restore(&bytes).unwrap();
    assert!(other.engine.cases().eq(site.engine.cases()));
    other.now += 3 * HOUR;
    assert_eq!(other.tick().closed[0].case.id, 1);
}

/// + chargeback, label: they are of the decision that they name
/// - chargeback, label: not of another tenant's, nor of one that was made up
#[test]
fn truth_names_its_decision() {
    let mut site = Site::new(HOLD);
    let decision = pay(&mut site, "USD 120", "ana");
    let id = site.engine.decision_id(decision.seq).to_string();
    let fields = |id: &str| {
        vec![
            ("decision", id.to_owned()),
            ("card", "4111".into()),
            ("amount", "USD 120".into()),
            ("reason", "fraud".into()),
        ]
    };
    let chargeback = |site: &mut Site, id: &str| {
        let fields = fields(id);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let (record, _) = site.record("chargeback", &fields);
        let told = site.engine.told(&record);
        let at = site.now;
        site.decided(Input::Request { at, events: vec![record] });
        told
    };
    let told = chargeback(&mut site, &id).unwrap();
    assert_eq!((told.decision.to_string(), told.said), (id.clone(), Said::Chargeback));
    assert_eq!(site.engine.labels(), (1, 0));

    let tenant = Options { tenant: "other".into(), ..Options::default() };
    let foreign = Site::with(HOLD, tenant).engine.decision_id(decision.seq).to_string();
    assert_ne!(foreign, id);
    for wrong in [foreign.as_str(), "0-0000000000000000", "0", "", "-1"] {
        assert_eq!(chargeback(&mut site, wrong), None, "{wrong}");
    }
    assert_eq!(site.engine.labels(), (1, 5));
}

#[test]
fn cases_are_the_same_on_the_walker() {
    common::run_on_the_walker("cases_are_the_same_on_the_walker");
}
