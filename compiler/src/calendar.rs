//! Calendars of schedules: the part of iCalendar (RFC 5545) that says when something is on.
//!
//! Read are the `VEVENT`s of a file: `DTSTART`, `DTEND` or `DURATION`, and `RRULE` with `FREQ=DAILY` or `WEEKLY`,
//! `INTERVAL`, `COUNT` and `UNTIL`. Times are UTC (`20260105T100000Z`) or dates, which are whole days UTC. What is
//! not read is named with its line: a release that starts an hour late because a rule was skipped in silence would be
//! worse than an error.

use crate::civil;
use crate::data::{BadLine, ScheduleData};

/// The most intervals of a schedule.
pub const MAX_INTERVALS: usize = 100_000;
/// How far a rule without an end is followed, in days.
const HORIZON_DAYS: i64 = 366 * 10;

#[derive(Default)]
struct Entry {
    line: usize,
    start: Option<i64>,
    end: Option<i64>,
    whole_day: bool,
    duration: Option<i64>,
    rule: Option<Rule>,
}

struct Rule {
    step: i64,
    count: Option<i64>,
    until: Option<i64>,
}

/// Reads a calendar. Entries that cannot be used are returned with their line and left out.
pub fn parse(text: &str) -> (ScheduleData, Vec<BadLine>) {
    let mut intervals = Vec::new();
    let mut bad = Vec::new();
    let mut entry: Option<Entry> = None;
    for (line, content) in unfold(text) {
        let (name, value) = content.split_once(':').unwrap_or((&content, ""));
        let name = name.to_ascii_uppercase();
        let (name, parameters) = name.split_once(';').unwrap_or((&name, ""));
        if name == "BEGIN" && value.eq_ignore_ascii_case("VEVENT") {
            entry = Some(Entry { line, ..Entry::default() });
        } else if name == "END" && value.eq_ignore_ascii_case("VEVENT") {
            match entry.take().map(|entry| (entry.line, occurrences(&entry))) {
                Some((_, Ok(found))) if intervals.len() + found.len() <= MAX_INTERVALS => {
                    intervals.extend(found)
                }
                Some((line, Ok(_))) => {
                    bad.push(BadLine { line, reason: format!("more than {MAX_INTERVALS} intervals") });
                }
                Some((line, Err(reason))) => bad.push(BadLine { line, reason }),
                None => {}
            }
        } else if let Some(entry) = &mut entry
            && let Err(reason) = property(entry, name, parameters, value)
        {
            bad.push(BadLine { line, reason });
        }
    }
    if let Some(entry) = entry {
        bad.push(BadLine { line: entry.line, reason: "an event that does not end".into() });
    }
    (ScheduleData::new(intervals), bad)
}

/// Joins continued lines: one that begins with a blank belongs to the line before.
fn unfold(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some((_, last))) => last.push_str(rest),
            _ if line.is_empty() => {}
            _ => lines.push((at + 1, line.to_owned())),
        }
    }
    lines
}

fn property(entry: &mut Entry, name: &str, parameters: &str, value: &str) -> Result<(), String> {
    match name {
        "DTSTART" | "DTEND" => {
            if parameters.contains("TZID") {
                return Err("a local time; write it in UTC, as `20260105T100000Z`".into());
            }
            let (at, whole_day) = time(value)?;
            if name == "DTSTART" {
                (entry.start, entry.whole_day) = (Some(at), whole_day);
            } else {
                entry.end = Some(at);
            }
        }
        "DURATION" => entry.duration = Some(duration(value).ok_or(format!("`{value}` is not a duration"))?),
        "RRULE" => entry.rule = Some(rule(value)?),
        "RDATE" | "EXDATE" | "RECURRENCE-ID" => {
            return Err(format!("`{name}` is not read; write each event out"));
        }
        _ => {}
    }
    Ok(())
}

/// `20260105` or `20260105T100000Z`, and whether it is a date.
fn time(value: &str) -> Result<(i64, bool), String> {
    let wrong = || format!("`{value}` is neither a date nor a time in UTC, as `20260105T100000Z`");
    let part = |from: usize, to: usize| value.get(from..to).ok_or_else(wrong);
    if !value.is_ascii() {
        return Err(wrong());
    }
    let date = format!("{}-{}-{}", part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (text, whole_day) = match value.len() {
        8 => (date, true),
        16 if value.ends_with('Z') && part(8, 9)? == "T" => {
            (format!("{date}T{}:{}:{}Z", part(9, 11)?, part(11, 13)?, part(13, 15)?), false)
        }
        _ => return Err(wrong()),
    };
    civil::parse(&text).map(|at| (at, whole_day)).ok_or_else(wrong)
}

/// `P1D`, `PT2H30M`, `P1W`.
fn duration(value: &str) -> Option<i64> {
    let mut total: i64 = 0;
    let mut digits = String::new();
    let mut in_time = false;
    for c in value.strip_prefix('P')?.chars() {
        let unit = match c {
            '0'..='9' => {
                digits.push(c);
                continue;
            }
            'T' => {
                in_time = true;
                continue;
            }
            'W' => 7 * civil::DAY,
            'D' => civil::DAY,
            'H' if in_time => 3_600_000,
            'M' if in_time => 60_000,
            'S' if in_time => 1_000,
            _ => return None,
        };
        total = total.checked_add(digits.parse::<i64>().ok()?.checked_mul(unit)?)?;
        digits.clear();
    }
    (digits.is_empty() && total > 0).then_some(total)
}

fn rule(value: &str) -> Result<Rule, String> {
    let mut rule = Rule { step: 0, count: None, until: None };
    let mut interval = 1;
    for part in value.split(';').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let number =
            || value.parse::<i64>().ok().filter(|n| (1..=100_000).contains(n)).ok_or(format!("`{part}`?"));
        match name.to_ascii_uppercase().as_str() {
            "FREQ" if value.eq_ignore_ascii_case("DAILY") => rule.step = civil::DAY,
            "FREQ" if value.eq_ignore_ascii_case("WEEKLY") => rule.step = 7 * civil::DAY,
            "INTERVAL" => interval = number()?,
            "COUNT" => rule.count = Some(number()?),
            "UNTIL" => rule.until = Some(time(value)?.0),
            "WKST" => {}
            _ => return Err(format!("`{part}` is not read; `FREQ=DAILY` and `FREQ=WEEKLY` are")),
        }
    }
    if rule.step == 0 {
        return Err("a rule without a frequency".into());
    }
    rule.step *= interval;
    Ok(rule)
}

fn occurrences(entry: &Entry) -> Result<Vec<(i64, i64)>, String> {
    let start = entry.start.ok_or("an event without a start")?;
    let length = match (entry.end, entry.duration) {
        (Some(end), _) => end - start,
        (None, Some(duration)) => duration,
        (None, None) if entry.whole_day => civil::DAY,
        (None, None) => return Err("an event without an end".into()),
    };
    if length <= 0 {
        return Err("an event that ends before it starts".into());
    }
    let Some(rule) = &entry.rule else { return Ok(vec![(start, start + length)]) };
    let last = rule.until.unwrap_or(start + HORIZON_DAYS * civil::DAY);
    let limit = rule.count.unwrap_or(i64::MAX);
    let mut found = Vec::new();
    for n in 0..limit {
        let at = start + n * rule.step;
        if at > last || found.len() >= MAX_INTERVALS {
            break;
        }
        found.push((at, at + length));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn active(text: &str, at: &str) -> bool {
        let (schedule, bad) = parse(text);
        assert!(bad.is_empty(), "{bad:?}");
        schedule.is_active(civil::parse(at).unwrap())
    }

    #[test]
    fn an_hour_every_week() {
        let text = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20260105T100000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=WEEKLY;COU\r\n NT=3\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        assert!(active(text, "2026-01-05T10:00:00Z") && active(text, "2026-01-19T10:59:59Z"));
        assert!(!active(text, "2026-01-05T11:00:00Z") && !active(text, "2026-01-26T10:00:00Z"));
    }

    #[test]
    fn a_date_is_a_whole_day() {
        let text = "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20260105\nEND:VEVENT";
        assert!(active(text, "2026-01-05T23:59:59Z") && !active(text, "2026-01-06"));
    }

    #[test]
    fn what_is_not_read_is_named() {
        for (property, word) in [
            ("DTSTART;TZID=Europe/Berlin:20260105T100000", "UTC"),
            ("DTSTART:20260105T100000", "UTC"),
            ("RRULE:FREQ=MONTHLY", "FREQ"),
            ("RRULE:FREQ=WEEKLY;BYDAY=MO", "BYDAY"),
            ("EXDATE:20260105T100000Z", "EXDATE"),
        ] {
            let text = format!(
                "BEGIN:VEVENT\nDTSTART:20260105T100000Z\nDTEND:20260105T110000Z\n{property}\nEND:VEVENT"
            );
            let (_, bad) = parse(&text);
            assert!(bad.iter().any(|bad| bad.line == 4 && bad.reason.contains(word)), "{property}: {bad:?}");
        }
    }
}
