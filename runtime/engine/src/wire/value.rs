//! Values and types as bytes.
//!
//! A value is a kind byte, the same as in [`Value::canonical`], and a body; a type is a kind byte with what it is of.
//! Variants of an enum are written by position where a dictionary beside them has the type, else by name: either
//! way their meaning is a name.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use smol_str::SmolStr;
use weir_compiler::convert::UNDECLARED;
use weir_compiler::types::Type;
use weir_compiler::value::{Country, Currency, Value};

use super::bytes::{Bytes, Error, put_i64, put_text, put_u64};

/// How deep lists, sets and maps may be nested; the checker allows far less.
const DEPTH: usize = 16;

/// How variants are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variants {
    /// By position in the type, which is written elsewhere.
    Position,
    /// By name.
    Name,
}

/// The variant that [`Variants::Name`] writes for one that the type does not declare: no name is empty.
const NONE_OF_THEM: &str = "";

/// Appends a value of type `ty`.
pub fn put_value(out: &mut Vec<u8>, value: &Value, ty: &Type, variants: Variants) {
    match value {
        Value::Int(n) => {
            out.push(1);
            put_i64(out, *n);
        }
        Value::Float(x) => {
            out.push(2);
            out.extend_from_slice(&x.to_bits().to_le_bytes());
        }
        Value::Bool(truth) => out.extend_from_slice(&[3, u8::from(*truth)]),
        Value::Text(text) => {
            out.push(4);
            put_text(out, text);
        }
        Value::Ip(IpAddr::V4(ip)) => {
            out.push(5);
            out.extend_from_slice(&ip.octets());
        }
        Value::Ip(IpAddr::V6(ip)) => {
            out.push(6);
            out.extend_from_slice(&ip.octets());
        }
        Value::Cidr(range) => {
            out.extend_from_slice(&[7, range.prefix_len()]);
            put_value(out, &Value::Ip(range.addr()), &Type::Ip, variants);
        }
        Value::Asn(n) => {
            out.push(8);
            put_u64(out, u64::from(*n));
        }
        Value::Country(code) => {
            out.push(9);
            out.extend_from_slice(&code.0);
        }
        Value::Duration(ms) => {
            out.push(10);
            put_i64(out, *ms);
        }
        Value::Time(ms) => {
            out.push(11);
            put_i64(out, *ms);
        }
        Value::Money(minor, currency) => {
            out.push(12);
            put_i64(out, *minor);
            out.extend_from_slice(&currency.0);
        }
        Value::Variant(at) => match (variants, ty) {
            (Variants::Name, Type::Enum(names)) => {
                out.push(16);
                put_text(out, names.get(usize::from(*at)).map_or(NONE_OF_THEM, SmolStr::as_str));
            }
            _ => {
                out.push(13);
                put_u64(out, u64::from(*at));
            }
        },
        Value::List(values) => {
            out.push(14);
            put_u64(out, values.len() as u64);
            let of = match ty {
                Type::List(of) | Type::Set(of) => of,
                _ => &Type::Error,
            };
            values.iter().for_each(|value| put_value(out, value, of, variants));
        }
        Value::Map(entries) => {
            out.push(15);
            put_u64(out, entries.len() as u64);
            let of = match ty {
                Type::Map(_, of) => of,
                _ => &Type::Error,
            };
            for (key, value) in entries.iter() {
                put_text(out, key);
                put_value(out, value, of, variants);
            }
        }
    }
}

/// Reads a value that was written as `was`, for a type `is`: an enum's variants are found again by name.
///
/// # Errors
/// When the bytes are none of a value. Whether the value is of type `is` is left to the caller.
pub fn value(bytes: &mut Bytes<'_>, was: &Type, is: &Type) -> Result<Value, Error> {
    nested(bytes, was, is, DEPTH)
}

fn nested(bytes: &mut Bytes<'_>, was: &Type, is: &Type, depth: usize) -> Result<Value, Error> {
    let deeper = || depth.checked_sub(1).ok_or(Error::Damaged("values nested too deep"));
    Ok(match bytes.byte()? {
        1 => Value::Int(bytes.i64()?),
        2 => Value::float(f64::from_bits(u64::from_le_bytes(bytes.array()?)))
            .ok_or(Error::Damaged("no number"))?,
        3 => Value::Bool(bytes.truth()?),
        4 => Value::text(bytes.text()?),
        5 => Value::Ip(IpAddr::from(bytes.array::<4>()?)),
        6 => Value::Ip(IpAddr::from(bytes.array::<16>()?)),
        7 => {
            let length = bytes.byte()?;
            let ip = match bytes.byte()? {
                5 => IpAddr::from(bytes.array::<4>()?),
                6 => IpAddr::from(bytes.array::<16>()?),
                _ => return Err(Error::Damaged("a range of addresses")),
            };
            Value::Cidr(IpNet::new(ip, length).map_err(|_| Error::Damaged("a range of addresses"))?)
        }
        8 => Value::Asn(bytes.small()?),
        9 => Value::Country(code(&bytes.array::<2>()?, Country::parse)?),
        10 => Value::Duration(bytes.i64()?),
        11 => Value::Time(bytes.i64()?),
        12 => {
            let minor = bytes.i64()?;
            Value::Money(minor, code(&bytes.array::<3>()?, Currency::parse)?)
        }
        13 => {
            let at: u16 = bytes.small()?;
            match (was, is) {
                (Type::Enum(was), Type::Enum(is)) if !Arc::ptr_eq(was, is) => {
                    was.get(usize::from(at)).map_or(Value::Variant(UNDECLARED), |name| variant(name, is))
                }
                _ => Value::Variant(at),
            }
        }
        14 => {
            let depth = deeper()?;
            let (was, is) = (member(was), member(is));
            let mut values = Vec::new();
            for _ in 0..bytes.count()? {
                values.push(nested(bytes, was, is, depth)?);
            }
            Value::List(values.into())
        }
        15 => {
            let depth = deeper()?;
            let (was, is) = (member(was), member(is));
            let mut entries: Vec<(Arc<str>, Value)> = Vec::new();
            for _ in 0..bytes.count()? {
                let key = Arc::from(bytes.text()?);
                entries.push((key, nested(bytes, was, is, depth)?));
            }
            Value::Map(entries.into())
        }
        16 => {
            let name = bytes.text()?;
            match is {
                Type::Enum(is) => variant(name, is),
                _ => Value::Variant(UNDECLARED),
            }
        }
        _ => return Err(Error::Damaged("a value of no known kind")),
    })
}

fn member(ty: &Type) -> &Type {
    match ty {
        Type::List(of) | Type::Set(of) | Type::Map(_, of) => of,
        _ => &Type::Error,
    }
}

fn variant(name: &str, names: &[SmolStr]) -> Value {
    let at = names.iter().position(|known| known == name).and_then(|at| u16::try_from(at).ok());
    Value::Variant(at.unwrap_or(UNDECLARED))
}

fn code<T>(bytes: &[u8], parse: impl Fn(&str) -> Option<T>) -> Result<T, Error> {
    std::str::from_utf8(bytes).ok().and_then(parse).ok_or(Error::Damaged("a code"))
}

/// The plain types, by kind byte.
const PLAIN: [Type; 14] = [
    Type::Int,
    Type::Float,
    Type::Bool,
    Type::Text,
    Type::Ip,
    Type::Cidr,
    Type::Asn,
    Type::Country,
    Type::Duration,
    Type::Timestamp,
    Type::Money,
    Type::Rate,
    Type::Probability,
    Type::Fingerprint,
];

/// Appends a type.
pub fn put_type(out: &mut Vec<u8>, ty: &Type) {
    match ty {
        Type::Id(of) => {
            out.push(32);
            put_text(out, of);
        }
        Type::Enum(variants) => {
            out.push(33);
            put_u64(out, variants.len() as u64);
            variants.iter().for_each(|name| put_text(out, name));
        }
        Type::Set(of) => {
            out.push(34);
            put_type(out, of);
        }
        Type::List(of) => {
            out.push(35);
            put_type(out, of);
        }
        Type::Map(key, of) => {
            out.push(36);
            put_type(out, key);
            put_type(out, of);
        }
        Type::Pattern => out.push(37),
        Type::Error => out.push(38),
        plain => out.push(PLAIN.iter().position(|known| known == plain).unwrap_or(38) as u8),
    }
}

/// Reads a type.
///
/// # Errors
/// When the bytes are none of a type.
pub fn ty(bytes: &mut Bytes<'_>) -> Result<Type, Error> {
    type_to(bytes, DEPTH)
}

fn type_to(bytes: &mut Bytes<'_>, depth: usize) -> Result<Type, Error> {
    let depth = depth.checked_sub(1).ok_or(Error::Damaged("types nested too deep"))?;
    Ok(match bytes.byte()? {
        32 => Type::Id(SmolStr::new(bytes.text()?)),
        33 => {
            let mut names = Vec::new();
            for _ in 0..bytes.count()? {
                names.push(SmolStr::new(bytes.text()?));
            }
            Type::Enum(names.into())
        }
        34 => Type::Set(Box::new(type_to(bytes, depth)?)),
        35 => Type::List(Box::new(type_to(bytes, depth)?)),
        36 => Type::Map(Box::new(type_to(bytes, depth)?), Box::new(type_to(bytes, depth)?)),
        37 => Type::Pattern,
        38 => Type::Error,
        plain => PLAIN.get(usize::from(plain)).cloned().ok_or(Error::Damaged("a type of no known kind"))?,
    })
}
