//! All time comes from here: the wall clock, which may be wrong and may be set, and elapsed time, which only goes on.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// The day of a moment, in days since 1970-01-01.
pub fn day_of(ms: i64) -> i64 {
    ms.div_euclid(DAY_MS)
}

/// The machine's clock, or one controlled by tests.
#[derive(Clone)]
pub struct Clock {
    wall: Arc<dyn Fn() -> i64 + Send + Sync>,
    elapsed: Arc<dyn Fn() -> Duration + Send + Sync>,
    stamps_from: Arc<AtomicI64>,
}

impl Clock {
    /// A clock with its own wall clock (a function that returns Unix milliseconds); elapsed time is the machine's.
    pub fn new(now_ms: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self { wall: Arc::new(now_ms), elapsed: Arc::new(elapsed), stamps_from: Arc::default() }
    }

    /// The same clock with its own elapsed time.
    #[must_use]
    pub fn with_elapsed(self, elapsed: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { elapsed: Arc::new(elapsed), ..self }
    }

    /// Now, in Unix milliseconds, as told to people and other machines; may jump.
    pub fn now_ms(&self) -> i64 {
        (self.wall)()
    }

    /// Now, for what is stored, in Unix milliseconds: never before the wall clock was last believed (see
    /// `timekeeping`), so that a clock that is behind does not make a recording old.
    pub fn stamp_ms(&self) -> i64 {
        self.now_ms().max(self.stamps_from.load(Ordering::Relaxed))
    }

    /// The wall clock is believed at this moment: no stamp is earlier.
    pub(crate) fn stamp_from(&self, ms: i64) {
        self.stamps_from.store(ms, Ordering::Relaxed);
    }

    /// The same, unless a later moment is known already.
    pub(crate) fn never_stamp_before(&self, ms: i64) {
        self.stamps_from.fetch_max(ms, Ordering::Relaxed);
    }

    /// Time since some fixed moment; never jumps. Measures how long things take or wait.
    pub fn elapsed(&self) -> Duration {
        (self.elapsed)()
    }

    /// Like [`elapsed`](Self::elapsed), in milliseconds.
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
