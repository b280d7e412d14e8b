//! The baseline: against an oracle, and against attackers.

use std::collections::BTreeMap;

use proptest::prelude::*;
use weir_engine::state::{Landing, Number, Reading, Scale, Usual, UsualForm, Why};

use crate::trail::cases;

const HOUR: i64 = 3_600_000;
const WEEK: i64 = 168 * HOUR;

fn cell(hour: i64) -> i64 {
    // 1970-01-05 was a Monday.
    (hour - 4 * 24).rem_euclid(168)
}

/// The baseline from the list of accepted observations.
fn oracle(form: &UsualForm, seen: &[(i64, f64)], t: i64) -> Reading {
    let floor = form.floor.map(Number::to_f64);
    let least = floor.filter(|f| *f > 0.0).unwrap_or(1.0);
    let warm = || match form.floor {
        Some(floor) => Reading::certain(floor),
        None => Reading::Unknown(Why::Warming),
    };
    let hour = t.div_euclid(HOUR);
    // Begin after the last silence of 53 weeks.
    let mut begin = 0;
    for i in 1..seen.len() {
        if seen[i].0.div_euclid(HOUR) - seen[i - 1].0.div_euclid(HOUR) >= 53 * 168 {
            begin = i;
        }
    }
    let seen = &seen[begin..];
    let (Some(first), Some(last)) = (seen.first(), seen.last()) else { return warm() };
    if hour - last.0.div_euclid(HOUR) >= 53 * 168 {
        return warm();
    }
    let mut highest: BTreeMap<i64, f64> = BTreeMap::new();
    for (at, level) in seen {
        let top = highest.entry(at.div_euclid(HOUR)).or_insert(0.0);
        *top = top.max(*level);
    }
    let mut cells: BTreeMap<i64, (f32, u32)> = BTreeMap::new();
    let closed = hour.max(last.0.div_euclid(HOUR));
    let from = first.0.div_euclid(HOUR) + 1;
    for h in from..closed {
        let s = highest.get(&h).copied().unwrap_or(0.0);
        let entry = cells.entry(cell(h)).or_insert((0.0, 0));
        let held = f64::from(entry.0);
        entry.0 = match entry.1 {
            0 => s as f32,
            1 => ((held + s) / 2.0) as f32,
            _ => (held + (s.min(2.0 * held.max(least)) - held) / 4.0) as f32,
        };
        entry.1 += 1;
        if h - from == 335 {
            let mut levels: Vec<f64> = cells.values().map(|c| f64::from(c.0)).collect();
            levels.sort_by(f64::total_cmp);
            let m = levels[..147].iter().fold(0.0, |sum, level| sum + level) / 147.0;
            for c in cells.values_mut() {
                c.0 = f64::from(c.0).min(4.0 * m.max(least)) as f32;
            }
        }
    }
    if closed - from < 336 {
        return warm();
    }
    match cells.get(&cell(hour)) {
        Some((level, 2..)) => {
            let level = f64::from(*level);
            match form.scale {
                Scale::Int => {
                    let level = Number::Int(level.ceil() as i64);
                    Reading::certain(form.floor.filter(|f| *f > level).unwrap_or(level))
                }
                Scale::Float => Reading::certain(Number::Float(level.max(floor.unwrap_or(0.0)))),
            }
        }
        _ => warm(),
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn baseline(
        start in -2_000_000_000_000_i64..2_000_000_000_000,
        floor in prop::option::of(0_i64..20),
        int in any::<bool>(),
        steps in prop::collection::vec((0_u8..12, 0_i64..1_000, 0_i64..100), 1..60),
    ) {
        let number = |n: i64| if int { Number::Int(n) } else { Number::Float(n as f64) };
        let form = UsualForm { floor: floor.map(number), scale: if int { Scale::Int } else { Scale::Float } };
        let mut usual = Usual::new();
        let mut seen: Vec<(i64, f64)> = Vec::new();
        let (mut t, mut newest) = (start, i64::MIN);
        for (step, r, level) in steps {
            t += match step {
                0..=3 => r * 1_000,
                4 | 5 => HOUR,
                6 | 7 => 24 * HOUR + r,
                8 => WEEK,
                9 => WEEK - 1,
                10 => -r * 10_000,
                _ => if r % 40 == 0 { 53 * WEEK } else { 5 * HOUR },
            };
            let held = t.div_euclid(HOUR) >= newest;
            prop_assert_eq!(usual.observe(&form, t, number(level)) == Landing::Held, held);
            if held {
                newest = t.div_euclid(HOUR);
                seen.push((t, level as f64));
            }
            for at in [t, t + WEEK, [t + HOUR, t + 3 * WEEK, t + 52 * WEEK, t + 54 * WEEK][r as usize % 4]] {
                prop_assert_eq!(usual.read(&form, at), oracle(&form, &seen, at));
            }
        }
    }
}

const MONDAY: i64 = 4 * 24 * HOUR;

fn form(floor: i64) -> UsualForm {
    UsualForm { floor: Some(Number::Int(floor)), scale: Scale::Int }
}

/// A shop with a daily and a weekly rhythm: nights 20, days 200, Sundays half.
fn rhythm(hour: i64) -> i64 {
    let (day, of_day) = (cell(hour) / 24, cell(hour) % 24);
    let level = if (8..20).contains(&of_day) { 200 } else { 20 };
    if day == 6 { level / 2 } else { level }
}

fn weeks(usual: &mut Usual, form: &UsualForm, from: i64, n: i64, level: impl Fn(i64) -> i64) {
    for h in from..from + n * 168 {
        usual.observe(form, h * HOUR, Number::Int(level(h)));
    }
}

fn level(usual: &Usual, form: &UsualForm, hour: i64) -> f64 {
    usual.read(form, hour * HOUR).value().unwrap().to_f64()
}

/// After two weeks the baseline is the rhythm, hour by hour; the incomplete first hour has no part in it.
#[test]
fn learns_the_weekly_rhythm() {
    let (mut usual, form) = (Usual::new(), form(5));
    let begin = MONDAY / HOUR;
    usual.observe(&form, (begin - 1) * HOUR + 1, Number::Int(1_000_000));
    weeks(&mut usual, &form, begin, 2, rhythm);
    for h in begin + 2 * 168..begin + 3 * 168 {
        assert_eq!(level(&usual, &form, h), rhythm(h) as f64, "hour {}", cell(h));
        usual.observe(&form, h * HOUR, Number::Int(rhythm(h)));
    }
}

#[test]
fn warms_for_two_weeks() {
    let without = UsualForm { floor: None, scale: Scale::Int };
    let mut usual = Usual::new();
    assert_eq!(usual.read(&without, 0), Reading::Unknown(Why::Warming));
    for h in 0..=2 * 168 {
        usual.observe(&without, h * HOUR, Number::Int(50));
        let read = usual.read(&without, h * HOUR);
        assert_eq!(read, Reading::Unknown(Why::Warming), "hour {h}");
    }
    // Hour 0 was incomplete, so the cell after it is the first to be known.
    usual.observe(&without, (2 * 168 + 1) * HOUR, Number::Int(50));
    assert_eq!(usual.read(&without, (2 * 168 + 1) * HOUR), Reading::certain(Number::Int(50)));
    assert_eq!(usual.observe(&without, HOUR, Number::Int(1)), Landing::Dropped);
    assert_eq!(usual.observe(&without, 400 * HOUR, Number::Float(f64::NAN)), Landing::Dropped);
}

/// However much is sent, a week of attack lifts a learned cell by at most a quarter; tenfold takes eleven weeks.
#[test]
fn a_slow_ramp_gains_a_quarter_a_week() {
    let (mut usual, form) = (Usual::new(), form(5));
    let begin = MONDAY / HOUR;
    weeks(&mut usual, &form, begin, 6, rhythm);
    let mut before: Vec<f64> = (0..168).map(|h| level(&usual, &form, begin + 6 * 168 + h)).collect();
    let start = before.clone();
    for week in 6..17 {
        // Every hour of the week, as much as a machine can send.
        weeks(&mut usual, &form, begin + week * 168, 1, |_| 1_000_000_000);
        let next = begin + (week + 1) * 168;
        let after: Vec<f64> = (0..168).map(|h| level(&usual, &form, next + h)).collect();
        for h in 0..168 {
            assert!(after[h] <= (before[h] * 1.25).ceil() + 1.0, "cell {h}: {} to {}", before[h], after[h]);
        }
        if week < 15 {
            assert!((0..168).all(|h| after[h] < start[h] * 10.0), "tenfold after {} weeks", week - 5);
        }
        before = after;
    }
    // Weeks of peace take a quarter of the rest each.
    weeks(&mut usual, &form, begin + 17 * 168, 12, rhythm);
    for h in 0..167 {
        let hour = begin + 29 * 168 + h;
        assert!(level(&usual, &form, hour) <= rhythm(hour) as f64 * 1.6 + 2.0, "cell {h}");
    }
}

/// Attacks in 21 hours of the first weeks lift their cells to at most four times the ordinary level, and no other cell.
#[test]
fn attacks_while_learning_cannot_own_a_cell() {
    let (mut usual, form) = (Usual::new(), form(5));
    let begin = MONDAY / HOUR;
    let attacked = |h: i64| cell(h) % 8 == 2;
    usual.observe(&form, (begin - 1) * HOUR, Number::Int(0));
    weeks(&mut usual, &form, begin, 2, |h| if attacked(h) { 1_000_000_000 } else { rhythm(h) });
    let mut ordinary: Vec<i64> = (begin..begin + 168).filter(|h| !attacked(*h)).map(rhythm).collect();
    assert_eq!(ordinary.len(), 147);
    ordinary.sort_unstable();
    let mean = ordinary.iter().sum::<i64>() as f64 / 147.0;
    for h in begin + 2 * 168..begin + 3 * 168 {
        let most = if attacked(h) { (4.0 * mean).ceil() } else { rhythm(h) as f64 };
        assert!(level(&usual, &form, h) <= most, "cell {}", cell(h));
    }
}

/// A quiet first week halves the baseline instead of emptying it.
#[test]
fn a_holiday_does_not_empty_it() {
    let (mut usual, form) = (Usual::new(), form(5));
    let begin = MONDAY / HOUR;
    weeks(&mut usual, &form, begin, 1, |_| 0);
    weeks(&mut usual, &form, begin + 168, 2, rhythm);
    let noon = begin + 3 * 168 + 12;
    assert!(level(&usual, &form, noon) >= 100.0);
}
