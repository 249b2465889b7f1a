//! Time comes from here alone: the wall clock, which can be wrong and can be set, and elapsed time, which cannot.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// Days since 1970-01-01 of a moment.
pub fn day_of(ms: i64) -> i64 {
    ms.div_euclid(DAY_MS)
}

/// The machine's clock, or one that tests set.
#[derive(Clone)]
pub struct Clock {
    wall: Arc<dyn Fn() -> i64 + Send + Sync>,
    elapsed: Arc<dyn Fn() -> Duration + Send + Sync>,
    stamps_from: Arc<AtomicI64>,
}

impl Clock {
    /// A clock whose wall tells what this function answers, in Unix milliseconds; its elapsed time is the machine's.
    pub fn new(now_ms: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self { wall: Arc::new(now_ms), elapsed: Arc::new(elapsed), stamps_from: Arc::default() }
    }

    /// The same, with elapsed time told by another function.
    #[must_use]
    pub fn with_elapsed(self, elapsed: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { elapsed: Arc::new(elapsed), ..self }
    }

    /// Now, in Unix milliseconds. For what people and other machines are told; it may jump.
    pub fn now_ms(&self) -> i64 {
        (self.wall)()
    }

    /// Now for what is written down, in Unix milliseconds: never before the moment the wall clock was last believed (see
    /// `timekeeping`), so that a clock that is behind does not make a recording old.
    pub fn stamp_ms(&self) -> i64 {
        self.now_ms().max(self.stamps_from.load(Ordering::Relaxed))
    }

    /// The wall clock was believed at this moment.
    pub(crate) fn stamp_from(&self, ms: i64) {
        self.stamps_from.store(ms, Ordering::Relaxed);
    }

    /// The same, unless a later moment is known.
    pub(crate) fn never_stamp_before(&self, ms: i64) {
        self.stamps_from.fetch_max(ms, Ordering::Relaxed);
    }

    /// Time since some moment before; never jumps. For how long something takes or waits.
    pub fn elapsed(&self) -> Duration {
        (self.elapsed)()
    }

    /// The same, in milliseconds.
    pub fn elapsed_ms(&self) -> i64 {
        i64::try_from(self.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(now_ms)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place of this crate that asks for the time")]
fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}

fn elapsed() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}
