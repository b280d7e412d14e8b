//! Analysis sessions over generated files and the library's schemas.

use weir_compiler::analysis::Analysis;

/// A session over the library's schemas and `files`.
pub fn checked(files: &[(String, String)]) -> Analysis {
    let mut analysis = Analysis::new();
    for file in weir_stdlib::policies().iter().filter(|file| file.path.starts_with("std/events")) {
        analysis.set_file(&file.path, file.text);
    }
    for (name, text) in files {
        analysis.set_file(name, text.as_str());
    }
    analysis
}
