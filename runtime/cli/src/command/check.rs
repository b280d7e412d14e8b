//! `weir check`: what is wrong with policies, and how to mend it.

use serde_json::json;
use weir_compiler::budget;
use weir_compiler::link::{Linked, Options};
use weir_dsl::{Diagnostic, render};

use crate::args::{CheckArgs, Deny, Format};
use crate::contents;
use crate::load::Session;
use crate::ui::{self, Exit, Failure, Outcome, Ui};

pub(crate) fn run(args: &CheckArgs, ui: &mut Ui) -> Outcome {
    let mut session = Session::open(&args.paths)?;
    let (mut diagnostics, elsewhere) = session.findings();
    let linked = link(&mut session, &mut diagnostics);
    let sources = session.analysis.sources();
    render::sort(&mut diagnostics, sources);
    let counts = render::Counts::of(&diagnostics);
    let format = if args.json { Format::Json } else { args.format };
    match format {
        Format::Human => ui.print(render::human(&diagnostics, sources, ui.is_colored()))?,
        Format::Concise => ui.print(render::concise(&diagnostics, sources))?,
        Format::Json => {
            let mut value = render::json_value(&diagnostics, sources);
            if let (true, Some(object)) = (args.state, value.as_object_mut()) {
                object.insert(
                    "state".into(),
                    state_json(&linked, session.analysis.found().manifest.limits.keys),
                );
            }
            ui.json(&value)?;
        }
    }
    if args.state && format != Format::Json {
        let keys = session.analysis.found().manifest.limits.keys;
        state(&linked, keys, ui)?;
    }
    if format != Format::Json {
        ui.say(format_args!(
            "{} checked: {}",
            ui::count(session.asked.len(), "file"),
            render::summary(&diagnostics)
        ));
    }
    if elsewhere > 0 {
        ui.say(format_args!(
            "{} in other files of the project; `weir check` them too",
            ui::count(elsewhere, "error")
        ));
    }
    let denied = args.deny == Some(Deny::Warnings) && counts.warnings > 0;
    Ok(if counts.errors > 0 || denied { Exit::Failed } else { Exit::Clean })
}

/// Links everything asked for, as a project would run it: what only shows in the whole is found here.
fn link(session: &mut Session, diagnostics: &mut Vec<Diagnostic>) -> Linked {
    let found = session.analysis.found();
    let asked: Vec<_> = session.asked.iter().map(|(file, _)| *file).collect();
    let mut selection = found.everything();
    // Only policies of the files asked for; maps of everything, since they supply events.
    selection
        .policies
        .retain(|name| found.policies.get(name).is_some_and(|checked| asked.contains(&checked.at.file)));
    let linked = found.link(&selection, &Options::default());
    diagnostics.extend(linked.diagnostics.iter().filter(|d| asked.contains(&d.primary.file)).cloned());
    diagnostics.extend(budget::check(&linked, &found.manifest));
    let (_, faults) = contents::load(&found, &linked.hir, session.root.as_deref());
    diagnostics.extend(faults);
    linked
}

fn state(linked: &Linked, keys: u64, ui: &mut Ui) -> Result<(), Failure> {
    let policies = budget::policies(linked, keys);
    let width = policies.iter().map(|policy| policy.policy.len()).max().unwrap_or(0).max("policy".len());
    ui.line(ui::bold(format_args!("{:width$}  {:>12}  {:>14}", "policy", "bytes a key", "at most")))?;
    for policy in &policies {
        let bytes = ui::grouped(policy.bytes_per_key());
        ui.line(format_args!("{:width$}  {bytes:>12}  {:>14}", policy.policy, budget::size(policy.bytes())))?;
    }
    let total = budget::size(budget::total(linked, keys));
    ui.line(format_args!("{:width$}  {:>12}  {total:>14}", "all, shared state once", ""))?;
    ui.line(format_args!("at most {} keys of each state", ui::grouped(keys)))
}

fn state_json(linked: &Linked, keys: u64) -> serde_json::Value {
    let policies: Vec<_> = budget::policies(linked, keys)
        .iter()
        .map(|policy| {
            json!({ "policy": policy.policy, "bytes_per_key": policy.bytes_per_key(), "bytes": policy.bytes() })
        })
        .collect();
    json!({ "keys": keys, "policies": policies, "bytes": budget::total(linked, keys) })
}
