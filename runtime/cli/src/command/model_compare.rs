//! `weir model compare`: two models, or one in two back-ends, on the same rows.

use serde_json::json;
use weir_models::golden::distance;

use crate::args::ModelCompareArgs;
use crate::command::model::{failed, load, name, rows};
use crate::ui::{self, Exit, Failure, Outcome, Ui};

/// How two outputs differ over all rows.
#[derive(Default)]
struct Difference {
    numbers: Vec<f64>,
    texts: usize,
    past: usize,
}

pub(crate) fn run(args: &ModelCompareArgs, ui: &mut Ui) -> Outcome {
    let (one, other) =
        (load(&args.one, args.backend)?, load(&args.other, args.other_backend.unwrap_or(args.backend))?);
    let (first, second) = (rows(&one, &args.input)?, rows(&other, &args.input)?);
    if first.count() != second.count() {
        return Err(Failure::new("the two models make another number of rows of the same file"));
    }
    let pairs: Vec<(usize, usize)> = one
        .signature()
        .outputs
        .iter()
        .enumerate()
        .filter_map(|(nth, port)| {
            let same = other.signature().outputs.iter().position(|known| known.name == port.name);
            // Two versions of a model may name their outputs each in its way.
            same.or((one.signature().outputs.len() == other.signature().outputs.len()).then_some(nth))
                .map(|other| (nth, other))
        })
        .collect();
    let mut differences: Vec<Difference> = pairs.iter().map(|_| Difference::default()).collect();
    let (one_texts, other_texts) = (first.texts(), second.texts());
    let (mut one_scratch, mut other_scratch) =
        (one.scratch().map_err(failed)?, other.scratch().map_err(failed)?);
    let mut failures = 0;
    for row in 0..first.count() {
        let left = one.score(&mut one_scratch, &first.row(&one_texts, row));
        let right = other.score(&mut other_scratch, &second.row(&other_texts, row));
        let (Ok(left), Ok(right)) = (left, right) else {
            failures += 1;
            continue;
        };
        for ((a, b), difference) in pairs.iter().zip(&mut differences) {
            let (Some(a), Some(b)) = (left.get(*a), right.get(*b)) else { continue };
            let mut most = 0.0_f64;
            let mut texts = a.len() != b.len();
            for place in 0..a.len().min(b.len()) {
                match (a.number(place), b.number(place)) {
                    (Some(a), Some(b)) => most = most.max(distance(a, b)),
                    _ => texts |= a.text(place) != b.text(place),
                }
            }
            difference.numbers.push(most);
            difference.texts += usize::from(texts);
            difference.past += usize::from(texts || most > args.tolerance);
        }
    }
    let mut exit = if failures > 0 { Exit::Failed } else { Exit::Clean };
    let mut all = Vec::new();
    for ((a, _), difference) in pairs.iter().zip(&mut differences) {
        let port = one.signature().outputs.get(*a).map_or("", |port| port.name.as_str());
        difference.numbers.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let last = difference.numbers.len().saturating_sub(1);
            difference.numbers.get((last as f64 * share) as usize).copied().unwrap_or(0.0)
        };
        if difference.past > 0 {
            exit = Exit::Failed;
        }
        if args.json {
            all.push(json!({
                "output": port, "median": at(0.5), "p99": at(0.99), "largest": at(1.0),
                "texts": difference.texts, "past": difference.past,
            }));
            continue;
        }
        ui.line(format_args!(
            "{port}: difference {:e} in the median, {:e} for one row in a hundred, {:e} at most; past {:e}: {}",
            at(0.5),
            at(0.99),
            at(1.0),
            args.tolerance,
            ui::count(difference.past, "row")
        ))?;
    }
    if args.json {
        ui.json(&json!({
            "rows": first.count(), "failures": failures, "backends": [name(one.backend()), name(other.backend())],
            "outputs": all,
        }))?;
    } else {
        ui.line(format_args!(
            "{} compared, {} against {}; {} of them failed",
            ui::count(first.count(), "row"),
            one.backend(),
            other.backend(),
            failures
        ))?;
    }
    Ok(exit)
}
