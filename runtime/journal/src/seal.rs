//! Clear text sealed to an operator: whoever has their secret key reads it, and nobody else.
//!
//! The sealed boxes of NaCl and libsodium: X25519 with a fresh key each time, XSalsa20-Poly1305. A node that seals has
//! the public key alone and cannot open what it has written.

use crypto_box::aead::OsRng;
use crypto_box::{PublicKey, SecretKey};

/// What a key file begins with.
const PUBLIC: &str = "weir operator public key 1 ";
const SECRET: &str = "weir operator secret key 1 ";

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text is none of a key.
    #[error("this is no operator's public key")]
    Public,
    /// The text is none of a secret key.
    #[error("this is no operator's secret key")]
    Secret,
    /// It was sealed to another key, or is not as it was sealed.
    #[error("it was sealed to another key, or is damaged")]
    Sealed,
}

/// The key of an operator who may read what is sealed.
#[derive(Clone)]
pub struct OperatorKey(SecretKey);

/// The key that things are sealed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealingKey(PublicKey);

impl OperatorKey {
    /// A fresh one, from the system's random numbers.
    pub fn generate() -> Self {
        Self(SecretKey::generate(&mut OsRng))
    }

    /// Reads the text of a key file.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = text.trim().strip_prefix(SECRET.trim_end()).and_then(|digits| bytes_of(digits.trim()));
        bytes.map(|bytes| Self(SecretKey::from(bytes))).ok_or(KeyError::Secret)
    }

    /// The text of its file.
    pub fn text(&self) -> String {
        format!("{SECRET}{}\n", digits(&self.0.to_bytes()))
    }

    /// The other half.
    pub fn public(&self) -> SealingKey {
        SealingKey(self.0.public_key())
    }

    /// Opens what was sealed.
    ///
    /// # Errors
    /// When it was sealed to another key, or is damaged.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.0.unseal(sealed).map_err(|_| KeyError::Sealed)
    }
}

impl std::fmt::Debug for OperatorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OperatorKey(…)")
    }
}

impl SealingKey {
    /// Reads the text of a key file.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = text.trim().strip_prefix(PUBLIC.trim_end()).and_then(|digits| bytes_of(digits.trim()));
        bytes.map(|bytes| Self(PublicKey::from(bytes))).ok_or(KeyError::Public)
    }

    /// The text of its file.
    pub fn text(&self) -> String {
        format!("{PUBLIC}{}\n", digits(self.0.as_bytes()))
    }

    /// Seals clear text.
    ///
    /// # Errors
    /// When it is too long for the cipher.
    pub fn seal(&self, clear: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.0.seal(&mut OsRng, clear).map_err(|_| KeyError::Sealed)
    }
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes_of(digits: &str) -> Option<[u8; 32]> {
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    let digits: Vec<u8> =
        digits.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair.iter().fold(0, |byte, digit| byte << 4 | digit);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_text_is_read_with_its_key_and_no_other() {
        let (key, other) = (OperatorKey::generate(), OperatorKey::generate());
        let sealed = key.public().seal(b"alice").unwrap();
        assert!(!sealed.windows(5).any(|window| window == b"alice"));
        assert_eq!(key.open(&sealed).as_deref(), Ok(b"alice".as_slice()));
        assert_eq!(other.open(&sealed), Err(KeyError::Sealed));
        assert_ne!(key.public().seal(b"alice").unwrap(), sealed);
        for at in 0..sealed.len() {
            let mut sealed = sealed.clone();
            sealed[at] ^= 1;
            assert_eq!(key.open(&sealed), Err(KeyError::Sealed));
        }
    }

    #[test]
    fn keys_are_written_as_text_and_not_taken_for_one_another() {
        let key = OperatorKey::generate();
        assert_eq!(OperatorKey::parse(&key.text()).unwrap().public(), key.public());
        assert_eq!(SealingKey::parse(&key.public().text()), Ok(key.public()));
        assert_eq!(SealingKey::parse(&key.text()), Err(KeyError::Public));
        assert_eq!(OperatorKey::parse(&key.public().text()).err(), Some(KeyError::Secret));
        assert_eq!(SealingKey::parse("weir operator public key 1 00"), Err(KeyError::Public));
        assert_eq!(format!("{key:?}"), "OperatorKey(…)");
    }
}
