//! The one place this crate takes randomness from.

/// `BYTES` random bytes as lower-case hex.
pub(crate) fn hex<const BYTES: usize>() -> String {
    let mut bytes = [0u8; BYTES];
    getrandom::fill(&mut bytes).expect("the operating system provides randomness");
    hex::encode(bytes)
}
