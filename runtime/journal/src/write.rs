//! Writing a journal: entries into blocks, blocks into segments.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use weir_compiler::hir::Hir;
use weir_engine::{CallRequest, Input, Outcome, Secret, Seq};

use crate::Error;
use crate::cipher::{Cipher, TAG};
use crate::entry::{Contents, put_entry_input, put_entry_loaded, put_entry_outcomes};
use crate::head::{Head, SALT};
use crate::read::{EXTENSION, number, segments};

/// A block is sealed once it has so many bytes.
const BLOCK: usize = 64 << 10;
/// A segment ends once it has so many.
const SEGMENT: u64 = 64 << 20;
/// The longest that [`Mode::Async`] keeps an entry to itself.
const LONGEST: Duration = Duration::from_secs(1);

/// What is lost when the machine stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// At most the entries of a second, or 64 KiB of them.
    Async,
    /// Nothing that [`Writer::commit`] has answered for.
    Sync,
}

/// A journal being written.
pub struct Writer {
    dir: PathBuf,
    secret: Secret,
    mode: Mode,
    tenant: String,
    rules: [u8; 32],
    next: u64,
    segment: Open,
}

/// The segment at its end.
struct Open {
    file: File,
    cipher: Cipher,
    /// Entries not yet sealed, after room for the block's head.
    block: Vec<u8>,
    /// The next block's number.
    number: u64,
    written: u64,
    flushed: Instant,
}

impl Writer {
    /// Begins a journal in a folder, or goes on with it in a new segment.
    ///
    /// # Errors
    /// When the folder cannot be written, or there are no random numbers.
    pub fn open(
        dir: &Path,
        secret: Secret,
        mode: Mode,
        tenant: &str,
        hir: &Hir,
        rules: [u8; 32],
    ) -> Result<Self, Error> {
        fs::create_dir_all(dir)?;
        let last = segments(dir)?.last().and_then(|path| number(path));
        let next = last.map_or(0, |last| last.saturating_add(1));
        let segment = Open::begin(dir, next, secret, &new_head(hir, rules, tenant)?)?;
        Ok(Self {
            dir: dir.to_path_buf(),
            secret,
            mode,
            tenant: tenant.to_owned(),
            rules,
            next: next.saturating_add(1),
            segment,
        })
    }

    /// Adds an input. To be called before the engine is given it. Cost: its bytes written once, and sealed once.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn input(&mut self, hir: &Hir, input: &Input) -> Result<(), Error> {
        put_entry_input(&mut self.segment.block, hir, input);
        self.added(hir)
    }

    /// Adds what `resume` is given.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn outcomes(
        &mut self,
        hir: &Hir,
        seq: Seq,
        calls: &[CallRequest],
        outcomes: &[Outcome],
    ) -> Result<(), Error> {
        put_entry_outcomes(&mut self.segment.block, hir, seq, calls, outcomes);
        self.added(hir)
    }

    /// Adds that a list, table or schedule was loaded.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn loaded(&mut self, hir: &Hir, contents: Contents, name: &str, hash: [u8; 32]) -> Result<(), Error> {
        put_entry_loaded(&mut self.segment.block, contents, name, hash);
        self.added(hir)
    }

    /// Another rule set runs from here on: it begins a segment, with its own names.
    ///
    /// # Errors
    /// When the file cannot be written, or there are no random numbers.
    pub fn rules(&mut self, hir: &Hir, rules: [u8; 32]) -> Result<(), Error> {
        self.rules = rules;
        self.rotate(hir)
    }

    /// The number of the segment that is being written.
    pub fn segment(&self) -> u64 {
        self.next.saturating_sub(1)
    }

    fn added(&mut self, hir: &Hir) -> Result<(), Error> {
        if self.segment.block.len() < BLOCK {
            return Ok(());
        }
        self.segment.flush()?;
        if self.segment.written >= SEGMENT { self.rotate(hir) } else { Ok(()) }
    }

    fn rotate(&mut self, hir: &Hir) -> Result<(), Error> {
        self.segment.flush()?;
        self.segment.file.sync_data()?;
        let head = new_head(hir, self.rules, &self.tenant)?;
        self.segment = Open::begin(&self.dir, self.next, self.secret, &head)?;
        self.next = self.next.saturating_add(1);
        Ok(())
    }

    /// To be called before what was decided is acknowledged, and once a second when nothing comes: writes what the mode
    /// asks to be written by now.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn commit(&mut self) -> Result<(), Error> {
        match self.mode {
            Mode::Sync => {
                self.segment.flush()?;
                self.segment.file.sync_data()?;
            }
            Mode::Async if self.segment.flushed.elapsed() >= LONGEST => self.segment.flush()?,
            Mode::Async => {}
        }
        Ok(())
    }

    /// Writes everything, and sees it to the disk.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self) -> Result<(), Error> {
        self.segment.flush()?;
        self.segment.file.sync_all()?;
        Ok(())
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("dir", &self.dir).field("mode", &self.mode).finish_non_exhaustive()
    }
}

fn new_head(hir: &Hir, rules: [u8; 32], tenant: &str) -> Result<Head, Error> {
    let mut salt = [0; SALT];
    getrandom::fill(&mut salt).map_err(|error| Error::Random(error.to_string()))?;
    Ok(Head::new(hir, rules, tenant, salt))
}

impl Open {
    fn begin(dir: &Path, number: u64, secret: Secret, head: &Head) -> Result<Self, Error> {
        let bytes = head.bytes();
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(dir.join(format!("{number:020}.{EXTENSION}")))?;
        file.write_all(&bytes)?;
        let mut segment = Self {
            file,
            cipher: Cipher::new(secret, &head.salt, &bytes),
            block: Vec::with_capacity(BLOCK + 4_096),
            number: 0,
            written: bytes.len() as u64,
            flushed: Instant::now(),
        };
        // An empty block first: whether the secret is the right one shows before anything else is read.
        segment.seal()?;
        Ok(segment)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.flushed = Instant::now();
        if self.block.is_empty() { Ok(()) } else { self.seal() }
    }

    fn seal(&mut self) -> Result<(), Error> {
        if !self.cipher.seal(self.number, &mut self.block) {
            return Err(std::io::Error::other("a block is too long").into());
        }
        let length =
            u32::try_from(self.block.len()).map_err(|_| std::io::Error::other("a block is too long"))?;
        let mut head = [0; 12];
        let (first, second) = head.split_at_mut(4);
        first.copy_from_slice(&length.to_le_bytes());
        second.copy_from_slice(&self.number.to_le_bytes());
        self.file.write_all(&head)?;
        self.file.write_all(&self.block)?;
        self.written = self.written.saturating_add((head.len() + self.block.len()) as u64);
        self.number = self.number.saturating_add(1);
        debug_assert!(self.block.len() >= TAG);
        self.block.clear();
        Ok(())
    }
}
