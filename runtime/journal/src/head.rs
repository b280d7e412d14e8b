//! What a segment begins with.
//!
//! ```text
//!  head = "weirjrnl" version length ( salt, rule set, tenant, dictionary, personal fields )
//! ```
//!
//! Nothing in it is secret: names and types of the schema, and which rule set ran.

use std::sync::Arc;

use weir_compiler::hir::Hir;
use weir_compiler::ids::{FieldId, Id as _};
use weir_compiler::schema::{Event, Field, Schema, Slot};
use weir_engine::wire::{Bytes, Dictionary, Error, put_bytes, put_text, put_u64};

/// What a segment begins with.
pub const MAGIC: &[u8; 8] = b"weirjrnl";
/// The version that is written.
pub const VERSION: u64 = 1;

pub(crate) const SALT: usize = 16;

/// The head of a segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// Random: it makes the segment's key.
    pub salt: [u8; SALT],
    /// What the rule set is called: the hash of what it was compiled from.
    pub rules: [u8; 32],
    /// Whose traffic it is.
    pub tenant: String,
    /// Names and types.
    pub dictionary: Dictionary,
    /// By position in the dictionary: the field is personal.
    pub personal: Vec<bool>,
}

impl Head {
    /// Of a rule set.
    pub fn new(hir: &Hir, rules: [u8; 32], tenant: &str, salt: [u8; SALT]) -> Self {
        Self {
            salt,
            rules,
            tenant: tenant.to_owned(),
            dictionary: Dictionary::of(hir),
            personal: hir.schema.fields.values().map(|field| field.personal).collect(),
        }
    }

    /// A rule set without rules that has the same names: for reading a journal without the policies.
    pub fn stand_in(&self) -> Hir {
        let mut schema = Schema::default();
        for ((name, ty), personal) in self.dictionary.fields.iter().zip(&self.personal) {
            schema.fields.push(Field {
                name: name.clone(),
                ty: ty.clone(),
                bound: u32::MAX,
                personal: *personal,
                aliases: Vec::new(),
            });
        }
        for (name, fields) in &self.dictionary.events {
            let slots: Vec<Slot> = fields
                .iter()
                .map(|field| Slot { field: FieldId::from_index(*field), optional: true, response: false })
                .collect();
            let mut slot_of = vec![Event::ABSENT; schema.fields.len()];
            for (at, field) in fields.iter().enumerate() {
                if let (Some(place), Ok(at)) = (slot_of.get_mut(*field), u16::try_from(at)) {
                    *place = at;
                }
            }
            schema.events.push(Event {
                name: name.clone(),
                package: "journal".into(),
                aliases: Vec::new(),
                slots,
                slot_of,
                at: Default::default(),
                doc: Default::default(),
            });
        }
        Hir { schema: Arc::new(schema), ..Hir::default() }
    }

    /// Its bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut inner = Vec::new();
        inner.extend_from_slice(&self.salt);
        inner.extend_from_slice(&self.rules);
        put_text(&mut inner, &self.tenant);
        self.dictionary.write(&mut inner);
        put_u64(&mut inner, self.personal.len() as u64);
        inner.extend(self.personal.iter().map(|personal| u8::from(*personal)));
        let mut out = MAGIC.to_vec();
        put_u64(&mut out, VERSION);
        put_bytes(&mut out, &inner);
        out
    }

    /// Reads a head.
    pub(crate) fn read(bytes: &mut Bytes<'_>) -> Result<Self, Error> {
        match bytes.take(MAGIC.len()) {
            Ok(magic) if magic == MAGIC => {}
            _ => return Err(Error::Magic("journal")),
        }
        let version = bytes.u64()?;
        if version != VERSION {
            return Err(Error::Version(version));
        }
        let mut inner = Bytes::new(bytes.bytes()?);
        let (salt, rules) = (inner.array()?, inner.array()?);
        let tenant = inner.text()?.to_owned();
        let dictionary = Dictionary::read(&mut inner)?;
        let mut personal = Vec::new();
        for _ in 0..inner.count()? {
            personal.push(inner.truth()?);
        }
        if personal.len() != dictionary.fields.len() {
            return Err(Error::Damaged("the journal's fields"));
        }
        // A later build of this version may add to the end.
        Ok(Self { salt, rules, tenant, dictionary, personal })
    }
}
