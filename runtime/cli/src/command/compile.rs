//! `weir compile`: each stage of what the conditions of rules become.

use std::fmt::Write as _;

use weir_compiler::hir::{Hir, Phase, Rule};
use weir_compiler::ids::{EventId, Id, RuleId};
use weir_compiler::ir;
use weir_native::{Options, Texts, texts};
use weir_plan::{Conditions, Plan};

use crate::args::{CompileArgs, Stage};
use crate::command::ir::linked;
use crate::contents;
use crate::load::Session;
use crate::ui::{Exit, Outcome, Ui};

pub(crate) fn run(args: &CompileArgs, ui: &mut Ui) -> Outcome {
    let library = args.paths.is_empty();
    let mut session = if library { Session::library() } else { Session::open(&args.paths)? };
    let Some(hir) = linked(&mut session, library, ui) else { return Ok(Exit::Failed) };
    if args.emit == Stage::Ir {
        ui.print(ir::lower(&hir).to_string())?;
        return Ok(Exit::Clean);
    }
    // What is missing, `weir check` says: here a list that is not loaded is one that no plan can ask.
    let (data, _) = contents::load(&session.analysis.found().manifest, &hir, session.root.as_deref());
    for (event, declared) in hir.schema.events.iter() {
        for (phase, word) in [(Phase::Request, "request"), (Phase::Response, "response")] {
            let rules = rules(&hir, event, phase);
            if rules.is_empty() {
                continue;
            }
            let mut conditions = Conditions::new(&hir);
            let lowered: Vec<_> = rules
                .iter()
                .filter_map(|rule| hir.rules.get(*rule))
                .map(|rule| conditions.condition(rule.when))
                .collect();
            let plan = Plan::new(&conditions.literals, &lowered, &data, &[]);
            ui.print(format!("# {} {word}\n", declared.name))?;
            ui.print(match args.emit {
                Stage::Plan => planned(&hir, &rules, &plan),
                Stage::Clif => generated(&plan, |texts| texts.clif),
                Stage::Asm => generated(&plan, |texts| texts.asm),
                Stage::Ir => String::new(),
            })?;
        }
    }
    Ok(Exit::Clean)
}

/// The rules that look at an event in a phase, in their order.
fn rules(hir: &Hir, event: EventId, phase: Phase) -> Vec<RuleId> {
    let looks = |rule: &Rule| {
        rule.phase == phase
            && rule.inactive.is_none()
            && hir.policies.get(rule.policy).is_some_and(|policy| policy.events.contains(&event))
    };
    hir.rules.iter().filter(|(_, rule)| looks(rule)).map(|(id, _)| id).collect()
}

/// A plan, with what its conditions are.
fn planned(hir: &Hir, rules: &[RuleId], plan: &Plan) -> String {
    let mut text = plan.text(|field| {
        hir.schema
            .fields
            .get(field)
            .map_or_else(|| format!("f{}", field.index()), |known| known.name.to_string())
    });
    text.push('\n');
    for (at, rule) in rules.iter().enumerate() {
        if let Some(rule) = hir.rules.get(*rule) {
            let _ = writeln!(text, "condition {at} is {}", rule.full_name);
        }
    }
    text.push('\n');
    text
}

/// A text of each chunk, after its steps.
fn generated(plan: &Plan, choose: impl Fn(Texts) -> String) -> String {
    let mut text = String::new();
    for (groups, chunk) in texts(plan, Options::default().generation) {
        let _ = writeln!(text, "# groups {} to {}", groups.start, groups.end.saturating_sub(1));
        match chunk {
            Ok(chunk) => {
                chunk.chunk.lines().for_each(|line| {
                    let _ = writeln!(text, "# {line}");
                });
                let _ = writeln!(text, "{}", choose(chunk).trim_end());
            }
            Err(refusal) => {
                let _ = writeln!(text, "# interpreted: {refusal}");
            }
        }
        text.push('\n');
    }
    text
}
