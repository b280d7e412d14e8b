//! Documentation: the comment block directly above an item, a member or a watched signal.

use smol_str::SmolStr;

use crate::ast::{Comment, File, ItemKind, MemberKind};

/// Gives every item, member and watched signal its comment block.
pub(crate) fn attach(text: &str, file: &mut File) {
    if file.comments.is_empty() {
        return;
    }
    let comments = &file.comments;
    let above = |at: u32| above(text, comments, at);
    for item in &mut file.items {
        item.doc = above(item.span.start);
        let ItemKind::Policy(policy) = &mut item.kind else { continue };
        for member in &mut policy.members {
            member.doc = above(member.span.start);
            let MemberKind::Watch(watch) = &mut member.kind else { continue };
            for watched in &mut watch.signals {
                watched.doc = above(watched.span.start);
            }
        }
    }
}

/// The block of comments that ends on the line above `at`, which begins its line.
fn above(text: &str, comments: &[Comment], at: u32) -> Option<SmolStr> {
    let end = comments.partition_point(|comment| comment.span.end <= at);
    let mut below = at;
    let mut start = end;
    for (index, comment) in comments.get(..end)?.iter().enumerate().rev() {
        let between = text.get(comment.span.end as usize..below as usize)?;
        let adjacent = between.bytes().all(|byte| byte.is_ascii_whitespace())
            && between.bytes().filter(|byte| *byte == b'\n').count() == 1;
        if !adjacent || !begins_line(text, comment.span.start) {
            break;
        }
        start = index;
        below = comment.span.start;
    }
    let block = comments.get(start..end).filter(|block| !block.is_empty())?;
    let lines: Vec<&str> = block
        .iter()
        .map(|comment| {
            let line = comment.text.strip_prefix('#').unwrap_or(&comment.text);
            line.strip_prefix(' ').unwrap_or(line)
        })
        .collect();
    Some(SmolStr::new(lines.join("\n")))
}

fn begins_line(text: &str, at: u32) -> bool {
    let before = text.get(..at as usize).unwrap_or("");
    let line = before.rsplit('\n').next().unwrap_or("");
    line.trim_start_matches('\u{feff}').bytes().all(|byte| byte.is_ascii_whitespace())
}
