//! The aggregates behind signals: plain, bounded, deterministic records of past events.
//!
//! Each type here is the state of one aggregate for one key. It knows nothing of policies, events or keys: the owner of the key
//! tables holds one record a key, calls `add` with the event's time and value, and `read` at a time. What each of
//! them computes, to the last rounding, is `docs/reference/signals.md`; this module is that page made executable.
//!
//! ```
//! use weir_engine::state::{Count, Number, Reading, Window, WindowKind};
//!
//! let hour = Window::new(WindowKind::Sliding, 3_600_000).unwrap();
//! let mut logins = Count::new(&hour);
//! logins.add(&hour, 1_000);
//! logins.add(&hour, 2_000);
//! assert!(matches!(logins.read(&hour, 2_000), Reading::Known { value: Number::Int(2), .. }));
//! ```
//!
//! **Shape.** The time axis is cut into lanes (see [`Window`]); a record keeps the last eight. Aggregates of numbers keep one cell
//! a lane. Aggregates of values (`distinct`, quantiles, `entropy`, `top`, `sequential`) keep one sorted table of values with the lanes that saw them,
//! and turn to a sketch past a bound.
//! Nothing here reads a clock, allocates without bound, or panics on any input. Every record is `Clone`, `PartialEq` and made of plain fields.
//! `bytes` gives the worst case of a record, heap included, for state budgets.

mod average;
mod count;
mod distinct;
mod ends;
mod entropy;
mod extremes;
mod hyperloglog;
mod limiter;
mod presence;
mod quantile;
mod reading;
mod sequential;
mod series;
mod spread;
mod sum;
mod table;
mod top;
mod usual;
mod wide;
mod window;

pub use average::{Average, FloatAverage, IntAverage};
pub use count::{Count, Share};
pub use distinct::Distinct;
pub use ends::{Ends, Picked};
pub use entropy::Entropy;
pub use extremes::Extremes;
pub use limiter::{Admission, Bucket, Gcra, Pace};
pub use presence::{Concurrent, Latest};
pub use quantile::{Percent, Quantile};
pub use reading::{Number, Reading, Scale, Why};
pub use sequential::Sequential;
pub use spread::{Gaps, Spread};
pub use sum::{FloatSum, IntSum, Mass, Sum};
pub use top::{Top, TopReading};
pub use usual::{Usual, UsualForm};
pub use window::{Landing, Window, WindowKind};
