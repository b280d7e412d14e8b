//! `weir test`: the tests of policies, on a virtual clock.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::json;
use smol_str::SmolStr;
use weir_compiler::civil;
use weir_compiler::link::{Linked, Options};
use weir_dsl::{FileId, FileSpan, Sources, render};
use weir_engine::testing::{self, Coverage, START, TestResult};

use crate::args::TestArgs;
use crate::load::{self, Session};
use crate::ui::{self, Exit, Failure, Outcome, Ui};

/// What came of all of them.
#[derive(Default)]
struct Run {
    results: Vec<TestResult>,
    coverage: Coverage,
    faulty: usize,
}

pub(crate) fn run(args: &TestArgs, ui: &mut Ui) -> Outcome {
    let started = Instant::now();
    let mut session = Session::open(&args.paths)?;
    let (diagnostics, elsewhere) = session.findings();
    let errors = render::Counts::of(&diagnostics).errors;
    if errors > 0 && !args.json {
        load::show_errors(&diagnostics, session.analysis.sources(), ui)?;
    }
    let mut run = Run { faulty: errors + elsewhere, ..Run::default() };
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
        if render::Counts::of(&linked.diagnostics).errors > 0 {
            run.faulty += 1;
            load::show_errors(&linked.diagnostics, session.analysis.sources(), ui)?;
            continue;
        }
        let sources = session.analysis.sources();
        if !args.json {
            ui.line(format_args!("{} {}", ui::bold(package), ui::dim(format_args!("({})", tests.len()))))?;
        }
        for test in tests {
            let (result, coverage) = testing::run(&linked.hir, &linked.names, test);
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
        ui.line(format_args!("\n{passed} passed, {failed} failed"))?;
        ui.say(format_args!("in {} ms", started.elapsed().as_millis()));
        if run.results.is_empty() && run.faulty == 0 {
            ui.say(
                "no test was found: a test is `test \"what it shows\" { … }` beside the policies it tries",
            );
        }
    }
    Ok(if failed > 0 || run.faulty > 0 { Exit::Failed } else { Exit::Clean })
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
    let name = |id| linked.hir.rules.get(id).map_or("?", |rule| rule.name.as_str());
    // Events that nothing happened at are told in one line.
    let mut quiet = 0;
    for (at, event) in result.events.iter().enumerate() {
        if event.fired.is_empty() && !event.acted && !event.stopped {
            quiet += 1;
            continue;
        }
        if quiet > 0 {
            ui.line(ui::dim(format_args!(
                "      … {} at which nothing happened",
                ui::count(quiet, "event")
            )))?;
            quiet = 0;
        }
        let fired: Vec<&str> = event.fired.iter().map(|rule| name(*rule)).collect();
        let when = civil::format(event.at).get(11..).map(str::to_owned).unwrap_or_default();
        let days = (event.at - START).div_euclid(civil::DAY);
        ui.line(ui::dim(format_args!(
            "      event {:<4} day {days} {when}  {:<10} {}",
            at + 1,
            event.verdict.word(),
            if fired.is_empty() { String::new() } else { format!("fired: {}", fired.join(", ")) }
        )))?;
    }
    if quiet > 0 {
        ui.line(ui::dim(format_args!("      … {} at which nothing happened", ui::count(quiet, "event"))))?;
    }
    Ok(())
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
        "version": 1, "passed": run.results.len() - failed, "failed": failed, "errors": run.faulty, "tests": tests,
    });
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
