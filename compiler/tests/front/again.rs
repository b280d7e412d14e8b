//! Linking again: what an edit has changed, and the rest as it was.

use weir_compiler::analysis::Analysis;
use weir_compiler::canonical;
use weir_compiler::hir::{Expr, Hir};
use weir_compiler::ids::*;
use weir_compiler::link::{Linked, Members, Options, Reading};
use weir_compiler::visit::{self, Visitor};
use weir_dsl::{FileSpan, Sources};

use crate::analysis::Random;
use crate::support;

/// Takes out of an item what depends on where expressions, patterns, states and signals stand, and notes the expressions it asks.
#[derive(Default)]
struct Mask {
    asked: Vec<ExprId>,
    states: Vec<StateId>,
    signals: Vec<SignalId>,
    places: bool,
}

impl Visitor for Mask {
    fn expr(&mut self, id: &mut ExprId) {
        self.asked.push(*id);
        *id = ExprId(0);
    }
    fn pattern(&mut self, id: &mut PatternId) {
        *id = PatternId(0);
    }
    fn state(&mut self, id: &mut StateId) {
        self.states.push(*id);
        *id = StateId(0);
    }
    fn signal(&mut self, id: &mut SignalId) {
        self.signals.push(*id);
        *id = SignalId(0);
    }
    fn place(&mut self, at: &mut FileSpan) {
        if !self.places {
            *at = FileSpan::default();
        }
    }
}

/// Everything a rule set says, with its expressions written out where they are asked. Places inside of state are left out; states and
/// signals are in order of what they are.
fn whole(hir: &Hir) -> String {
    let written = |mut part: Hir, places| {
        let mut mask = Mask { places, ..Mask::default() };
        visit::hir(&mut part, &mut mask);
        let mut text = format!("{part:#?}\n");
        refer(hir, mask, 0, &mut text);
        text
    };
    let empty = Hir::default;
    let states = hir.states.values().cloned();
    let mut states: Vec<String> = states
        .map(|state| written(Hir { states: [state].into_iter().collect(), ..empty() }, false))
        .collect();
    states.sort();
    let signals = hir.signals.values().cloned();
    let mut signals: Vec<String> = signals
        .map(|signal| written(Hir { signals: [signal].into_iter().collect(), ..empty() }, true))
        .collect();
    signals.sort();
    let others = Hir {
        cohorts: hir.cohorts.clone(),
        sequences: hir.sequences.clone(),
        calls: hir.calls.clone(),
        facts: hir.facts.clone(),
        ..empty()
    };
    let rules = Hir {
        params: hir.params.clone(),
        policies: hir.policies.clone(),
        rules: hir.rules.clone(),
        caps: hir.caps.clone(),
        derives: hir.derives.clone(),
        good: hir.good.clone(),
        ..empty()
    };
    [states.concat(), signals.concat(), written(others, false), written(rules, true)].concat()
}

/// Writes what has been asked.
fn refer(hir: &Hir, mask: Mask, depth: usize, text: &mut String) {
    for id in mask.states {
        text.push_str(&format!("{:depth$}{}\n", "", hir.states[id].identity));
    }
    for id in mask.signals {
        text.push_str(&format!("{:depth$}{}\n", "", canonical::linked_signal(hir, id)));
    }
    for id in mask.asked {
        tree(hir, id, mask.places, depth, text);
    }
}

/// What full names mean, whatever the places of states and signals.
fn names(linked: &Linked) -> String {
    let of = |reading: &Reading| match reading {
        Reading::Signal(signal) => canonical::linked_signal(&linked.hir, *signal),
        other => format!("{other:?}"),
    };
    linked.names.iter().map(|(name, reading)| format!("{name}: {}\n", of(reading))).collect()
}

/// The same of what policies need.
fn members(linked: &Linked) -> String {
    let text = |members: &Members| {
        let mut states: Vec<&str> =
            members.states.iter().map(|id| &*linked.hir.states[*id].identity).collect();
        states.sort_unstable();
        format!("{states:?} {:?} {:?} {:?}\n", members.cohorts, members.sequences, members.facts)
    };
    linked.members.values().chain([&linked.others]).map(text).collect()
}

fn tree(hir: &Hir, id: ExprId, places: bool, depth: usize, text: &mut String) {
    let mut expr: Expr = hir.exprs[id].clone();
    if let weir_compiler::hir::ExprKind::Matches(_, pattern) = &expr.kind {
        text.push_str(&hir.patterns[*pattern].source);
    }
    let mut mask = Mask { places, ..Mask::default() };
    visit::expr(&mut expr, &mut mask);
    text.push_str(&format!("{:depth$}{expr:?}\n", ""));
    refer(hir, mask, depth + 1, text);
}

/// An edit that leaves most sets right: a number, a name, a line that comes or goes.
fn edited(text: &str, random: &mut Random) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = random.below(lines.len());
    match random.below(8) {
        7 => {
            // A signal under a further name, or over another time.
            let times = ["over 10m", "over 1h", "over 5m"];
            let time = times.iter().find(|time| text.contains(**time)).unwrap_or(&times[0]);
            return text.replacen(time, &format!("over {}m", 2 + random.below(50)), 1 + random.below(2));
        }
        0 => lines.insert(at, "# a comment".to_owned()),
        1 => {
            let line = lines[at].clone();
            lines.insert(at, line);
        }
        2 => drop(lines.remove(at)),
        3 => {
            let rules: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].contains("when ")).collect();
            if let Some(at) = rules.get(random.below(rules.len())) {
                lines[*at] = lines[*at].replacen("when ", "when score >= 3 and ", 1);
            }
        }
        4 => return text.replacen("enforce", "shadow", 1),
        _ => {
            // From here on the first digit of a threshold.
            for line in lines.iter_mut().skip(at).filter(|line| line.contains(">=") || line.contains('>')) {
                if let Some(digit) = line.rfind(|c: char| c.is_ascii_digit()) {
                    line.replace_range(digit..=digit, &random.below(10).to_string());
                    break;
                }
            }
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn what_is_linked_again_is_what_is_linked_anew() {
    let mut sources = Sources::default();
    support::library(&mut sources);
    let original: Vec<(String, String)> =
        sources.ids().map(|file| (sources.name(file).to_owned(), sources.text(file).to_owned())).collect();
    let mut files = original.clone();
    let mut session = Analysis::new();
    for (name, text) in &files {
        session.set_file(name, text.as_str());
    }
    let options = [Options::default(), Options { as_if_enforce: true, ..Options::default() }];
    let mapped = |session: &mut Analysis| {
        let env = session.env();
        env.schema.events.iter().map(|(id, _)| id).filter(|id| id.index() % 3 != 0).collect()
    };
    let mapped = Options { mapped: Some(mapped(&mut session)), ..Options::default() };
    let mut random = Random(0x11f7);
    let (mut shared, mut before) = (0, Hir::default());
    for round in 0..45 {
        let at = random.below(files.len());
        files[at].1 =
            if random.below(6) == 0 { original[at].1.clone() } else { edited(&files[at].1, &mut random) };
        session.set_file(&files[at].0, files[at].1.as_str());
        let mut fresh = Analysis::new();
        for (name, text) in &files {
            fresh.set_file(name, text.as_str());
        }
        let options = if round < 30 { &options[usize::from(round >= 20)] } else { &mapped };
        let (found, expected) = (session.found(), fresh.found());
        let again = found.link(&found.everything(), options);
        let anew = expected.link(&expected.everything(), options);
        assert!(whole(&again.hir) == whole(&anew.hir), "round {round}, {}:\n{}", files[at].0, files[at].1);
        assert_eq!((members(&again), names(&again)), (members(&anew), names(&anew)));
        assert_eq!(again.left_out, anew.left_out);
        assert_eq!(again.diagnostics, anew.diagnostics);
        let differs = again.hir.rules.differing(&before.rules).count();
        shared += usize::from(differs < again.hir.rules.len());
        before = again.hir;
    }
    assert!(shared > 10, "{shared} rounds have shared anything");
}
