//! The `weir` program: everything is in the library beside it.

/// Deciding a line takes some forty small allocations, a fifth of its instructions with the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    weir_cli::run()
}
