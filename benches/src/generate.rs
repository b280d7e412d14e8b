//! Policies by the thousand, for measuring; the same text for the same numbers.

use std::fmt::Write as _;

/// A project of `policies` policies with `rules` rules each, one package a policy: `(file name, text)`.
///
/// Rules are like those of the worked policies: a watch with four signals, parameters, four-part conditions, keyed
/// actions with a scope and somebody spared, reasons with values.
pub fn project(policies: usize, rules: usize) -> Vec<(String, String)> {
    (0..policies).map(|policy| (format!("gen/p{policy}.weir"), package(policy, rules))).collect()
}

/// The same policies in one file, of one package.
pub fn file(policies: usize, rules: usize) -> Vec<(String, String)> {
    let mut text = "package gen.all\n\nuse std.events { login }\n".to_owned();
    for (_, part) in project(policies, rules) {
        text.extend(part.split_once("{ login }\n").map(|(_, policy)| policy));
    }
    vec![("gen/all.weir".to_owned(), text)]
}

fn package(policy: usize, rules: usize) -> String {
    let mut text = String::with_capacity(1_000 + rules * 500);
    let (minutes, floor) = (5 + policy % 50, 2 + policy % 7);
    let _ = write!(
        text,
        "package gen.p{policy}\n\nuse std.events {{ login }}\n\n# Policy {policy} of a generated set.\npolicy p{policy} {{\n  \
         on login\n  tags [\"OAT-008\"]\n  mode shadow\n  harm at most 0.1% of known-good sessions\n\n  \
         param min_users:  int         = 20 in 5..32\n  param min_failed: probability = 90% in 50%..99%\n  \
         param horizon:    duration    = {minutes}m in 1m..1h\n\n  watch login per shape over horizon {{\n    \
         tried         = distinct user where outcome == failure\n    tried_usually = usual(tried, floor {floor})\n    \
         addresses     = distinct ip where outcome == failure\n    failed        = share of outcome == failure, at least 10\n  }}\n"
    );
    for rule in 0..rules {
        let (factor, users) = (2 + rule % 9, 5 + (policy + rule) % 27);
        let _ = write!(
            text,
            "\n  # Rule {rule}.\n  rule r{rule} {{\n    when tried >= min_users\n     and tried >= {factor} * tried_usually\n     \
             and 2 * addresses >= tried\n     and failed >= min_failed\n     and user_agent contains \"tool-{policy}-{rule}\"\n    \
             then challenge shape on login for {users}m, sparing sessions that passed or devices known 30d\n    \
             because \"{{failed}} of one program's logins fail: {{tried}} accounts (usually {{tried_usually}}) in {{horizon}}\"\n  }}\n"
        );
    }
    text.push_str("}\n");
    text
}
