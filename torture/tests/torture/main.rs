//! What a vault stands on is broken at one moment after the other. Quick here, at every moment with `make torture`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod every;
mod failing_disk;
mod failing_store;
mod full_volume;
mod hostile;
mod killed;
mod power_cut;
mod storm;
