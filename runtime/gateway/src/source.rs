//! Inputs: files and the standard input, decompressed, with the bytes consumed counted.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

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
                    let about = fs::metadata(path)?;
                    if about.is_dir() {
                        return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a directory"));
                    }
                    // A named pipe can be opened once only: its writer ends when its reader does.
                    if about.is_file() {
                        File::open(path)?;
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
    /// Opens an input and looks at its first bytes. The standard input ends when `stop` is set.
    pub(crate) fn open(input: &Input, stop: &Arc<AtomicBool>) -> Result<Source, InputError> {
        let raw: io::Result<Box<dyn Read + Send>> = match input {
            Input::Stdin => {
                Pump::new(io::stdin(), Arc::clone(stop)).map(|pump| Box::new(pump) as Box<dyn Read + Send>)
            }
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

/// Reads a source that may block for ever on a thread of its own, so that stopping need not wait for it. The thread
/// ends with its source or, once nobody takes what it has read, after one more chunk. Holds at most three chunks.
struct Pump {
    chunks: Receiver<io::Result<Vec<u8>>>,
    /// The chunk being handed out, and how much of it has been.
    chunk: Vec<u8>,
    taken: usize,
    stop: Arc<AtomicBool>,
}

/// How long the stop flag goes unseen, at most.
const PATIENCE: Duration = Duration::from_millis(50);

impl Pump {
    fn new(mut source: impl Read + Send + 'static, stop: Arc<AtomicBool>) -> io::Result<Self> {
        let (sender, chunks) = mpsc::sync_channel(1);
        thread::Builder::new().name("standard input".to_owned()).spawn(move || {
            loop {
                let mut chunk = vec![0; BUFFER];
                let read = match source.read(&mut chunk) {
                    Ok(0) => break,
                    Ok(length) => {
                        chunk.truncate(length);
                        Ok(chunk)
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => Err(error),
                };
                let failed = read.is_err();
                if sender.send(read).is_err() || failed {
                    break;
                }
            }
        })?;
        Ok(Pump { chunks, chunk: Vec::new(), taken: 0, stop })
    }
}

impl Read for Pump {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.taken >= self.chunk.len() {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(0);
            }
            match self.chunks.recv_timeout(PATIENCE) {
                Ok(chunk) => (self.chunk, self.taken) = (chunk?, 0),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
        let read = self.chunk.get(self.taken..).unwrap_or_default().read(buf)?;
        self.taken += read;
        Ok(read)
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_pump_hands_over_everything() {
        let bytes: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
        let mut pump = Pump::new(Cursor::new(bytes.clone()), Arc::default()).unwrap();
        let mut read = Vec::new();
        pump.read_to_end(&mut read).unwrap();
        assert_eq!(read, bytes);
    }

    #[test]
    fn a_pump_stops_while_its_source_blocks() {
        let (from, mut to) = io::pipe().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let mut pump = Pump::new(from, Arc::clone(&stop)).unwrap();
        to.write_all(b"first").unwrap();
        let mut read = [0; 16];
        assert_eq!(pump.read(&mut read).unwrap(), 5);
        stop.store(true, Ordering::Relaxed);
        assert_eq!(pump.read(&mut read).unwrap(), 0);
        drop(to);
    }
}
