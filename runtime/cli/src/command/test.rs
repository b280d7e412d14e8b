//! `weir test`: the tests of policies, on a virtual clock.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::json;
use smol_str::SmolStr;
use weir_compiler::civil;
use weir_compiler::link::{Linked, Options};
use weir_dsl::{Diagnostic, FileId, FileSpan, Sources, render};
use weir_engine::testing::{self, Coverage, START, TestResult};

use crate::args::TestArgs;
use crate::load::{self, Session};
use crate::ui::{self, Exit, Failure, Outcome, Ui};

/// What came of all of them.
#[derive(Default)]
struct Run {
    results: Vec<TestResult>,
    coverage: Coverage,
    /// What is wrong with the files asked for: a package with errors is tried as far as it goes.
    errors: Vec<Diagnostic>,
    /// Errors in other files of the project.
    elsewhere: usize,
}

impl Run {
    fn faulty(&self) -> usize {
        self.errors.len() + self.elsewhere
    }
}

pub(crate) fn run(args: &TestArgs, ui: &mut Ui) -> Outcome {
    let started = Instant::now();
    let mut session = Session::open(&args.paths)?;
    let (diagnostics, elsewhere) = session.findings();
    let mut run = Run { errors: load::errors(&diagnostics), elsewhere, ..Run::default() };
    show_errors(&run.errors, session.analysis.sources(), args, ui)?;
    let asked: Vec<FileId> = session.asked.iter().map(|(file, _)| *file).collect();
    let found = session.analysis.found();
    let packages: Vec<SmolStr> = found.env.packages.keys().cloned().collect();
    for package in &packages {
        let tests: Vec<_> = found
            .tests(package)
            .filter(|test| asked.contains(&test.at.file))
            .filter(|test| {
                args.filter
                    .as_ref()
                    .is_none_or(|text| test.name.contains(text.as_str()) || package.contains(text.as_str()))
            })
            .collect();
        if tests.is_empty() {
            continue;
        }
        let linked = found.link(&found.for_tests(package), &Options::default());
        let errors = load::errors(&linked.diagnostics);
        if !errors.is_empty() {
            show_errors(&errors, session.analysis.sources(), args, ui)?;
            run.errors.extend(errors);
            continue;
        }
        let sources = session.analysis.sources();
        if !args.json {
            ui.line(format_args!("{} {}", ui::bold(package), ui::dim(format_args!("({})", tests.len()))))?;
        }
        for test in tests {
            let (result, coverage) = testing::run_on(args.engine.into(), &linked.hir, &linked.names, test);
            run.coverage.join(&own(coverage, package));
            if !args.json {
                show(&result, &linked, sources, ui)?;
            }
            run.results.push(result);
        }
        ui.flush()?;
    }
    let failed = run.results.iter().filter(|result| !result.failures.is_empty()).count();
    if args.json {
        ui.json(&report(&run, session.analysis.sources(), args.coverage))?;
    } else {
        if args.coverage {
            show_coverage(&run.coverage, session.analysis.sources(), ui)?;
        }
        let passed = run.results.len() - failed;
        let errors = match run.faulty() {
            0 => String::new(),
            errors => format!(", {}", ui::count(errors, "error")),
        };
        ui.line(format_args!("\n{passed} passed, {failed} failed{errors}"))?;
        ui.say(format_args!("in {} ms", started.elapsed().as_millis()));
        if run.elsewhere > 0 {
            ui.say(format_args!(
                "{} in other files of the project; `weir check` shows them",
                ui::count(run.elsewhere, "error")
            ));
        }
        if run.results.is_empty() && run.faulty() == 0 {
            ui.say(match &args.filter {
                Some(text) => format!("no test's name or package contains `{text}`"),
                None => {
                    "no test was found: a test is `test \"what it shows\" { … }` beside the policies it tries"
                        .to_owned()
                }
            });
        }
    }
    Ok(if failed > 0 || run.faulty() > 0 { Exit::Failed } else { Exit::Clean })
}

/// Shows errors for people; the report has them too.
fn show_errors(
    errors: &[Diagnostic],
    sources: &Sources,
    args: &TestArgs,
    ui: &mut Ui,
) -> Result<(), Failure> {
    if args.json { Ok(()) } else { ui.print(render::human(errors, sources, ui.is_colored())) }
}

/// Only the rules of the package itself: those of imported policies are covered by their own tests.
fn own(mut coverage: Coverage, package: &str) -> Coverage {
    coverage.rules.retain(|name, _| {
        name.strip_prefix(package)
            .and_then(|rest| rest.strip_prefix('.'))
            .is_some_and(|rest| rest.matches('.').count() == 1)
    });
    coverage
}

fn show(result: &TestResult, linked: &Linked, sources: &Sources, ui: &mut Ui) -> Result<(), Failure> {
    if result.failures.is_empty() {
        return ui.line(format_args!("  {} {}", ui::green("ok"), result.name));
    }
    ui.line(format_args!("  {} {}", ui::bold_red("FAILED"), result.name))?;
    for failure in &result.failures {
        let (line, column) = sources.position(failure.at.file, failure.at.span.start);
        ui.line(format_args!("    {}:{line}:{column}", sources.name(failure.at.file)))?;
        ui.line(format_args!("    expected: {}", failure.expected))?;
        ui.line(format_args!("    came:     {}", failure.came))?;
    }
    let told = events(result, linked);
    let elided = told.len().saturating_sub(FIRST + LAST);
    for (at, line) in told.iter().enumerate() {
        if elided > 1 && at == FIRST {
            ui.line(ui::dim(format_args!("      … {}", ui::count(elided, "more line"))))?;
        }
        if elided <= 1 || at < FIRST || at >= told.len() - LAST {
            ui.line(ui::dim(line))?;
        }
    }
    Ok(())
}

/// How many lines of what happened in a failed test are shown: the first and the last.
const FIRST: usize = 12;
const LAST: usize = 8;

/// What happened, a line for each run of events at which the same happened.
fn events(result: &TestResult, linked: &Linked) -> Vec<String> {
    let name = |id| linked.hir.rules.get(id).map_or("?", |rule| rule.name.as_str());
    let mut lines = Vec::new();
    let mut from = 0;
    while let Some(event) = result.events.get(from) {
        let same = |other: &&testing::EventLine| {
            (&other.fired, other.verdict, other.stopped, other.acted)
                == (&event.fired, event.verdict, event.stopped, event.acted)
        };
        let alike = result.events.iter().skip(from).take_while(same).count();
        let which = match alike {
            1 => format!("event {}", from + 1),
            _ => format!("events {} to {}", from + 1, from + alike),
        };
        let when = civil::format(event.at).get(11..).map(str::to_owned).unwrap_or_default();
        let day = (event.at - START).div_euclid(civil::DAY);
        let fired: Vec<&str> = event.fired.iter().map(|rule| name(*rule)).collect();
        let what = match (fired.as_slice(), event.acted || event.stopped) {
            ([], false) => "nothing happened".to_owned(),
            ([], true) => event.verdict.word().to_owned(),
            (fired, _) => format!("{:<9} fired: {}", event.verdict.word(), fired.join(", ")),
        };
        lines.push(format!("      {which:<20}  day {day} {when:<13}  {what}"));
        from += alike;
    }
    lines
}

/// Rules that never fired, and conjuncts that were never true or never false.
fn gaps(coverage: &Coverage) -> BTreeMap<&SmolStr, Vec<(FileSpan, &'static str)>> {
    let mut gaps = BTreeMap::new();
    for (name, rule) in &coverage.rules {
        let mut found = Vec::new();
        if !rule.fired {
            found.push((rule.at, "never fired"));
        }
        for conjunct in &rule.conjuncts {
            match (conjunct.was_true, conjunct.was_false) {
                (false, false) => found.push((conjunct.at, "never known")),
                (false, true) => found.push((conjunct.at, "never true")),
                (true, false) => found.push((conjunct.at, "never false")),
                (true, true) => {}
            }
        }
        if !found.is_empty() {
            gaps.insert(name, found);
        }
    }
    gaps
}

fn show_coverage(coverage: &Coverage, sources: &Sources, ui: &mut Ui) -> Result<(), Failure> {
    let gaps = gaps(coverage);
    let fired = coverage.rules.values().filter(|rule| rule.fired).count();
    let conjuncts = coverage.rules.values().flat_map(|rule| &rule.conjuncts);
    let both = conjuncts.clone().filter(|conjunct| conjunct.was_true && conjunct.was_false).count();
    ui.line(format_args!(
        "\n{}: {fired} of {} rules fired; {both} of {} conditions were both true and false",
        ui::bold("coverage"),
        coverage.rules.len(),
        conjuncts.count()
    ))?;
    for (name, found) in gaps {
        ui.line(format_args!("  {name}"))?;
        for (at, what) in found {
            let (line, _) = sources.position(at.file, at.span.start);
            let text = if what == "never fired" { "" } else { sources.snippet(at.file, at.span) };
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            ui.line(format_args!("    {:<12} {}:{line}  {}", ui::yellow(what), sources.name(at.file), text))?;
        }
    }
    Ok(())
}

fn report(run: &Run, sources: &Sources, with_coverage: bool) -> serde_json::Value {
    let place = |at: FileSpan| {
        let (line, column) = sources.position(at.file, at.span.start);
        json!({ "file": sources.name(at.file), "line": line, "column": column })
    };
    let tests: Vec<_> = run
        .results
        .iter()
        .map(|result| {
            let failures: Vec<_> = result
                .failures
                .iter()
                .map(|failure| json!({ "at": place(failure.at), "expected": failure.expected, "came": failure.came }))
                .collect();
            json!({
                "package": result.package, "name": result.name, "at": place(result.at),
                "passed": failures.is_empty(), "events": result.events.len(), "failures": failures,
            })
        })
        .collect();
    let failed = run.results.iter().filter(|result| !result.failures.is_empty()).count();
    let mut report = json!({
        "version": 1, "passed": run.results.len() - failed, "failed": failed, "errors": run.faulty(), "tests": tests,
    });
    if let (false, Some(object)) = (run.errors.is_empty(), report.as_object_mut()) {
        let shown = render::json_value(&run.errors, sources);
        object.extend(shown.get("diagnostics").map(|errors| ("diagnostics".to_owned(), errors.clone())));
    }
    if let (true, Some(object)) = (with_coverage, report.as_object_mut()) {
        let fired = run.coverage.rules.values().filter(|rule| rule.fired).count();
        let gaps: Vec<_> = gaps(&run.coverage)
            .into_iter()
            .flat_map(|(name, found)| found.into_iter().map(move |(at, what)| (name, at, what)))
            .map(|(name, at, what)| {
                json!({ "rule": name, "what": what, "at": place(at), "text": sources.snippet(at.file, at.span) })
            })
            .collect();
        object.insert(
            "coverage".into(),
            json!({ "rules": run.coverage.rules.len(), "fired": fired, "gaps": gaps }),
        );
    }
    report
}
