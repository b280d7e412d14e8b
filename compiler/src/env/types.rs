//! Types as written to types as meant.

use std::sync::Arc;

use smol_str::{SmolStr, ToSmolStr};
use weir_dsl::ast::{self, TypeKind};
use weir_dsl::{Applicability, Code, Diagnostic, FileId, FileSpan};

use crate::suggest;
use crate::types::Type;

/// A type with what stands around it.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The type; [`Type::Error`] after a fault.
    pub ty: Type,
    /// `?`: the value can be missing.
    pub optional: bool,
    /// Longest text, most items; 0 for types of fixed size.
    pub bound: u32,
}

/// Default bound of text, in characters.
pub const TEXT_BOUND: u32 = 1024;
/// Default bound of a `list`, in items.
pub const LIST_BOUND: u32 = 64;
/// Default bound of a `set`, in items.
pub const SET_BOUND: u32 = 256;
/// Default bound of a `map`, in entries.
pub const MAP_BOUND: u32 = 64;
/// The bound of `id<…>` and `fingerprint`, in characters.
pub const ID_BOUND: u32 = 256;
/// The largest bound of text that may be declared, in characters.
pub const TEXT_LIMIT: u32 = 65_536;
/// The largest bound of a `list`, `set` or `map` that may be declared, in items.
pub const ITEMS_LIMIT: u32 = 4_096;
/// The most variants of an `enum`.
pub const VARIANTS_LIMIT: usize = 1_024;

/// Names of the built-in types, without arguments.
const SIMPLE: [(&str, Type); 14] = [
    ("asn", Type::Asn),
    ("bool", Type::Bool),
    ("cidr", Type::Cidr),
    ("country", Type::Country),
    ("duration", Type::Duration),
    ("fingerprint", Type::Fingerprint),
    ("float", Type::Float),
    ("int", Type::Int),
    ("ip", Type::Ip),
    ("money", Type::Money),
    ("probability", Type::Probability),
    ("rate", Type::Rate),
    ("string", Type::Text),
    ("timestamp", Type::Timestamp),
];
/// Names of the built-in types with arguments, and how each is written.
const GENERIC: [(&str, &str); 4] =
    [("id", "id<user>"), ("list", "list<T>"), ("map", "map<string, T>"), ("set", "set<T>")];

/// Resolves a type. Faults go to `diagnostics`, and the type is then [`Type::Error`] where they are.
pub fn resolve_type(ty: &ast::Type, file: FileId, diagnostics: &mut Vec<Diagnostic>) -> Resolved {
    let mut resolver = Resolver { file, patterns: false, diagnostics };
    let (kind, bound) = resolver.outer(ty);
    Resolved { ty: kind, optional: ty.optional, bound }
}

/// Resolves a type that stands where `?` means nothing: parameters, answers, members.
pub fn resolve_present(ty: &ast::Type, file: FileId, diagnostics: &mut Vec<Diagnostic>) -> Type {
    let mut resolver = Resolver { file, patterns: false, diagnostics };
    resolver.refuse_optional(ty);
    resolver.outer(ty).0
}

/// Resolves the type of a `list`, whose members may be patterns.
pub(super) fn resolve_list(ty: &ast::Type, file: FileId, diagnostics: &mut Vec<Diagnostic>) -> Type {
    let mut resolver = Resolver { file, patterns: true, diagnostics };
    resolver.refuse_optional(ty);
    resolver.outer(ty).0
}

struct Resolver<'a> {
    file: FileId,
    /// `set<pattern>` is allowed.
    patterns: bool,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Resolver<'_> {
    fn fault(&mut self, code: Code, ty: &ast::Type, title: String, help: Option<String>) -> Type {
        let at = FileSpan { file: self.file, span: ty.span };
        let mut diagnostic = Diagnostic::new(code, at, title);
        diagnostic.help = help;
        self.diagnostics.push(diagnostic);
        Type::Error
    }

    fn refuse_optional(&mut self, ty: &ast::Type) {
        if ty.optional {
            let at = FileSpan { file: self.file, span: ty.span };
            let diagnostic = Diagnostic::new(Code::TYPE_MISMATCH, at, "`?` belongs to fields alone")
                .note("any value can be unknown; only a field says that it may be missing");
            self.diagnostics.push(diagnostic);
        }
    }

    /// A type with its bound.
    fn outer(&mut self, ty: &ast::Type) -> (Type, u32) {
        let (name, args, bound) = match &ty.kind {
            TypeKind::Enum(variants) => return (self.variants(ty, variants), 0),
            TypeKind::Named { name, args, bound } => (name, args.as_slice(), *bound),
        };
        if let Some((_, simple)) = SIMPLE.iter().find(|(known, _)| *known == name.text) {
            if !args.is_empty() {
                let help = Some(format!("write `{}`", name.text));
                let title = format!("`{}` takes no type", name.text);
                return (self.fault(Code::BAD_ARGUMENTS, ty, title, help), 0);
            }
            let default = match simple {
                Type::Text => TEXT_BOUND,
                Type::Fingerprint => ID_BOUND,
                _ => 0,
            };
            let limit = if *simple == Type::Text { TEXT_LIMIT } else { 0 };
            return (simple.clone(), self.bound(ty, bound, default, limit));
        }
        match (name.text.as_str(), args) {
            ("id", [of]) => (self.id(ty, of), self.bound(ty, bound, ID_BOUND, 0)),
            ("list", [of]) => {
                (Type::List(Box::new(self.member(of))), self.bound(ty, bound, LIST_BOUND, ITEMS_LIMIT))
            }
            ("set", [of]) => {
                (Type::Set(Box::new(self.set_member(of))), self.bound(ty, bound, SET_BOUND, ITEMS_LIMIT))
            }
            ("map", [key, value]) => {
                let key = self.member(key);
                let value = self.member(value);
                (Type::Map(Box::new(key), Box::new(value)), self.bound(ty, bound, MAP_BOUND, ITEMS_LIMIT))
            }
            (generic, _) => match GENERIC.iter().find(|(known, _)| *known == generic) {
                Some((_, form)) => {
                    let title = format!(
                        "`{generic}` needs {}",
                        if generic == "map" { "two types" } else { "one type" }
                    );
                    (self.fault(Code::BAD_ARGUMENTS, ty, title, Some(format!("write `{form}`"))), 0)
                }
                None => (self.unknown(name), 0),
            },
        }
    }

    fn unknown(&mut self, name: &ast::Name) -> Type {
        let at = FileSpan { file: self.file, span: name.span };
        let mut diagnostic = Diagnostic::new(Code::UNKNOWN_NAME, at, format!("unknown type `{}`", name.text));
        // What other languages call them.
        let habit = match name.text.as_str() {
            "str" | "text" | "String" | "varchar" => Some("string"),
            "integer" | "i64" | "long" | "number" => Some("int"),
            "double" | "f64" | "real" => Some("float"),
            "boolean" => Some("bool"),
            "datetime" | "time" | "date" => Some("timestamp"),
            "percent" => Some("probability"),
            _ => None,
        };
        let known = SIMPLE.iter().map(|(known, _)| *known).chain(GENERIC.iter().map(|(known, _)| *known));
        match habit.or_else(|| suggest::nearest(&name.text, known)) {
            Some(near) => {
                diagnostic = diagnostic.help(format!("did you mean `{near}`?")).fix(
                    format!("write `{near}`"),
                    at,
                    near,
                    Applicability::Suggested,
                );
            }
            None => {
                let names: Vec<&str> = SIMPLE.iter().map(|(known, _)| *known).collect();
                let forms: Vec<&str> = GENERIC.iter().map(|(_, form)| *form).collect();
                diagnostic = diagnostic.note(format!(
                    "the types are {}, {} and `enum {{ … }}`",
                    names.join(", "),
                    forms.join(", ")
                ));
            }
        }
        self.diagnostics.push(diagnostic);
        Type::Error
    }

    fn id(&mut self, ty: &ast::Type, of: &ast::Type) -> Type {
        self.refuse_optional(of);
        match &of.kind {
            TypeKind::Named { name, args, bound: None } if args.is_empty() => Type::Id(name.text.clone()),
            TypeKind::Named { .. } | TypeKind::Enum(_) => {
                let help = Some("write `id<user>`".to_owned());
                self.fault(Code::BAD_ARGUMENTS, ty, "`id` needs a plain name".to_owned(), help)
            }
        }
    }

    fn set_member(&mut self, ty: &ast::Type) -> Type {
        match &ty.kind {
            TypeKind::Named { name, args, bound: None } if name.text == "pattern" && args.is_empty() => {
                self.refuse_optional(ty);
                if self.patterns {
                    return Type::Pattern;
                }
                let title = "patterns are members of lists alone".to_owned();
                self.fault(
                    Code::TYPE_MISMATCH,
                    ty,
                    title,
                    Some("write `list name: set<pattern> …`".to_owned()),
                )
            }
            _ => self.member(ty),
        }
    }

    /// A member of a collection: of fixed size or text of the default bound.
    fn member(&mut self, ty: &ast::Type) -> Type {
        self.refuse_optional(ty);
        if let TypeKind::Named { bound: Some(_), name, .. } = &ty.kind
            && name.text == "string"
        {
            let title = "a bound inside a collection".to_owned();
            let help =
                format!("text inside collections holds at most {TEXT_BOUND} characters; leave the bound out");
            return self.fault(Code::UNBOUNDED, ty, title, Some(help));
        }
        match self.outer(ty).0 {
            Type::Set(_) | Type::List(_) | Type::Map(..) => {
                let title = "a collection inside a collection".to_owned();
                self.fault(Code::UNBOUNDED, ty, title, Some("collections hold single values".to_owned()))
            }
            other => other,
        }
    }

    fn bound(&mut self, ty: &ast::Type, written: Option<u64>, default: u32, limit: u32) -> u32 {
        let Some(written) = written else { return default };
        let name = match &ty.kind {
            TypeKind::Named { name, .. } => name.text.clone(),
            TypeKind::Enum(_) => SmolStr::new_static("enum"),
        };
        if limit == 0 {
            self.fault(Code::UNBOUNDED, ty, format!("`{name}` takes no bound"), None);
            return default;
        }
        if written == 0 || written > u64::from(limit) {
            let title = format!("the bound of `{name}` is {written}; it must lie between 1 and {limit}");
            self.fault(Code::UNBOUNDED, ty, title, None);
            return default;
        }
        u32::try_from(written).unwrap_or(default)
    }

    fn variants(&mut self, ty: &ast::Type, variants: &[ast::Name]) -> Type {
        if variants.is_empty() {
            return self.fault(Code::BAD_ARGUMENTS, ty, "an `enum` needs a variant".to_owned(), None);
        }
        if variants.len() > VARIANTS_LIMIT {
            let title = format!("an `enum` of {} variants; at most {VARIANTS_LIMIT}", variants.len());
            return self.fault(Code::UNBOUNDED, ty, title, None);
        }
        let mut known: std::collections::HashMap<&str, &ast::Name> = std::collections::HashMap::new();
        let mut kept: Vec<SmolStr> = Vec::with_capacity(variants.len());
        for variant in variants {
            if let Some(first) = known.insert(&variant.text, variant) {
                let at = |name: &ast::Name| FileSpan { file: self.file, span: name.span };
                let title = format!("variant `{}` twice", variant.text);
                let diagnostic =
                    Diagnostic::new(Code::DUPLICATE_NAME, at(variant), title).also(at(first), "first here");
                self.diagnostics.push(diagnostic);
                continue;
            }
            kept.push(variant.text.to_smolstr());
        }
        Type::Enum(Arc::from(kept))
    }
}
