//! What outlives the process: a folder with the secret, and the latest snapshot.
//!
//! A snapshot is written beside the last one and takes its place when it is whole, so a crash at any moment leaves one
//! that is. Only one process may use a folder.

use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use weir_engine::Secret;

use crate::ui::Failure;

/// The folder.
#[derive(Debug)]
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

    /// The latest snapshot, if there is one.
    pub(crate) fn snapshot(&self) -> Result<Option<Vec<u8>>, Failure> {
        let path = self.dir.join("snapshot");
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::file("read", &path, &error)),
        }
    }

    /// Puts a snapshot in the place of the last one.
    pub(crate) fn save(&self, bytes: &[u8]) -> Result<(), Failure> {
        let (path, fresh) = (self.dir.join("snapshot"), self.dir.join("snapshot.new"));
        private(&fresh, bytes)?;
        fs::rename(&fresh, &path).map_err(|error| Failure::file("write", &path, &error))
    }

    /// Where it is.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }
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
