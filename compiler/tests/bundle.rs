//! A linked rule set survives being written and read, and bytes that are none are refused.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use weir_compiler::analysis::Analysis;
use weir_compiler::bundle;
use weir_compiler::hir::Hir;
use weir_compiler::link::Options;

/// The standard library, all of it.
static LIBRARY: LazyLock<Hir> = LazyLock::new(|| {
    let mut analysis = Analysis::new();
    add(&mut analysis, &Path::new(env!("CARGO_MANIFEST_DIR")).join("../stdlib-rules"));
    let found = analysis.found();
    found.link(&found.everything(), &Options::default()).hir
});

fn add(analysis: &mut Analysis, dir: &Path) {
    let mut paths: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() && !path.ends_with("templates") {
            add(analysis, &path);
        } else if path.extension().is_some_and(|extension| extension == "weir") {
            analysis.set_file(&path.display().to_string(), std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn the_library_is_read_as_it_was_written() {
    assert!(LIBRARY.rules.len() > 100 && !LIBRARY.patterns.is_empty());
    let bytes = bundle::write(&LIBRARY);
    let read = bundle::read(&bytes).unwrap();
    assert_eq!(format!("{read:?}"), format!("{:?}", *LIBRARY));
    assert_eq!(bundle::write(&read), bytes);
}

#[test]
fn an_expression_of_itself_is_refused() {
    let mut hir = LIBRARY.clone();
    let last = hir.exprs.ids().next_back().unwrap();
    hir.exprs.get_mut(last).unwrap().kind = weir_compiler::hir::ExprKind::Not(last);
    assert!(bundle::read(&bundle::write(&hir)).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever the bytes are, reading them ends, and does not panic.
    #[test]
    fn any_bytes_are_read_or_refused(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| bundle::write(&LIBRARY));
        let mut bytes = BYTES.clone();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = bundle::read(&bytes);
    }

    #[test]
    fn noise_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = bundle::read(&bytes);
    }
}
