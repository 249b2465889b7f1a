//! How thorough a run is: quick in `make test`, long in `make torture`.

/// Set by `make torture`.
const LONG: &str = "TORTURE_LONG";
/// Starts a given random workload, to repeat it.
const SEED: &str = "TORTURE_SEED";

/// Whether to take as long as it needs.
pub fn long() -> bool {
    variable(LONG).is_some_and(|value| value != "0")
}

/// The seed of random workloads: the given one, or a new one each time. Print it.
pub fn seed() -> u64 {
    variable(SEED).and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        use std::hash::{BuildHasher as _, Hasher as _};
        std::hash::RandomState::new().build_hasher().finish()
    })
}

/// An environment variable for the suite.
pub fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "how a developer says what to run")]
    std::env::var(name).ok()
}

/// Pseudo-random numbers from a seed, so that runs can be repeated.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// Starts with this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % bound.max(1) as u64).expect("below a usize")
    }
}
