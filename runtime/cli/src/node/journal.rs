//! What a node is given, on disk before it is acknowledged.

use std::path::PathBuf;

use weir_compiler::hir::Hir;
use weir_engine::evidence::RulesHash;
use weir_engine::{Decision, Engine, Input, Secret, Step};
use weir_journal::{Mode, Writer};

use crate::args::JournalMode;
use crate::models::Scorer;
use crate::ui::Failure;

/// A journal that is written, or none.
#[derive(Debug)]
pub(crate) struct Journal {
    dir: PathBuf,
    writer: Option<Writer>,
}

impl Journal {
    /// None at all.
    pub(crate) fn off() -> Self {
        Self { dir: PathBuf::new(), writer: None }
    }

    /// In the folder `dir`.
    pub(crate) fn open(
        dir: PathBuf,
        mode: JournalMode,
        secret: Secret,
        tenant: &str,
        hir: &Hir,
        rules: RulesHash,
    ) -> Result<Self, Failure> {
        let mode = match mode {
            JournalMode::Off => return Ok(Self::off()),
            JournalMode::Async => Mode::Async,
            JournalMode::Sync => Mode::Sync,
        };
        match Writer::open(&dir, secret, mode, tenant, hir, rules.0) {
            Ok(writer) => Ok(Self { dir, writer: Some(writer) }),
            Err(error) => {
                Err(Failure::new(format!("cannot write the journal in `{}`: {error}", dir.display())))
            }
        }
    }

    fn told(&self, result: Result<(), weir_journal::Error>) -> Result<(), Failure> {
        result.map_err(|error| {
            Failure::new(format!("cannot write the journal in `{}`: {error}", self.dir.display()))
        })
    }

    /// Journals an input and gives it to the engine; what models answer is journalled, too.
    pub(crate) fn settle(
        &mut self,
        engine: &mut Engine,
        scorer: &mut Scorer,
        input: Input,
    ) -> Result<Decision, Failure> {
        self.input(engine, &input)?;
        let step = engine.begin(input);
        self.finish_step(engine, scorer, step)
    }

    /// The same of many inputs at once.
    pub(crate) fn settle_all(
        &mut self,
        engine: &mut Engine,
        scorer: &mut Scorer,
        inputs: Vec<Input>,
        pool: &rayon::ThreadPool,
    ) -> Result<Vec<Decision>, Failure> {
        inputs.iter().try_for_each(|input| self.input(engine, input))?;
        let steps = engine.batch(inputs, Some(pool));
        steps.into_iter().map(|step| self.finish_step(engine, scorer, step)).collect()
    }

    fn input(&mut self, engine: &Engine, input: &Input) -> Result<(), Failure> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let written = writer.input(engine.hir(), input);
        self.told(written)
    }

    fn finish_step(
        &mut self,
        engine: &mut Engine,
        scorer: &mut Scorer,
        step: Step,
    ) -> Result<Decision, Failure> {
        match step {
            Step::Decided(decision) => Ok(decision),
            Step::Pending(pending) => {
                let outcomes = scorer.answers(&pending.calls);
                if let Some(writer) = &mut self.writer {
                    let written = writer.outcomes(engine.hir(), pending.seq(), &pending.calls, &outcomes);
                    self.told(written)?;
                }
                Ok(engine.resume(pending, &outcomes))
            }
        }
    }

    /// The number of the segment that is being written; 0 without a journal.
    pub(crate) fn segment(&self) -> u64 {
        self.writer.as_ref().map_or(0, Writer::segment)
    }

    /// Another rule set runs, or a snapshot has all that came before: either begins a segment.
    pub(crate) fn rules(&mut self, hir: &Hir, rules: RulesHash) -> Result<(), Failure> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let written = writer.rules(hir, rules.0);
        self.told(written)
    }

    /// Before decisions are acknowledged, and now and then when nothing comes.
    pub(crate) fn commit(&mut self) -> Result<(), Failure> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let written = writer.commit();
        self.told(written)
    }

    /// Writes what is left.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        let written = writer.finish();
        self.told(written)
    }
}
