//! Rows from tables of text: commas or tabs between columns, names in the first line where it has any.

use crate::call::Values;
use crate::refusal::Failure;
use crate::rows::Rows;
use crate::signature::Signature;
use crate::tensor::Element;

/// Reads a table. With names in the first line, an input of one column takes the column of its name where there is one; other columns go to the
/// other inputs in order. An empty field of a number is missing (NaN).
///
/// # Errors
///
/// Fewer columns than the model needs; fields that are no numbers where numbers are needed; lines of unequal length.
pub fn read_table(signature: &Signature, text: &[u8]) -> Result<Rows, Failure> {
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or(&[]);
    let separator = if first.contains(&b'\t') { b'\t' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).has_headers(false).from_reader(text);
    let mut records = Vec::new();
    for record in reader.records() {
        records.push(record.map_err(|error| Failure::Inputs(format!("the table: {error}")))?);
    }
    let mut widths = Vec::new();
    for port in &signature.inputs {
        widths.push(port.width().ok_or_else(|| Failure::Inputs(format!("{port} has no fixed width")))?);
    }
    let ports = signature.inputs.iter().zip(&widths);
    let is_number = |field: &str| field.trim().is_empty() || field.trim().parse::<f64>().is_ok();
    let names =
        records.first().map(|record| record.iter().map(|field| field.trim().to_owned()).collect::<Vec<_>>());
    let names = names.unwrap_or_default();
    // Names are there when one is an input's, or when none of the fields is a number though some must be.
    let has_names = signature.inputs.iter().any(|port| names.contains(&port.name))
        || (signature.inputs.iter().any(|port| port.element() != Some(Element::String))
            && !names.iter().any(|name| is_number(name)));
    if has_names && !records.is_empty() {
        records.remove(0);
    }
    let mut taken = vec![false; names.len()];
    let mut columns: Vec<Vec<usize>> = Vec::new();
    for (port, width) in ports.clone() {
        let found =
            (has_names && *width == 1).then(|| names.iter().position(|name| *name == port.name)).flatten();
        if let Some(taken) = found.and_then(|at| taken.get_mut(at)) {
            *taken = true;
        }
        columns.push(found.into_iter().collect());
    }
    let mut free = taken.iter().enumerate().filter(|(_, taken)| !**taken).map(|(at, _)| at);
    for ((port, width), columns) in ports.clone().zip(&mut columns) {
        while columns.len() < *width {
            let next = free.next().ok_or_else(|| {
                Failure::Inputs(format!("the table has {} columns, too few for {port}", names.len()))
            })?;
            columns.push(next);
        }
    }
    let mut inputs = Vec::new();
    for ((port, _), columns) in ports.zip(&columns) {
        inputs.push(column(port.element(), &records, columns, has_names)?);
    }
    Rows::new(signature, inputs)
}

fn column(
    element: Option<Element>,
    records: &[csv::StringRecord],
    columns: &[usize],
    has_names: bool,
) -> Result<Values, Failure> {
    let fields = records.iter().enumerate().flat_map(|(line, record)| {
        columns.iter().map(move |column| (line, record.get(*column).unwrap_or("").trim()))
    });
    let wrong = |line: usize, field: &str, what: &str| {
        Failure::Inputs(format!(
            "line {} of the table: `{field}` is no {what}",
            line + 1 + usize::from(has_names)
        ))
    };
    let real = |(line, field): (usize, &str)| match field {
        "" => Ok(f64::NAN),
        field => field.parse::<f64>().map_err(|_| wrong(line, field, "number")),
    };
    Ok(match element {
        Some(Element::String) => Values::Text(fields.map(|(_, field)| field.to_owned()).collect()),
        // Read as what it will be, so that it is rounded once.
        Some(Element::Float) => Values::Float(
            fields
                .map(|(line, field)| match field {
                    "" => Ok(f32::NAN),
                    field => field.parse::<f32>().map_err(|_| wrong(line, field, "number")),
                })
                .collect::<Result<_, _>>()?,
        ),
        Some(Element::Double) => Values::Double(fields.map(real).collect::<Result<_, _>>()?),
        _ => {
            let whole = |(line, field): (usize, &str)| match field {
                "true" => Ok(1),
                "false" => Ok(0),
                field => field.parse::<i64>().map_err(|_| wrong(line, field, "whole number")),
            };
            Values::Int(fields.map(whole).collect::<Result<_, _>>()?)
        }
    })
}
