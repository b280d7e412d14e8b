//! Decisions of the engine over small policies: order of resolution, entries, caps, modes, phases, models.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use common::{START, Site};
use weir_compiler::value::Value;
use weir_dsl::ast::Verb;
use weir_engine::{Acting, EffectKind, Fate, Input, Limits, Options, Outcome, Step};

fn policy(members: &str) -> String {
    format!(
        "package t\nuse std.events {{ agent.call, checkout, http.request, login, page.view, payment.auth, search, signup, transfer }}\n\
         use std.shared {{ shared-address, soc, stale_stock, zero_balance, labyrinth, disposable_domains, fraud-desk }}\n\
         {members}"
    )
}

fn block_session() -> String {
    policy(
        "policy p { on login mode enforce
           signal n = count of login per session over 10m
           rule r { when n >= 3 then block session on login for 10m because \"{n}\" } }",
    )
}

#[test]
fn an_entry_acts_on_its_event_and_key_until_it_ends() {
    let mut site = Site::new(&block_session());
    for expected in [Verb::Pass, Verb::Pass, Verb::Block, Verb::Block] {
        assert_eq!(site.ask("login", &[("session", "s1")]).verdict.verb, expected);
        site.now += 1_000;
    }
    assert_eq!(site.ask("login", &[("session", "s2")]).verdict.verb, Verb::Pass);
    assert_eq!(site.ask("page.view", &[("session", "s1"), ("path", "/")]).verdict.verb, Verb::Pass);
    // Renewed by the fourth; the count has left the window when the entry ends.
    site.now = START + 3_000 + 600_000 - 1;
    let hit = site.ask("login", &[("session", "s1")]);
    assert_eq!(hit.verdict.verb, Verb::Block);
    assert_eq!(hit.events[0].entries[0].fate, Fate::Applied);
    site.now += 1_800_000;
    assert_eq!(site.ask("login", &[("session", "s1")]).verdict.verb, Verb::Pass);
}

/// Equals may answer differently, and rules have no order: the first by name counts, wherever it stands.
#[test]
fn the_order_of_rules_does_not_choose_among_equals() {
    let rules = [
        "rule b { when user is known then block with status 402 because \"\" }",
        "rule a { when session is known then block with status 403 because \"\" }",
    ];
    for order in [[0, 1], [1, 0]] {
        let text = order.map(|at| rules[at]).join("\n");
        let mut site = Site::new(&policy(&format!("policy p {{ on login mode enforce {text} }}")));
        let decision = site.ask("login", &[("session", "s1"), ("user", "u1")]);
        assert_eq!(decision.verdict.status, Some(403));
        assert_eq!(site.ask("login", &[("user", "u1")]).verdict.status, Some(402));
    }
}

#[test]
fn a_missing_key_is_unknown_and_counts_nothing() {
    let mut site = Site::new(&block_session());
    for _ in 0..10 {
        let decision = site.ask("login", &[]);
        assert_eq!((decision.verdict.verb, site.unknown(&decision)), (Verb::Pass, vec!["r".to_owned()]));
    }
    assert_eq!(site.engine.tallies().held, 0);
}

#[test]
fn shadow_rules_stop_nobody_and_say_what_they_would_have_stopped() {
    let mut site = Site::new(&block_session().replace("mode enforce", "mode shadow"));
    let decisions: Vec<_> = (0..4).map(|_| site.ask("login", &[("session", "s1")])).collect();
    assert!(decisions.iter().all(|d| d.verdict.verb == Verb::Pass && !d.stopped));
    assert_eq!(decisions[2].shadow, Verb::Block);
    assert_eq!(decisions[2].events[0].matches[0].acting, Acting::Shadow);
    // The fourth meets the shadow entry before its rule fires again.
    assert!(decisions[3].events[0].entries[0].shadow);
}

#[test]
fn a_canary_acts_on_its_share_of_keys_and_not_without_one() {
    let text = policy(
        "policy p { on login mode canary 30% per session
           rule r { when shape is known then challenge because \"x\" } }",
    );
    let mut site = Site::new(&text);
    let mut stopped = 0;
    for n in 0..1_000 {
        let session = format!("s{n}");
        let first = site.ask("login", &[("session", &session), ("shape", "a")]);
        let again = site.ask("login", &[("session", &session), ("shape", "a")]);
        assert_eq!(first.verdict, again.verdict);
        assert_eq!(first.stopped, first.shadow == Verb::Pass, "in the canary or in shadow");
        stopped += usize::from(first.stopped);
    }
    assert!((250..350).contains(&stopped), "{stopped}");
    assert!(!site.ask("login", &[("shape", "a")]).stopped);
}

#[test]
fn a_throttle_lets_its_rate_pass() {
    let text = policy(
        "policy p { on search mode enforce
           rule r { when session is known then throttle session on search to 2/s for 1h because \"x\" } }",
    );
    let mut site = Site::new(&text);
    let mut passed = 0;
    for _ in 0..100 {
        let decision = site.ask("search", &[("kind", "quote"), ("session", "s1")]);
        assert_eq!(decision.stopped, decision.verdict.verb == Verb::Throttle);
        passed += u32::from(!decision.stopped);
        site.now += 100;
    }
    // Two at once, then two a second for ten seconds, the last of which is not full.
    assert_eq!(passed, 2 + 19);
}

#[test]
fn renewing_counts_from_the_last_attempt() {
    let rule = |renewing: &str| {
        policy(&format!(
            "policy p {{ on login mode enforce
               rule r {{ when shape is known then block session for 10m {renewing} because \"x\" }} }}"
        ))
    };
    for (renewing, expected) in [("renewing", Verb::Block), ("", Verb::Pass)] {
        let mut site = Site::new(&rule(renewing));
        site.ask("login", &[("session", "s1"), ("shape", "a")]);
        site.now += 540_000;
        assert_eq!(site.ask("login", &[("session", "s1")]).verdict.verb, Verb::Block);
        site.now += 540_000;
        assert_eq!(site.ask("login", &[("session", "s1")]).verdict.verb, expected, "{renewing}");
    }
}

#[test]
fn sparing_lets_known_devices_pass_and_the_rule_still_fires() {
    let text = policy(
        "policy p { on login mode enforce
           signal n = count of login per shape over 10m
           rule r { when n >= 2 then challenge shape on login for 30m, sparing sessions that passed or devices known 30d because \"x\" } }",
    );
    let mut site = Site::new(&text);
    let fields = [("shape", "a"), ("device", "d1"), ("outcome", "success")];
    site.both("login", &fields);
    site.now += 31 * 86_400_000;
    let (first, _) = site.both("login", &[("shape", "a"), ("device", "d2"), ("outcome", "failure")]);
    assert!(!first.stopped);
    let (second, _) = site.both("login", &[("shape", "a"), ("device", "d2"), ("outcome", "failure")]);
    assert_eq!(second.verdict.verb, Verb::Challenge);
    let (known, _) = site.both("login", &fields);
    assert_eq!((known.verdict.verb, site.fired(&known)), (Verb::Pass, vec!["r".to_owned()]));
    assert_eq!(known.events[0].entries[0].fate, Fate::Spared);
}

#[test]
fn the_response_acts_from_the_next_request_on() {
    let text = policy(
        "policy p { on login mode enforce
           rule r { when outcome == failure then block session for 10m, tag user shared-address for 1h because \"x\" } }",
    );
    let mut site = Site::new(&text);
    let (request, response) = site.both("login", &[("session", "s1"), ("user", "u"), ("outcome", "failure")]);
    let response = response.unwrap();
    assert_eq!(
        (request.verdict.verb, response.verdict.verb, response.stopped),
        (Verb::Pass, Verb::Pass, false)
    );
    assert_eq!(site.fired(&response), ["r"]);
    let kinds: Vec<_> = response.events[0].effects.iter().map(|effect| &effect.kind).collect();
    assert!(
        matches!(kinds[..], [EffectKind::Entry { fresh: true, .. }, EffectKind::Tagged { .. }]),
        "{kinds:?}"
    );
    assert_eq!(site.ask("login", &[("session", "s1")]).verdict.verb, Verb::Block);
}

#[test]
fn a_stopped_request_has_no_response() {
    let mut site = Site::new(&policy(
        "policy p { on login mode enforce
           signal failures = count of login where outcome == failure per user over 1h before this
           rule r { when shape == \"bad\" then block because \"x\" }
           rule s { when failures >= 1 then challenge because \"x\" } }",
    ));
    let (_, response) = site.both("login", &[("user", "u"), ("shape", "bad"), ("outcome", "failure")]);
    assert!(response.is_none());
    // Even one that comes nevertheless changes nothing.
    let (record, fields) = site.record("login", &[("user", "u"), ("shape", "bad"), ("outcome", "failure")]);
    let decision = site.decided(Input::Request { at: site.now, events: vec![record] });
    site.answer(decision.seq, fields);
    assert_eq!(site.engine.tallies().responses_unmatched, 1);
    assert_eq!(site.ask("login", &[("user", "u")]).verdict.verb, Verb::Pass);
}

#[test]
fn who_only_watches_sees_the_response_of_what_would_have_been_stopped() {
    let text = policy(
        "policy p { on login mode enforce
           signal failures = count of login where outcome == failure per user over 1h before this
           rule r { when shape == \"bad\" then block because \"x\" }
           rule s { when failures >= 1 then challenge because \"x\" } }",
    );
    for (observe, expected) in [(true, Verb::Challenge), (false, Verb::Pass)] {
        let mut site = Site::with(&text, Options { observe, ..Options::default() });
        let (record, fields) =
            site.record("login", &[("user", "u"), ("shape", "bad"), ("outcome", "failure")]);
        let decision = site.decided(Input::Request { at: site.now, events: vec![record] });
        assert!(decision.stopped);
        site.answer(decision.seq, fields);
        assert_eq!(site.ask("login", &[("user", "u")]).verdict.verb, expected);
    }
}

#[test]
fn readings_before_this_are_kept_for_the_response() {
    let mut site = Site::new(&policy(
        "policy p { on login mode enforce
           signal seen = count of login where outcome == success per user over 90d before this
           rule r { when outcome == success and seen == 0 then tag user shared-address for 1h because \"{seen}\" } }",
    ));
    // Two requests in flight: the second was asked before the first was answered.
    let fields = [("user", "u"), ("outcome", "success")];
    let (a, first) = site.record("login", &fields);
    let (b, second) = site.record("login", &fields);
    let one = site.decided(Input::Request { at: site.now, events: vec![a] });
    let two = site.decided(Input::Request { at: site.now, events: vec![b] });
    let (one, two) = (site.answer(one.seq, first), site.answer(two.seq, second));
    assert_eq!((site.fired(&one), site.fired(&two)), (vec!["r".to_owned()], vec!["r".to_owned()]));
    let (_, third) = site.both("login", &fields);
    assert!(site.fired(&third.unwrap()).is_empty());
}

#[test]
fn scores_add_up_and_clamp_once() {
    let text = policy(
        "policy p { on login mode enforce
           rule a { when shape is known then score +90 because \"x\" }
           rule b { when user is known then score +80 because \"x\" }
           rule c { when device is known then score -100 because \"x\" } }
         policy q { on login mode shadow
           rule d { when shape is known then score +95 because \"x\" } }",
    );
    let mut site = Site::new(&text);
    let all = site.ask("login", &[("shape", "a"), ("user", "u"), ("device", "d")]);
    assert_eq!((all.score, all.shadow_score, all.verdict.verb), (70, 95, Verb::Challenge));
    assert_eq!(all.shadow, Verb::Block);
    let two = site.ask("login", &[("shape", "a"), ("user", "u")]);
    assert_eq!((two.score, two.verdict.verb), (100, Verb::Block));
    let none = site.ask("login", &[("device", "d")]);
    assert_eq!((none.score, none.verdict.verb), (0, Verb::Pass));
}

#[test]
fn an_exemption_lifts_the_package_from_request_and_response() {
    let text = policy(
        "policy p { on login mode shadow
           rule free { when asn.class == cellular then exempt from t because \"x\" } }
         policy q { on login mode enforce
           rule r { when shape is known then block, score +50 because \"x\" }
           rule s { when outcome == failure then block session for 1h, alert soc because \"x\" } }",
    );
    let mut site = Site::new(&text);
    let fields = [("shape", "a"), ("session", "s"), ("asn.class", "cellular"), ("outcome", "failure")];
    let (request, response) = site.both("login", &fields);
    assert_eq!((request.verdict.verb, request.score), (Verb::Pass, 0));
    assert_eq!(request.events[0].matches.iter().filter(|m| m.acting == Acting::Lifted).count(), 2);
    assert!(response.unwrap().events[0].effects.is_empty());
    assert_eq!(site.ask("login", &[("shape", "a")]).verdict.verb, Verb::Block);
}

#[test]
fn an_exemption_lifts_entries_and_does_not_drain_their_buckets() {
    let text = policy(
        "policy p { on search mode enforce
           rule free { when asn.class == cellular then exempt from t because \"x\" } }
         policy q { on search mode enforce
           rule r { when shape is known then throttle session on search to 1/min for 1h because \"x\" } }",
    );
    let mut site = Site::new(&text);
    let quote = [("kind", "quote"), ("session", "s"), ("shape", "a")];
    assert!(!site.ask("search", &quote).stopped);
    assert!(site.ask("search", &quote).stopped);
    site.now += 60_000;
    for _ in 0..5 {
        let free = site.ask("search", &[("kind", "quote"), ("session", "s"), ("asn.class", "cellular")]);
        assert_eq!((free.stopped, free.events[0].entries[0].fate), (false, Fate::Lifted));
    }
    assert!(!site.ask("search", &quote).stopped, "the bucket has not been touched");
}

#[test]
fn a_switched_off_rule_is_silent_and_so_are_its_entries() {
    let mut site = Site::new(&block_session());
    (0..3).for_each(|_| drop(site.ask("login", &[("session", "s1")])));
    assert_eq!(site.engine.switch("t.p", true), 1);
    let off = site.ask("login", &[("session", "s1")]);
    assert_eq!((off.verdict.verb, off.events[0].entries[0].fate), (Verb::Pass, Fate::Lifted));
    assert!(off.events[0].matches.is_empty());
    assert_eq!(site.engine.switch("t.p.r", false), 1);
    assert_eq!(site.ask("login", &[("session", "s1")]).verdict.verb, Verb::Block);
    assert_eq!(site.engine.switch("nobody", true), 0);
}

#[test]
fn a_cap_on_actions_lowers_what_acts_by_that_key() {
    let text = policy(
        "cap actions by ip at challenge where ip is tagged shared-address because \"x\"
         policy p { on login, http.request mode enforce
           rule shared { when shape == \"crowd\" then tag ip shared-address for 1h because \"x\" }
           rule r { when shape == \"bad\" then block ip on login for 1h, sparing devices known 30d because \"x\" }
           rule s { when shape == \"worse\" then block because \"x\" } }",
    );
    let mut site = Site::new(&text);
    let ip = ("ip", "192.0.2.1");
    assert_eq!(site.ask("login", &[ip, ("shape", "bad")]).verdict.verb, Verb::Block);
    site.ask("login", &[ip, ("shape", "crowd")]);
    let capped = site.ask("login", &[ip]);
    assert_eq!((capped.verdict.verb, capped.stopped), (Verb::Challenge, true));
    assert_eq!((capped.events[0].caps[0].from, capped.events[0].caps[0].to), (Verb::Block, Verb::Challenge));
    assert_eq!(
        site.ask("login", &[ip, ("shape", "worse")]).verdict.verb,
        Verb::Block,
        "it does not act by address"
    );
}

#[test]
fn a_cap_on_a_share_holds_exactly() {
    let text = policy(
        "cap block on checkout at 10% of sessions over 10m, at least 20, else challenge because \"x\"
         policy p { on checkout mode enforce
           rule r { when card is known then block because \"x\" } }",
    );
    let mut site = Site::new(&text);
    let (mut blocked, mut challenged) = (0, 0);
    for n in 0..200 {
        let session = format!("s{n}");
        let mut fields = vec![("sku", "x"), ("session", session.as_str())];
        if n >= 100 {
            fields.push(("card", "c"));
        }
        match site.ask("checkout", &fields).verdict.verb {
            Verb::Block => blocked += 1,
            Verb::Challenge => challenged += 1,
            _ => assert!(n < 100),
        }
        assert!(blocked * 10 <= n + 1);
    }
    assert_eq!((blocked, challenged), (20, 80));
    // Whoever cannot be counted cannot be shown to be within the share.
    assert_eq!(site.ask("checkout", &[("sku", "x"), ("card", "c")]).verdict.verb, Verb::Challenge);
}

#[test]
fn a_decoy_answers_at_its_rate_and_no_faster() {
    let text = policy(
        "policy p { on http.request mode enforce
           rule r { when agent.claimed is known then deceive with labyrinth because \"x\" } }",
    );
    let mut site = Site::new(&text);
    let verbs: Vec<Verb> = (0..400)
        .map(|_| {
            site.ask("http.request", &[("method", "GET"), ("path", "/"), ("agent.claimed", "x")]).verdict.verb
        })
        .collect();
    assert_eq!(verbs.iter().filter(|verb| **verb == Verb::Deceive).count(), 300);
    assert_eq!(verbs.iter().filter(|verb| **verb == Verb::Block).count(), 100);
}

const MODEL: &str = "model odd(email_local: string) -> probability from \"m.onnx\" within 2ms
     policy p { on signup mode enforce
       signal n = count of signup per device over 1h
       signal oddness = odd(email_local)
       rule r { when n >= 2 and oddness >= 90% then block device for 1h because \"{oddness}\" if unknown then step-up }
       rule s { when n >= 3 then score +10 because \"x\" } }";

#[test]
fn a_model_is_asked_only_where_it_matters() {
    let mut site = Site::new(&policy(MODEL));
    let (record, _) = site.record("signup", &[("device", "d"), ("email_local", "x")]);
    let begin =
        |site: &mut Site| site.engine.begin(Input::Request { at: START, events: vec![record.clone()] });
    assert!(matches!(begin(&mut site), Step::Decided(decision) if !decision.stopped));
    let Step::Pending(pending) = begin(&mut site) else { panic!("it matters now") };
    assert_eq!(pending.calls.len(), 1);
    assert_eq!(pending.calls[0].inputs, [Value::text("x")]);
    // State has been updated; others need not wait.
    let Step::Pending(later) = begin(&mut site) else { panic!("it matters now") };
    let later = site.engine.resume(later, &[Outcome::Answer(Value::Float(0.1))]);
    assert_eq!((later.verdict.verb, later.score), (Verb::Pass, 10));
    let first = site.engine.resume(pending, &[Outcome::Answer(Value::Float(0.95))]);
    assert_eq!((first.verdict.verb, first.score), (Verb::Block, 0), "with the count of its own time");
    assert_eq!(first.events[0].matches[0].because, "95%");
    let Step::Pending(third) = begin(&mut site) else { panic!("it matters now") };
    assert_eq!(site.engine.resume(third, &[Outcome::Answer(Value::Float(0.1))]).verdict.verb, Verb::Block);
}

#[test]
fn a_late_or_absurd_answer_is_unknown() {
    for outcomes in
        [vec![Outcome::Late], vec![Outcome::Failed], vec![Outcome::Answer(Value::Float(2.0))], vec![]]
    {
        let mut site = Site::new(&policy(MODEL));
        let (record, _) = site.record("signup", &[("device", "d"), ("email_local", "x")]);
        site.decided(Input::Request { at: START, events: vec![record.clone()] });
        let Step::Pending(pending) = site.engine.begin(Input::Request { at: START, events: vec![record] })
        else {
            panic!("it matters")
        };
        let decision = site.engine.resume(pending, &outcomes);
        assert_eq!(decision.verdict.verb, Verb::StepUp);
        assert_eq!(site.unknown(&decision), ["r"]);
    }
}

#[test]
fn a_condition_that_sees_absence_waits_for_the_answer() {
    let text = policy(
        "model odd(email_local: string) -> probability from \"m.onnx\" within 2ms
         policy p { on signup mode enforce
           signal oddness = odd(email_local)
           rule r { when device is known and (oddness ?? 100%) >= 90% then block because \"x\" } }",
    );
    for (outcome, expected) in
        [(Outcome::Answer(Value::Float(0.5)), Verb::Pass), (Outcome::Late, Verb::Block)]
    {
        let mut site = Site::new(&text);
        let (record, _) = site.record("signup", &[("email_local", "x")]);
        let decided = site.engine.begin(Input::Request { at: START, events: vec![record] });
        assert!(matches!(decided, Step::Decided(_)), "decided without the model");
        let (record, _) = site.record("signup", &[("email_local", "x"), ("device", "d")]);
        let Step::Pending(pending) = site.engine.begin(Input::Request { at: START, events: vec![record] })
        else {
            panic!("the answer matters")
        };
        assert_eq!(site.engine.resume(pending, &[outcome]).verdict.verb, expected);
    }
}

#[test]
fn what_is_new_is_new_once() {
    let mut site = Site::new(&policy(
        "policy p { on login mode enforce
           rule r { when device is new for user over 30d then challenge because \"x\" } }",
    ));
    let ana = [("user", "ana"), ("device", "d1")];
    assert!(site.ask("login", &ana).stopped);
    assert!(!site.ask("login", &ana).stopped);
    assert!(site.ask("login", &[("user", "bo"), ("device", "d1")]).stopped);
    let keyless = site.ask("login", &[("user", "ana")]);
    assert_eq!(site.unknown(&keyless), ["r"]);
    site.now += 30 * 86_400_000;
    assert!(site.ask("login", &ana).stopped);
}

#[test]
fn a_model_without_its_inputs_is_not_asked() {
    let mut site = Site::new(&policy(MODEL));
    let ask = |site: &mut Site| {
        let (record, _) = site.record("signup", &[("device", "d")]);
        site.engine.begin(Input::Request { at: START, events: vec![record] })
    };
    ask(&mut site);
    assert!(matches!(ask(&mut site), Step::Decided(decision) if decision.verdict.verb == Verb::StepUp));
}

/// + eviction: a count of what left is estimated
/// - eviction: everything else is unknown, and absence too
#[test]
fn evicted_counts_are_estimated_and_everything_else_is_unknown() {
    let text = policy(
        "policy p { on login mode enforce
           signal n = count of login per session over 1h
           signal kinds = distinct shape of login per session over 1h
           rule counted { when n >= 3 then challenge because \"{n}\" }
           rule never { when n == 0 then block because \"x\" }
           rule varied { when kinds >= 1 then score +1 because \"x\" } }",
    );
    let limits = Limits { keys: 16, ..Limits::default() };
    let mut site = Site::with(&text, Options { limits, record: true, ..Options::default() });
    let mut ask = |session: &str| {
        site.now += 1;
        let decision = site.ask("login", &[("session", session), ("shape", "a")]);
        (site.fired(&decision), site.unknown(&decision), site.engine.tallies())
    };
    assert_eq!(ask("victim").0, ["varied"]);
    assert_eq!(ask("victim").0, ["varied"]);
    for n in 0..16 {
        assert_eq!(ask(&format!("s{n}")).1, Vec::<String>::new());
    }
    let (fired, unknown, tallies) = ask("victim");
    assert_eq!((fired, unknown), (vec!["counted".to_owned()], vec!["varied".to_owned()]));
    assert!(tallies.evicted >= 1);
    // A flood of fresh keys grows nothing.
    (0..5_000).for_each(|n| drop(ask(&format!("flood{n}"))));
    assert!(ask("x").2.held <= 2 * 16 + 2);
}

#[test]
fn activate_switches_a_policy_on_for_a_time() {
    let text = policy(
        "policy attack { on login mode shadow
           rule r { when shape == \"bad\" then challenge because \"x\" } }
         policy watch { on login mode enforce
           rule on { when shape == \"alarm\" then activate t.attack for 10m because \"x\" } }",
    );
    let mut site = Site::new(&text);
    assert!(!site.ask("login", &[("shape", "bad")]).stopped);
    site.ask("login", &[("shape", "alarm")]);
    assert!(site.ask("login", &[("shape", "bad")]).stopped);
    site.now += 600_000;
    assert!(!site.ask("login", &[("shape", "bad")]).stopped);
}

#[test]
fn an_explanation_names_values_unknowns_and_the_nearest_change() {
    let text = policy(
        "policy p { on login mode enforce
           signal n = count of login per session over 10m
           rule far { when n >= 100 then block because \"{n}\" }
           rule near { when n >= 5 and shape == \"bad\" then challenge because \"{n}\" }
           rule blind { when user is tagged shared-address and n >= 2 then block because \"x\" } }",
    );
    let mut site = Site::new(&text);
    let mut last = None;
    for _ in 0..4 {
        last = Some(site.ask("login", &[("session", "s"), ("shape", "bad")]));
    }
    let decision = last.unwrap();
    let explanation = site.engine.explain(&decision);
    let look = &explanation.looks[0];
    assert_eq!(look.rules.len(), 3);
    let near = &look.rules[1];
    assert_eq!(
        (near.outcome, near.condition.text.as_str()),
        (Some(false), "(n >= 5) and (shape == \"bad\")")
    );
    assert_eq!(near.condition.operands[0].operands[0].value, "4");
    let blind = &look.rules[2];
    assert_eq!(blind.outcome, None);
    assert_eq!(blind.condition.operands[0].why.as_deref(), Some("user is missing"));
    let nearest = look.nearest.as_ref().unwrap();
    assert_eq!((nearest.name.as_str(), nearest.verdict), ("t.p.near", Verb::Challenge));
    assert_eq!(nearest.change, "n is 4; it would have to be >= 5");

    let stopped = site.ask("login", &[("session", "s"), ("shape", "bad")]);
    let explanation = site.engine.explain(&stopped);
    let nearest = explanation.looks[0].nearest.as_ref().unwrap();
    assert_eq!((nearest.verdict, nearest.change.as_str()), (Verb::Pass, "n is 5; it would have to be < 5"));
    let last = explanation.looks[0].resolution.last().unwrap();
    assert_eq!(last.text, "challenge: by t.p.near");
}

#[test]
fn an_explanation_does_not_depend_on_what_came_later() {
    let mut site = Site::new(&block_session());
    (0..2).for_each(|_| drop(site.ask("login", &[("session", "s")])));
    let decision = site.ask("login", &[("session", "s")]);
    let now = format!("{:?}", site.engine.explain(&decision));
    (0..50).for_each(|_| drop(site.ask("login", &[("session", "s")])));
    assert_eq!(format!("{:?}", site.engine.explain(&decision)), now);
}

#[test]
fn personal_values_are_not_explained_in_clear() {
    let mut site = Site::new(&policy(
        "policy p { on login mode enforce
           rule r { when user == \"ana.example\" then challenge because \"x\" } }",
    ));
    let decision = site.ask("login", &[("user", "bob.example")]);
    let explained = format!("{:?}", site.engine.explain(&decision));
    assert!(!explained.contains("bob.example"), "{explained}");
}

#[test]
fn decisions_are_the_same_on_the_walker() {
    common::run_on_the_walker("decisions_are_the_same_on_the_walker");
}
