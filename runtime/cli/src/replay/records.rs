//! `weir replay --records FILE`: what was stopped or matched, each decision with all it was made of.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use weir_engine::evidence::{self, Rules, RulesHash};
use weir_engine::{Decision, Engine};

use weir_journal::seal::SealingKey;

use crate::args::ReplayArgs;
use crate::command::keygen;
use crate::command::replay::output_file;
use crate::ui::Failure;

/// A file of decision records on its way.
pub(crate) struct Records {
    path: PathBuf,
    out: BufWriter<File>,
    rules: RulesHash,
    seal: Option<SealingKey>,
}

impl Records {
    /// Begins the file with the rule set that decides.
    pub(crate) fn create(args: &ReplayArgs, path: &Path, rules: &Rules) -> Result<Self, Failure> {
        let seal = args.seal.as_deref().map(keygen::sealing).transpose()?;
        let out = output_file(args, path, "--records", "records")?;
        let mut head = Vec::new();
        let rules = evidence::begin(&mut head, rules);
        let mut records = Self { path: path.to_path_buf(), out, rules, seal };
        records.write(&head)?;
        Ok(records)
    }

    /// Goes on with a file, or begins it.
    pub(crate) fn append(path: &Path, seal: Option<&Path>, rules: &Rules) -> Result<Self, Failure> {
        let seal = seal.map(keygen::sealing).transpose()?;
        let failed = |error| Failure::file("write", path, &error);
        let file = File::options().append(true).create(true).open(path).map_err(failed)?;
        let mut head = Vec::new();
        let rules = if file.metadata().map_err(failed)?.len() == 0 {
            evidence::begin(&mut head, rules)
        } else {
            evidence::add_rules(&mut head, rules)
        };
        let mut records = Self { path: path.to_path_buf(), out: BufWriter::new(file), rules, seal };
        records.write(&head)?;
        Ok(records)
    }

    /// Another rule set decides from here on.
    pub(crate) fn rules(&mut self, rules: &Rules) -> Result<(), Failure> {
        let mut head = Vec::new();
        self.rules = evidence::add_rules(&mut head, rules);
        self.write(&head)
    }

    /// Writes what has been added so far.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(|error| Failure::file("write", &self.path, &error))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.out.write_all(bytes).map_err(|error| Failure::file("write", &self.path, &error))
    }

    /// Adds a decision of an input line.
    pub(crate) fn add(&mut self, engine: &Engine, line: u64, decision: &Decision) -> Result<(), Failure> {
        let Some(mut evidence) = engine.evidence(decision) else { return Ok(()) };
        evidence.number = line;
        if let Some(key) = &self.seal {
            let sealed = key.seal(&engine.personal(decision));
            evidence.sealed =
                sealed.map_err(|_| Failure::new("personal fields are too long to be sealed"))?;
        }
        let mut bytes = Vec::new();
        evidence::add(&mut bytes, self.rules, &evidence);
        self.write(&bytes)
    }

    /// Writes what is left.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.out.flush().map_err(|error| Failure::file("write", &self.path, &error))
    }
}
