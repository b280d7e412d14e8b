//! Inputs: files and the standard input, decompressed, with the bytes consumed counted.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::decode::{Compression, MAGIC_LEN};

/// Buffer between the operating system and the reader, in bytes.
const BUFFER: usize = 64 * 1024;

/// Where lines come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// The standard input.
    Stdin,
    /// A file.
    File(PathBuf),
    /// Bytes in memory under a name: samples built into a program, tests.
    Memory {
        /// What errors call it.
        name: String,
        /// The content, compressed or not.
        bytes: Arc<[u8]>,
    },
}

impl Input {
    /// The input a command-line argument names: `-` is the standard input.
    pub fn from_argument(argument: impl Into<PathBuf>) -> Input {
        let path = argument.into();
        if path.as_os_str() == "-" { Input::Stdin } else { Input::File(path) }
    }

    /// Bytes of the input as it lies on disk; `None` where that is not known beforehand.
    ///
    /// # Errors
    /// When the file is missing, is a directory, or cannot be opened for reading.
    pub fn len(&self) -> Result<Option<u64>, InputError> {
        match self {
            Input::Stdin => Ok(None),
            Input::Memory { bytes, .. } => Ok(Some(bytes.len() as u64)),
            Input::File(path) => {
                let open = || {
                    let about = File::open(path)?.metadata()?;
                    if about.is_dir() {
                        return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a directory"));
                    }
                    Ok(about.is_file().then_some(about.len()))
                };
                open().map_err(|error| InputError::new(self, 0, &error))
            }
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Stdin => f.write_str("standard input"),
            Input::File(path) => write!(f, "{}", path.display()),
            Input::Memory { name, .. } => f.write_str(name),
        }
    }
}

/// An input that could not be opened or read to its end. The lines before the trouble have been yielded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InputError {
    /// Which input.
    pub input: Input,
    /// Bytes of the input, as it lies on disk, consumed when the trouble was met.
    pub offset: u64,
    /// The kind of trouble.
    pub kind: io::ErrorKind,
    /// What happened, in words.
    pub message: String,
}

impl InputError {
    pub(crate) fn new(input: &Input, offset: u64, error: &io::Error) -> Self {
        let message = match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                "the file is cut: it ends before its compressed data does".to_owned()
            }
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                format!("the compressed data is damaged ({error})")
            }
            io::ErrorKind::OutOfMemory => format!("decompressing it would take too much memory ({error})"),
            _ => error.to_string(),
        };
        InputError { input: input.clone(), offset, kind: error.kind(), message }
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            0 => write!(f, "{}: {}", self.input, self.message),
            offset => write!(f, "{}: at byte {offset}: {}", self.input, self.message),
        }
    }
}

impl std::error::Error for InputError {}

/// An open input.
pub(crate) struct Source {
    pub(crate) content: Box<dyn BufRead + Send>,
    pub(crate) compression: Compression,
    consumed: Arc<AtomicU64>,
}

impl Source {
    /// Opens an input and looks at its first bytes.
    pub(crate) fn open(input: &Input) -> Result<Source, InputError> {
        let raw: io::Result<Box<dyn Read + Send>> = match input {
            Input::Stdin => Ok(Box::new(io::stdin())),
            Input::File(path) => File::open(path).map(|file| Box::new(file) as Box<dyn Read + Send>),
            Input::Memory { bytes, .. } => Ok(Box::new(Cursor::new(Arc::clone(bytes)))),
        };
        raw.and_then(Source::over).map_err(|error| InputError::new(input, 0, &error))
    }

    fn over(raw: Box<dyn Read + Send>) -> io::Result<Source> {
        let mut raw = BufReader::with_capacity(BUFFER, raw);
        // A pipe may hand over its first bytes one at a time.
        let mut start = Vec::with_capacity(MAGIC_LEN);
        raw.by_ref().take(MAGIC_LEN as u64).read_to_end(&mut start)?;
        let compression = Compression::of(&start);
        let consumed = Arc::new(AtomicU64::new(0));
        let counted =
            Counted { inner: Cursor::new(start).chain(raw), count: 0, shared: Arc::clone(&consumed) };
        Ok(Source { content: compression.decode(counted), compression, consumed })
    }

    /// Bytes of the underlying input consumed so far.
    pub(crate) fn consumed(&self) -> u64 {
        self.consumed.load(Ordering::Relaxed)
    }
}

/// Counts what is consumed of a buffered reader, not what is buffered, so that offsets in errors are honest.
struct Counted<R> {
    inner: R,
    count: u64,
    shared: Arc<AtomicU64>,
}

impl<R> Counted<R> {
    fn add(&mut self, bytes: usize) {
        self.count += bytes as u64;
        self.shared.store(self.count, Ordering::Relaxed);
    }
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.add(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.inner.consume(amount);
        self.add(amount);
    }
}
