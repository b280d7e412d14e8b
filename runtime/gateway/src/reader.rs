//! The whole path from inputs to records in time order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::decode::Compression;
use crate::exchange::Parsed;
use crate::format::{Format, FormatChoice};
use crate::line::{DEFAULT_MAX_LINE, LineEnd, next_line};
use crate::parser::Parser;
use crate::reject::{Reject, RejectReason, RejectStats};
use crate::reorder::{Reorder, ReorderLimits, ReorderStats};
use crate::source::{Input, InputError, Source};

/// Lines that are not blank looked at before a format is settled.
const DETECT_LINES: usize = 20;

/// How to read.
#[derive(Clone, Debug)]
pub struct ReaderOptions {
    /// The format, or `Auto`.
    pub format: FormatChoice,
    /// The reorder buffer's limits.
    pub reorder: ReorderLimits,
    /// Longest line accepted, in bytes.
    pub max_line: usize,
    /// Set from outside to stop reading, by a signal handler say.
    pub stop: Arc<AtomicBool>,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        ReaderOptions {
            format: FormatChoice::Auto,
            reorder: ReorderLimits::default(),
            max_line: DEFAULT_MAX_LINE,
            stop: Arc::default(),
        }
    }
}

/// A line that was read.
#[derive(Clone, PartialEq, Debug)]
pub struct Record {
    /// 0-based line number over all inputs of the run; blank and rejected lines count.
    pub seq: u64,
    /// Whether it came too late to be put in its place in time.
    pub late: bool,
    /// What it says.
    pub parsed: Parsed,
}

/// What a [`Reader`] yields.
#[derive(Clone, PartialEq, Debug)]
pub enum Item {
    /// A record, in order of (time, sequence) but for late ones.
    Record(Record),
    /// A line that could not be read, when it is met; also counted in [`Reader::rejects`].
    Reject(Reject),
    /// An input that could not be read to its end. Reading goes on with the next one.
    Failed(InputError),
}

/// How far a run has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// Bytes consumed of the inputs as they lie on disk.
    pub bytes_read: u64,
    /// Their sum, when every input is a regular file.
    pub bytes_total: Option<u64>,
    /// Lines met.
    pub lines: u64,
    /// Of them, lines with nothing but white space; they are no records and no rejects.
    pub blank: u64,
    /// Records parsed, those still held for their place in time included.
    pub records: u64,
    /// What the reorder buffer counted.
    pub reorder: ReorderStats,
}

/// What an input turned out to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InputFacts {
    /// Which input.
    pub input: Input,
    /// How it is compressed.
    pub compression: Compression,
    /// Its format; `None` until it is settled.
    pub format: Option<Format>,
}

/// Reads inputs in turn and yields their records in time order.
///
/// Memory is bounded by the reorder buffer, one line and one decompressor window, whatever the inputs' size.
/// When the stop flag is set the iterator ends at once and keeps what the buffer holds to itself: what was
/// yielded is a prefix of what would have been. A read that blocks on the standard input is abandoned.
///
/// ```
/// use weir_gateway::{Input, Item, Reader, ReaderOptions};
///
/// let log = b"192.0.2.1 - - [20/Feb/2016:00:00:46 -0500] \"GET /b HTTP/1.1\" 200 5 \"-\" \"curl/8\"\n\
///             192.0.2.1 - - [20/Feb/2016:00:00:45 -0500] \"GET /a HTTP/1.1\" 200 5 \"-\" \"curl/8\"\n";
/// let input = Input::Memory { name: "sample".into(), bytes: log.as_slice().into() };
/// let reader = Reader::new(vec![input], ReaderOptions::default())?;
/// let seqs: Vec<u64> = reader.filter_map(|item| match item {
///     Item::Record(record) => Some(record.seq),
///     _ => None,
/// }).collect();
/// assert_eq!(seqs, [1, 0]);
/// # Ok::<(), weir_gateway::InputError>(())
/// ```
pub struct Reader {
    options: ReaderOptions,
    waiting: VecDeque<Input>,
    current: Option<Current>,
    line: Vec<u8>,
    parser: Parser,
    reorder: Reorder<(u64, Parsed)>,
    /// Rejects and failures not yet yielded.
    ready: VecDeque<Item>,
    rejects: RejectStats,
    progress: Progress,
    /// Bytes of the inputs already done with.
    bytes_done: u64,
    facts: Vec<InputFacts>,
}

/// The input being read.
struct Current {
    input: Input,
    source: Source,
    format: Option<Format>,
    /// Lines met before the format was settled; at most [`DETECT_LINES`].
    undecided: Vec<(u64, Vec<u8>)>,
    first_line: bool,
}

impl Reader {
    /// Checks that every input can be opened, and prepares to read them in turn.
    ///
    /// # Errors
    /// The first input that cannot be opened.
    pub fn new(inputs: Vec<Input>, options: ReaderOptions) -> Result<Self, InputError> {
        let mut total = Some(0);
        for input in &inputs {
            total = match (total, input.len()?) {
                (Some(sum), Some(len)) => Some(sum + len),
                _ => None,
            };
        }
        Ok(Reader {
            reorder: Reorder::new(options.reorder),
            options,
            waiting: inputs.into(),
            current: None,
            line: Vec::new(),
            parser: Parser::default(),
            ready: VecDeque::new(),
            rejects: RejectStats::default(),
            progress: Progress { bytes_total: total, ..Progress::default() },
            bytes_done: 0,
            facts: Vec::new(),
        })
    }

    /// How far the run has come. Cheap: meant to be asked every few thousand records.
    pub fn progress(&self) -> Progress {
        let current = self.current.as_ref().map_or(0, |c| c.source.consumed());
        Progress { bytes_read: self.bytes_done + current, reorder: self.reorder.stats(), ..self.progress }
    }

    /// Rejected lines so far, by reason, with samples.
    pub fn rejects(&self) -> &RejectStats {
        &self.rejects
    }

    /// What the inputs opened so far turned out to be.
    pub fn inputs(&self) -> &[InputFacts] {
        &self.facts
    }

    /// Reads one line further, or opens the next input; `false` when there is nothing left.
    fn advance(&mut self) -> bool {
        let Some(current) = &mut self.current else { return self.open_next() };
        match next_line(
            &mut *current.source.content,
            &mut self.line,
            self.options.max_line,
            &self.options.stop,
        ) {
            Ok(LineEnd::Stopped) => {}
            Ok(LineEnd::Line) => self.take_line(),
            Ok(LineEnd::TooLong) => {
                let seq = self.next_seq();
                let line = std::mem::take(&mut self.line);
                self.reject(seq, RejectReason::TooLong, &line);
            }
            Ok(LineEnd::End) => self.close(),
            Err(error) => {
                let failed = InputError::new(&current.input, current.source.consumed(), &error);
                self.close();
                self.ready.push_back(Item::Failed(failed));
            }
        }
        true
    }

    fn open_next(&mut self) -> bool {
        let Some(input) = self.waiting.pop_front() else { return false };
        match Source::open(&input, &self.options.stop) {
            Ok(source) => {
                let format = match self.options.format {
                    FormatChoice::Auto => None,
                    FormatChoice::Is(format) => Some(format),
                };
                self.facts.push(InputFacts { input: input.clone(), compression: source.compression, format });
                self.current =
                    Some(Current { input, source, format, undecided: Vec::new(), first_line: true });
            }
            Err(failed) => self.ready.push_back(Item::Failed(failed)),
        }
        true
    }

    /// Ends the current input; lines still undecided go by the nearest format.
    fn close(&mut self) {
        if let Some((_, line)) = self.current.as_ref().and_then(|c| c.undecided.first()) {
            self.settle(Format::nearest(line));
        }
        if let Some(current) = self.current.take() {
            self.bytes_done += current.source.consumed();
        }
    }

    fn next_seq(&mut self) -> u64 {
        let seq = self.progress.lines;
        self.progress.lines += 1;
        seq
    }

    fn take_line(&mut self) {
        let seq = self.next_seq();
        let Some(current) = &mut self.current else { return };
        if std::mem::take(&mut current.first_line) && self.line.starts_with(b"\xef\xbb\xbf") {
            self.line.drain(..3); // a byte-order mark
        }
        if self.line.trim_ascii().is_empty() {
            self.progress.blank += 1;
            return;
        }
        let line = std::mem::take(&mut self.line);
        match current.format {
            Some(format) => self.parse(format, seq, &line),
            None => {
                let found = Format::of_line(&line);
                current.undecided.push((seq, line));
                match (found, current.undecided.as_slice()) {
                    (Some(format), _) => self.settle(format),
                    (None, [(_, first), ..]) if current.undecided.len() >= DETECT_LINES => {
                        let nearest = Format::nearest(first);
                        self.settle(nearest);
                    }
                    _ => {}
                }
                return;
            }
        }
        self.line = line; // keep the allocation
    }

    /// Fixes the current input's format and parses the lines that waited for it.
    fn settle(&mut self, format: Format) {
        let Some(current) = &mut self.current else { return };
        current.format = Some(format);
        if let Some(facts) = self.facts.last_mut() {
            facts.format = Some(format);
        }
        for (seq, line) in std::mem::take(&mut current.undecided) {
            self.parse(format, seq, &line);
        }
    }

    fn parse(&mut self, format: Format, seq: u64, line: &[u8]) {
        match self.parser.parse(format, line) {
            Ok(parsed) => {
                self.progress.records += 1;
                self.reorder.push(parsed.ts_ms(), seq, parsed.held_bytes(), (seq, parsed));
            }
            Err(reason) => self.reject(seq, reason, line),
        }
    }

    fn reject(&mut self, seq: u64, reason: RejectReason, line: &[u8]) {
        let reject = Reject::new(seq, reason, line);
        self.rejects.add(&reject);
        self.ready.push_back(Item::Reject(reject));
    }
}

impl Iterator for Reader {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            if self.options.stop.load(Ordering::Relaxed) {
                return None;
            }
            if let Some(item) = self.ready.pop_front() {
                return Some(item);
            }
            if let Some(released) = self.reorder.pop() {
                let (seq, parsed) = released.item;
                return Some(Item::Record(Record { seq, late: released.late, parsed }));
            }
            if !self.advance() {
                self.reorder.finish();
                if self.reorder.is_empty() {
                    return None;
                }
            }
        }
    }
}
