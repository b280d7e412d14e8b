//! What keeps rules from doing harm: panic, switches, the brake, canary, attack mode, shadow scores.
//!
//! Lines `+ WORD: …` and `- WORD: …` above a test are its name in the conformance suite.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use common::{START, Site};
use weir_dsl::ast::Verb;
use weir_engine::{Acting, Answer, Command, Decision, EffectKind, Engaged, Fate, Input, Options};

const DAY: i64 = 86_400_000;

fn policy(members: &str) -> String {
    format!(
        "package t\nuse std.events {{ challenge.result, checkout, label, login, page.view, search }}\n{members}"
    )
}

fn command(site: &mut Site, command: Command) -> Decision {
    let at = site.now;
    site.decided(Input::Command { at, command })
}

/// What a decision says of suspensions.
fn suspended(decision: &Decision) -> Vec<&str> {
    let effects = decision.looks().flat_map(|look| &look.effects);
    effects
        .filter_map(|effect| match &effect.kind {
            EffectKind::Suspended { why, .. } => Some(why.as_str()),
            _ => None,
        })
        .collect()
}

/// The verdict on a view of a page by a device.
fn view(site: &mut Site, device: &str, path: &str) -> Decision {
    site.ask("page.view", &[("device", device), ("session", device), ("path", path)])
}

/// Devices that have logged in a week ago.
fn known(site: &mut Site, devices: u32) {
    for n in 0..devices {
        let device = format!("good{n}");
        site.both("login", &[("device", &device), ("user", "ana"), ("outcome", "success")]);
    }
    site.now += 7 * DAY;
}

const BAD: &str = "policy bad { on page.view mode enforce harm at most 0.1% of known-good devices
  rule everybody { when path == \"/sale\" then block because \"a sale\" } }
policy good { on page.view mode enforce harm at most 0.1% of known-good devices
  rule robots { when path == \"/trap\" then block because \"a trap\" } }";

/// + panic: no rule, entry or score acts
/// + shadow score: what would have been is still told
#[test]
fn in_a_panic_nothing_acts_and_counting_goes_on() {
    let mut site = Site::new(&policy(
        "policy p { on login mode enforce
           signal n = count of login per session over 1h
           rule blocks { when n >= 2 then block session for 1h because \"{n}\" }
           rule scores { when n >= 1 then score +90 because \"{n}\" } }",
    ));
    let first = site.ask("login", &[("session", "s1")]);
    assert_eq!((first.verdict.verb, first.panic), (Verb::Block, false));
    site.ask("login", &[("session", "s1")]);
    let said = command(&mut site, Command::Panic { off: true });
    assert_eq!((said.answer, said.verdict.verb), (Some(Answer::Done(1)), Verb::Pass));
    assert_eq!(site.engine.engaged(), [Engaged::Panic(START)]);

    let calm = site.ask("login", &[("session", "s1")]);
    assert!(calm.panic && !calm.stopped && calm.events[0].stopped_by.is_empty());
    assert_eq!((calm.verdict.verb, calm.shadow), (Verb::Pass, Verb::Block));
    assert_eq!((calm.score, calm.shadow_score), (0, 90));
    assert_eq!(calm.events[0].entries[0].fate, Fate::Lifted);
    let told = site.engine.explain(&calm);
    assert!(told.looks[0].resolution[0].text.starts_with("panic off since"), "{told:?}");

    assert_eq!(command(&mut site, Command::Panic { off: true }).answer, Some(Answer::NotFound));
    assert_eq!(command(&mut site, Command::Panic { off: false }).answer, Some(Answer::Done(1)));
    let after = site.ask("login", &[("session", "s1")]);
    assert_eq!((after.verdict.verb, after.panic), (Verb::Block, false));
    let values = &after.events[0].matches[0].values;
    assert!(format!("{values:?}").contains("Int(4)"), "all four were counted: {values:?}");
}

/// - panic: without one rules act
/// - shadow score: an enforced rule's points are in the score
#[test]
fn without_a_panic_rules_act() {
    let mut site = Site::new(&policy(
        "policy p { on login mode enforce rule scores { when session is known then score +90 because \"x\" } }",
    ));
    let decision = site.ask("login", &[("session", "s1")]);
    assert_eq!((decision.verdict.verb, decision.score, decision.shadow_score), (Verb::Block, 90, 0));
    assert!(decision.stopped && !decision.panic);
}

/// + switch: a rule, its policy and its package, the latest command first
/// - switch: nothing of that name
#[test]
fn the_latest_switch_about_a_rule_counts() {
    let mut site = Site::new(&policy(
        "policy p { on login mode enforce rule r { when session is known then block because \"x\" } }",
    ));
    let asked = |site: &mut Site| site.ask("login", &[("session", "s1")]).verdict.verb;
    let switch = |name: &str, off| Command::Switch { name: name.into(), off };
    for (name, off, expected) in [
        ("t.p", true, Verb::Pass),
        ("t.p.r", false, Verb::Block),
        ("t", true, Verb::Pass),
        ("t.p", false, Verb::Block),
    ] {
        assert_eq!(command(&mut site, switch(name, off)).answer, Some(Answer::Done(1)));
        assert_eq!(asked(&mut site), expected, "{name}");
    }
    assert_eq!(command(&mut site, switch("t.q", true)).answer, Some(Answer::NotFound));
    assert_eq!(asked(&mut site), Verb::Block);
}

/// + brake: a rule that stops known-good devices is suspended, and says why
/// + harm: two of two is too many for one in a thousand
/// + suspension: it acts as in shadow from the next event on, until somebody lets it act again
#[test]
fn a_rule_that_harms_known_good_devices_is_suspended() {
    let mut site = Site::new(&policy(BAD));
    known(&mut site, 10);
    assert_eq!(suspended(&view(&mut site, "good0", "/sale")), Vec::<&str>::new());
    assert_eq!(suspended(&view(&mut site, "good0", "/sale")), Vec::<&str>::new(), "an actor counts once");
    let tipped = view(&mut site, "good1", "/sale");
    assert_eq!(tipped.verdict.verb, Verb::Block, "the event that tipped it is decided already");
    let why = "it stopped 2 of 2 known-good devices in a day, and may stop 0.1%";
    assert!(suspended(&tipped)[0].starts_with(why), "{:?}", suspended(&tipped));

    let next = view(&mut site, "good2", "/sale");
    assert_eq!((next.verdict.verb, next.shadow, next.stopped), (Verb::Pass, Verb::Block, false));
    assert_eq!(next.events[0].matches[0].acting, Acting::Shadow);
    let told = site.engine.explain(&next);
    assert!(told.looks[0].resolution[0].text.starts_with("t.bad.everybody is suspended since"), "{told:?}");
    assert_eq!(view(&mut site, "nobody", "/trap").verdict.verb, Verb::Block, "the other rule acts on");
    site.now += 2 * DAY;
    assert_eq!(view(&mut site, "nobody", "/sale").verdict.verb, Verb::Pass, "a new day lifts nothing");

    let resume = |rule: &str| Command::Resume { rule: rule.into() };
    assert_eq!(command(&mut site, resume("t.good.robots")).answer, Some(Answer::NotFound));
    assert_eq!(command(&mut site, resume("t.bad.everybody")).answer, Some(Answer::Done(1)));
    assert_eq!(view(&mut site, "nobody", "/sale").verdict.verb, Verb::Block);
}

/// - brake: strangers, and those it only might have stopped, do not count
/// - harm: a device that logged in lately is a stranger still
/// - suspension: a rule that keeps its budget acts on
/// - alpha: one in fifty is no proof yet
#[test]
fn a_rule_that_harms_strangers_is_not_suspended() {
    let mut site = Site::new(&policy(BAD));
    known(&mut site, 50);
    site.both("login", &[("device", "fresh"), ("user", "ana"), ("outcome", "success")]);
    for n in 0..200 {
        assert!(suspended(&view(&mut site, &format!("bad{n}"), "/sale")).is_empty());
    }
    assert!(suspended(&view(&mut site, "fresh", "/sale")).is_empty());
    for n in 0..50 {
        assert!(suspended(&view(&mut site, &format!("good{n}"), "/")).is_empty());
    }
    // One in fifty is no proof yet, at α.
    assert!(suspended(&view(&mut site, "good7", "/sale")).is_empty());
    assert_eq!(view(&mut site, "bad0", "/sale").verdict.verb, Verb::Block);
    assert!(site.engine.engaged().is_empty());
}

/// + brake: entries of a suspended rule are lifted
#[test]
fn entries_of_a_suspended_rule_are_lifted() {
    let mut site = Site::new(&policy(
        "policy p { on search mode enforce harm at most 0.1% of known-good devices
           rule r { when kind == quote then block device for 1h because \"x\" } }",
    ));
    known(&mut site, 3);
    for device in ["good0", "bad0"] {
        assert!(site.ask("search", &[("kind", "quote"), ("device", device)]).stopped);
    }
    // The entry does harm at another event.
    assert!(suspended(&view(&mut site, "good0", "/")).is_empty());
    let tipped = site.ask("search", &[("kind", "quote"), ("device", "good1")]);
    assert_eq!(suspended(&tipped).len(), 1);
    for device in ["good0", "good1", "bad0"] {
        let decision = view(&mut site, device, "/");
        assert_eq!((decision.verdict.verb, decision.events[0].entries[0].fate), (Verb::Pass, Fate::Lifted));
    }
}

/// + known-good: a session that passed a challenge today
/// - known-good: one that failed it, or passed it yesterday
#[test]
fn who_passed_a_challenge_is_known_good_for_a_day() {
    let text = policy(&BAD.replace("devices", "sessions"));
    for (outcome, later, expected) in
        [("passed", 0, true), ("passed", DAY + 1, false), ("failed", 0, false), ("abandoned", 0, false)]
    {
        let mut site = Site::new(&text);
        for n in 0..3 {
            site.ask("challenge.result", &[("session", &format!("s{n}")), ("outcome", outcome)]);
        }
        site.now += later;
        let tipped = (0..3).any(|n| !suspended(&view(&mut site, &format!("s{n}"), "/sale")).is_empty());
        assert_eq!(tipped, expected, "{outcome}, {later} ms later");
    }
}

/// + label: whom somebody has called good is known-good
/// - label: whom somebody has called fraud, or a decision of another engine, is not
#[test]
fn who_was_labelled_good_is_known_good() {
    for (verdict, forged, expected) in
        [("good", false, true), ("fraud", false, false), ("unsure", false, false), ("good", true, false)]
    {
        let mut site = Site::new(&policy(BAD));
        let mut ids = Vec::new();
        for n in 0..3 {
            let decision = view(&mut site, &format!("d{n}"), "/trap");
            let id = site.engine.decision_id(decision.seq).to_string();
            let other = if id.ends_with('0') { "1" } else { "0" };
            ids.push(if forged { format!("{}{other}", &id[..id.len() - 1]) } else { id });
        }
        for id in &ids {
            site.ask("label", &[("decision", id), ("verdict", verdict), ("source", "customer")]);
        }
        let tipped = (0..3).any(|n| !suspended(&view(&mut site, &format!("d{n}"), "/sale")).is_empty());
        assert_eq!(tipped, expected, "{verdict}");
        assert_eq!(site.engine.labels(), if forged { (0, 3) } else { (3, 0) });
    }
}

/// + brake: points in a score that stopped count for every rule that gave some
#[test]
fn points_in_a_score_that_stopped_are_harm() {
    let mut site = Site::new(&policy(
        "policy p { on page.view mode enforce harm at most 0.1% of known-good devices
           rule most { when path == \"/sale\" then score +50 because \"x\" }
           rule rest { when path starts with \"/\" then score +20 because \"x\" }
           rule less { when path starts with \"/\" then score -5 because \"x\" } }",
    ));
    known(&mut site, 3);
    view(&mut site, "good0", "/sale");
    let tipped = view(&mut site, "good1", "/sale");
    assert_eq!(suspended(&tipped).len(), 2, "{:?}", tipped.events[0].effects);
    assert_eq!(view(&mut site, "good2", "/sale").score, 0);
}

/// + canary: harm is counted among those in it
/// - canary: those outside are in shadow, and do not count
#[test]
fn harm_in_a_canary_is_counted_among_those_in_it() {
    let mut site = Site::new(&policy(&BAD.replace("enforce", "canary 20% per device")));
    known(&mut site, 100);
    let mut stopped = 0;
    for n in 0..100 {
        let decision = view(&mut site, &format!("good{n}"), "/sale");
        stopped += u32::from(decision.stopped);
        if let Some(why) = suspended(&decision).first() {
            assert!(why.starts_with("it stopped 2 of 2"), "{why}");
            assert!(n < 50, "it was found late");
        }
    }
    assert_eq!(stopped, 2);
}

/// - harm: a rule in shadow harms nobody
#[test]
fn a_shadow_rule_is_not_suspended() {
    let mut site = Site::new(&policy(&BAD.replace("enforce", "shadow")));
    known(&mut site, 10);
    for n in 0..10 {
        assert!(suspended(&view(&mut site, &format!("good{n}"), "/sale")).is_empty());
    }
}

const STRICT: &str = "policy watch { on login mode enforce harm at most 0.1% of known-good devices
  signal n = count of login per session over 10m
  rule surge { when n >= 3 then activate t.strict for 1h because \"{n}\" } }
policy strict { on page.view mode shadow
  rule strict-rule { when path == \"/sale\" then challenge because \"x\" } }";

/// + activate: a shadow policy acts while it is active, and who did it is told
/// + hysteresis: each firing moves the end on, so that it does not flap
#[test]
fn attack_mode_is_on_at_once_and_off_after_its_time_of_quiet() {
    let mut site = Site::new(&policy(STRICT));
    assert_eq!(view(&mut site, "d", "/sale").verdict.verb, Verb::Pass);
    for _ in 0..3 {
        site.ask("login", &[("session", "s1")]);
    }
    assert_eq!(view(&mut site, "d", "/sale").verdict.verb, Verb::Challenge);
    let Engaged::Active(active) = &site.engine.engaged()[0] else { panic!("it is active") };
    assert_eq!((active.target.as_str(), active.rule.as_str()), ("t.strict", "t.watch.surge"));
    let decision = view(&mut site, "d", "/sale");
    let told = site.engine.explain(&decision).looks[0].resolution[0].text.clone();
    assert_eq!(told, "t.strict is active until 2026-01-05T01:00:00Z by t.watch.surge");
    // It comes and goes for three hours.
    for _ in 0..6 {
        site.now += 30 * 60_000;
        assert_eq!(view(&mut site, "d", "/sale").verdict.verb, Verb::Challenge);
        for _ in 0..3 {
            site.ask("login", &[("session", "s1")]);
        }
    }
    site.now += 3_600_000 - 1;
    assert_eq!(view(&mut site, "d", "/sale").verdict.verb, Verb::Challenge);
    site.now += 1;
    assert_eq!(view(&mut site, "d", "/sale").verdict.verb, Verb::Pass);
}

/// - activate: not another policy, nor in a panic, nor by a rule that is switched off
/// - hysteresis: it ends when its time of quiet is over
#[test]
fn what_a_lifted_rule_has_activated_is_off() {
    let mut site = Site::new(&policy(STRICT));
    for _ in 0..3 {
        site.ask("login", &[("session", "s1")]);
    }
    command(&mut site, Command::Panic { off: true });
    assert_eq!(view(&mut site, "d", "/sale").verdict.verb, Verb::Pass);
    command(&mut site, Command::Panic { off: false });
    assert_eq!(view(&mut site, "d", "/sale").verdict.verb, Verb::Challenge);
    command(&mut site, Command::Switch { name: "t.watch".into(), off: true });
    assert_eq!(view(&mut site, "d", "/sale").verdict.verb, Verb::Pass);
    command(&mut site, Command::Switch { name: "t.watch".into(), off: false });
    assert_eq!(view(&mut site, "d", "/sale").verdict.verb, Verb::Challenge);
    site.now += 3_600_000;
    assert_eq!(view(&mut site, "d", "/sale").verdict.verb, Verb::Pass);
}

/// + alpha: the same inputs suspend at the same event, whatever is recorded
#[test]
fn the_brake_is_a_function_of_the_inputs() {
    let run = |record| {
        let mut site = Site::with(&policy(BAD), Options { record, ..Options::default() });
        known(&mut site, 5);
        (0..5).map(|n| suspended(&view(&mut site, &format!("good{n}"), "/sale")).len()).collect::<Vec<_>>()
    };
    assert_eq!(run(true), [0, 1, 0, 0, 0]);
    assert_eq!(run(false), run(true));
}

/// + suspension, panic: they survive a restart and a change of rule set
/// - suspension: another version of the rule is not suspended
#[test]
fn what_stands_over_the_rules_outlives_them() {
    let mut site = Site::new(&policy(BAD));
    known(&mut site, 3);
    view(&mut site, "good0", "/sale");
    assert_eq!(suspended(&view(&mut site, "good1", "/sale")).len(), 1);
    command(&mut site, Command::Panic { off: true });
    command(&mut site, Command::Switch { name: "t.good".into(), off: true });
    let bytes = site.engine.snapshot();
    let mut other = Site::new(&policy(BAD));
    other.engine.restore(&bytes).unwrap();
    other.now = site.now;
    assert_eq!(other.engine.engaged(), site.engine.engaged());
    assert_eq!(other.engine.engaged().len(), 3);
    assert_eq!(other.engine.snapshot(), bytes);

    let swap = |site: &mut Site, text: &str| {
        let hir = common::link(&policy(text)).hir;
        let data = common::data(&hir);
        common::swap(&mut site.engine, hir, data);
    };
    swap(&mut other, &BAD.replace("a sale", "told otherwise"));
    assert_eq!(other.engine.engaged().len(), 3, "the same version");
    command(&mut other, Command::Panic { off: false });
    assert_eq!(view(&mut other, "bad", "/sale").verdict.verb, Verb::Pass);
    swap(&mut other, &BAD.replace("/sale", "/sale/secret"));
    assert_eq!(view(&mut other, "bad", "/sale/secret").verdict.verb, Verb::Block);
}

/// + brake: the same suspension whatever the size of a batch and the number of threads
#[test]
fn batches_and_threads_suspend_at_the_same_event() {
    let run = |threads: usize, size: usize| {
        let mut site = Site::new(&policy(BAD));
        let mut inputs = Vec::new();
        for n in 0..40 {
            let (at, session) = (START + n, format!("s{n}"));
            let (passed, _) = site.record(
                "challenge.result",
                &[("device", &session), ("outcome", "passed"), ("session", &session)],
            );
            let path = if n % 3 == 0 { "/" } else { "/sale" };
            let (view, _) =
                site.record("page.view", &[("device", &session), ("session", &session), ("path", path)]);
            inputs.push(Input::Request { at, events: vec![passed] });
            inputs.push(Input::Request { at, events: vec![view] });
            inputs.push(Input::Tick { at });
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut told = Vec::new();
        while !inputs.is_empty() {
            let rest = inputs.split_off(size.min(inputs.len()));
            for step in site.engine.batch(std::mem::replace(&mut inputs, rest), Some(&pool)) {
                let weir_engine::Step::Decided(decision) = step else { panic!("no model is asked") };
                told.push((decision.verdict.verb, suspended(&decision).len()));
            }
        }
        (told, site.engine.snapshot())
    };
    let expected = run(1, 1);
    assert_eq!(expected.0.iter().map(|(_, suspended)| suspended).sum::<usize>(), 1);
    for (threads, size) in [(2, 7), (4, 120), (3, 1)] {
        assert_eq!(run(threads, size), expected, "{threads} threads, {size} at a time");
    }
}

#[test]
fn rules_are_kept_from_harm_on_the_walker_too() {
    common::run_on_the_walker("rules_are_kept_from_harm_on_the_walker_too");
}
