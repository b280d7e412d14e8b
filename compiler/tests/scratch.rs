//! scratch
use std::sync::Arc;
use weir_compiler::{check, env::Env};
use weir_dsl::{Sources, ast::ItemKind};
#[test]
fn scratch() {
    let dir = std::env::var("POL").unwrap_or("/tmp/pol".into());
    let mut sources = Sources::default();
    let mut files = vec![];
    let mut all = vec![];
    let mut names: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    for path in names {
        let text = std::fs::read_to_string(&path).unwrap();
        let id = sources.set(path.file_name().unwrap().to_str().unwrap(), text.as_str());
        let (tree, d) = weir_dsl::parse(id, &text);
        all.extend(d);
        files.push((id, Arc::new(tree)));
    }
    let (env, d) = Env::build(&files);
    all.extend(d);
    let start = std::time::Instant::now();
    let (mut rules, mut tests) = (0, 0);
    for (file, tree) in &files {
        let package = tree.package.as_ref().unwrap().text.to_string();
        for item in &tree.items {
            match &item.kind {
                ItemKind::Policy(_) => {
                    let c = check::check_policy(&env, &package, *file, item);
                    rules += c.value.rules.len();
                    all.extend(c.diagnostics);
                    if std::env::var("DUMP").is_ok() {
                        for r in c.value.rules.values() {
                            println!("{} {:?}", r.full_name, r.phase);
                        }
                        for s in c.value.signals.values() {
                            println!(
                                "  {} {:?} {} {:?}",
                                s.name, s.phase, s.ty, c.value.states[s.state].identity
                            );
                        }
                    }
                }
                ItemKind::Cap(_) => all.extend(check::check_cap(&env, &package, *file, item).diagnostics),
                ItemKind::Derive(_) => {
                    all.extend(check::check_derive(&env, &package, *file, item).diagnostics)
                }
                ItemKind::Tune(_) => all.extend(check::check_tune(&env, &package, *file, item).diagnostics),
                ItemKind::Test(_) => {
                    tests += 1;
                    all.extend(check::check_test(&env, &package, *file, item).diagnostics)
                }
                _ => {}
            }
        }
    }
    println!("{rules} rules {tests} tests in {:?}", start.elapsed());
    for d in all {
        let (line, col) = sources.position(d.primary.file, d.primary.span.start);
        println!(
            "{}:{line}:{col} {} {} [{}] help={:?} notes={:?}",
            sources.name(d.primary.file),
            d.code,
            d.title,
            sources.snippet(d.primary.file, d.primary.span).chars().take(60).collect::<String>(),
            d.help,
            d.notes
        );
    }
}
