//! Functions that need themselves.

use weir_dsl::{Code, Diagnostic, FileSpan};

use super::{Entity, Env};
use crate::ids::*;
use crate::mentions;

/// A call: whom, and where it is written.
type Call = (FunctionId, FileSpan);

/// Marks every function of a ring and reports each ring once.
pub(super) fn find(env: &mut Env, diagnostics: &mut Vec<Diagnostic>) {
    let calls: IdVec<FunctionId, Vec<Call>> =
        env.functions.values().map(|function| called(env, function)).collect();
    let mut done = vec![false; calls.len()];
    let mut recursive: Vec<FunctionId> = Vec::new();
    for start in calls.ids() {
        if done.get(start.index()).copied().unwrap_or(true) {
            continue;
        }
        let left = |id: FunctionId| calls.get(id).cloned().unwrap_or_default();
        let mut path: Vec<(FunctionId, Vec<Call>)> = vec![(start, left(start))];
        while let Some((_, rest)) = path.last_mut() {
            let Some((next, place)) = rest.pop() else {
                if let Some((id, _)) = path.pop()
                    && let Some(entry) = done.get_mut(id.index())
                {
                    *entry = true;
                }
                continue;
            };
            if let Some(position) = path.iter().position(|(id, _)| *id == next) {
                let ring: Vec<FunctionId> = path.iter().skip(position).map(|(id, _)| *id).collect();
                diagnostics.push(ring_of(env, &ring, place));
                recursive.extend(ring);
            } else if !done.get(next.index()).copied().unwrap_or(true) {
                path.push((next, left(next)));
            }
        }
    }
    for id in recursive {
        if let Some(function) = env.functions.get_mut(id) {
            function.recursive = true;
        }
    }
}

fn called(env: &Env, function: &super::Function) -> Vec<Call> {
    let known = |name: &weir_dsl::ast::Name| match env.find(&function.package, &name.text)? {
        Entity::Function(id) => Some((id, FileSpan { file: function.at.file, span: name.span })),
        _ => None,
    };
    mentions::calls(&function.body).into_iter().filter_map(known).collect()
}

fn ring_of(env: &Env, ring: &[FunctionId], closing: FileSpan) -> Diagnostic {
    let name = |id: &FunctionId| env.functions.get(*id).map_or("", |function| function.name.as_str());
    let mut names: Vec<&str> = ring.iter().map(name).collect();
    names.extend(ring.first().map(name));
    let title = match ring {
        [one] => format!("function `{}` calls itself", name(one)),
        _ => format!("functions call each other: {}", names.join(" → ")),
    };
    let mut diagnostic = Diagnostic::new(Code::RECURSION, closing, title).label("this call closes the ring");
    for function in ring.iter().filter_map(|id| env.functions.get(*id)) {
        diagnostic = diagnostic.also(function.at, format!("`{}` is declared here", function.name));
    }
    diagnostic.note("functions are written into the places that call them, so none may need itself")
}
