//! `weir explain`: what a diagnostic code means, or what a rule does.

use serde_json::json;
use weir_compiler::analysis::Found;
use weir_compiler::suggest;
use weir_dsl::codes::REGISTRY;
use weir_dsl::{Code, Sources, ast, pages};

use crate::args::ExplainArgs;
use crate::command::record;
use crate::load::Session;
use crate::ui::{self, Exit, Failure, Outcome, Ui};

/// A rule, as written.
struct Rule<'a> {
    full_name: String,
    policy: &'a ast::Policy,
    doc: Option<&'a str>,
    policy_doc: Option<&'a str>,
    at: weir_dsl::FileSpan,
}

pub(crate) fn run(args: &ExplainArgs, ui: &mut Ui) -> Outcome {
    if let Some(path) = &args.record {
        return record::run(path, args, ui);
    }
    let what = args.what.as_deref().unwrap_or_default();
    if let (Some(code), false) = (Code::parse(what), args.list) {
        let page = pages::page(code).unwrap_or_default();
        if args.json {
            ui.json(&json!({
                "version": 1, "code": code, "name": code.name(), "severity": code.severity(), "page": page,
            }))?;
        } else {
            ui.print(page)?;
        }
        return Ok(Exit::Clean);
    }
    let mut session = if args.policy.is_empty() { Session::library() } else { Session::open(&args.policy)? };
    let found = session.analysis.found();
    let rules = rules(&found);
    if args.list {
        return list(args, &rules, ui);
    }
    let named: Vec<&Rule<'_>> = rules
        .iter()
        .filter(|rule| rule.full_name == what || rule.full_name.ends_with(&format!(".{what}")))
        .collect();
    match named.as_slice() {
        [rule] => {
            show(rule, session.analysis.sources(), args.json, ui)?;
            Ok(Exit::Clean)
        }
        [] => inside(what, &rules, args, ui),
        several => {
            let names: Vec<&str> = several.iter().map(|rule| rule.full_name.as_str()).collect();
            Err(Failure::with_help(
                format!("{} rules are called `{what}`", several.len()),
                format!("name one in full: {}", names.join(", ")),
            ))
        }
    }
}

/// The rules of the policy or package called `what`.
fn inside(what: &str, rules: &[Rule<'_>], args: &ExplainArgs, ui: &mut Ui) -> Outcome {
    let is_inside = |rule: &&Rule<'_>| {
        let whole = format!(".{}", rule.full_name);
        !what.is_empty() && whole.contains(&format!(".{what}."))
    };
    let inside: Vec<&Rule<'_>> = rules.iter().filter(is_inside).collect();
    if inside.is_empty() {
        let names = rules.iter().flat_map(|rule| rule.full_name.rsplit('.').take(2));
        let codes: Vec<String> = REGISTRY.iter().map(|entry| entry.code.to_string()).collect();
        let near = suggest::nearest(what, names.chain(codes.iter().map(String::as_str)));
        return Err(Failure::with_help(
            format!("no diagnostic code, rule, policy or package is called `{what}`"),
            near.map_or("`weir explain --list` names them all".to_owned(), |near| {
                format!("did you mean `{near}`?")
            }),
        ));
    }
    if args.json {
        let names: Vec<&String> = inside.iter().map(|rule| &rule.full_name).collect();
        ui.json(&json!({ "version": 1, "name": what, "rules": names }))?;
        return Ok(Exit::Clean);
    }
    let mut policy: Option<&ast::Policy> = None;
    for rule in inside {
        if !policy.is_some_and(|policy| std::ptr::eq(policy, rule.policy)) {
            if policy.is_some() {
                ui.line("")?;
            }
            policy = Some(rule.policy);
            let name = rule.full_name.rsplit_once('.').map_or("", |(name, _)| name);
            ui.line(ui::bold(name))?;
            if let Some(doc) = rule.policy_doc {
                doc.lines().try_for_each(|line| ui.line(format_args!("  {line}")))?;
            }
        }
        let name = rule.full_name.rsplit('.').next().unwrap_or_default();
        ui.line(format_args!("  rule {name}"))?;
        if let Some(doc) = rule.doc {
            doc.lines().try_for_each(|line| ui.line(ui::dim(format_args!("    {line}"))))?;
        }
    }
    Ok(Exit::Clean)
}

fn rules(found: &Found) -> Vec<Rule<'_>> {
    let mut rules = Vec::new();
    for (policy_name, source) in &found.env.policies {
        let Some((item, policy)) = source.syntax() else { continue };
        for member in &policy.members {
            if let ast::MemberKind::Rule(rule) = &member.kind {
                rules.push(Rule {
                    full_name: format!("{policy_name}.{}", rule.name.text),
                    policy,
                    doc: member.doc.as_deref(),
                    policy_doc: item.doc.as_deref(),
                    at: weir_dsl::FileSpan { file: source.at.file, span: member.span },
                });
            }
        }
    }
    rules
}

fn list(args: &ExplainArgs, rules: &[Rule<'_>], ui: &mut Ui) -> Outcome {
    if args.json {
        let codes: Vec<_> = REGISTRY
            .iter()
            .map(|e| json!({ "code": e.code, "name": e.name, "severity": e.severity }))
            .collect();
        let rules: Vec<_> = rules.iter().map(|rule| &rule.full_name).collect();
        ui.json(&json!({ "version": 1, "codes": codes, "rules": rules }))?;
        return Ok(Exit::Clean);
    }
    for entry in REGISTRY {
        ui.line(format_args!("{}  {}", entry.code, entry.name))?;
    }
    ui.line("")?;
    for rule in rules {
        ui.line(&rule.full_name)?;
    }
    Ok(Exit::Clean)
}

fn show(rule: &Rule<'_>, sources: &Sources, as_json: bool, ui: &mut Ui) -> Result<(), Failure> {
    let text = dedent(sources.snippet(rule.at.file, rule.at.span));
    let (line, _) = sources.position(rule.at.file, rule.at.span.start);
    let place = format!("{}:{line}", sources.name(rule.at.file));
    let state: Vec<String> = rule
        .policy
        .members
        .iter()
        .filter(|member| {
            use ast::MemberKind::{Cohort, Harm, Mode, On, Param, Requires, Sequence, Signal, Tags, Watch};
            matches!(
                member.kind,
                On { .. }
                    | Requires(_)
                    | Tags(_)
                    | Mode(_)
                    | Harm(_)
                    | Param(_)
                    | Signal(_)
                    | Watch(_)
                    | Cohort(_)
                    | Sequence(_)
            )
        })
        .map(|member| dedent(sources.snippet(rule.at.file, member.span)))
        .collect();
    if as_json {
        return ui.json(&json!({
            "version": 1, "rule": rule.full_name, "at": place, "doc": rule.doc.or(rule.policy_doc),
            "text": text, "policy": state,
        }));
    }
    ui.line(ui::bold(&rule.full_name))?;
    ui.line(ui::dim(place))?;
    if let Some(doc) = rule.doc.or(rule.policy_doc) {
        ui.line(format_args!("\n{doc}"))?;
    }
    ui.line(format_args!("\n{text}"))?;
    ui.line(format_args!("\n{}", ui::bold("in its policy")))?;
    for part in state {
        ui.line(part)?;
    }
    Ok(())
}

/// Takes away the indentation that all lines after the first share.
fn dedent(text: &str) -> String {
    let indent = text
        .lines()
        .skip(1)
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    let mut lines = text.lines();
    let mut out = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        out.push('\n');
        out.push_str(line.get(indent..).unwrap_or_else(|| line.trim_start()));
    }
    out
}
