//! Keys, made ready to be hashed from a record.

use std::net::IpAddr;

use hashbrown::HashMap;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use weir_compiler::data::{prefix4, prefix6};
use weir_compiler::hir::{Hir, Key, KeyPart};
use weir_compiler::ids::{CohortId, FieldId, FingerprintId, Id, IdVec, SequenceId};
use weir_compiler::schema::Schema;
use weir_compiler::types::Type;
use weir_compiler::value::Value;

use crate::keyhash::{KeyHash, KeyHasher, append};
use crate::record::Record;

/// A key of the rule set, the same for all that are written alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct KeyId(pub(crate) u32);

impl Id for KeyId {
    fn from_index(index: usize) -> Self {
        Self(index as u32)
    }

    fn index(self) -> usize {
        self.0 as usize
    }
}

/// How a key is hashed.
#[derive(Clone, Debug)]
pub(crate) struct KeyPlan {
    domain: u64,
    parts: Vec<PartPlan>,
}

/// How a part of a key is found.
#[derive(Clone, Debug)]
pub(crate) enum PartPlan {
    Field(FieldId),
    Prefix { field: FieldId, v4: u8, v6: u8 },
    Fingerprint(Vec<FieldId>),
    Cohort(CohortId),
    Captured { sequence: SequenceId, step: u16, field: FieldId },
}

/// Where parts that no record has come from.
pub(crate) trait Groups {
    /// The slice in surplus that holds the event.
    fn slice(&self, cohort: CohortId) -> Option<KeyHash>;
    /// A captured field.
    fn captured(&self, sequence: SequenceId, step: u16, field: FieldId) -> Option<Value>;
}

/// Without cohorts and sequences.
pub(crate) struct NoGroups;

impl Groups for NoGroups {
    fn slice(&self, _: CohortId) -> Option<KeyHash> {
        None
    }

    fn captured(&self, _: SequenceId, _: u16, _: FieldId) -> Option<Value> {
        None
    }
}

/// All keys of a rule set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    /// Address prefixes are missing.
    without_prefixes: bool,
    plans: IdVec<KeyId, KeyPlan>,
    /// Looked up for every tag that a condition asks, by parts that policies alone write: a fast hash will do.
    ids: HashMap<Vec<KeyPart>, KeyId>,
}

impl Keys {
    pub(crate) fn new(without_prefixes: bool) -> Self {
        Self { without_prefixes, ..Self::default() }
    }

    /// The id of a key, given out once for all that have the same parts.
    pub(crate) fn add(&mut self, hir: &Hir, hasher: &KeyHasher, key: &Key) -> KeyId {
        if let Some(id) = self.ids.get(&key.parts) {
            return *id;
        }
        let kinds: Vec<String> = key.parts.iter().map(|part| kind(hir, part)).collect();
        let plan = KeyPlan {
            domain: hasher.domain(&kinds.join(", ")),
            parts: key.parts.iter().map(|part| self.part(hir, part)).collect(),
        };
        let id = self.plans.push(plan);
        self.ids.insert(key.parts.clone(), id);
        id
    }

    /// How a part is found.
    pub(crate) fn part(&self, hir: &Hir, part: &KeyPart) -> PartPlan {
        match part {
            // A shape without parts is missing.
            KeyPart::Prefix { .. } if self.without_prefixes => PartPlan::Fingerprint(Vec::new()),
            part => plan(hir, part),
        }
    }

    /// The plan of one key alone.
    pub(crate) fn with(mut self, hir: &Hir, hasher: &KeyHasher, key: &Key) -> Option<KeyPlan> {
        let id = self.add(hir, hasher, key);
        self.plans.get(id).cloned()
    }

    pub(crate) fn find(&self, key: &Key) -> Option<KeyId> {
        self.ids.get(&key.parts).copied()
    }

    pub(crate) fn get(&self, id: KeyId) -> Option<&KeyPlan> {
        self.plans.get(id)
    }

    pub(crate) fn len(&self) -> usize {
        self.plans.len()
    }

    /// The fields that keys are made of, some more than once.
    pub(crate) fn fields(&self) -> impl Iterator<Item = FieldId> {
        let of_part = |part: &PartPlan| match part {
            PartPlan::Field(field) | PartPlan::Prefix { field, .. } | PartPlan::Captured { field, .. } => {
                vec![*field]
            }
            PartPlan::Fingerprint(fields) => fields.clone(),
            PartPlan::Cohort(_) => Vec::new(),
        };
        self.plans.values().flat_map(|plan| &plan.parts).flat_map(of_part)
    }
}

/// What a part is of. Keys of one kind with equal values are one key, whatever the field is called: an
/// `id<address>` that ships is the one that bills. Texts and fingerprints are kept apart by field.
fn kind(hir: &Hir, part: &KeyPart) -> String {
    let of_field = |field: &FieldId| match hir.schema.fields.get(*field) {
        Some(field) => match &field.ty {
            ty @ (Type::Id(_) | Type::Ip | Type::Cidr | Type::Asn | Type::Country) => ty.to_string(),
            ty => format!("{} {ty}", field.name),
        },
        None => "?".to_owned(),
    };
    match part {
        KeyPart::Field(field) | KeyPart::Captured { field, .. } => of_field(field),
        KeyPart::Prefix { field, v4, v6 } => format!("{}/{v4}:{v6}", of_field(field)),
        KeyPart::Fingerprint(shape) => {
            let named = hir.declarations.fingerprints.get(*shape).map(|shape| &shape.named);
            named.map_or_else(
                || "?".to_owned(),
                |named| format!("fingerprint {}.{}", named.package, named.name),
            )
        }
        KeyPart::Cohort(cohort) => cohort_kind(hir, *cohort),
    }
}

/// What slices of a cohort are.
pub(crate) fn cohort_kind(hir: &Hir, cohort: CohortId) -> String {
    let Some(cohort) = hir.cohorts.get(cohort) else { return "?".to_owned() };
    let event = hir.schema.events.get(cohort.event).map(|event| event.name.as_str()).unwrap_or("?");
    format!("cohort {} of {event} by {}", cohort.name, cohort.dimensions.join(", "))
}

fn plan(hir: &Hir, part: &KeyPart) -> PartPlan {
    match part {
        KeyPart::Field(field) => PartPlan::Field(*field),
        KeyPart::Prefix { field, v4, v6 } => PartPlan::Prefix { field: *field, v4: *v4, v6: *v6 },
        KeyPart::Fingerprint(shape) => PartPlan::Fingerprint(shape_fields(hir, *shape)),
        KeyPart::Cohort(cohort) => PartPlan::Cohort(*cohort),
        KeyPart::Captured { sequence, step, field } => {
            PartPlan::Captured { sequence: *sequence, step: *step, field: *field }
        }
    }
}

/// The fields of a client shape; nothing for one that is not declared, which makes it missing.
pub(crate) fn shape_fields(hir: &Hir, shape: FingerprintId) -> Vec<FieldId> {
    hir.declarations.fingerprints.get(shape).map(|shape| shape.parts.clone()).unwrap_or_default()
}

/// The network of an address.
pub(crate) fn network(ip: IpAddr, v4: u8, v6: u8) -> Option<IpNet> {
    match ip.to_canonical() {
        IpAddr::V4(ip) => Ipv4Net::new(prefix4(ip, v4).into(), v4).ok().map(IpNet::V4),
        IpAddr::V6(ip) => Ipv6Net::new(prefix6(ip, v6).into(), v6).ok().map(IpNet::V6),
    }
}

impl PartPlan {
    /// Appends the canonical bytes of the part, or says that it is missing.
    pub(crate) fn append(
        &self,
        schema: &Schema,
        record: &Record,
        groups: &impl Groups,
        bytes: &mut Vec<u8>,
    ) -> Option<()> {
        match self {
            Self::Field(field) => append(bytes, record.get(schema, *field)?),
            Self::Prefix { field, v4, v6 } => match record.get(schema, *field)? {
                Value::Ip(ip) => append(bytes, &Value::Cidr(network(*ip, *v4, *v6)?)),
                _ => return None,
            },
            Self::Fingerprint(fields) => {
                if fields.is_empty() {
                    return None;
                }
                for field in fields {
                    append(bytes, record.get(schema, *field)?);
                }
            }
            Self::Cohort(cohort) => bytes.extend_from_slice(&groups.slice(*cohort)?.0.to_le_bytes()),
            Self::Captured { sequence, step, field } => {
                append(bytes, &groups.captured(*sequence, *step, *field)?)
            }
        }
        Some(())
    }
}

impl KeyPlan {
    /// The key's hash; nothing when a part is missing. `bytes` is scratch space. A slice of a cohort alone is its own
    /// key, so that an event finds the entries of all slices that hold it.
    pub(crate) fn hash(
        &self,
        hasher: &KeyHasher,
        schema: &Schema,
        record: &Record,
        groups: &impl Groups,
        bytes: &mut Vec<u8>,
    ) -> Option<KeyHash> {
        self.hash_by(schema, record, groups, bytes, |bytes| hasher.key(bytes))
    }

    /// The same, the bytes hashed by `hash`.
    pub(crate) fn hash_by(
        &self,
        schema: &Schema,
        record: &Record,
        groups: &impl Groups,
        bytes: &mut Vec<u8>,
        hash: impl FnOnce(&[u8]) -> KeyHash,
    ) -> Option<KeyHash> {
        if let [PartPlan::Cohort(cohort)] = self.parts.as_slice() {
            return groups.slice(*cohort);
        }
        bytes.clear();
        bytes.extend_from_slice(&self.domain.to_le_bytes());
        for part in &self.parts {
            part.append(schema, record, groups, bytes)?;
        }
        Some(hash(bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use weir_compiler::hir::KeyKind;

    use super::*;
    use crate::fixture::Fixture;
    use crate::keyhash::Secret;

    fn key(parts: Vec<KeyPart>) -> Key {
        Key { parts, kind: KeyKind::Place, text: "k".into() }
    }

    #[test]
    fn networks_and_missing_parts() {
        let fixture = Fixture::new();
        let hir = Hir { schema: Arc::clone(&fixture.schema), ..Hir::default() };
        let hasher = KeyHasher::new(Secret::PUBLIC, "t");
        let mut keys = Keys::default();
        let (ip, user) = (fixture.field("ip"), fixture.field("user"));
        let net = keys.add(&hir, &hasher, &key(vec![KeyPart::Prefix { field: ip, v4: 24, v6: 56 }]));
        let both = keys.add(&hir, &hasher, &key(vec![KeyPart::Field(user), KeyPart::Field(ip)]));
        assert_eq!(keys.add(&hir, &hasher, &key(vec![KeyPart::Field(user), KeyPart::Field(ip)])), both);
        let hash = |id: KeyId, address: &str| {
            let mut record = Record::empty(&fixture.schema, fixture.login);
            record.set(&fixture.schema, ip, Value::Ip(address.parse().unwrap())).unwrap();
            keys.get(id).unwrap().hash(&hasher, &fixture.schema, &record, &NoGroups, &mut Vec::new())
        };
        assert_eq!(hash(net, "192.0.2.1"), hash(net, "192.0.2.255"));
        assert_eq!(hash(net, "192.0.2.1"), hash(net, "::ffff:192.0.2.9"));
        assert_ne!(hash(net, "192.0.2.1"), hash(net, "192.0.3.1"));
        assert_eq!(hash(net, "2001:db8:0:ab00::1"), hash(net, "2001:db8:0:abff::1"));
        assert_ne!(hash(net, "2001:db8:0:ab00::1"), hash(net, "2001:db8:0:ac00::1"));
        assert_eq!(hash(both, "192.0.2.1"), None);
    }
}
