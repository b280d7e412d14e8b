//! Where and of what figures were taken.

use std::fs;
use std::process::Command;

/// The machine, the commit and the compiler, each as text.
#[derive(Clone, Debug)]
pub struct Machine {
    pub machine: String,
    pub commit: String,
    pub rustc: String,
}

impl Machine {
    /// This one.
    pub fn here() -> Self {
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let model = model.map_or("an unknown processor", |(_, model)| model.trim());
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let folder = env!("CARGO_MANIFEST_DIR");
        let commit =
            said("git", &["-C", folder, "describe", "--always", "--abbrev=7", "--exclude=*", "--dirty"]);
        Self {
            machine: format!("{model}, {cores} cores"),
            commit: commit.unwrap_or_else(|| "unknown".to_owned()),
            rustc: said("rustc", &["-V"]).unwrap_or_else(|| "unknown".to_owned()),
        }
    }
}

/// The version of a crate that this was built with.
pub fn version(package: &str) -> Option<&'static str> {
    let name = format!("name = \"{package}\"\nversion = \"");
    let (_, rest) = include_str!("../Cargo.lock").split_once(&name)?;
    rest.split('"').next()
}

fn said(command: &str, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(command).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
