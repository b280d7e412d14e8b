//! `weir`: check, test, replay and explain bot-management and fraud policies.
//!
//! One binary, no service, no network. [`run`] is the program: every command reads its arguments (`args`), loads what
//! it needs (`load`) and prints through one `ui::Ui`; what it decides is the exit code (`ui::Exit`).
//!
//! [`replay`] is public beside it, for whoever runs logs through policies without a terminal: the benches and the
//! recorders measure the very path that `weir replay` takes.

mod args;
mod cache;
mod command;
mod contents;
mod load;
pub mod models;
mod native;
mod node;
pub mod replay;
mod ui;
mod watch;

use clap::Parser as _;

use crate::args::{Args, Command};
use crate::ui::{Exit, Ui};

/// Runs the program with the process's arguments; answers its exit code.
pub fn run() -> std::process::ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // `--help` and `--version` come this way too; clap says which stream and code each takes.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Clean }.into();
        }
    };
    let mut ui = Ui::new(args.color);
    let result = match &args.command {
        Command::Init(args) => command::init::run(args, &mut ui),
        Command::Check(args) => command::check::run(args, &mut ui),
        Command::Fmt(args) => command::fmt::run(args, &mut ui),
        Command::Fix(args) => command::fix::run(args, &mut ui),
        Command::Test(args) => command::test::run(args, &mut ui),
        Command::Replay(args) => command::replay::run(args, &mut ui),
        Command::Run(args) => command::run::run(args, &mut ui),
        Command::Explain(args) => command::explain::run(args, &mut ui),
        Command::Journal(args) => command::journal::run(args, &mut ui),
        Command::Keygen(args) => command::keygen::run(args, &mut ui),
        Command::Ir(args) => command::ir::run(args, &mut ui),
        Command::Compile(args) => command::compile::run(args, &mut ui),
        Command::Rules(args) => command::rules::run(args, &mut ui),
        Command::Model(args) => command::model::run(args, &mut ui),
        Command::Lsp(args) => command::lsp::run(args),
        Command::Completions(args) => command::completions::run(args, &mut ui),
    };
    match result {
        Ok(exit) => exit,
        Err(failure) => ui.fail(&failure),
    }
    .into()
}
