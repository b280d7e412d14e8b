//! `weir replay`: a log through policies.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use smol_str::SmolStr;
use weir_compiler::analysis::{Found, Selection};
use weir_compiler::link::Linked;
use weir_dsl::render;
use weir_engine::Engine;
use weir_gateway::{FormatChoice, Input, Item, Parsed, Reader, ReaderOptions};

use crate::args::{AsIf, LogFormat, ReplayArgs};
use crate::load::{self, Session};
use crate::replay::line::Line;
use crate::replay::setup::Setup;
use crate::replay::summary::Summary;
use crate::replay::{self, explain};
use crate::ui::{self, Exit, Failure, Outcome, Ui};

pub(crate) fn run(args: &ReplayArgs, ui: &mut Ui) -> Outcome {
    let stop = stop_flag();
    let mut reader = open(args, Arc::clone(&stop))?;
    // The first record tells what the input can supply, and so which rules it can wake.
    let mut waiting: Vec<Item> = Vec::new();
    let mut plain_http = true;
    for item in reader.by_ref() {
        let decides = matches!(&item, Item::Record(_));
        if let Item::Record(record) = &item {
            plain_http = matches!(record.parsed, Parsed::Exchange(_));
        }
        waiting.push(item);
        if decides || waiting.len() >= 10_000 {
            break;
        }
    }
    let Some((mut engine, linked)) = prepare(args, plain_http, ui)? else { return Ok(Exit::Failed) };
    let mapper = setup(args, plain_http).mapper(&engine);
    let mut decisions = match &args.decisions {
        None => None,
        Some(path) => {
            let file = File::create(path).map_err(|error| Failure::file("write", path, &error))?;
            Some((path, BufWriter::with_capacity(1 << 16, file)))
        }
    };

    let started = Instant::now();
    let bar = ui.progress(reader.progress().bytes_total);
    let mut summary = Summary::default();
    let mut failures: Vec<String> = Vec::new();
    let mut explained = None;
    let mut waiting = waiting.into_iter();
    let mut shown = Instant::now();
    loop {
        let item = match waiting.next() {
            Some(item) => item,
            None => match reader.next() {
                Some(item) => item,
                None => break,
            },
        };
        let record = match item {
            Item::Record(record) => record,
            Item::Reject(_) => continue,
            Item::Failed(error) => {
                failures.push(error.to_string());
                continue;
            }
        };
        summary.late += u64::from(record.late);
        let at = record.parsed.ts_ms();
        let intake = match mapper.intake(&engine, record.seq, &record.parsed) {
            Ok(intake) => intake,
            Err(refusal) => {
                summary.refuse(record.seq, refusal);
                continue;
            }
        };
        let decided = replay::decide(&mut engine, at, intake, args.as_if == Some(AsIf::Enforce));
        for look in decided.request.deadlines.iter().chain(decided.response.iter().flat_map(|d| &d.deadlines))
        {
            look.matches.iter().for_each(|found| summary.add_deadline(found.rule));
        }
        summary.add(&decided.request);
        let is_explained = args.explain == Some(record.seq);
        // Most lines are quiet, and what to print of them would cost as much as deciding them.
        let line = (args.all || is_explained || !decided.is_quiet())
            .then(|| Line::new(&engine, record.seq, &decided, args.reveal));
        if let Some(line) = &line {
            summary.add_matches(line);
        }
        if let Some((path, out)) = &mut decisions
            && let Some(line) = line.as_ref().filter(|line| args.all || !line.matches.is_empty())
        {
            let written = serde_json::to_writer(&mut *out, line).map_err(std::io::Error::from);
            written
                .and_then(|()| out.write_all(b"\n"))
                .map_err(|error| Failure::file("write", path, &error))?;
        }
        if let Some(line) = line.filter(|_| is_explained) {
            let traces = [Some(&decided.request), decided.response.as_ref()];
            let traces: Vec<_> =
                traces.into_iter().flatten().map(|decision| engine.explain(decision)).collect();
            explained = Some((line, traces));
            break;
        }
        if summary.events % 1_024 == 0 && shown.elapsed() > Duration::from_millis(200) {
            shown = Instant::now();
            bar.set_position(reader.progress().bytes_read);
            bar.set_message(format!("{} events", ui::grouped(summary.events)));
        }
    }
    bar.finish_and_clear();
    summary.elapsed = started.elapsed();
    summary.interrupted = stop.load(Ordering::Relaxed);
    if let Some((path, mut out)) = decisions {
        out.flush().map_err(|error| Failure::file("write", path, &error))?;
    }
    match (&explained, args.explain) {
        (Some((line, traces)), _) if args.json => ui.json(&explain::json(line, traces))?,
        (Some((line, traces)), _) => explain::print(line, traces, ui)?,
        (None, Some(seq)) => {
            return Err(Failure::with_help(
                format!("no event came of line {seq}"),
                "lines count from 0 over all inputs; a rejected or blank line has no decision",
            ));
        }
        (None, None) if args.json => {
            ui.json(&summary.json(engine.hir(), reader.rejects(), &linked.left_out))?
        }
        (None, None) => {
            let enforced = args.as_if.is_some();
            summary.print(engine.hir(), reader.rejects(), &linked.left_out, enforced, ui)?;
        }
    }
    for failure in &failures {
        ui.say(format_args!("{}: {failure}", ui::bold_red("error")));
    }
    Ok(if failures.is_empty() { Exit::Clean } else { Exit::Usage })
}

/// Set by the first Ctrl-C; the second one ends the process.
fn stop_flag() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    // Without a handler Ctrl-C ends the process at once, as ever.
    let _ = ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    stop
}

fn open(args: &ReplayArgs, stop: Arc<AtomicBool>) -> Result<Reader, Failure> {
    let format = match args.format {
        LogFormat::Auto => "auto",
        LogFormat::Combined => "combined",
        LogFormat::NginxJson => "nginx-json",
        LogFormat::Ndjson => "ndjson",
    };
    let format: FormatChoice = format.parse().map_err(|_| Failure::new("unknown format"))?;
    let inputs: Vec<Input> = args.inputs.iter().map(Input::from_argument).collect();
    let options = ReaderOptions { format, stop, ..ReaderOptions::default() };
    Reader::new(inputs, options).map_err(|error| Failure::new(error.to_string()))
}

/// The engine of the policies asked for; nothing after errors have been shown.
fn prepare(args: &ReplayArgs, plain_http: bool, ui: &mut Ui) -> Result<Option<(Engine, Linked)>, Failure> {
    let mut session = if args.policy.is_empty() { Session::library() } else { Session::open(&args.policy)? };
    let (diagnostics, _) = session.findings();
    if load::show_errors(&diagnostics, session.analysis.sources(), ui)? {
        return Ok(None);
    }
    let found = session.analysis.found();
    let selection = match select(args, &session, &found) {
        Ok(selection) => selection,
        Err(diagnostic) => {
            return Err(Failure::Other { what: diagnostic.title.clone(), help: diagnostic.help.clone() });
        }
    };
    let setup = setup(args, plain_http);
    match setup.engine(&found, &selection, session.root.as_deref()) {
        Ok((engine, linked, _)) => Ok(Some((engine, linked))),
        Err(mut faults) => {
            render::sort(&mut faults, session.analysis.sources());
            load::show_errors(&faults, session.analysis.sources(), ui)?;
            Ok(None)
        }
    }
}

fn setup(args: &ReplayArgs, plain_http: bool) -> Setup {
    Setup {
        as_if_enforce: args.as_if == Some(AsIf::Enforce),
        plain_http,
        disabled: args.disable_keys.clone(),
        record: args.explain.is_some(),
        reveal: args.reveal,
    }
}

/// A project's profile; of files that are none, their policies with the library's maps from plain HTTP.
fn select(
    args: &ReplayArgs,
    session: &Session,
    found: &Found,
) -> Result<Selection, Box<weir_dsl::Diagnostic>> {
    let names_a_project = args.policy.iter().any(|path: &PathBuf| path.is_dir()) && session.root.is_some();
    if args.policy.is_empty() || names_a_project {
        return found.profile(&args.profile);
    }
    let asked: BTreeSet<_> = session.asked.iter().map(|(file, _)| *file).collect();
    let everything = found.everything();
    let policies = everything
        .policies
        .iter()
        .filter(|name| found.policies.get(*name).is_some_and(|checked| asked.contains(&checked.at.file)));
    let packages: Vec<SmolStr> = found
        .env
        .packages
        .values()
        .filter(|package| asked.contains(&package.at.file))
        .map(|package| package.name.clone())
        .collect();
    let mut derives = packages.clone();
    if let Ok(default) = found.profile("default") {
        derives.extend(default.derives.into_iter().filter(|package| !packages.contains(package)));
    }
    Ok(Selection { policies: policies.cloned().collect(), caps: packages.clone(), derives, tunes: packages })
}
