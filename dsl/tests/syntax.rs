//! What each form of the language becomes in the tree.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

use weir_dsl::ast::*;
use weir_dsl::{FileId, parse};

fn file(text: &str) -> File {
    let (file, diagnostics) = parse(FileId(0), text);
    assert!(diagnostics.is_empty(), "{text}\n{}: {:?}", diagnostics[0].title, diagnostics[0].help);
    file
}

fn member(text: &str) -> MemberKind {
    let file = file(&format!("package a\npolicy p {{\n{text}\n}}\n"));
    let ItemKind::Policy(policy) = &file.items[0].kind else { panic!("no policy") };
    assert_eq!(policy.members.len(), 1, "{text}");
    policy.members[0].kind.clone()
}

fn item(text: &str) -> ItemKind {
    let mut file = file(&format!("package a\n{text}\n"));
    assert_eq!(file.items.len(), 1, "{text}");
    file.items.remove(0).kind
}

/// An expression with all parentheses that precedence implies.
fn show(expr: &Expr) -> String {
    let list = |all: &[Expr]| all.iter().map(show).collect::<Vec<_>>().join(", ");
    let not = |negated: bool| if negated { "not " } else { "" };
    match &expr.kind {
        ExprKind::Literal(LiteralKind::Text(text)) => format!("{text:?}"),
        ExprKind::Literal(kind) => format!("{kind:?}").replace("SmolStr", ""),
        ExprKind::Template(parts) => format!("template{parts:?}"),
        ExprKind::Name(name) => name.to_string(),
        ExprKind::Call(name, args) => format!("{}({})", name.text, list(args)),
        ExprKind::Index(base, key) => format!("{}[{}]", show(base), show(key)),
        ExprKind::Paren(inner) => format!("paren{}", show(inner)),
        ExprKind::Array(values) => format!("[{}]", list(values)),
        ExprKind::Case(subject, arms) => {
            let arms: Vec<String> = arms
                .iter()
                .map(|arm| {
                    format!("{} => {}", arm.pattern.as_ref().map_or("_".into(), show), show(&arm.value))
                })
                .collect();
            format!("case {} {{{}}}", show(subject), arms.join(", "))
        }
        ExprKind::Not(inner) => format!("(not {})", show(inner)),
        ExprKind::Negate(inner) => format!("(-{})", show(inner)),
        ExprKind::And(all) => format!("({})", all.iter().map(show).collect::<Vec<_>>().join(" and ")),
        ExprKind::Or(all) => format!("({})", all.iter().map(show).collect::<Vec<_>>().join(" or ")),
        ExprKind::Compare(op, a, b) => format!("({} {} {})", show(a), op.sign(), show(b)),
        ExprKind::EqIgnoringCase(a, b) => format!("({} =~ {})", show(a), show(b)),
        ExprKind::Arithmetic(op, a, b) => format!("({} {} {})", show(a), op.sign(), show(b)),
        ExprKind::Fallback(a, b) => format!("({} ?? {})", show(a), show(b)),
        ExprKind::In { needle, haystack, negated } => {
            format!("({} {}in {})", show(needle), not(*negated), show(haystack))
        }
        ExprKind::Is(of, state, negated) => {
            let state = match state {
                State::Tagged(name) => format!("tagged {}", name.text),
                State::New(key, Window::Literal(window)) => {
                    format!("new {} {:?}", key.parts.len(), window.kind)
                }
                other => format!("{other:?}").to_lowercase(),
            };
            format!("({} is {}{state})", show(of), not(*negated))
        }
        ExprKind::TextTest { op, subject, pattern, negated } => {
            format!("({} {}{op:?} {})", show(subject), not(*negated), show(pattern))
        }
    }
}

fn expression(text: &str) -> Expr {
    let ItemKind::Function(function) = item(&format!("fn f() -> bool = {text}")) else {
        panic!("no function")
    };
    function.body
}

#[test]
fn expressions_bind_as_documented() {
    for (text, tree) in [
        ("a or b and c or d", "(a or (b and c) or d)"),
        ("a and b and c", "(a and b and c)"),
        ("(a and b) and c", "(paren(a and b) and c)"),
        ("not a == b and not not c", "((not (a == b)) and (not (not c)))"),
        ("a + b - c", "((a + b) - c)"),
        ("a - b * c / d % e", "(a - (((b * c) / d) % e))"),
        ("a * b ?? c * d", "((a * (b ?? c)) * d)"),
        ("a ?? b ?? c", "((a ?? b) ?? c)"),
        ("-a * - - b", "((-a) * (-(-b)))"),
        ("-a ?? 1", "((-a) ?? Int(\"1\"))"),
        ("a-b - c", "(a-b - c)"),
        ("a + 1 >= 2 * b", "((a + Int(\"1\")) >= (Int(\"2\") * b))"),
        ("t[a][\"b\"] + f(a, -1)", "(t[a][\"b\"] + f(a, (-Int(\"1\"))))"),
        ("path.segment(4) != asn.class", "(path.segment(Int(\"4\")) != asn.class)"),
        ("a in [1, 2,]", "(a in [Int(\"1\"), Int(\"2\")])"),
        ("a not in b or c", "((a not in b) or c)"),
        ("a is missing and b is not known", "((a is missing) and (b is not known))"),
        ("ip is tagged shared-address", "(ip is tagged shared-address)"),
        ("drop is not active", "(drop is not active)"),
        ("device is new for (user, shape) over 90d", "(device is new 2 Duration(\"90d\"))"),
        ("a matches \"x*\"", "(a Glob \"x*\")"),
        ("a not matches regex \"^x\"", "(a not Regex \"^x\")"),
        ("a contains b", "(a Contains b)"),
        ("a starts with \"b\" and c not ends with d", "((a StartsWith \"b\") and (c not EndsWith d))"),
        ("a == b ignoring case", "(a =~ b)"),
        (
            "case a % 2 { 0 => b, -1 => d, x => e, _ => c, }",
            "case (a % Int(\"2\")) {Int(\"0\") => b, (-Int(\"1\")) => d, x => e, _ => c}",
        ),
        (
            "[90%, 0.25, 2_000, 10m, 400ms, 20/s, 6/min, USD 5, EUR  1.50, true, \"t\"]",
            "[Percent(\"90\"), Float(\"0.25\"), Int(\"2_000\"), Duration(\"10m\"), Duration(\"400ms\"), Rate(\"20/s\"), \
          Rate(\"6/min\"), Money(\"USD 5\"), Money(\"EUR 1.50\"), Bool(true), \"t\"]",
        ),
        ("\"{not a hole} \\\"\\\\ \\n\\t\\u{e9}\"", "\"{not a hole} \\\"\\\\ \\n\\té\""),
        ("contains contains ends", "(contains Contains ends)"),
        ("count + rule * event", "(count + (rule * event))"),
        ("truely or nothing or inner", "(truely or nothing or inner)"),
    ] {
        let expr = expression(text);
        assert_eq!(show(&expr), tree, "{text}");
        assert_eq!(expr.span.len() as usize, text.len(), "{text}");
    }
}

#[test]
fn every_operand_has_its_place() {
    let text = "package a\nfn f() -> bool = a  # one\n  and not (b)\n  # two\n";
    let file = file(text);
    let ItemKind::Function(function) = &file.items[0].kind else { panic!("no function") };
    let ExprKind::And(terms) = &function.body.kind else { panic!("no conjunction") };
    let places: Vec<&str> = terms.iter().map(|term| term.span.text(text)).collect();
    assert_eq!(places, ["a", "not (b)"]);
    assert_eq!(file.items[0].span.text(text), "fn f() -> bool = a  # one\n  and not (b)");
    assert_eq!(file.comments.len(), 2);
}

fn aggregate(text: &str) -> Aggregate {
    let MemberKind::Signal(signal) = member(&format!("signal x = {text}")) else { panic!("no signal") };
    let SignalValue::Aggregate(aggregate) = signal.value else { panic!("no aggregate: {text}") };
    *aggregate
}

#[test]
fn aggregates() {
    let names = |names: &[Name]| names.iter().map(|name| name.text.to_string()).collect::<Vec<_>>().join(" ");
    for (text, measure) in [
        ("count of e over 1h", "count"),
        ("rate of e over 1h", "rate"),
        ("concurrent of e over 1h", "concurrent"),
        ("distinct a of e over 1h", "distinct a"),
        ("distinct (a, b.c) of e over 1h", "distinct a b.c"),
        ("entropy a of e over 1h", "entropy a"),
        ("top a of e over 1h", "top a"),
        ("sequential a of e over 1h", "sequential a"),
        ("cv of gaps of e over 1h", "cv"),
        ("p1 of a of e over 1h", "P1 a"),
        ("p5 of a of e over 1h", "P5 a"),
        ("p50 of a of e over 1h", "P50 a"),
        ("p95 of a of e over 1h", "P95 a"),
        ("first of a of e over 1h", "First a"),
        ("share of a == b of e over 1h", "share (a == b)"),
        ("elapsed from d where g == h to e over 1h", "elapsed d (g == h)"),
        ("bucket(10, 1/s) of e", "bucket 2"),
        ("gcra(1/s, 5) of e", "gcra 2"),
    ] {
        let aggregate = aggregate(text);
        let shown = match &aggregate.measure {
            Measure::Count => "count".into(),
            Measure::Rate => "rate".into(),
            Measure::Concurrent => "concurrent".into(),
            Measure::CvOfGaps => "cv".into(),
            Measure::Share(expr) => format!("share {}", show(expr)),
            Measure::Distinct(all) => format!("distinct {}", names(all)),
            Measure::Entropy(all) => format!("entropy {}", names(all)),
            Measure::Top(all) => format!("top {}", names(all)),
            Measure::Sequential(name) => format!("sequential {}", name.text),
            Measure::Of(statistic, name) => format!("{statistic:?} {}", name.text),
            Measure::ElapsedFrom { event, filter } => {
                format!("elapsed {} {}", event.text, show(filter.as_ref().unwrap()))
            }
            Measure::Bucket(values) => format!("bucket {}", values.len()),
            Measure::Gcra(values) => format!("gcra {}", values.len()),
        };
        assert_eq!(shown, measure);
        assert_eq!(aggregate.population.event.text, "e", "{text}");
        assert_eq!(aggregate.population.over.is_none(), text.ends_with("of e"), "{text}");
    }
}

#[test]
fn windows_keys_and_scopes() {
    let one = aggregate(
        "count of e where a > 1 per (ship.address, sku) over horizon before this exact, at least 5 global within 100ms",
    );
    assert_eq!(show(one.population.filter.as_ref().unwrap()), "(a > Int(\"1\"))");
    let key = one.population.per.unwrap();
    assert_eq!((key.parts[0].text.as_str(), key.parts.len(), key.prefix), ("ship.address", 2, None));
    let over = one.population.over.unwrap();
    assert!(matches!(&over.window, Window::Param(name) if name.text == "horizon"));
    assert!(over.before_this);
    assert_eq!(over.kind, WindowKind::Exact);
    assert_eq!(one.least.unwrap().kind, LiteralKind::Int("5".into()));
    assert!(matches!(
        one.scope,
        Some(Scope::Global(Window::Literal(Literal { kind: LiteralKind::Duration(_), .. })))
    ));
    let prefix = |text: &str| aggregate(text).population.per.unwrap().prefix;
    assert_eq!(prefix("count of e per ip/24 over 1h tumbling local"), Some((24, None)));
    assert_eq!(prefix("count of e per ip/24:56 over 1h economy owned"), Some((24, Some(56))));
    assert!(matches!(aggregate("count of e over 1h local").scope, Some(Scope::Local)));
    assert!(matches!(aggregate("count of e over 1h owned").scope, Some(Scope::Owned)));
}

fn actions(text: &str) -> Vec<ActionKind> {
    let text = format!("rule r {{ when x then {text} because \"y\" }}");
    let MemberKind::Rule(rule) = member(&text) else { panic!("no rule") };
    rule.then.into_iter().map(|action| action.kind).collect()
}

fn verdict(text: &str) -> Verdict {
    match actions(text).pop().unwrap() {
        ActionKind::Verdict(verdict) => verdict,
        other => panic!("{other:?}"),
    }
}

#[test]
fn actions_of_every_kind() {
    let text = "score +60, score -5, exempt from a.b, hold c for q within 2h else block with status 402, \
                tag (user, ip) t for 1d, alert q, notify q, ticket q, revoke s.e.session, lock password, \
                activate storm for 1h, mask email, pass";
    let kinds = actions(text);
    assert_eq!(kinds.len(), 13);
    assert!(matches!(kinds[0], ActionKind::Score { points: 60, .. }));
    assert!(matches!(kinds[1], ActionKind::Score { points: -5, .. }));
    assert!(matches!(&kinds[2], ActionKind::Exempt(name) if name.text == "a.b"));
    assert!(matches!(
        &kinds[3],
        ActionKind::Hold { otherwise: Verb::Block, with: Some(With::Status(402, _)), .. }
    ));
    assert!(matches!(&kinds[4], ActionKind::Tag { key, tag, .. } if key.parts.len() == 2 && tag.text == "t"));
    assert!(matches!(&kinds[5], ActionKind::Aside(Aside::Alert, _)));
    assert!(matches!(&kinds[6], ActionKind::Aside(Aside::Notify, _)));
    assert!(matches!(&kinds[7], ActionKind::Aside(Aside::Ticket, _)));
    assert!(matches!(&kinds[8], ActionKind::Revoke(name) if name.text == "s.e.session"));
    assert!(matches!(&kinds[9], ActionKind::LockPassword));
    assert!(matches!(&kinds[10], ActionKind::Activate { target, .. } if target.text == "storm"));
    assert!(matches!(&kinds[11], ActionKind::Mask(name) if name.text == "email"));
    assert!(matches!(&kinds[12], ActionKind::Verdict(Verdict { verb: Verb::Pass, target: None, .. })));
}

#[test]
fn verdicts_and_whom_they_spare() {
    let full = verdict(
        "block ip/24:56 on login with status 402 for 30m renewing, sparing sessions that passed or devices known 30d",
    );
    assert_eq!(full.target.unwrap().prefix, Some((24, Some(56))));
    assert_eq!(full.on.unwrap().text, "login");
    assert!(matches!(full.with, Some(With::Status(402, _))));
    assert!(full.duration.is_some() && full.renewing);
    assert_eq!(full.sparing.len(), 2);
    assert!(matches!(full.sparing[0].how, SparedHow::Passed));
    assert!(matches!(full.sparing[1].how, SparedHow::Known(_)));
    let spared =
        verdict("delay x on e by 2s, sparing sessions with cart.add or users tagged vip or devices in fleet")
            .sparing;
    assert!(matches!(&spared[0].how, SparedHow::With(name) if name.text == "cart.add"));
    assert!(matches!(&spared[1].how, SparedHow::Tagged(name) if name.text == "vip"));
    assert!(matches!(&spared[2].how, SparedHow::In(name) if name.text == "fleet"));
    assert!(matches!(verdict("throttle surplus on e to usual for 1h").to, Some(To::Usual(_))));
    assert!(matches!(verdict("throttle token on e to 6/min for 1h").to, Some(To::Rate(_))));
    assert!(matches!(verdict("redirect to \"/wait\"").to, Some(To::Place(place)) if place.value == "/wait"));
    assert!(matches!(verdict("delay by 2s").by, Some(Window::Literal(_))));
    assert!(
        matches!(verdict("deceive with labyrinth").with, Some(With::Decoy(name)) if name.text == "labyrinth")
    );
    assert_eq!(verdict("step-up").verb, Verb::StepUp);
}

#[test]
fn rules_with_all_their_clauses() {
    let MemberKind::Rule(rule) = member(
        "rule r { mode canary 5% per (user, ip) when a then block because \"{{x}} {a + 1} of {b.c}\\n\" \
         harm at most 0.1% of known-good users if unknown then challenge, alert q }",
    ) else {
        panic!("no rule")
    };
    assert!(matches!(&rule.mode, Some(Mode::Canary { per, .. }) if per.parts.len() == 2));
    assert_eq!(rule.harm.as_ref().unwrap().population.text, "users");
    assert_eq!(rule.if_unknown.len(), 2);
    let parts: Vec<String> = rule
        .because
        .unwrap()
        .parts
        .iter()
        .map(|part| match part {
            BecausePart::Text(text) => format!("{text:?}"),
            BecausePart::Hole(expr) => show(expr),
        })
        .collect();
    assert_eq!(parts, ["\"{x} \"", "(a + Int(\"1\"))", "\" of \"", "b.c", "\"\\n\""]);
}

#[test]
fn places_of_holes_are_absolute() {
    let text =
        "package a\npolicy p { rule r { when a then block because \"\\\"é {first} { second * 2 }\" } }\n";
    let file = file(text);
    let ItemKind::Policy(policy) = &file.items[0].kind else { panic!("no policy") };
    let MemberKind::Rule(rule) = &policy.members[0].kind else { panic!("no rule") };
    let holes: Vec<&str> = rule
        .because
        .as_ref()
        .unwrap()
        .parts
        .iter()
        .filter_map(|part| match part {
            BecausePart::Hole(expr) => Some(expr.span.text(text)),
            BecausePart::Text(_) => None,
        })
        .collect();
    assert_eq!(holes, ["first", "second * 2"]);
}

#[test]
fn strings_of_tests_are_templates_and_those_of_rules_are_not() {
    let ItemKind::Test(test) =
        item("test \"a {name}\" { e { a: \"u{i % 20}\", b: \"{{}}\", c: \"{i}\" d: \"\" } }")
    else {
        panic!("no test")
    };
    assert_eq!(test.name.value, "a {name}");
    let MoveKind::Emit { fields, .. } = &test.moves[0].kind else { panic!("no event") };
    let shown: Vec<bool> =
        fields.iter().map(|field| matches!(field.value.kind, ExprKind::Template(_))).collect();
    assert_eq!(shown, [true, false, true, false]);
    assert_eq!(show(&fields[1].value), "\"{}\"");
    assert_eq!(show(&expression("\"u{i}\"")), "\"u{i}\"");
}

#[test]
fn fields_types_and_aliases() {
    let ItemKind::Event(event) = item(
        "event new.name alias old.name, older {\n  personal: list<id<user>, 64>? personal response alias was, were\n  \
         b: string<4096>\n  in: enum { x, y-z }?\n  alias: map<string, int, 10> response\n}",
    ) else {
        panic!("no event")
    };
    assert_eq!(event.aliases.len(), 2);
    let field = &event.fields[0];
    assert!(field.personal && field.response && field.ty.optional);
    assert_eq!((field.name.text.as_str(), field.aliases.len()), ("personal", 2));
    let TypeKind::Named { args, bound, .. } = &field.ty.kind else { panic!("no list") };
    assert_eq!((args.len(), *bound), (1, Some(64)));
    assert!(
        matches!(&event.fields[1].ty.kind, TypeKind::Named { args, bound: Some(4096), .. } if args.is_empty())
    );
    assert!(matches!(&event.fields[2].ty.kind, TypeKind::Enum(names) if names.len() == 2));
    assert!(
        matches!(&event.fields[3].ty.kind, TypeKind::Named { args, bound: Some(10), .. } if args.len() == 2)
    );
}

#[test]
fn items_of_every_kind() {
    let count = file(
        "package a.b\nuse c.d { e, f.g }\nenvelope { a: int }\nderive e from http.exchange { a: 1, b: 2 }\n\
         list l: set<int> = [1, 2]\ntable t: map<string, int> from \"t.csv\"\ntag a tag b queue c\n\
         decoy d on e from \"d\" at most 1_000/min else block\nschedule s from \"s.ics\"\nfingerprint f = ja4\n\
         model m(a: int, b: string?) -> probability from \"m.onnx\"\nmodel n() -> float from \"n.onnx\" within 2ms\n\
         fn g(x: int) -> int = x\ncap actions by ip at log\n\
         cap block on e at 2% of sessions over 10m, else log because \"{a}\"\n\
         decide { block when score >= 90 otherwise pass }\n\
         tune p { mode enforce harm at most 1% of known-good users a = -5 rule r mode shadow b = USD 5 mode = 3 }\n",
    );
    assert_eq!(count.items.len(), 17);
    assert_eq!(count.uses[0].names[1].text, "f.g");
    let ItemKind::Tune(tune) = &count.items[16].kind else { panic!("no tune") };
    assert_eq!(tune.changes.len(), 6);
    assert!(
        matches!(&tune.changes[2].kind, ChangeKind::Param(_, Literal { kind: LiteralKind::Int(n), .. }) if n == "-5")
    );
    assert!(matches!(&tune.changes[5].kind, ChangeKind::Param(name, _) if name.text == "mode"));
}

#[test]
fn sequences_cohorts_and_moves() {
    let MemberKind::Sequence(sequence) = member(
        "sequence s per user within 72h { first a as x where b == 1 then c as y without d where e between x and y \
         then no f where g within 10m }",
    ) else {
        panic!("no sequence")
    };
    let kinds: Vec<&StepKind> = sequence.steps.iter().map(|step| &step.kind).collect();
    assert!(matches!(
        kinds[..],
        [StepKind::First(_), StepKind::Then(_), StepKind::Without { .. }, StepKind::ThenNo(_)]
    ));
    assert_eq!(sequence.steps.iter().filter(|step| step.filter.is_some()).count(), 3);
    let MemberKind::Cohort(cohort) = member(
        "cohort c of e where a by (b, c) over 5m against usual, floor 50, lift at least 8, at least 500",
    ) else {
        panic!("no cohort")
    };
    let number = |literal: Option<Literal>| format!("{:?}", literal.unwrap().kind);
    assert_eq!(number(cohort.floor), "Int(\"50\")");
    assert_eq!(number(cohort.lift), "Int(\"8\")");
    assert_eq!(number(cohort.least), "Int(\"500\")");
    let ItemKind::Test(test) = item(
        "test \"t\" { given a contains 1 given b = 90% given t[\"x\"] = DE given usual(s) = 3 given m late given s active \
         unmapped e repeat 3 as i every 5s { e { } wait 1s } expect no action expect rule r fired expect rule a.b.r not \
         fired at event 3 expect rule r unknown expect action step-up at event 2 expect score >= -5 at event 1 expect \
         stopped from event 4 }",
    ) else {
        panic!("no test")
    };
    assert_eq!(test.moves.len(), 15);
    let expects: Vec<&Expect> = test
        .moves
        .iter()
        .filter_map(|one| if let MoveKind::Expect(expect) = &one.kind { Some(expect) } else { None })
        .collect();
    assert!(matches!(
        expects[..],
        [
            Expect::NoAction,
            Expect::Fired(_, None),
            Expect::NotFired(_, Some(3)),
            Expect::Unknown(_, None),
            Expect::Action(Verb::StepUp, Some(2)),
            Expect::Score(CompareOp::Ge, -5, Some(1)),
            Expect::StoppedFrom(4),
        ]
    ));
}

#[test]
fn documentation_is_the_block_directly_above() {
    let text = "# not this\n\npackage a\n\n# One.\n#  Two.\ntag t # trailing\ntag u\n\n# far\n\ntag v\npolicy p {\n  # On.\n  on e\n  \
                # Watch.\n  watch e over 1h {\n    # Line.\n    a = count\n    b = count\n  }\n}\n";
    let file = file(text);
    let docs: Vec<Option<&str>> = file.items.iter().map(|item| item.doc.as_deref()).collect();
    assert_eq!(docs, [Some("One.\n Two."), None, None, None]);
    let ItemKind::Policy(policy) = &file.items[3].kind else { panic!("no policy") };
    assert_eq!(policy.members[0].doc.as_deref(), Some("On."));
    assert_eq!(policy.members[1].doc.as_deref(), Some("Watch."));
    let MemberKind::Watch(watch) = &policy.members[1].kind else { panic!("no watch") };
    assert_eq!(watch.signals[0].doc.as_deref(), Some("Line."));
    assert_eq!(watch.signals[1].doc, None);
}

#[test]
fn indentation_and_line_breaks_carry_no_meaning() {
    for path in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/policies")).unwrap() {
        let text = std::fs::read_to_string(path.unwrap().path()).unwrap();
        let code: String = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .flat_map(|line| [line, "\n"])
            .collect();
        let shape = |text: &str| {
            let file = file(text);
            let mut json = serde_json::to_value(&file).unwrap();
            strip(&mut json);
            json
        };
        let flush: String = code.lines().flat_map(|line| [line.trim_start(), "\n"]).collect();
        assert_eq!(shape(&code), shape(&flush));
        // Without trailing comments, a file may even be one line.
        if !code.contains('#') {
            assert_eq!(shape(&code), shape(&code.replace('\n', " ")));
        }
    }
}

/// Removes places and documentation.
fn strip(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Array(values) => values.iter_mut().for_each(strip),
        serde_json::Value::Object(fields) => {
            for name in ["span", "start", "end", "doc", "comments"] {
                fields.remove(name);
            }
            fields.iter_mut().for_each(|(_, value)| strip(value));
        }
        _ => {}
    }
}
