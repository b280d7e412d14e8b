//! `usual(signal, floor n)`: an hour-of-week baseline of a signal's level that an attacker cannot train.

use super::reading::{Number, Reading, Scale, Why};
use super::window::Landing;

const HOUR: i64 = 3_600_000;
/// Hours of a week, and cells of the baseline.
const WEEK: usize = 168;
/// The epoch was a Thursday; the week begins on Monday.
const EPOCH_OFFSET: i64 = 72;
/// How old a record must be.
const WARMING: i64 = 14 * 24 * HOUR;
/// Hours of silence after which a record begins anew.
const FORGET: i64 = 53 * WEEK as i64;

/// The constants of a `usual`: its floor, and whether the signal's numbers are integers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UsualForm {
    /// The least it answers; without one it is unknown while warming.
    pub floor: Option<Number>,
    /// The scale of the signal and of the answer.
    pub scale: Scale,
}

impl UsualForm {
    /// The level below which differences do not matter.
    fn scale_of_interest(&self) -> f64 {
        self.floor.map(Number::to_f64).filter(|floor| *floor > 0.0).unwrap_or(1.0)
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Cells {
    level: [f32; WEEK],
    /// Samples folded, up to 2.
    samples: [u8; WEEK],
}

/// The baseline of one signal of one key. An observation is O(1); the first of an hour folds the hours since the last, at most 53 weeks of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usual {
    open: Option<Open>,
    cells: Option<Box<Cells>>,
}

/// The hour that is being watched.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Open {
    hour: i64,
    highest: f64,
    /// The hour in which the record began.
    partial: bool,
    since: i64,
}

fn cell_of(hour: i64) -> usize {
    // In 0..168, so the conversion keeps the value.
    hour.saturating_add(EPOCH_OFFSET).rem_euclid(WEEK as i64) as usize
}

impl Cells {
    fn mean(&self) -> f64 {
        let (mut sum, mut known) = (0.0, 0_u32);
        for (level, samples) in self.level.iter().zip(self.samples) {
            if samples > 0 {
                sum += f64::from(*level);
                known += 1;
            }
        }
        if known == 0 { 0.0 } else { sum / f64::from(known) }
    }

    fn fold(&mut self, hour: i64, sample: f64, least: f64) {
        let place = cell_of(hour);
        let mean = if self.samples.get(place) == Some(&1) { self.mean() } else { 0.0 };
        let (Some(level), Some(samples)) = (self.level.get_mut(place), self.samples.get_mut(place)) else {
            return;
        };
        let cell = f64::from(*level);
        let folded = match *samples {
            0 => sample,
            1 => {
                let cap = 4.0 * mean.max(least);
                (cell.min(cap) + sample.min(cap)) / 2.0
            }
            _ => {
                let winsorised = sample.min(2.0 * cell.max(least));
                cell + (winsorised - cell) / 4.0
            }
        };
        *level = folded as f32;
        *samples = (*samples + 1).min(2);
    }
}

impl Usual {
    /// An empty record.
    #[must_use]
    pub fn new() -> Usual {
        Usual::default()
    }

    /// Bytes of a record, heap included; they do not depend on the traffic.
    #[must_use]
    pub const fn bytes() -> usize {
        size_of::<Usual>() + size_of::<Cells>()
    }

    /// Notes the signal's level at `t`. NaN, and levels of hours already closed, are dropped; levels below 0 count as 0.
    pub fn observe(&mut self, form: &UsualForm, t: i64, level: Number) -> Landing {
        let level = level.to_f64();
        if level.is_nan() {
            return Landing::Dropped;
        }
        let level = level.clamp(0.0, f64::from(f32::MAX));
        let hour = t.div_euclid(HOUR);
        self.roll(form, hour);
        match &mut self.open {
            Some(open) if hour < open.hour => return Landing::Dropped,
            Some(open) => open.highest = open.highest.max(level),
            None => self.open = Some(Open { hour, highest: level, partial: true, since: t }),
        }
        Landing::Held
    }

    /// Closes the hours before `hour`.
    fn roll(&mut self, form: &UsualForm, hour: i64) {
        let Some(open) = &mut self.open else { return };
        if hour <= open.hour {
            return;
        }
        if hour.saturating_sub(open.hour) >= FORGET {
            *self = Usual::default();
            return;
        }
        let least = form.scale_of_interest();
        let cells =
            self.cells.get_or_insert_with(|| Box::new(Cells { level: [0.0; WEEK], samples: [0; WEEK] }));
        while open.hour < hour {
            if !open.partial {
                cells.fold(open.hour, open.highest, least);
            }
            *open = Open { hour: open.hour + 1, highest: 0.0, partial: false, since: open.since };
        }
    }

    /// What is usual at `t`: the greater of the floor and the baseline. The hour of `t` itself has no part in it.
    #[must_use]
    pub fn read(&self, form: &UsualForm, t: i64) -> Reading {
        let hour = t.div_euclid(HOUR);
        // Only after a week does closing hours change the cell that is read.
        if self.open.is_some_and(|open| hour.saturating_sub(open.hour) >= WEEK as i64) {
            let mut rolled = self.clone();
            rolled.roll(form, hour);
            return rolled.answer(form, t, hour);
        }
        self.answer(form, t, hour)
    }

    fn answer(&self, form: &UsualForm, t: i64, hour: i64) -> Reading {
        let level = self.open.filter(|open| t.saturating_sub(open.since) >= WARMING).and_then(|_| {
            let cells = self.cells.as_ref()?;
            let place = cell_of(hour);
            cells.samples.get(place).filter(|samples| **samples >= 2)?;
            cells.level.get(place)
        });
        let baseline = level.map(|level| match form.scale {
            Scale::Int => Number::Int(f64::from(*level).ceil() as i64),
            Scale::Float => Number::Float(f64::from(*level)),
        });
        match (baseline, form.floor) {
            (Some(baseline), Some(floor)) if baseline < floor => Reading::certain(floor),
            (Some(baseline), _) => Reading::certain(baseline),
            (None, Some(floor)) => Reading::certain(floor),
            (None, None) => Reading::Unknown(Why::Warming),
        }
    }
}
