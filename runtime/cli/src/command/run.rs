//! `weir run`: a stream through policies, for as long as it comes.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use weir_engine::evidence::Rules;
use weir_engine::{Decision, Engine, Input, Record, Secret};
use weir_gateway::{Format, Parser};
use weir_ledger::Writer;

use crate::args::{Clock, RunArgs, RunEngine, StreamFormat};
use crate::load;
use crate::models::Scorer;
use crate::native::{Natives, Plans};
use crate::node::answer::Answer;
use crate::node::feed::{self, Fed};
use crate::node::journal::Journal;
use crate::node::lines::{self, Asked};
use crate::node::memory::{Memory, read_secret};
use crate::replay::choice::{self, Choice, Texts};
use crate::replay::records::Records;
use crate::replay::setup::{Prepared, Setup};
use crate::replay::{self, Decided};
use crate::ui::{self, Exit, Failure, Outcome, Ui};
use crate::watch::{Beside, Changed, Watch};

/// How long nothing may come before time passes by itself.
const IDLE: Duration = Duration::from_secs(1);
/// How often an idle node looks whether it is to stop.
const PATIENCE: Duration = Duration::from_millis(100);
/// Refused lines that are told one by one.
const TOLD: u64 = 20;

pub(crate) fn run(args: &RunArgs, ui: &mut Ui) -> Outcome {
    let stop = ui::stop_flag();
    let memory = args.data.as_deref().map(Memory::open).transpose()?;
    let secret = match (&args.secret, &memory) {
        (Some(path), _) => Some(read_secret(path)?),
        (None, Some(memory)) => Some(memory.secret()?),
        (None, None) => None,
    };
    let setup = Setup {
        plain_http: args.format != StreamFormat::Ndjson,
        reveal: args.reveal,
        live: true,
        record: args.records.is_some(),
        secret,
        tier: args.engine.into(),
        ..Setup::default()
    };
    let Choice { prepared, notes, rules, texts } =
        match choice::choose(&args.policy, args.profile.as_deref(), &setup, args.cache.open().as_ref())? {
            Ok(choice) => choice,
            Err(refused) => {
                load::tell_errors(&refused.errors, &refused.sources, ui);
                return Ok(Exit::Failed);
            }
        };
    notes.iter().for_each(|note| ui.say(note));
    let mut node = Node::new(args, prepared, memory, &setup, (rules, texts))?;
    node.begin(ui)?;
    let every = Duration::from_secs(args.reload_every);
    let beside = Arc::clone(&node.beside);
    let natives = (args.engine == RunEngine::Native).then(|| Natives::start(args.cache.verbose));
    if let Some(natives) = &natives {
        natives.make(node.engine.version(), Plans::All);
    }
    let profile = args.profile.as_deref();
    let watch = Watch::start(&node.engine, beside, &args.policy, profile, &setup, every, natives.as_ref());
    let mut aside = Aside { watch, natives };
    let lines = feed::start();
    let result = node.serve(&lines, &mut aside, &|| stop.load(std::sync::atomic::Ordering::Relaxed), ui);
    // Whatever ended it, what is remembered is kept.
    let saved = node.save().and(node.journal.finish());
    node.end(ui);
    result.and(saved).map(|()| Exit::Clean)
}

/// What goes on beside the stream.
struct Aside {
    watch: Watch,
    natives: Option<Natives>,
}

impl Aside {
    fn tell(&self, ui: &mut Ui) {
        for why in self.watch.refused() {
            ui.tell(why);
            ui.say("the running ones go on");
        }
        self.natives.iter().flat_map(Natives::said).for_each(|what| ui.say(what));
    }
}

/// A node at work.
struct Node<'a> {
    args: &'a RunArgs,
    engine: Engine,
    /// What is to be known of the present rule set.
    beside: Arc<Beside>,
    scorer: Scorer,
    memory: Option<Memory>,
    ledger: Option<Writer>,
    journal: Journal,
    secret: Secret,
    records: Option<Records>,
    /// Threads, where there is more than one.
    pool: Option<rayon::ThreadPool>,
    /// Events whose response comes later, to be decided together: their lines, and what they are.
    ahead: Vec<(u64, Input, Vec<Record>)>,
    format: Format,
    parser: Parser,
    /// Lines so far.
    lines: u64,
    decided: u64,
    refused: u64,
    saved: Instant,
}

impl<'a> Node<'a> {
    fn new(
        args: &'a RunArgs,
        prepared: Prepared,
        memory: Option<Memory>,
        setup: &Setup,
        (rules, texts): (Rules, Texts),
    ) -> Result<Self, Failure> {
        let seal = args.seal.as_deref();
        let records = args.records.as_deref().map(|path| Records::append(path, seal, &rules)).transpose()?;
        let tenant = prepared.options.tenant.clone();
        let models = Arc::clone(&prepared.models);
        let engine = prepared.engine();
        let beside = Beside::new(setup.mapper(&engine), models, rules, texts);
        let journal = match (&memory, setup.secret) {
            (Some(memory), Some(secret)) => Journal::open(
                memory.dir().join("journal"),
                args.journal,
                secret,
                &tenant,
                engine.hir(),
                beside.hash,
            )?,
            _ => Journal::off(),
        };
        Ok(Self {
            scorer: Scorer::new(Arc::clone(&beside.models), true),
            beside,
            engine,
            args,
            memory,
            ledger: args.ledger.as_deref().map(super::replay::ledger).transpose()?,
            journal,
            secret: setup.secret.unwrap_or(Secret::PUBLIC),
            records,
            pool: threads(args.threads)?,
            ahead: Vec::new(),
            parser: Parser::default(),
            format: match args.format {
                StreamFormat::Ndjson => Format::Ndjson,
                StreamFormat::NginxJson => Format::NginxJson,
                StreamFormat::Combined => Format::Combined,
            },
            lines: 0,
            decided: 0,
            refused: 0,
            saved: Instant::now(),
        })
    }

    /// Goes on from the last snapshot.
    fn begin(&mut self, ui: &mut Ui) -> Result<(), Failure> {
        let rules = self.engine.hir().rules.len();
        ui.say(format_args!("running {}", ui::count(rules, "rule")));
        let Some(memory) = &self.memory else { return Ok(()) };
        let found = memory.recover(&mut self.engine, self.secret)?;
        if let Some(carried) = found.snapshot {
            ui.say(format_args!(
                "going on from the snapshot in `{}`: {} kept, {} new, {} dropped",
                memory.dir().display(),
                carried.kept,
                carried.fresh,
                carried.dropped
            ));
        }
        if found.inputs > 0 {
            let inputs = ui::count(usize::try_from(found.inputs).unwrap_or(usize::MAX), "input");
            ui.say(format_args!("and from {inputs} of the journal since"));
        }
        if found.torn > 0 {
            ui.say(format_args!("the last {} bytes of the journal were cut off", ui::grouped(found.torn)));
        }
        if found.inputs > 0 { self.save() } else { Ok(()) }
    }

    /// Takes lines until there are none, or until it is told to stop.
    fn serve(
        &mut self,
        lines: &Receiver<Fed>,
        aside: &mut Aside,
        stopped: &dyn Fn() -> bool,
        ui: &mut Ui,
    ) -> Result<(), Failure> {
        let mut idle = Instant::now();
        loop {
            if stopped() {
                return Ok(());
            }
            aside.tell(ui);
            let watch = &mut aside.watch;
            self.change(watch, ui)?;
            if self.memory.is_some() && self.saved.elapsed().as_secs() >= self.args.snapshot_every {
                self.save()?;
            }
            match lines.recv_timeout(PATIENCE) {
                Ok(fed) => {
                    self.take(fed, watch, ui)?;
                    // What has come meanwhile is decided before anything is written: one write for many.
                    for _ in 0..1_024 {
                        let Ok(fed) = lines.try_recv() else { break };
                        self.change(watch, ui)?;
                        self.take(fed, watch, ui)?;
                    }
                    self.catch_up(ui)?;
                    // Acknowledged means journalled.
                    self.journal.commit()?;
                    ui.flush()?;
                    idle = Instant::now();
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.journal.commit()?;
                    if self.args.clock == Clock::Wall && idle.elapsed() >= IDLE {
                        idle = Instant::now();
                        self.input(Input::Tick { at: now() }, ui)?;
                        self.journal.commit()?;
                        ui.flush()?;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    /// Goes on with another rule set, where one is ready and nothing waits to be decided by this one.
    fn change(&mut self, watch: &mut Watch, ui: &mut Ui) -> Result<(), Failure> {
        if !self.ahead.is_empty() {
            return Ok(());
        }
        let Some(Changed { beside, said }) = watch.apply(&mut self.engine) else { return Ok(()) };
        self.scorer = Scorer::new(Arc::clone(&beside.models), true);
        self.beside = beside;
        if let Some(records) = &mut self.records {
            records.rules(&self.beside.rules)?;
        }
        // What the journal holds from here on is of these rules alone.
        self.save()?;
        ui.say(said);
        Ok(())
    }

    fn take(&mut self, fed: Fed, watch: &Watch, ui: &mut Ui) -> Result<(), Failure> {
        let number = self.lines;
        self.lines += 1;
        let asked = match fed {
            Fed::Line(line) => {
                let parser = (&mut self.parser, self.format);
                lines::parse(parser, &self.beside.mapper, &self.engine, number, &line)
            }
            Fed::TooLong => Err("the line is too long".to_owned()),
            Fed::Failed(error) => return Err(error.into()),
        };
        if let (Ok(Asked::Event { at, intake, open: true }), Some(_)) = (&asked, &self.pool) {
            let events = intake.events();
            let at = self.stamped(*at);
            self.ahead.push((number, Input::Request { at, events: events.clone() }, events));
            return Ok(());
        }
        // What has come before is decided before.
        self.catch_up(ui)?;
        match asked {
            Ok(Asked::Blank) => Ok(()),
            Ok(Asked::Rollback) => {
                watch.roll_back();
                ui.json(&serde_json::json!({ "seq": number, "answer": "asked" }))
            }
            Ok(Asked::Input(input)) => self.input(input, ui),
            Ok(Asked::Command(command)) => {
                let at = match self.args.clock {
                    Clock::Events => self.engine.seen(),
                    Clock::Wall => now(),
                };
                self.input(Input::Command { at, command }, ui)
            }
            Ok(Asked::Event { at, intake, open }) => {
                let at = self.stamped(at);
                let decided = if open {
                    let events = intake.events();
                    let input = Input::Request { at, events: events.clone() };
                    let request = self.journal.settle(&mut self.engine, &mut self.scorer, input)?;
                    Decided { events, request, response: None }
                } else {
                    let (journal, scorer) = (&mut self.journal, &mut self.scorer);
                    replay::decide_by(&mut self.engine, at, intake, true, |engine, input| {
                        journal.settle(engine, scorer, input)
                    })?
                };
                self.answer(number, &decided, ui)
            }
            Err(why) => {
                self.refused += 1;
                if self.refused <= TOLD {
                    ui.say(format_args!("line {number} is passed over: {why}"));
                }
                if self.refused == TOLD {
                    ui.say("more lines that are passed over are counted, and not told");
                }
                // Whoever waits for an answer to each line is not kept waiting.
                ui.json(&serde_json::json!({ "seq": number, "error": why }))
            }
        }
    }

    /// Decides the events that wait to be decided together.
    fn catch_up(&mut self, ui: &mut Ui) -> Result<(), Failure> {
        let Some(pool) = self.pool.as_ref().filter(|_| !self.ahead.is_empty()) else { return Ok(()) };
        let ahead = std::mem::take(&mut self.ahead);
        let (lines, inputs): (Vec<(u64, Vec<Record>)>, Vec<Input>) =
            ahead.into_iter().map(|(number, input, events)| ((number, events), input)).unzip();
        let decisions = self.journal.settle_all(&mut self.engine, &mut self.scorer, inputs, pool)?;
        for ((number, events), request) in lines.into_iter().zip(decisions) {
            self.answer(number, &Decided { events, request, response: None }, ui)?;
        }
        Ok(())
    }

    /// Writes what was decided of a line.
    fn answer(&mut self, number: u64, decided: &Decided, ui: &mut Ui) -> Result<(), Failure> {
        self.decided += 1;
        self.enter(decided)?;
        self.note(number, decided)?;
        for decision in [Some(&decided.request), decided.response.as_ref()].into_iter().flatten() {
            for due in Answer::deadlines(&self.engine, number, decision) {
                ui.json(&due)?;
            }
            self.tell_cases(decision, ui)?;
        }
        if !self.args.matched || !decided.is_quiet() {
            ui.json(&Answer::new(&self.engine, number, decided, self.args.reveal))?;
        }
        Ok(())
    }

    /// What is no event of its own: a response, time that passes.
    fn input(&mut self, input: Input, ui: &mut Ui) -> Result<(), Failure> {
        let decision = self.journal.settle(&mut self.engine, &mut self.scorer, input)?;
        for due in Answer::deadlines(&self.engine, self.lines, &decision) {
            ui.json(&due)?;
        }
        self.tell_cases(&decision, ui)?;
        if let Some(answer) = decision.answer {
            return ui.json(&serde_json::json!({ "seq": self.lines.saturating_sub(1), "answer": answer }));
        }
        let decided = Decided { events: Vec::new(), request: decision, response: None };
        self.enter(&decided)?;
        self.note(self.lines.saturating_sub(1), &decided)?;
        if !decided.is_quiet() {
            ui.json(&Answer::new(&self.engine, self.lines, &decided, self.args.reveal))?;
        }
        Ok(())
    }

    /// Adds the records of a line's decisions in which something fired.
    fn note(&mut self, number: u64, decided: &Decided) -> Result<(), Failure> {
        let Some(records) = self.records.as_mut().filter(|_| !decided.is_quiet()) else { return Ok(()) };
        let decisions = [Some(&decided.request), decided.response.as_ref()].into_iter().flatten();
        decisions.into_iter().try_for_each(|decision| records.add(&self.engine, number, decision))?;
        // A node may end at any time.
        records.flush()
    }

    /// Adds to the ledger what came of a line, and hands it on: a node may end at any time.
    fn enter(&mut self, decided: &Decided) -> Result<(), Failure> {
        let (Some(ledger), Some(path)) = (&mut self.ledger, &self.args.ledger) else { return Ok(()) };
        let before = ledger.written();
        let result = super::replay::write(ledger, &self.engine, decided);
        let result = result.and_then(|()| if ledger.written() > before { ledger.flush() } else { Ok(()) });
        result.map_err(|error| Failure::file("write", path, &error))
    }

    /// Cases that a person or their deadline has ended.
    fn tell_cases(&self, decision: &Decision, ui: &mut Ui) -> Result<(), Failure> {
        decision.closed.iter().try_for_each(|closed| ui.json(&serde_json::json!({ "closed": closed })))
    }

    /// The time of an event: not ahead of the clock, where there is one.
    fn stamped(&self, at: i64) -> i64 {
        match self.args.clock {
            Clock::Events => at,
            Clock::Wall => {
                let now = now();
                if at > now.saturating_add(i64::from(self.args.skew)) { now } else { at }
            }
        }
    }

    fn save(&mut self) -> Result<(), Failure> {
        self.saved = Instant::now();
        if let Some(records) = &mut self.records {
            records.flush()?;
        }
        self.journal.rules(self.engine.hir(), self.beside.hash)?;
        match &self.memory {
            Some(memory) => {
                let limit = self.args.journal_limit.saturating_mul(1 << 20);
                memory.save(&mut self.engine, self.secret, self.journal.segment(), limit)
            }
            None => Ok(()),
        }
    }

    fn end(&self, ui: &mut Ui) {
        ui.say(format_args!(
            "{} decided, {} passed over",
            ui::count(usize::try_from(self.decided).unwrap_or(usize::MAX), "event"),
            ui::count(usize::try_from(self.refused).unwrap_or(usize::MAX), "line"),
        ));
    }
}

/// A pool of so many threads; none for one.
fn threads(count: usize) -> Result<Option<rayon::ThreadPool>, Failure> {
    if count <= 1 {
        return Ok(None);
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build();
    pool.map(Some).map_err(|error| Failure::new(format!("cannot start {count} threads: {error}")))
}

/// The clock of the edge, in ms UTC.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
