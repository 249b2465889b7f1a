use crate::keys::random;

/// First wait, in milliseconds.
const FIRST_MS: i64 = 1_000;
/// Longest wait: one hour.
const LONGEST_MS: i64 = 3_600_000;
/// Tries before a delivery is parked: with waits of up to an hour, about three days.
pub(super) const MAX_ATTEMPTS: i32 = 80;

/// How long to wait after the given number of failures, in milliseconds: doubling, with a quarter of
/// jitter so that cameras do not come back all at once.
pub(super) fn wait_ms(attempts: i32) -> i64 {
    let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(20);
    let base = FIRST_MS.saturating_mul(1 << doublings).min(LONGEST_MS);
    let [jitter] = random::<1>();
    base - base / 4 * i64::from(jitter) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_an_hour_and_no_further() {
        for (attempts, base) in [(1, 1_000), (2, 2_000), (5, 16_000), (13, 3_600_000), (i32::MAX, 3_600_000)] {
            let wait = wait_ms(attempts);
            assert!((base * 3 / 4..=base).contains(&wait), "{attempts}: {wait}");
        }
    }
}
