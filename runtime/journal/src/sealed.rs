//! Whole files, sealed: what an engine remembers holds personal values too.
//!
//! A sealed file is `WEIRSEAL`, a version (2 bytes), a random salt (16), and the contents under ChaCha20-Poly1305. The key is
//! derived from the node's secret, the salt and what the file is for, so a snapshot is not taken for anything else.
//!
//! **Evolution.** A version is never reused; a reader takes its own and, from the next on, the one before it.

use weir_engine::Secret;
use weir_engine::wire;

use crate::Error;
use crate::cipher::Cipher;
use crate::head::SALT;

const MAGIC: &[u8; 8] = b"WEIRSEAL";
const VERSION: u16 = 1;
const HEAD: usize = MAGIC.len() + 2 + SALT;

/// The sealed file of some contents, for a purpose (`snapshot`).
///
/// # Errors
/// When there are no random numbers.
pub fn seal_file(secret: Secret, purpose: &str, contents: &[u8]) -> Result<Vec<u8>, Error> {
    let mut salt = [0; SALT];
    getrandom::fill(&mut salt).map_err(|error| Error::Random(error.to_string()))?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&salt);
    let mut block = contents.to_vec();
    if !Cipher::new(secret, &salt, &vouched(&bytes, purpose)).seal(0, &mut block) {
        return Err(std::io::Error::other("the contents are too long to be sealed").into());
    }
    bytes.append(&mut block);
    Ok(bytes)
}

/// The contents of a sealed file.
///
/// # Errors
/// When it is none, of another version, damaged, or sealed with another secret or for another purpose.
pub fn open_file(secret: Secret, purpose: &str, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let (Some(head), Some(block)) = (bytes.get(..HEAD), bytes.get(HEAD..)) else {
        return Err(wire::Error::Damaged("it is too short to be a sealed file").into());
    };
    let rest = head.strip_prefix(MAGIC).ok_or(wire::Error::Damaged("it is no sealed file"))?;
    let (version, salt) = rest.split_at(2);
    if version != VERSION.to_le_bytes() {
        return Err(wire::Error::Damaged("it is a sealed file of another version").into());
    }
    Cipher::new(secret, salt, &vouched(head, purpose)).open(0, block).ok_or(Error::Secret)
}

fn vouched(head: &[u8], purpose: &str) -> Vec<u8> {
    [head, purpose.as_bytes()].concat()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_opened_with_the_secret_alone() {
        let secret = Secret::new([7; 16]);
        let sealed = seal_file(secret, "snapshot", b"ann@example.com").unwrap();
        assert!(!sealed.windows(3).any(|bytes| bytes == b"ann"));
        assert_eq!(open_file(secret, "snapshot", &sealed).unwrap(), b"ann@example.com");
        assert!(open_file(secret, "journal", &sealed).is_err());
        assert!(open_file(Secret::PUBLIC, "snapshot", &sealed).is_err());
        assert_ne!(seal_file(secret, "snapshot", b"ann@example.com").unwrap(), sealed, "each has its salt");
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(open_file(secret, "snapshot", &damaged).is_err(), "byte {at}");
            assert!(open_file(secret, "snapshot", &sealed[..at]).is_err(), "{at} bytes");
        }
    }
}
