//! Keyed hashes: what state knows of a key, and nothing else.
//!
//! A key is hashed by SipHash-1-3 with 128 bits of output, over the tenant, what the key is of (`id<user>`,
//! `ip/24:56`, a field's name) and the canonical bytes of its parts. State never holds the value of a key, a
//! symbol or an index. Without the secret nobody can aim at a collision or tell which key a hash is of.

use serde::{Deserialize, Serialize};
use std::hash::{BuildHasherDefault, Hasher as StdHasher};

use siphasher::sip128::SipHasher13;
use weir_compiler::value::Value;

/// The keyed hash of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyHash(pub u128);

impl KeyHash {
    /// The hash of what has no key: the whole site.
    pub(crate) const SITE: Self = Self(0);
}

impl std::fmt::Display for KeyHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The secret of a deployment: 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret([u8; 16]);

impl Secret {
    /// The public constant that tests and replays use, so that their results can be compared.
    pub const PUBLIC: Self = Self(*b"weir public key.");

    /// A secret of the deployment's own.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes, for whoever derives another key from it.
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if *self == Self::PUBLIC { "Secret(public)" } else { "Secret(…)" })
    }
}

/// Hashes for one tenant under one secret.
#[derive(Clone, Debug)]
pub(crate) struct KeyHasher {
    sip: SipHasher13,
    tenant: String,
    /// The domain of pseudonyms.
    pub(crate) pseudonyms: u64,
    /// Personal values are pseudonyms already, as texts: they come from a record of a decision.
    pub(crate) recalled: bool,
}

impl KeyHasher {
    pub(crate) fn new(secret: Secret, tenant: &str) -> Self {
        let mut hasher = Self {
            sip: SipHasher13::new_with_key(&secret.0),
            tenant: tenant.to_owned(),
            pseudonyms: 0,
            recalled: false,
        };
        hasher.pseudonyms = hasher.domain("pseudonym");
        hasher
    }

    /// The prefix that keeps keys of different things apart. `kind` says what the key is of.
    pub(crate) fn domain(&self, kind: &str) -> u64 {
        let mut bytes = Vec::with_capacity(self.tenant.len() + kind.len() + 16);
        for part in [self.tenant.as_bytes(), kind.as_bytes()] {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part);
        }
        self.sip.hash(&bytes).h1
    }

    /// The hash of a key's bytes, domain first.
    pub(crate) fn key(&self, bytes: &[u8]) -> KeyHash {
        let hash = self.sip.hash(bytes);
        KeyHash(u128::from(hash.h1) << 64 | u128::from(hash.h2))
    }

    /// A keyed 64-bit hash of a value or tuple inside a record of state: for `distinct`, `top` and the like.
    pub(crate) fn value(&self, bytes: &[u8]) -> u64 {
        self.sip.hash(bytes).h1
    }

    /// A share from 0 to 1, exclusive: where a key stands in a canary.
    pub(crate) fn share(&self, domain: u64, key: KeyHash) -> f64 {
        let mut bytes = [0; 24];
        let (head, tail) = bytes.split_at_mut(8);
        head.copy_from_slice(&domain.to_le_bytes());
        tail.copy_from_slice(&key.0.to_le_bytes());
        // 53 bits, so that the quotient is exact and below 1.
        (self.sip.hash(&bytes).h1 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Appends the canonical bytes of a value.
pub(crate) fn append(bytes: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Text(text) => append_text(bytes, text),
        value => {
            // Room once, and not for each part: nearly all are short.
            bytes.reserve(32);
            value.canonical(&mut |part| bytes.extend_from_slice(part));
        }
    }
}

/// Appends the canonical bytes of a text.
pub(crate) fn append_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.reserve(9 + text.len());
    Value::canonical_text(text, &mut |part| bytes.extend_from_slice(part));
}

/// Key hashes are already hashed under a secret: tables take their low bits as they are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Identity(u64);

impl StdHasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, hash: u128) {
        self.0 = self.0.rotate_left(32) ^ hash as u64;
    }
}

pub(crate) type KeyMap<V> = hashbrown::HashMap<KeyHash, V, BuildHasherDefault<Identity>>;

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(hasher: &KeyHasher, kind: &str, value: &Value) -> KeyHash {
        let mut bytes = hasher.domain(kind).to_le_bytes().to_vec();
        append(&mut bytes, value);
        hasher.key(&bytes)
    }

    #[test]
    fn tenant_secret_kind_and_value_all_matter() {
        let base = KeyHasher::new(Secret::PUBLIC, "shop");
        let ana = Value::text("ana");
        let one = hash(&base, "id<user>", &ana);
        assert_eq!(one, hash(&base.clone(), "id<user>", &ana));
        assert_ne!(one, hash(&KeyHasher::new(Secret::PUBLIC, "bank"), "id<user>", &ana));
        assert_ne!(one, hash(&KeyHasher::new(Secret::new([1; 16]), "shop"), "id<user>", &ana));
        assert_ne!(one, hash(&base, "id<session>", &ana));
        assert_ne!(one, hash(&base, "id<user>", &Value::text("bob")));
    }

    #[test]
    fn a_canary_share_is_uniform_enough() {
        let hasher = KeyHasher::new(Secret::PUBLIC, "");
        let domain = hasher.domain("canary p");
        let inside = (0..10_000_u128).filter(|key| hasher.share(domain, KeyHash(*key)) < 0.05).count();
        assert!((400..600).contains(&inside), "{inside}");
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Secret::new([7; 16])), "Secret(…)");
    }
}
