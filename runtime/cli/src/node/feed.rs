//! Lines of standard input, read on a thread of their own.

use std::io::{self, BufRead as _};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use weir_gateway::DEFAULT_MAX_LINE;

/// Lines that may wait to be decided: past it the reader waits, and whoever writes to it.
const WAITING: usize = 1_024;

/// What standard input gave.
#[derive(Debug)]
pub(crate) enum Fed {
    /// A line without its end.
    Line(Vec<u8>),
    /// A line of more bytes than are looked at.
    TooLong,
    /// It cannot be read any more.
    Failed(io::Error),
}

/// Begins to read standard input. The channel closes at its end.
pub(crate) fn start() -> Receiver<Fed> {
    let (sender, receiver) = sync_channel(WAITING);
    thread::spawn(move || feed(io::stdin().lock(), &sender));
    receiver
}

fn feed(mut input: impl io::BufRead, to: &SyncSender<Fed>) {
    loop {
        let fed = match next(&mut input) {
            Ok(Some(fed)) => fed,
            Ok(None) => return,
            Err(error) => Fed::Failed(error),
        };
        let over = matches!(fed, Fed::Failed(_));
        // Nobody listens any more when the node has stopped.
        if to.send(fed).is_err() || over {
            return;
        }
    }
}

/// The next line; a longer one than is looked at is passed over without being held.
fn next(input: &mut impl io::BufRead) -> io::Result<Option<Fed>> {
    let mut line = Vec::new();
    let read = io::Read::take(&mut *input, DEFAULT_MAX_LINE as u64 + 1).read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        return Ok(Some(Fed::Line(line)));
    }
    if line.len() <= DEFAULT_MAX_LINE {
        return Ok(Some(Fed::Line(line)));
    }
    drop(line);
    loop {
        let held = input.fill_buf()?;
        let (used, over) = match held.iter().position(|byte| *byte == b'\n') {
            Some(end) => (end + 1, true),
            None => (held.len(), held.is_empty()),
        };
        input.consume(used);
        if over {
            return Ok(Some(Fed::TooLong));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> Vec<String> {
        let (sender, receiver) = sync_channel(100);
        feed(text, &sender);
        drop(sender);
        let told = |fed| match fed {
            Fed::Line(line) => String::from_utf8(line).unwrap(),
            Fed::TooLong => "too long".to_owned(),
            Fed::Failed(error) => error.to_string(),
        };
        receiver.into_iter().map(told).collect()
    }

    #[test]
    fn lines_end_with_a_line_break_or_the_input() {
        assert_eq!(all(b"a\r\n\nb"), ["a", "", "b"]);
        assert!(all(b"").is_empty());
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let mut text = vec![b'x'; DEFAULT_MAX_LINE + 1];
        text.extend_from_slice(b"yz\nnext\n");
        assert_eq!(all(&text), ["too long", "next"]);
        let just = vec![b'x'; DEFAULT_MAX_LINE];
        assert_eq!(all(&just).len(), 1);
    }
}
