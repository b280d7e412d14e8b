//! `weir keygen`: keys that records are sealed to.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use weir_journal::seal::{OperatorKey, SealingKey};

use crate::args::{KeyOwner, KeygenArgs};
use crate::ui::{Exit, Failure, Outcome, Ui};

pub(crate) fn run(args: &KeygenArgs, ui: &mut Ui) -> Outcome {
    let KeyOwner::Operator = args.whose;
    let mut public = args.out.clone().into_os_string();
    public.push(".pub");
    let public = PathBuf::from(public);
    if public.exists() {
        return Err(Failure::new(format!("`{}` is there already", public.display())));
    }
    let key = OperatorKey::generate();
    write(&args.out, &key.text(), 0o600)?;
    write(&public, &key.public().text(), 0o644)?;
    ui.line(format_args!("secret key: {}", args.out.display()))?;
    ui.line(format_args!("public key: {}", public.display()))?;
    Ok(Exit::Clean)
}

/// Writes a file that was not there.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| Failure::file("write", path, &error))
}

fn text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))
}

/// The public key in a file.
pub(crate) fn sealing(path: &Path) -> Result<SealingKey, Failure> {
    SealingKey::parse(&text(path)?)
        .map_err(|error| Failure::with_help(format!("`{}`: {error}", path.display()), HELP))
}

/// The secret key in a file.
pub(crate) fn operator(path: &Path) -> Result<OperatorKey, Failure> {
    OperatorKey::parse(&text(path)?)
        .map_err(|error| Failure::with_help(format!("`{}`: {error}", path.display()), HELP))
}

const HELP: &str = "`weir keygen operator --out FILE` makes a pair: FILE is secret, FILE.pub is public";
