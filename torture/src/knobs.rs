//! How hard a run is: quick as part of `make test`, long by `make torture`.

/// Set by `make torture`.
const LONG: &str = "TORTURE_LONG";
/// Starts another random workload, or the same again.
const SEED: &str = "TORTURE_SEED";

/// Whether to take the time it needs.
pub fn long() -> bool {
    variable(LONG).is_some_and(|value| value != "0")
}

/// What random workloads begin with: given, or another one each time. Print it.
pub fn seed() -> u64 {
    variable(SEED).and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        use std::hash::{BuildHasher as _, Hasher as _};
        std::hash::RandomState::new().build_hasher().finish()
    })
}

/// A variable of the environment that a suite is run with.
pub fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "how a developer says what to run")]
    std::env::var(name).ok()
}

/// Numbers that follow from a seed: the same run can be had again.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// From here on.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// From 0 to below this.
    pub fn below(&mut self, bound: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % bound.max(1) as u64).expect("below a usize")
    }
}
