//! What packages declare beside events and policies.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use weir_dsl::FileSpan;

use crate::hir::*;
use crate::types::Type;
use crate::value::Value;

/// What packages declare beside events and policies.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Declarations {
    /// Lists.
    pub lists: IdVec<ListId, List>,
    /// Tables.
    pub tables: IdVec<TableId, Table>,
    /// Models.
    pub models: IdVec<ModelId, Model>,
    /// Tags, by full name (`std.shared.ato-suspected`).
    pub tags: IdVec<TagId, Named>,
    /// Queues.
    pub queues: IdVec<QueueId, Named>,
    /// Decoys.
    pub decoys: IdVec<DecoyId, Decoy>,
    /// Schedules.
    pub schedules: IdVec<ScheduleId, Schedule>,
    /// User-defined client shapes.
    pub fingerprints: IdVec<FingerprintId, Fingerprint>,
}

/// A declared name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Named {
    /// Its name within its package.
    pub name: SmolStr,
    /// Its package.
    pub package: SmolStr,
    /// Where it is declared.
    pub at: FileSpan,
}

/// A typed set.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct List {
    /// Its name.
    pub named: Named,
    /// The type of its members; [`Type::Cidr`] matches addresses inside.
    pub member: Type,
    /// Where its members come from.
    pub source: Source,
}

/// Where the contents of a list come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Source {
    /// A file, relative to the project's root or to the library.
    File(SmolStr),
    /// Written in place.
    Values(Arc<[Value]>),
}

/// A typed look-up from a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub named: Named,
    /// The type of its keys.
    pub key: Type,
    /// The type of its values.
    pub value: Type,
    /// The file.
    pub file: SmolStr,
}

/// A scoring function.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Model {
    /// Its name.
    pub named: Named,
    /// Names and types of its inputs.
    pub inputs: Vec<(SmolStr, Type)>,
    /// The type of its answer.
    pub output: Type,
    /// The file.
    pub file: SmolStr,
    /// The deadline in milliseconds.
    pub within: Option<i64>,
}

/// A bounded false answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Decoy {
    /// Its name.
    pub named: Named,
    /// The event it may answer.
    pub event: EventId,
    /// The body served.
    pub file: SmolStr,
    /// How often at most.
    pub rate: Rate,
    /// What happens beyond that.
    pub otherwise: Verb,
}

/// A calendar.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Schedule {
    /// Its name.
    pub named: Named,
    /// The file.
    pub file: SmolStr,
}

/// A user-defined client shape: the hash of its parts, unknown when one is missing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Its name.
    pub named: Named,
    /// Its parts.
    pub parts: Vec<FieldId>,
}

/// A map from plain HTTP to a business event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Derive {
    /// The event made.
    pub event: EventId,
    /// When it applies; over the exchange's request fields, and its response fields where there is one.
    pub filter: Option<ExprId>,
    /// How each field is filled. Fields not named are copied from the request where it has them.
    pub fields: Vec<(FieldId, ExprId, Phase)>,
    /// Its package.
    pub package: SmolStr,
    /// Where it is declared.
    pub at: FileSpan,
}
