//! `weir completions`.

use clap::CommandFactory as _;

use crate::args::{Args, CompletionsArgs};
use crate::ui::{Exit, Outcome, Ui};

pub(crate) fn run(args: &CompletionsArgs, ui: &mut Ui) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "weir", &mut script);
    ui.print(String::from_utf8_lossy(&script))?;
    Ok(Exit::Clean)
}
