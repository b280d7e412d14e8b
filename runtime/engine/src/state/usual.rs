//! `usual(signal, floor n)`: an hour-of-week baseline of a signal's level that an attacker cannot train.

use super::reading::{Number, Reading, Scale, Why};
use super::window::Landing;
use serde::{Deserialize, Serialize};

const HOUR: i64 = 3_600_000;
/// Hours of a week, and cells of the baseline.
const WEEK: usize = 168;
/// The epoch was a Thursday; the week begins on Monday.
const EPOCH_OFFSET: i64 = 72;
/// Samples to learn from: two weeks.
const LEARNING: u16 = 2 * WEEK as u16;
/// Cells whose level says what is ordinary when learning ends: all but the highest eighth.
const ORDINARY: usize = WEEK - WEEK / 8;
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Cells {
    #[serde(with = "super::wide")]
    level: [f32; WEEK],
    /// Samples folded, up to [`LEARNING`]; hours follow one another, so this tells how many each cell has.
    samples: u16,
}

/// The baseline of one signal of one key. An observation is O(1); the first of an hour folds the hours since the last, at most 53 weeks of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usual {
    open: Option<Open>,
    cells: Option<Box<Cells>>,
}

/// The hour that is being watched.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Open {
    hour: i64,
    highest: f64,
    /// The hour in which the record began.
    partial: bool,
}

fn cell_of(hour: i64) -> usize {
    // In 0..168, so the conversion keeps the value.
    hour.saturating_add(EPOCH_OFFSET).rem_euclid(WEEK as i64) as usize
}

impl Cells {
    fn fold(&mut self, hour: i64, sample: f64, least: f64) {
        let Some(level) = self.level.get_mut(cell_of(hour)) else { return };
        let cell = f64::from(*level);
        let folded = if usize::from(self.samples) < WEEK {
            sample
        } else if self.samples < LEARNING {
            (cell + sample) / 2.0
        } else {
            let winsorised = sample.min(2.0 * cell.max(least));
            cell + (winsorised - cell) / 4.0
        };
        *level = folded as f32;
        if self.samples < LEARNING {
            self.samples += 1;
            if self.samples == LEARNING {
                self.cut(least);
            }
        }
    }

    /// Ends the learning: no cell may stand out too far from the ordinary ones.
    fn cut(&mut self, least: f64) {
        let mut sorted = self.level;
        sorted.sort_unstable_by(f32::total_cmp);
        let sum: f64 = sorted.iter().take(ORDINARY).map(|level| f64::from(*level)).sum();
        let cap = 4.0 * (sum / ORDINARY as f64).max(least);
        for level in &mut self.level {
            *level = f64::from(*level).min(cap) as f32;
        }
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
            None => self.open = Some(Open { hour, highest: level, partial: true }),
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
        let cells = self.cells.get_or_insert_with(|| Box::new(Cells { level: [0.0; WEEK], samples: 0 }));
        while open.hour < hour {
            if !open.partial {
                cells.fold(open.hour, open.highest, least);
            }
            *open = Open { hour: open.hour + 1, highest: 0.0, partial: false };
        }
    }

    /// What is usual at `t`: the greater of the floor and the baseline. The hour of `t` itself has no part in it.
    #[must_use]
    pub fn read(&self, form: &UsualForm, t: i64) -> Reading {
        let hour = t.div_euclid(HOUR);
        // Hours that have passed unseen change the answer only when they end the learning or reach the cell that is read.
        let learning = self.cells.as_ref().is_none_or(|cells| cells.samples < LEARNING);
        let unseen = self.open.map_or(0, |open| hour.saturating_sub(open.hour));
        if unseen >= WEEK as i64 || (learning && unseen > 0) {
            let mut rolled = self.clone();
            rolled.roll(form, hour);
            return rolled.answer(form, hour);
        }
        self.answer(form, hour)
    }

    fn answer(&self, form: &UsualForm, hour: i64) -> Reading {
        let cells = self.cells.as_ref().filter(|cells| cells.samples >= LEARNING);
        let level = cells.and_then(|cells| cells.level.get(cell_of(hour)));
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
