//! `weir check`: what is wrong with policies, and how to mend it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;
use smol_str::SmolStr;
use weir_compiler::analysis::Found;
use weir_compiler::budget;
use weir_compiler::link::{Linked, Options, Requires};
use weir_dsl::{Code, Diagnostic, FileId, render};

use crate::args::{CheckArgs, Deny, Format};
use crate::contents;
use crate::load::Session;
use crate::models::Models;
use crate::ui::{self, Exit, Failure, Outcome, Ui};

pub(crate) fn run(args: &CheckArgs, ui: &mut Ui) -> Outcome {
    let mut session = Session::open(&args.paths)?;
    let (mut diagnostics, elsewhere) = session.findings();
    let linked = link(&mut session, &mut diagnostics);
    let asleep = asleep(&mut session, &mut diagnostics);
    let sources = session.analysis.sources();
    render::sort(&mut diagnostics, sources);
    let counts = render::Counts::of(&diagnostics);
    let format = if args.json { Format::Json } else { args.format };
    match format {
        Format::Human => ui.print(render::human(&diagnostics, sources, ui.is_colored()))?,
        Format::Concise => ui.print(render::concise(&diagnostics, sources))?,
        Format::Json => {
            let mut value = render::json_value(&diagnostics, sources);
            if let Some(object) = value.as_object_mut() {
                let rules = asleep.iter().map(|rule| json!({ "rule": rule.rule, "why": rule.why }));
                object.insert("asleep".into(), rules.collect());
            }
            if let (true, Some(object)) = (args.state, value.as_object_mut()) {
                object.insert(
                    "state".into(),
                    state_json(&linked, session.analysis.found().manifest.limits.keys),
                );
            }
            ui.json(&value)?;
        }
    }
    if format == Format::Human {
        show_asleep(&asleep, ui)?;
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
    let (linked, faults) = link_files(&found, &asked, session.root.as_deref());
    diagnostics.extend(faults);
    linked
}

/// The same of files of what was found.
pub(crate) fn link_files(found: &Found, asked: &[FileId], root: Option<&Path>) -> (Linked, Vec<Diagnostic>) {
    let mut selection = found.everything();
    // Only policies of the files asked for; maps of everything, since they supply events.
    selection
        .policies
        .retain(|name| found.policies.get(name).is_some_and(|checked| asked.contains(&checked.at.file)));
    let linked = found.link(&selection, &Options::default());
    let here = linked.diagnostics.iter().filter(|found| asked.contains(&found.primary.file));
    let mut diagnostics: Vec<Diagnostic> = here.cloned().collect();
    diagnostics.extend(budget::check(&linked, &found.manifest));
    let (_, faults) = contents::load(&found.manifest, &linked.hir, root);
    diagnostics.extend(faults);
    let (_, misfits) = Models::load(&found.manifest, &linked.hir, root);
    diagnostics.extend(misfits);
    (linked, diagnostics)
}

/// A rule that nothing which reaches a node of the project can wake, and why.
struct Asleep {
    rule: SmolStr,
    why: SmolStr,
}

/// Rules of the project's profile that sleep. A project that says what its application sends (`feeds`) is held to it:
/// a policy that requires an event which nothing supplies is an error there.
fn asleep(session: &mut Session, diagnostics: &mut Vec<Diagnostic>) -> Vec<Asleep> {
    let found = session.analysis.found();
    let asked: Vec<_> = session.asked.iter().map(|(file, _)| *file).collect();
    let Some((linked, held)) = held(&found, &asked, session.root.as_deref()) else { return Vec::new() };
    diagnostics.extend(held);
    let rules = linked.hir.rules.values();
    let asleep =
        rules.filter_map(|rule| Some(Asleep { rule: rule.full_name.clone(), why: rule.inactive.clone()? }));
    let left_out =
        linked.left_out.iter().map(|(policy, why)| Asleep { rule: policy.clone(), why: why.clone() });
    asleep.chain(left_out).collect()
}

/// The project's profile as a node of it would link it, and what its `feeds` make an error; nothing without a project.
pub(crate) fn held(
    found: &Found,
    asked: &[FileId],
    root: Option<&Path>,
) -> Option<(Linked, Vec<Diagnostic>)> {
    let (Some(_), Ok(selection)) = (root, found.profile("default")) else { return None };
    let held = found.manifest.feeds.is_some();
    let options = Options {
        mapped: Some(found.manifest.supplied(&found.env.schema)),
        requires: if held { Requires::Refuse } else { Requires::LeaveOut },
        ..Options::default()
    };
    let linked = found.link(&selection, &options);
    let mut diagnostics = Vec::new();
    if held {
        let here = |found: &Diagnostic| asked.contains(&found.primary.file);
        diagnostics.extend(linked.diagnostics.iter().filter(|found| found.code == Code::NOT_MAPPED).cloned());
        diagnostics.extend(linked.sleepers().into_iter().filter(here));
    }
    Some((linked, diagnostics))
}

fn show_asleep(asleep: &[Asleep], ui: &mut Ui) -> Result<(), Failure> {
    if asleep.is_empty() {
        return Ok(());
    }
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for rule in asleep {
        by_reason.entry(&rule.why).or_default().push(&rule.rule);
    }
    ui.line(ui::bold(format_args!("asleep: {} of the profile", ui::count(asleep.len(), "rule"))))?;
    for (why, rules) in by_reason {
        ui.line(format_args!("  {why}"))?;
        for rule in rules {
            ui.line(ui::dim(format_args!("    {rule}")))?;
        }
    }
    ui.line("  to wake them: `derive` the event from plain HTTP, or name it in `feeds` when the application sends it")
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
