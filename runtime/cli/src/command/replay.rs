//! `weir replay`: a log through policies.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use weir_engine::{Engine, Explanation};
use weir_gateway::{Format, FormatChoice, Input, InputError, Item, Parsed, Reader, ReaderOptions, Record};
use weir_ledger::Writer;

use crate::args::{AsIf, LogFormat, ReplayArgs, RunEngine};
use crate::load;
use crate::models::Scorer;
use crate::native::{Natives, Plans};
use crate::replay::choice::{self, Choice, Refused};
use crate::replay::intake::Mapper;
use crate::replay::line::{self, Line};
use crate::replay::records::Records;
use crate::replay::report::Report;
use crate::replay::setup::Setup;
use crate::replay::summary::Summary;
use crate::replay::{self, Decided, explain, mask};
use crate::ui::{self, Exit, Failure, Outcome, Ui};
use crate::watch::{Beside, Changed, Watch};

/// Rejected lines at the start of an input after which the rules are chosen without having seen a record.
const MOST_WAITING: usize = 10_000;
/// How often `--watch` looks at the policies.
const WATCH_EVERY: Duration = Duration::from_millis(250);

/// How long a replay takes before its rules are compiled to native code.
const COMPILE_AFTER: Duration = Duration::from_secs(2);

pub(crate) fn run(args: &ReplayArgs, ui: &mut Ui) -> Outcome {
    let stop = ui::stop_flag();
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
        if decides || waiting.len() >= MOST_WAITING {
            break;
        }
    }
    let setup = Setup {
        as_if_enforce: args.as_if == Some(AsIf::Enforce),
        plain_http: plain_http && !args.inputs.iter().skip(1).any(|input| is_typed(args, input)),
        disabled: args.disable_keys.clone(),
        record: args.explain.is_some() || args.records.is_some(),
        reveal: args.reveal,
        tier: args.engine.into(),
        ..Setup::default()
    };
    let chosen = choice::choose(&args.policy, args.profile.as_deref(), &setup, args.cache.open().as_ref())?;
    let Choice { prepared, rules, texts, notes } = match chosen {
        Ok(choice) => choice,
        Err(refused) => return refuse(args, &refused, ui),
    };
    notes.iter().for_each(|note| ui.say(note));
    let left_out = prepared.linked.left_out.clone();
    let models = Arc::clone(&prepared.models);
    let engine = prepared.engine();
    let beside = Beside::new(setup.mapper(&engine), models, rules, texts);
    // Compiling costs more than a short log gains by it.
    let natives = (args.engine == RunEngine::Native).then(|| Natives::start(args.cache.verbose));
    let mut is_compiled = natives.is_none();
    let mut watch = args.watch.then(|| {
        let profile = args.profile.as_deref();
        let beside = Arc::clone(&beside);
        Watch::start(&engine, beside, &args.policy, profile, &setup, WATCH_EVERY, natives.as_ref())
    });
    let mut run = Run {
        mapper: setup.lean_mapper(&engine),
        whole: setup.mapper(&engine),
        setup: &setup,
        engine,
        args,
        out: args
            .decisions
            .as_deref()
            .map(|path| output_file(args, path, "--decisions", "decisions"))
            .transpose()?,
        records: args
            .records
            .as_deref()
            .map(|path| Records::create(args, path, &beside.rules))
            .transpose()?,
        ledger: args.ledger.as_deref().map(ledger).transpose()?,
        summary: Summary::default(),
        explained: None,
        scorer: Scorer::new(Arc::clone(&beside.models), false),
        beside,
    };

    let started = Instant::now();
    let bar = ui.progress(reader.progress().bytes_total);
    let mut failures: Vec<InputError> = Vec::new();
    // Why the line to be explained has no decision.
    let mut rejected = None;
    let mut waiting = waiting.into_iter();
    let mut shown = Instant::now();
    while let Some(item) = waiting.next().or_else(|| reader.next()) {
        if let Some(watch) = &mut watch {
            run.change(watch, ui)?;
        }
        match item {
            Item::Record(record) => {
                if let Err(refused) = run.record(&record)?
                    && args.explain == Some(record.seq)
                {
                    rejected = Some(refused);
                }
            }
            Item::Reject(reject) if args.explain == Some(reject.seq) => {
                rejected = Some(reject.reason.to_string());
            }
            Item::Reject(_) => {}
            Item::Failed(error) => failures.push(error),
        }
        if run.explained.is_some() || rejected.is_some() {
            break;
        }
        if run.summary.events.is_multiple_of(1_024) && shown.elapsed() > Duration::from_millis(200) {
            shown = Instant::now();
            bar.set_position(reader.progress().bytes_read);
            bar.set_message(format!("{} events", ui::grouped(run.summary.events)));
            if let Some(natives) = &natives {
                natives.said().for_each(|what| ui.say(what));
                if !is_compiled && started.elapsed() >= COMPILE_AFTER {
                    is_compiled = true;
                    natives.make(run.engine.version(), Plans::Seen);
                }
            }
        }
    }
    bar.finish_and_clear();
    run.summary.elapsed = started.elapsed();
    run.summary.interrupted = stop.load(Ordering::Relaxed);
    if let (Some(out), Some(path)) = (&mut run.out, &args.decisions) {
        out.flush().map_err(|error| Failure::file("write", path, &error))?;
    }
    if let (Some(ledger), Some(path)) = (&mut run.ledger, &args.ledger) {
        ledger.flush().map_err(|error| Failure::file("write", path, &error))?;
    }
    if let Some(records) = run.records.take() {
        records.finish()?;
    }
    match (&run.explained, args.explain) {
        (Some((line, traces)), _) if args.json => ui.json(&explain::json(line, traces))?,
        (Some((line, traces)), _) => explain::print(line, traces, args.full, ui)?,
        (None, Some(seq)) => {
            say_failures(&failures, ui);
            return Err(nothing_to_explain(seq, rejected, &reader, run.summary.interrupted));
        }
        (None, None) => {
            let (engine, reveal) = (&run.engine, args.reveal);
            let sample = |text: &str| if reveal { text.to_owned() } else { masked(engine, text) };
            let report = Report {
                summary: &run.summary,
                hir: engine.hir(),
                reader: &reader,
                left_out: &left_out,
                engaged: engine.engaged(),
                sample: &sample,
            };
            if args.json {
                ui.json(&report.json())?;
            } else {
                report.print(args.as_if.is_some(), ui)?;
            }
        }
    }
    say_failures(&failures, ui);
    Ok(if failures.is_empty() { Exit::Clean } else { Exit::Usage })
}

/// A replay on its way through a log.
struct Run<'a> {
    args: &'a ReplayArgs,
    engine: Engine,
    mapper: Mapper,
    /// For lines that are shown: of those the fields that nothing reads are wanted too.
    whole: Mapper,
    setup: &'a Setup,
    /// What is to be known of the present rule set.
    beside: Arc<Beside>,
    scorer: Scorer,
    out: Option<BufWriter<File>>,
    ledger: Option<Writer>,
    records: Option<Records>,
    summary: Summary,
    /// The decision to be explained, once it has come.
    explained: Option<(Line, Vec<Explanation>)>,
}

impl Run<'_> {
    /// Goes on with another rule set, where one is ready.
    fn change(&mut self, watch: &mut Watch, ui: &mut Ui) -> Result<(), Failure> {
        for why in watch.refused() {
            ui.tell(why);
            ui.say("the running ones go on");
        }
        let before = self.engine.version();
        let Some(Changed { beside, said }) = watch.apply(&mut self.engine) else { return Ok(()) };
        self.summary.change(before.hir(), self.engine.hir());
        self.scorer = Scorer::new(Arc::clone(&beside.models), false);
        self.beside = beside;
        self.mapper = self.setup.lean_mapper(&self.engine);
        self.whole = self.setup.mapper(&self.engine);
        if let Some(records) = &mut self.records {
            records.rules(&self.beside.rules)?;
        }
        ui.say(said);
        Ok(())
    }

    /// Decides one line, counts it and writes its decision; the inner error says why the line is no event.
    fn record(&mut self, record: &Record) -> Result<Result<(), String>, Failure> {
        self.summary.late += u64::from(record.late);
        let intake = match self.mapper.intake(&self.engine, record.seq, &record.parsed) {
            Ok(intake) => intake,
            Err(refusal) => {
                let text = refusal.to_string();
                self.summary.refuse(record.seq, refusal);
                return Ok(Err(text));
            }
        };
        let passed_over = self.mapper.passed_over(&self.engine, &record.parsed);
        passed_over.for_each(|name| self.summary.pass_over(name));
        let drop_stopped = self.args.as_if == Some(AsIf::Enforce);
        let decide = if self.ledger.is_some() { replay::decide } else { replay::decide_unseen };
        let mut decided =
            decide(&mut self.engine, &mut self.scorer, record.parsed.ts_ms(), intake, drop_stopped);
        // Most lines are quiet, and what to print of them would cost as much as deciding them.
        let is_explained = self.args.explain == Some(record.seq);
        let is_shown = self.args.all || is_explained || !decided.is_quiet();
        // What is counted alone needs no words, and the events of those whose keys are counted.
        let is_whole = self.args.all || is_explained || self.out.is_some();
        let request = &decided.request;
        let is_named = line::stops_or_would(request.verdict.verb, request.shadow);
        if is_shown
            && (is_whole || is_named)
            && let Ok(intake) = self.whole.intake(&self.engine, record.seq, &record.parsed)
        {
            decided.events = intake.into_events();
        }
        let decisions = || [Some(&decided.request), decided.response.as_ref()].into_iter().flatten();
        for found in decisions().flat_map(|decision| &decision.deadlines).flat_map(|look| &look.matches) {
            self.summary.add_deadline(found.rule);
        }
        self.summary.add(&decided.request);
        if let (Some(ledger), Some(path)) = (&mut self.ledger, &self.args.ledger) {
            write(ledger, &self.engine, &decided).map_err(|error| Failure::file("write", path, &error))?;
        }
        let line = if is_whole { Line::new } else { Line::counted };
        let line = is_shown.then(|| line(&self.engine, record.seq, &decided, self.args.reveal));
        if let Some(line) = &line {
            self.summary.add_matches(line);
        }
        if let (Some(out), Some(path)) = (&mut self.out, &self.args.decisions)
            && let Some(line) = line.as_ref().filter(|line| self.args.all || !line.matches.is_empty())
        {
            let written = serde_json::to_writer(&mut *out, line).map_err(std::io::Error::from);
            written
                .and_then(|()| out.write_all(b"\n"))
                .map_err(|error| Failure::file("write", path, &error))?;
        }
        if let Some(records) = self.records.as_mut().filter(|_| is_explained || !decided.is_quiet()) {
            decisions().try_for_each(|decision| records.add(&self.engine, record.seq, decision))?;
        }
        if let Some(line) = line.filter(|_| is_explained) {
            let traces = decisions().map(|decision| self.engine.explain(decision)).collect();
            self.explained = Some((line, traces));
        }
        Ok(Ok(()))
    }
}

/// A writer for a ledger's folder.
pub(crate) fn ledger(folder: &Path) -> Result<Writer, Failure> {
    Writer::new(folder).map_err(|error| Failure::file("write", folder, &error))
}

/// Adds a line's decisions to a ledger, and what it says of earlier ones.
pub(crate) fn write(ledger: &mut Writer, engine: &Engine, decided: &Decided) -> std::io::Result<()> {
    ledger.add(engine, &decided.request)?;
    if let Some(response) = &decided.response {
        ledger.add(engine, response)?;
    }
    for told in decided.events.iter().filter_map(|record| engine.told(record)) {
        ledger.tell(told, decided.request.at)?;
    }
    Ok(())
}

fn format(args: &ReplayArgs) -> FormatChoice {
    match args.format {
        LogFormat::Auto => FormatChoice::Auto,
        LogFormat::Combined => FormatChoice::Is(Format::Combined),
        LogFormat::NginxJson => FormatChoice::Is(Format::NginxJson),
        LogFormat::Ndjson => FormatChoice::Is(Format::Ndjson),
    }
}

fn open(args: &ReplayArgs, stop: Arc<AtomicBool>) -> Result<Reader, Failure> {
    let inputs: Vec<Input> = args.inputs.iter().map(Input::from_argument).collect();
    let options = ReaderOptions { format: format(args), stop, ..ReaderOptions::default() };
    Reader::new(inputs, options).map_err(|error| Failure::new(input_error(&error)))
}

/// Whether an input holds typed events. Only regular files are looked into; others can be read once only.
fn is_typed(args: &ReplayArgs, input: &Path) -> bool {
    if !input.is_file() {
        return false;
    }
    let options = ReaderOptions { format: format(args), ..ReaderOptions::default() };
    let Ok(reader) = Reader::new(vec![Input::from_argument(input)], options) else { return false };
    let records = reader.take(MOST_WAITING).filter_map(|item| match item {
        Item::Record(record) => Some(matches!(record.parsed, Parsed::Typed(_))),
        _ => None,
    });
    records.into_iter().next().unwrap_or(false)
}

/// The file that an option names, which is none of what is read.
pub(crate) fn output_file(
    args: &ReplayArgs,
    path: &Path,
    option: &str,
    what: &str,
) -> Result<BufWriter<File>, Failure> {
    if path.as_os_str() == "-" {
        return Err(Failure::with_help(
            format!("`{option}` writes a file, and `-` is none"),
            format!("`{option} /dev/stdout` mixes them with the summary; a file called `-` is `./-`"),
        ));
    }
    let real = fs::canonicalize(path).ok().filter(|path| path.is_file());
    let same = |input: &&PathBuf| real.is_some() && fs::canonicalize(input).ok() == real;
    if let Some(input) = args.inputs.iter().find(same) {
        return Err(Failure::new(format!(
            "the {what} would overwrite the log: `{}` is `{}`",
            path.display(),
            input.display()
        )));
    }
    let file = File::create(path).map_err(|error| Failure::file("write", path, &error))?;
    Ok(BufWriter::with_capacity(1 << 16, file))
}

/// Shows why nothing runs.
fn refuse(args: &ReplayArgs, refused: &Refused, ui: &mut Ui) -> Outcome {
    if args.json {
        ui.json(&weir_dsl::render::json_value(&refused.errors, &refused.sources))?;
    } else {
        load::tell_errors(&refused.errors, &refused.sources, ui);
    }
    Ok(Exit::Failed)
}

fn input_error(error: &InputError) -> String {
    let why = ui::words(error.kind, &error.message);
    match error.offset {
        0 => format!("cannot read `{}`: {why}", error.input),
        offset => format!("cannot read `{}` past byte {}: {why}", error.input, ui::grouped(offset)),
    }
}

fn say_failures(failures: &[InputError], ui: &mut Ui) {
    for failure in failures {
        ui.say(format_args!("{}: {}", ui::bold_red("error"), input_error(failure)));
    }
}

/// Why there is no decision to explain.
fn nothing_to_explain(seq: u64, rejected: Option<String>, reader: &Reader, interrupted: bool) -> Failure {
    let lines = reader.progress().lines;
    let what = match rejected {
        Some(why) => format!("line {seq} was rejected: {why}"),
        None if interrupted => format!("interrupted before line {seq} was decided"),
        None if lines == 0 => format!("there is no line {seq}: nothing was read"),
        None if seq >= lines => {
            format!("there is no line {seq}: the last one is {}", ui::grouped(lines - 1))
        }
        None => format!("line {seq} is blank"),
    };
    Failure::with_help(what, "lines count from 0, over all inputs together")
}

/// A piece of a raw line without the addresses in it.
fn masked(engine: &Engine, text: &str) -> String {
    let is_cut = text.len() >= weir_gateway::SAMPLE_BYTES;
    mask::addresses(text, is_cut, |address| match address {
        Some(address) => engine.pseudonym(&[weir_compiler::value::Value::Ip(address)]),
        None => "#".to_owned(),
    })
}
