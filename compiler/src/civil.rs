//! Dates of the proleptic Gregorian calendar, UTC, and milliseconds since 1970.
//!
//! The language needs only this much of a calendar: RFC 3339 in and out, hours and weekdays. The day
//! arithmetic follows Howard Hinnant's `days_from_civil` and `civil_from_days`.

/// Milliseconds a day.
pub const DAY: i64 = 86_400_000;

/// Reads an RFC 3339 date-time (`2026-01-05T10:00:00.250Z`, `…+02:00`) or a plain date.
pub fn parse(text: &str) -> Option<i64> {
    let (date, rest) = if text.len() > 10 { (text.get(..10)?, text.get(10..)?) } else { (text, "") };
    let mut parts = date.splitn(3, '-');
    let (year, month, day) =
        (number(parts.next()?, 4)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    if !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    let midnight = days(year, month, day).checked_mul(DAY)?;
    if rest.is_empty() {
        return Some(midnight);
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let clock_end = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (clock, zone) = (rest.get(..clock_end)?, rest.get(clock_end..)?);
    let mut parts = clock.splitn(3, ':');
    let (hour, minute) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let (second, fraction) = match parts.next()?.split_once(['.', ',']) {
        Some((second, fraction)) => (number(second, 2)?, millis(fraction)?),
        None => (number(clock.get(6..)?, 2)?, 0),
    };
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let offset = match zone {
        "Z" | "z" => 0,
        zone => {
            let sign = if zone.starts_with('-') { -1 } else { 1 };
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            sign * (hours * 60 + minutes) * 60_000
        }
    };
    Some(midnight + ((hour * 60 + minute) * 60 + second) * 1_000 + fraction - offset)
}

/// RFC 3339 with milliseconds where there are any: `2026-01-05T10:00:00Z`.
pub fn format(ms: i64) -> String {
    let (day, within) = (ms.div_euclid(DAY), ms.rem_euclid(DAY));
    let (year, month, date) = civil(day);
    let (hour, minute, second, milli) =
        (within / 3_600_000, within / 60_000 % 60, within / 1_000 % 60, within % 1_000);
    let fraction = if milli == 0 { String::new() } else { format!(".{milli:03}") };
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// The hour of the day, 0 to 23.
pub fn hour(ms: i64) -> i64 {
    ms.rem_euclid(DAY) / 3_600_000
}

/// The day of the week, 1 Monday to 7 Sunday.
pub fn weekday(ms: i64) -> i64 {
    // 1970-01-01 was a Thursday.
    (ms.div_euclid(DAY) + 3).rem_euclid(7) + 1
}

fn number(text: &str, digits: usize) -> Option<i64> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

fn millis(fraction: &str) -> Option<i64> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{fraction:0<3}").get(..3)?.parse().ok()
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for day in (-800_000..3_000_000).step_by(977) {
            let ms = day * DAY + (day.rem_euclid(86_400)) * 1_000 + day.rem_euclid(1_000);
            let text = format(ms);
            if text.len() <= 24 && !text.starts_with('-') {
                assert_eq!(parse(&text), Some(ms), "{text}");
            }
        }
    }

    #[test]
    fn known_dates() {
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse("2016-02-29T23:59:59-05:00"), Some(1_456_808_399_000));
        assert_eq!(weekday(0), 4);
        assert_eq!(weekday(parse("2026-01-05").unwrap()), 1);
        for bad in ["2026-02-29", "2026-13-01", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00", "soon", ""] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
