//! Golden files: each `data/FORMAT/NAME.in` is read as FORMAT and compared with `NAME.out` beside it.
//! `WEIR_BLESS=1 cargo test -p weir-gateway --test golden` writes the `.out` files anew.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use weir_gateway::{FormatChoice, Input, Item, Reader, ReaderOptions};

#[test]
fn golden_files() {
    let bless = std::env::var_os("WEIR_BLESS").is_some_and(|v| v == "1");
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut wrong = Vec::new();
    let mut seen = 0;
    for folder in sorted(&data).into_iter().filter(|f| f.is_dir()) {
        let format = folder.file_name().unwrap().to_str().unwrap().parse::<FormatChoice>();
        let Ok(format) = format else { continue };
        for path in sorted(&folder).into_iter().filter(|p| p.extension().is_some_and(|e| e == "in")) {
            seen += 1;
            let got = transcript(&path, format);
            let out = path.with_extension("out");
            if bless {
                std::fs::write(&out, &got).unwrap();
            } else if std::fs::read_to_string(&out).unwrap_or_default() != got {
                wrong.push(format!("{}:\n{got}", out.display()));
            }
        }
    }
    assert!(seen >= 10, "only {seen} golden files found");
    assert!(wrong.is_empty(), "differs (WEIR_BLESS=1 accepts):\n{}", wrong.join("\n"));
}

/// What reading gives: a line per item, then what the input was taken for.
fn transcript(path: &Path, format: FormatChoice) -> String {
    let options = ReaderOptions { format, ..ReaderOptions::default() };
    let mut reader = Reader::new(vec![Input::File(path.to_owned())], options).unwrap();
    let mut out = String::new();
    for item in reader.by_ref() {
        match item {
            Item::Record(r) => {
                let late = if r.late { " late" } else { "" };
                writeln!(out, "{}{late} {}", r.seq, serde_json::to_string(&r.parsed).unwrap()).unwrap();
            }
            Item::Reject(r) => writeln!(out, "{} rejected: {}: {}", r.seq, r.reason, r.sample).unwrap(),
            Item::Failed(e) => panic!("{e}"),
        }
    }
    let progress = reader.progress();
    let format = reader.inputs().first().unwrap().format.map_or("unknown", |f| f.name());
    writeln!(
        out,
        "= {format}: {} lines, {} blank, {} records, {} rejected, {} late",
        progress.lines,
        progress.blank,
        progress.records,
        reader.rejects().total(),
        progress.reorder.late
    )
    .unwrap();
    out
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    paths
}
