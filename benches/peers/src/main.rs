//! Weir beside other engines: the same events, rules and lists for each, all rules on every event, match totals checked before
//! time counts. README.md says what is measured and how.

use std::io::Write;
use std::process::ExitCode;
use std::{fs, path};

use clap::Parser;
use event::{Event, Record};
use measure::{Input, Plan, Row};
use report::Report;
use workload::{Rule, Workload};

mod clock;
mod engine;
mod event;
mod machine;
mod measure;
mod report;
mod strings;
mod workload;

// What the `weir` binary allocates with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Weir beside other engines. `WEIR_WORKLOAD` names a folder of another workload.
#[derive(Parser)]
#[command(name = "weir-peers")]
struct Arguments {
    /// Engines by name; a part before a hyphen stands for all that begin with it [default: all]
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    engines: Vec<String>,
    /// Numbers of rules [default: 10, 100 and 1000, or all sets of another workload]
    #[arg(long, value_delimiter = ',', value_name = "N")]
    rules: Vec<usize>,
    /// Prints one JSON object a row
    #[arg(long)]
    json: bool,
    /// Lists engines, versions and sets of rules, and measures nothing
    #[arg(long)]
    list: bool,
    /// Checks totals on the first 1,000 events only, and takes short turns
    #[arg(long)]
    quick: bool,
    /// Measures what takes more than a millisecond an event, too
    #[arg(long)]
    full: bool,
    /// Turns of each engine
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Leaves out the tables of patterns in texts
    #[arg(long, conflicts_with = "only_strings")]
    no_strings: bool,
    /// Leaves out the tables of rules
    #[arg(long)]
    only_strings: bool,
    /// Writes the tables to `../record/NAME.md`, too
    #[arg(long, value_name = "NAME")]
    record: Option<String>,
    /// Prints what the rules are as a policy, and measures nothing
    #[arg(long)]
    policy: bool,
    /// Writes the generated baseline anew from the first set that `--rules` names, and measures nothing
    #[arg(long)]
    generate: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// False when an engine was wrong.
fn run(arguments: &Arguments) -> Result<bool, String> {
    let workload = Workload::open()?;
    let sizes = match arguments.rules.as_slice() {
        [] => workload.sizes(),
        sizes => sizes.to_vec(),
    };
    let asked = |name: &str| {
        let is = |asked: &String| {
            name == asked || name.strip_prefix(asked.as_str()).is_some_and(|rest| rest.starts_with('-'))
        };
        arguments.engines.is_empty() || arguments.engines.iter().any(is)
    };
    let engines: Vec<_> = engine::all().into_iter().filter(|engine| asked(engine.name())).collect();
    let searchers: Vec<_> = strings::all().into_iter().filter(|engine| asked(engine.name())).collect();
    for name in &arguments.engines {
        let one = |known: &str| {
            known == name || known.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('-'))
        };
        if !engines.iter().any(|engine| one(engine.name()))
            && !searchers.iter().any(|engine| one(engine.name()))
        {
            return Err(format!("there is no engine `{name}`; --list names them"));
        }
    }
    if arguments.list {
        list(&workload);
        return Ok(true);
    }
    if arguments.policy || arguments.generate {
        let size = *sizes.first().ok_or("no set of rules")?;
        let rules = workload.rules(size)?;
        let rules: Vec<&Rule> = rules.iter().collect();
        let set = workload::Set { rules: &rules, lists: &workload.lists, sample: &[] };
        if arguments.policy {
            say(&engine::policy(set));
        } else {
            let path = path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine/rust/generated.rs");
            fs::write(&path, engine::generate(set)?)
                .map_err(|error| format!("{}: {error}", path.display()))?;
        }
        return Ok(true);
    }

    let plan = Plan {
        rounds: arguments.rounds.max(1),
        turn: if arguments.quick { 2e7 } else { 1.6e8 },
        quick: arguments.quick.then_some(1_000),
        full: arguments.full,
    };
    let lines = workload.lines();
    let records: Vec<Record<'_>> = event::decode(&lines)?;
    let events: Vec<Event<'_>> = records.iter().map(Record::event).collect();
    let input = Input { lines: &lines, events: &events };
    let sets = sizes.iter().map(|size| workload.rules(*size)).collect::<Result<Vec<_>, _>>()?;
    let sets: Vec<Vec<&Rule>> = sets.iter().map(|rules| rules.iter().collect()).collect();
    let mut rows: Vec<Row> = Vec::new();
    if !arguments.only_strings && !engines.is_empty() {
        for rules in &sets {
            rows.extend(measure::measure(&engines, &workload, rules, input, plan, &rows));
        }
    }
    let mut found = Vec::new();
    if !arguments.no_strings && !searchers.is_empty() {
        let hay = workload.hay(&events);
        let (literals, regexes) = workload.patterns()?;
        found.extend(strings::measure(&searchers, &literals, &[], &hay, plan)?);
        found.extend(strings::measure(&searchers, &literals, &regexes, &hay, plan)?);
    }

    let report = Report {
        machine: machine::Machine::here(),
        command: std::iter::once("cargo run --release --".to_owned())
            .chain(std::env::args().skip(1))
            .collect::<Vec<_>>()
            .join(" "),
        workload: format!(
            "{}, {} events",
            if workload.ships() {
                "the one that ships".to_owned()
            } else {
                workload.folder().file_name().unwrap_or_default().to_string_lossy().into_owned()
            },
            events.len()
        ),
        rules: rows,
        strings: found,
    };
    say(&if arguments.json { report.json() } else { report.tables() });
    if let Some(name) = &arguments.record {
        let path = path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../record").join(format!("{name}.md"));
        let page = report.page(&format!("Beside other engines: {name}"));
        fs::write(&path, page).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(!report.is_wrong())
}

fn list(workload: &Workload) {
    let mut text = format!("workload: {}, rules {:?}\n", workload.folder().display(), workload.sizes());
    let mut line = |table: &str, name: &str, package: Option<&str>| {
        text += &format!("{table:<9}{name:<24}{}\n", package.and_then(machine::version).unwrap_or("–"));
    };
    engine::all().iter().for_each(|engine| line("rules", engine.name(), engine.package()));
    strings::all().iter().for_each(|engine| line("strings", engine.name(), engine.package()));
    say(&text);
}

/// Whoever reads may stop reading.
fn say(text: &str) {
    _ = std::io::stdout().write_all(text.as_bytes());
}
