//! What the command line says, and where: data on standard output, talk on standard error.
//!
//! Colour goes to terminals only, and never with `NO_COLOR` set. A reader that closes the pipe (`| head`)
//! ends the command quietly.

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::{AutoStream, ColorChoice};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How much is written at once, in bytes.
const BUFFER: usize = 64 << 10;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Nothing to complain of.
    Clean,
    /// Errors in policies, or failed tests.
    Failed,
    /// The command could not do its work: usage or input and output.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Clean => Self::SUCCESS,
            Exit::Failed => Self::from(1),
            Exit::Usage => Self::from(2),
        }
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The reader of standard output has gone.
    ClosedPipe,
    /// Something else, said in one line, with what to do about it.
    Other {
        /// What went wrong.
        what: String,
        /// What to do.
        help: Option<String>,
    },
}

impl Failure {
    /// With nothing to advise.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self::Other { what: what.into(), help: None }
    }

    /// With advice.
    pub(crate) fn with_help(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Other { what: what.into(), help: Some(help.into()) }
    }

    /// A file that cannot be read or written.
    pub(crate) fn file(verb: &str, path: &Path, error: &io::Error) -> Self {
        Self::new(format!("cannot {verb} `{}`: {}", path.display(), words(error.kind(), &error.to_string())))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClosedPipe => f.write_str("the reader of the output has gone"),
            Self::Other { what, help: None } => f.write_str(what),
            Self::Other { what, help: Some(help) } => write!(f, "{what}\n  help: {help}"),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ClosedPipe,
            kind => Self::new(words(kind, &error.to_string())),
        }
    }
}

/// What the operating system reports, in words and without its number: `message` is what it says itself.
pub(crate) fn words(kind: io::ErrorKind, message: &str) -> String {
    let known = match kind {
        io::ErrorKind::NotFound => "there is no such file or folder",
        io::ErrorKind::PermissionDenied => "permission denied",
        io::ErrorKind::IsADirectory => "it is a folder",
        io::ErrorKind::NotADirectory => "a part of the path is no folder",
        io::ErrorKind::StorageFull => "no space is left on the device",
        _ => message.split(" (os error").next().unwrap_or(message),
    };
    known.to_owned()
}

/// What a command answers.
pub(crate) type Outcome = Result<Exit, Failure>;

/// Standard output and standard error.
pub(crate) struct Ui {
    out: AutoStream<io::Stdout>,
    /// What has not been written yet.
    waiting: String,
    err: AutoStream<io::Stderr>,
    out_color: ColorChoice,
    err_color: ColorChoice,
}

impl Ui {
    /// With colour as asked.
    pub(crate) fn new(color: crate::args::Color) -> Self {
        let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let choose = |is_terminal: bool| match color {
            crate::args::Color::Always => ColorChoice::Always,
            crate::args::Color::Never => ColorChoice::Never,
            crate::args::Color::Auto if is_terminal && !forbidden => ColorChoice::Always,
            crate::args::Color::Auto => ColorChoice::Never,
        };
        let (out_color, err_color) = (choose(io::stdout().is_terminal()), choose(io::stderr().is_terminal()));
        Self {
            out: AutoStream::new(io::stdout(), out_color),
            waiting: String::new(),
            err: AutoStream::new(io::stderr(), err_color),
            out_color,
            err_color,
        }
    }

    /// Whether what goes to standard output is coloured.
    pub(crate) fn is_colored(&self) -> bool {
        self.out_color == ColorChoice::Always
    }

    /// Whether what goes to standard error is coloured.
    pub(crate) fn is_talk_colored(&self) -> bool {
        self.err_color == ColorChoice::Always
    }

    /// Data: text that may hold styles.
    pub(crate) fn print(&mut self, text: impl fmt::Display) -> Result<(), Failure> {
        let _ = write!(self.waiting, "{text}");
        if self.waiting.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    /// Data and a line break.
    pub(crate) fn line(&mut self, text: impl fmt::Display) -> Result<(), Failure> {
        self.print(format_args!("{text}\n"))
    }

    /// One JSON value on a line of its own.
    pub(crate) fn json(&mut self, value: &impl serde::Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(|error| Failure::new(error.to_string()))?;
        self.line(text)
    }

    /// Talk: goes to standard error, and is lost quietly when nobody listens.
    pub(crate) fn say(&mut self, text: impl fmt::Display) {
        let _ = self.flush();
        let _ = writeln!(self.err, "{text}");
    }

    /// Talk of several lines that ends with a line break of its own.
    pub(crate) fn tell(&mut self, text: impl fmt::Display) {
        let _ = self.flush();
        let _ = write!(self.err, "{text}");
    }

    /// Everything printed so far reaches its reader.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        let waiting = std::mem::take(&mut self.waiting);
        self.out.write_all(waiting.as_bytes())?;
        self.out.flush()?;
        Ok(())
    }

    /// Says why the command could not do its work.
    pub(crate) fn fail(&mut self, failure: &Failure) -> Exit {
        match failure {
            Failure::ClosedPipe => Exit::Clean,
            Failure::Other { what, help } => {
                self.say(format_args!("{}: {what}", bold_red("error")));
                if let Some(help) = help {
                    self.say(format_args!("  help: {help}"));
                }
                Exit::Usage
            }
        }
    }

    /// A progress bar on standard error, for `total` bytes if known; hidden where that is no terminal.
    pub(crate) fn progress(&self, total: Option<u64>) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(5));
        let template = if total.is_some() {
            "{spinner} {bar:24} {percent:>3}%  {msg}  eta {eta}"
        } else {
            "{spinner} {msg}  {elapsed}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar
    }
}

impl Drop for Ui {
    fn drop(&mut self) {
        let _ = self.flush();
    }
}

macro_rules! styles {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {$(
        $(#[$doc])*
        pub(crate) fn $name(text: impl fmt::Display) -> String {
            format!(concat!("\u{1b}[", $code, "m{}\u{1b}[0m"), text)
        }
    )*};
}

styles! {
    /// For what failed.
    bold_red = "1;31";
    /// For what passed.
    green = "32";
    /// For what deserves a look.
    yellow = "33";
    /// For headings.
    bold = "1";
    /// For what can be skipped.
    dim = "2";
}

/// Set by the first Ctrl-C; the second one ends the process.
pub(crate) fn stop_flag() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    // Without a handler Ctrl-C ends the process at once, as ever.
    let _ = ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    stop
}

/// `1 rule`, `2 rules`, `3 matches`.
pub(crate) fn count(n: usize, one: &str) -> String {
    let ending = match n {
        1 => "",
        _ if one.ends_with(['s', 'x']) || one.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{} {one}{ending}", grouped(n as u64))
}

/// A number with thin groups: `119,844`.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
