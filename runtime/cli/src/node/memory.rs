//! What outlives the process: a folder with the secret, the latest snapshot, and the journal since.
//!
//! ```text
//!  DIR/secret      32 hexadecimal digits, for its owner alone
//!  DIR/snapshot    sealed: the first segment of the journal that is not in it (8 bytes), the engine's snapshot
//!  DIR/journal/    sealed: every input since
//!  DIR/lock        held while a process uses the folder
//! ```
//!
//! A snapshot is written beside the last one and takes its place when it is whole, and segments of the journal go only when a snapshot has what
//! is in them and there are too many, so a crash at any moment leaves both sound. Recovery is load and replay.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use weir_engine::{Carried, Engine, Pending, Secret, Seq, Step};
use weir_journal::{End, Entry, Segment};

use crate::ui::Failure;

/// The folder.
pub(crate) struct Memory {
    dir: PathBuf,
    /// Held for as long as the process runs.
    _lock: File,
}

impl Memory {
    /// Takes a folder, which is made when it is not there.
    pub(crate) fn open(dir: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(dir).map_err(|error| Failure::file("make", dir, &error))?;
        let path = dir.join("lock");
        let lock = File::create(&path).map_err(|error| Failure::file("write", &path, &error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { dir: dir.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Failure::with_help(
                format!("another process uses `{}`", dir.display()),
                "a data folder belongs to one node at a time",
            )),
            Err(TryLockError::Error(error)) => Err(Failure::file("lock", &path, &error)),
        }
    }

    /// The secret of this folder, made when it is not there.
    pub(crate) fn secret(&self) -> Result<Secret, Failure> {
        let path = self.dir.join("secret");
        if path.exists() {
            return read_secret(&path);
        }
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| Failure::new(format!("no random numbers: {error}")))?;
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        private(&path, text.as_bytes())?;
        Ok(Secret::new(bytes))
    }

    /// Brings an engine to where the last process stopped.
    pub(crate) fn recover(&self, engine: &mut Engine, secret: Secret) -> Result<Recovered, Failure> {
        let mut recovered = Recovered::default();
        let mut first = 0;
        if let Some((segment, bytes)) = self.snapshot(secret)? {
            let carried = engine.restore(&bytes).map_err(|error| self.unusable("snapshot", &error))?;
            recovered.snapshot = Some(carried);
            first = segment;
        }
        let folder = self.dir.join("journal");
        if !folder.is_dir() {
            return Ok(recovered);
        }
        let hir = engine.hir().clone();
        let mut waiting: BTreeMap<Seq, Pending> = BTreeMap::new();
        let segments = weir_journal::segments(&folder).map_err(|error| self.unusable("journal", &error))?;
        for path in segments.iter().filter(|path| weir_journal::number(path).is_some_and(|n| n >= first)) {
            let segment = Segment::read(path, secret).map_err(|error| self.unusable("journal", &error))?;
            for entry in segment.entries(&hir) {
                match entry.map_err(|error| self.unusable("journal", &error))? {
                    Entry::Input(input) => {
                        recovered.inputs += 1;
                        if let Step::Pending(pending) = engine.begin(input) {
                            waiting.insert(pending.seq(), pending);
                        }
                    }
                    Entry::Outcomes { seq, outcomes } => {
                        if let Some(pending) = waiting.remove(&seq) {
                            engine.resume(pending, &outcomes);
                        }
                    }
                    Entry::Loaded { .. } => {}
                }
            }
            if let End::Torn { left, .. } = segment.end {
                recovered.torn += left;
            }
        }
        // What was asked of models when it stopped has no answer any more.
        for pending in waiting.into_values() {
            engine.resume(pending, &[]);
        }
        Ok(recovered)
    }

    /// The first segment that the latest snapshot has not, and the snapshot, if there is one.
    fn snapshot(&self, secret: Secret) -> Result<Option<(u64, Vec<u8>)>, Failure> {
        let path = self.dir.join("snapshot");
        let sealed = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::file("read", &path, &error)),
        };
        let bytes = weir_journal::open_file(secret, "snapshot", &sealed)
            .map_err(|error| self.unusable("snapshot", &error))?;
        match bytes.split_first_chunk::<8>() {
            Some((segment, rest)) => Ok(Some((u64::from_le_bytes(*segment), rest.to_vec()))),
            None => Err(self.unusable("snapshot", &"it is empty")),
        }
    }

    fn unusable(&self, what: &str, why: &dyn std::fmt::Display) -> Failure {
        Failure::with_help(
            format!("cannot go on from the {what} in `{}`: {why}", self.dir.display()),
            "it needs the secret it was made with; move the folder away to begin with nothing remembered",
        )
    }

    /// Puts a snapshot in the place of the last one. It has what stands in the journal before `segment`: of that, what is more
    /// than `limit` bytes goes, the oldest first.
    pub(crate) fn save(
        &self,
        engine: &mut Engine,
        secret: Secret,
        segment: u64,
        limit: u64,
    ) -> Result<(), Failure> {
        let mut bytes = segment.to_le_bytes().to_vec();
        bytes.extend_from_slice(&engine.snapshot());
        let sealed = weir_journal::seal_file(secret, "snapshot", &bytes)
            .map_err(|error| Failure::new(format!("cannot seal a snapshot: {error}")))?;
        let (path, fresh) = (self.dir.join("snapshot"), self.dir.join("snapshot.new"));
        private(&fresh, &sealed)?;
        fs::rename(&fresh, &path).map_err(|error| Failure::file("write", &path, &error))?;
        let mut had: Vec<(PathBuf, u64)> = weir_journal::segments(&self.dir.join("journal"))
            .unwrap_or_default()
            .into_iter()
            .filter(|path| weir_journal::number(path).is_some_and(|number| number < segment))
            .map(|path| (path.clone(), fs::metadata(&path).map_or(0, |facts| facts.len())))
            .collect();
        let mut total: u64 = had.iter().map(|(_, size)| size).sum();
        for (path, size) in had.drain(..) {
            if total <= limit {
                break;
            }
            // One that cannot be removed now is tried again with the next snapshot.
            let _ = fs::remove_file(path);
            total = total.saturating_sub(size);
        }
        Ok(())
    }

    /// Where it is.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }
}

/// What was found of an earlier process.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    /// What a snapshot has brought.
    pub(crate) snapshot: Option<Carried>,
    /// Inputs of the journal since.
    pub(crate) inputs: u64,
    /// Bytes at its end that were cut off.
    pub(crate) torn: u64,
}

/// A secret of 32 hexadecimal digits.
pub(crate) fn read_secret(path: &Path) -> Result<Secret, Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
    let digits: Vec<u8> =
        text.trim().chars().filter_map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect();
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |a, b| a << 4 | b)).collect();
    match <[u8; 16]>::try_from(bytes) {
        Ok(bytes) if text.trim().len() == 32 => Ok(Secret::new(bytes)),
        _ => Err(Failure::with_help(
            format!("`{}` is no secret", path.display()),
            "a secret is 32 hexadecimal digits: `openssl rand -hex 16` makes one",
        )),
    }
}

/// Writes a file that its owner alone may read, and sees it to the disk.
fn private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let write = || {
        let mut file = options.open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|error| Failure::file("write", path, &error))
}
