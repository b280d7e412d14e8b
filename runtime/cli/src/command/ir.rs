//! `weir ir`: the programs that conditions are compiled to.

use weir_compiler::hir::Hir;
use weir_compiler::ir;
use weir_compiler::link::Options;
use weir_compiler::suggest;

use crate::args::IrArgs;
use crate::load::{self, Session};
use crate::ui::{Exit, Failure, Outcome, Ui};

pub(crate) fn run(args: &IrArgs, ui: &mut Ui) -> Outcome {
    let library = args.paths.is_empty();
    let mut session = if library { Session::library() } else { Session::open(&args.paths)? };
    let Some(hir) = linked(&mut session, library, ui) else { return Ok(Exit::Failed) };
    let unit = ir::lower(&hir);
    let Some(name) = args.rule.as_deref() else {
        ui.print(unit.to_string())?;
        return Ok(Exit::Clean);
    };
    let named = |rule: &str| rule == name || rule.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
    let found: Vec<&str> =
        hir.rules.values().map(|rule| rule.full_name.as_str()).filter(|rule| named(rule)).collect();
    if found.is_empty() {
        let names = hir.rules.values().flat_map(|rule| rule.full_name.rsplit('.').take(1));
        let near = suggest::nearest(name, names);
        return Err(Failure::with_help(
            format!("no rule is called `{name}`"),
            match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`weir explain --list` names those of the standard library".to_owned(),
            },
        ));
    }
    // Its condition, the values of its reason, and the filter of its policy.
    let of_rule = |label: &str| match label.split_once(' ') {
        Some(("rule" | "because", rule)) => found.contains(&rule),
        Some(("policy", policy)) => {
            found.iter().any(|rule| rule.rsplit_once('.').is_some_and(|(of, _)| of == policy))
        }
        _ => false,
    };
    ui.print(unit.select(|root| of_rule(&root.label)).to_string())?;
    Ok(Exit::Clean)
}

/// Links what was asked for; nothing where it has errors, which have been told.
pub(crate) fn linked(session: &mut Session, library: bool, ui: &mut Ui) -> Option<Hir> {
    let (diagnostics, _) = session.findings();
    let mut errors = load::errors(&diagnostics);
    let asked: Vec<_> = session.asked.iter().map(|(file, _)| *file).collect();
    let found = session.analysis.found();
    let mut selection = found.everything();
    // Only policies of the files asked for, and maps of everything, as `weir check` links them.
    if !library {
        let is_asked =
            |name: &_| found.policies.get(name).is_some_and(|checked| asked.contains(&checked.at.file));
        selection.policies.retain(is_asked);
    }
    let linked = found.link(&selection, &Options::default());
    errors.extend(load::errors(&linked.diagnostics));
    if !errors.is_empty() {
        load::tell_errors(&errors, session.analysis.sources(), ui);
        return None;
    }
    Some(linked.hir)
}
