//! Whole files as text, `.xz` or plain.

use std::io::Read as _;

/// The text of a file; bytes that are no UTF-8 are replaced, so that line numbers stay.
///
/// # Errors
/// With the path, when it cannot be read.
pub fn read(path: &str) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    let bytes = if bytes.starts_with(b"\xfd7zXZ\0") {
        let mut plain = Vec::new();
        lzma_rust2::XzReader::new(bytes.as_slice(), true)
            .read_to_end(&mut plain)
            .map_err(|error| format!("{path}: {error}"))?;
        plain
    } else {
        bytes
    };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
