//! The `weir` program: everything is in the library beside it.

fn main() -> std::process::ExitCode {
    weir_cli::run()
}
