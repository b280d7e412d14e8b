//! Times as logs write them, to milliseconds since 1970-01-01T00:00:00Z.
//!
//! Years 1990 to 2100 are accepted; anything else is a broken clock or a wrong unit and is refused, so that
//! one bad line cannot move a replay's clock by centuries. A leap second (`:60`) counts as the next minute's
//! first second. Civil dates by Howard Hinnant's `days_from_civil`.

/// First accepted instant: 1990-01-01T00:00:00Z, in milliseconds.
pub const EARLIEST_MS: i64 = 631_152_000_000;
/// First instant past the accepted ones: 2101-01-01T00:00:00Z, in milliseconds.
pub const LATEST_MS: i64 = 4_133_980_800_000;

/// Why a time was not read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TimeError {
    /// It does not look like a time at all.
    Shape,
    /// It looks like one, but no such instant exists or it lies outside 1990–2100.
    Range,
}

/// Bytes of a common-log time: `20/Feb/2016:00:00:45 -0500`.
pub(crate) const CLF_LEN: usize = 26;

/// Reads `20/Feb/2016:00:00:45 -0500`, exactly [`CLF_LEN`] bytes.
pub(crate) fn clf(text: &[u8]) -> Result<i64, TimeError> {
    let &[
        d1,
        d2,
        b'/',
        m1,
        m2,
        m3,
        b'/',
        y1,
        y2,
        y3,
        y4,
        b':',
        h1,
        h2,
        b':',
        i1,
        i2,
        b':',
        s1,
        s2,
        b' ',
        sign @ (b'+' | b'-'),
        o1,
        o2,
        o3,
        o4,
    ] = text
    else {
        return Err(TimeError::Shape);
    };
    // All digits are looked at before any is judged: every line of a log has a time.
    let mut wrong = false;
    let mut pair = |tens: u8, ones: u8| {
        let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        wrong |= (tens > 9) | (ones > 9);
        i64::from(tens) * 10 + i64::from(ones)
    };
    let (day, year) = (pair(d1, d2), pair(y1, y2) * 100 + pair(y3, y4));
    let (hour, minute, second) = (pair(h1, h2), pair(i1, i2), pair(s1, s2));
    let (offset_hours, offset_minutes) = (pair(o1, o2), pair(o3, o4));
    if wrong {
        return Err(TimeError::Shape);
    }
    let offset = signed_offset(sign, offset_hours, offset_minutes)?;
    let month = month_number([m1, m2, m3]).ok_or(TimeError::Shape)?;
    instant(Civil { year, month, day, hour, minute, second, milli: 0 }, offset)
}

/// Reads RFC 3339: `2016-02-20T00:00:45.123-05:00`. The `T` may be a space, the offset `Z`, `±hh:mm` or
/// `±hhmm`; digits past the millisecond are dropped. A time without an offset is refused: it names no instant.
pub(crate) fn rfc3339(text: &str) -> Result<i64, TimeError> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b't' | b' ', ref clock @ ..] = text.as_bytes()
    else {
        return Err(TimeError::Shape);
    };
    let &[h1, h2, b':', i1, i2, b':', s1, s2, ref rest @ ..] = clock else {
        return Err(TimeError::Shape);
    };
    let number = |digits: &[u8]| digits_value(digits).ok_or(TimeError::Shape);
    let (milli, rest) = fraction(rest)?;
    let offset = match *rest {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), o1, o2, b':', o3, o4] | [sign @ (b'+' | b'-'), o1, o2, o3, o4] => {
            signed_offset(sign, number(&[o1, o2])?, number(&[o3, o4])?)?
        }
        _ => return Err(TimeError::Shape),
    };
    let civil = Civil {
        year: number(&[y1, y2, y3, y4])?,
        month: number(&[m1, m2])?,
        day: number(&[d1, d2])?,
        hour: number(&[h1, h2])?,
        minute: number(&[i1, i2])?,
        second: number(&[s1, s2])?,
        milli,
    };
    instant(civil, offset)
}

/// Reads seconds since 1970 with an optional fraction: `1455944445.123` (nginx's `$msec`).
pub(crate) fn epoch_seconds(text: &str) -> Result<i64, TimeError> {
    let (whole, frac) = text.split_once('.').map_or((text, None), |(w, f)| (w, Some(f)));
    if whole.is_empty() || whole.len() > 12 {
        return Err(TimeError::Shape);
    }
    let seconds = digits_value(whole.as_bytes()).ok_or(TimeError::Shape)?;
    let milli = match frac {
        Some("") => return Err(TimeError::Shape),
        Some(digits) => fraction_digits(digits.as_bytes()).ok_or(TimeError::Shape)?,
        None => 0,
    };
    accepted(seconds * 1000 + milli)
}

/// Takes a number of milliseconds since 1970 that lies inside the accepted years.
pub(crate) fn accepted(ms: i64) -> Result<i64, TimeError> {
    if (EARLIEST_MS..LATEST_MS).contains(&ms) { Ok(ms) } else { Err(TimeError::Range) }
}

/// A date and a time of day, as written, at the writer's offset.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    milli: i64,
}

fn instant(civil: Civil, offset_seconds: i64) -> Result<i64, TimeError> {
    let Civil { year, month, day, hour, minute, second, milli } = civil;
    let exists = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !exists {
        return Err(TimeError::Range);
    }
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    accepted((seconds - offset_seconds) * 1000 + milli)
}

/// Days from 1970-01-01 to a proleptic Gregorian date.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a number of days since 1970-01-01: the inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Writes an instant as a common-log time at UTC, dropping milliseconds: `20/Feb/2016:05:00:45 +0000`.
pub(crate) fn write_clf(out: &mut String, ms: i64) {
    use std::fmt::Write as _;
    let seconds = ms.div_euclid(1000);
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400);
    let name = usize::try_from(month - 1).ok().and_then(|m| MONTHS.get(m)).copied().unwrap_or("Jan");
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    // Writing to a String cannot fail.
    let _ = write!(out, "{day:02}/{name}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000");
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn month_number(name: [u8; 3]) -> Option<i64> {
    Some(match &name {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    })
}

fn signed_offset(sign: u8, hours: i64, minutes: i64) -> Result<i64, TimeError> {
    if hours > 23 || minutes > 59 {
        return Err(TimeError::Range);
    }
    let seconds = hours * 3600 + minutes * 60;
    Ok(if sign == b'-' { -seconds } else { seconds })
}

/// The value of up to 18 decimal digits.
fn digits_value(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0_i64, |value, d| d.is_ascii_digit().then(|| value * 10 + i64::from(d - b'0')))
}

/// Milliseconds of an optional `.digits` and what follows it.
fn fraction(text: &[u8]) -> Result<(i64, &[u8]), TimeError> {
    let Some(digits) = text.strip_prefix(b".") else { return Ok((0, text)) };
    let end = digits.iter().position(|b| !b.is_ascii_digit()).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    if digits.is_empty() {
        return Err(TimeError::Shape);
    }
    Ok((fraction_digits(digits).ok_or(TimeError::Shape)?, rest))
}

/// Milliseconds of a fraction's digits; those past the third are checked and dropped.
fn fraction_digits(digits: &[u8]) -> Option<i64> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |at: usize| digits.get(at).map_or(0, |d| i64::from(d - b'0'));
    Some(digit(0) * 100 + digit(1) * 10 + digit(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants() {
        assert_eq!(clf(b"20/Feb/2016:00:00:45 -0500"), Ok(1_455_944_445_000));
        assert_eq!(clf(b"29/Feb/2000:23:59:60 +0000"), Ok(951_868_800_000));
        assert_eq!(clf(b"01/Jan/1990:05:30:00 +0530"), Ok(EARLIEST_MS));
        assert_eq!(rfc3339("2016-02-20T00:00:45.1239-05:00"), Ok(1_455_944_445_123));
        assert_eq!(rfc3339("2016-02-20 05:00:45Z"), Ok(1_455_944_445_000));
        assert_eq!(rfc3339("2016-02-20t05:00:45.5+0000"), Ok(1_455_944_445_500));
        assert_eq!(epoch_seconds("1455944445.5"), Ok(1_455_944_445_500));
    }

    #[test]
    fn no_such_instant() {
        for text in [
            "30/Feb/2016:00:00:45 -0500",
            "29/Feb/2100:00:00:00 +0000",
            "00/Jan/2016:00:00:00 +0000",
            "01/Jan/1989:00:00:00 +0000",
            "01/Jan/2101:00:00:00 +0000",
            "31/Dec/2015:24:00:00 +0000",
            "31/Dec/2015:00:00:00 +0060",
        ] {
            assert_eq!(clf(text.as_bytes()), Err(TimeError::Range), "{text}");
        }
        for text in
            ["01/jan/2016:00:00:00 +0000", "1/Jan/2016:00:00:00 +00000", "", "01/Jan/2016:00:0a:00 +0000"]
        {
            assert_eq!(clf(text.as_bytes()), Err(TimeError::Shape), "{text}");
        }
        for text in ["2016-02-20T05:00:45", "2016-02-20T05:00:45.Z", "2016-02-20", "2016-02-20T05:00:45+5"] {
            assert_eq!(rfc3339(text), Err(TimeError::Shape), "{text}");
        }
        for text in ["", ".5", "5.", "1455944445.x", "99999999999999999999", "-1"] {
            assert_eq!(epoch_seconds(text), Err(TimeError::Shape), "{text}");
        }
    }

    proptest::proptest! {
        /// jiff is the oracle: another calendar, written by other people.
        #[test]
        fn agrees_with_jiff(ms in EARLIEST_MS..LATEST_MS, offset in -23 * 60..24 * 60_i32) {
            let zone = jiff::tz::Offset::from_seconds(offset * 60)?.to_time_zone();
            let zoned = jiff::Timestamp::from_millisecond(ms)?.to_zoned(zone);
            let whole = ms - ms.rem_euclid(1000);
            let local = zoned.strftime("%d/%b/%Y:%H:%M:%S %z").to_string();
            proptest::prop_assert_eq!(clf(local.as_bytes()), Ok(whole), "{}", local);
            let iso = zoned.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string();
            proptest::prop_assert_eq!(rfc3339(&iso), Ok(ms), "{}", iso);
            let mut utc = String::new();
            write_clf(&mut utc, ms);
            proptest::prop_assert_eq!(clf(utc.as_bytes()), Ok(whole), "{}", utc);
        }
    }
}
