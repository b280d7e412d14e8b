//! Lines out of a byte stream, each held only up to a limit.

use std::io::{self, BufRead};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::reject::SAMPLE_BYTES;

/// Longest line accepted unless told otherwise, in bytes without the line end: 1 MiB.
pub const DEFAULT_MAX_LINE: usize = 1 << 20;

/// What the next line turned out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LineEnd {
    /// A whole line is in the buffer.
    Line,
    /// The line passed the limit; the buffer holds its first bytes, the rest was skipped.
    TooLong,
    /// There are no more lines.
    End,
    /// The stop flag was seen while a line was being skipped or waited for.
    Stopped,
}

/// Reads the next line into `line`, without `\n` or `\r\n`. The last line may lack its end. NULs and other
/// bytes are kept as they are. Memory: at most `max` bytes and one, plus the source's buffer.
///
/// # Errors
/// What the source reports; the bytes of the line so far are dropped then, for a cut line misleads.
pub(crate) fn next_line(
    source: &mut dyn BufRead,
    line: &mut Vec<u8>,
    max: usize,
    stop: &AtomicBool,
) -> io::Result<LineEnd> {
    line.clear();
    let mut too_long = false;
    let mut any = false;
    loop {
        if stop.load(Ordering::Relaxed) {
            return Ok(LineEnd::Stopped);
        }
        let chunk = match source.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if chunk.is_empty() {
            return Ok(match (any, too_long) {
                (false, _) => LineEnd::End,
                (true, false) => finished(line, max),
                (true, true) => LineEnd::TooLong,
            });
        }
        any = true;
        let end = memchr::memchr(b'\n', chunk);
        let part = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
        // One byte past the limit may be the `\r` of a line of exactly `max` bytes.
        let room = (max + 1).saturating_sub(line.len());
        if !too_long && part.len() > room {
            too_long = true;
            line.extend_from_slice(part.get(..room).unwrap_or(part));
            line.truncate(SAMPLE_BYTES);
        } else if !too_long {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        source.consume(used);
        if end.is_some() {
            return Ok(if too_long { LineEnd::TooLong } else { finished(line, max) });
        }
    }
}

/// Takes off the `\r` and checks the limit.
fn finished(line: &mut Vec<u8>, max: usize) -> LineEnd {
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    if line.len() <= max {
        return LineEnd::Line;
    }
    line.truncate(SAMPLE_BYTES);
    LineEnd::TooLong
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn lines(bytes: &[u8], max: usize, chunk: usize) -> Vec<Result<Vec<u8>, usize>> {
        let mut source = BufReader::with_capacity(chunk, bytes);
        let (mut line, mut out) = (Vec::new(), Vec::new());
        loop {
            match next_line(&mut source, &mut line, max, &AtomicBool::new(false)).unwrap() {
                LineEnd::Line => out.push(Ok(line.clone())),
                LineEnd::TooLong => out.push(Err(line.len())),
                LineEnd::End => return out,
                LineEnd::Stopped => unreachable!(),
            }
        }
    }

    #[test]
    fn ends_and_limits() {
        for chunk in [1, 2, 3, 64] {
            let ok = |text: &[u8]| Ok(text.to_vec());
            assert_eq!(lines(b"", 5, chunk), []);
            assert_eq!(lines(b"\n", 5, chunk), [ok(b"")]);
            assert_eq!(lines(b"a\r\nb\n\nc", 5, chunk), [ok(b"a"), ok(b"b"), ok(b""), ok(b"c")]);
            assert_eq!(lines(b"a\0\xff\rb\n", 5, chunk), [ok(b"a\0\xff\rb")]);
            assert_eq!(lines(b"12345\r\n12345\n12345", 5, chunk), [ok(b"12345"), ok(b"12345"), ok(b"12345")]);
            assert_eq!(lines(b"123456\nx\n1234567\r\n123456", 5, chunk), [Err(6), ok(b"x"), Err(6), Err(6)]);
        }
    }

    #[test]
    fn a_huge_line_is_not_held() {
        let mut line = Vec::new();
        let endless = io::repeat(b'a');
        let mut source = BufReader::new(io::Read::take(endless, 100 << 20));
        let end = next_line(&mut source, &mut line, DEFAULT_MAX_LINE, &AtomicBool::new(false)).unwrap();
        assert_eq!((end, line.len()), (LineEnd::TooLong, SAMPLE_BYTES));
        assert!(line.capacity() <= 2 * DEFAULT_MAX_LINE + 2, "{}", line.capacity());
    }

    proptest::proptest! {
        /// Chunk borders never matter, and joining the lines gives the content back.
        #[test]
        fn chunks_do_not_matter(text in "[ab\r\n]{0,60}", chunk in 1..9_usize) {
            let whole = lines(text.as_bytes(), 1000, 1000);
            proptest::prop_assert_eq!(&lines(text.as_bytes(), 1000, chunk), &whole);
            let want: Vec<_> = text.split('\n').map(|l| l.strip_suffix('\r').unwrap_or(l).as_bytes().to_vec()).collect();
            let mut got: Vec<_> = whole.into_iter().map(Result::unwrap).collect();
            if text.is_empty() || text.ends_with('\n') {
                got.push(Vec::new());
            }
            proptest::prop_assert_eq!(got, want);
        }
    }
}
