//! What strangers' bytes are read by. Each function reads some and panics if a promise about the result does not hold.
//!
//! `cargo test -p fuzz` tries what is in `corpus/`, and changes of it: the same ones every time, in seconds. libFuzzer
//! looks for new ones for as long as one likes: `scripts/fuzz <target>`, or with cargo-fuzz and a nightly tool chain
//! `cargo fuzz run --features libfuzzer <target>`. What it finds goes into `corpus/<target>/`.

mod names;
#[cfg(feature = "server")]
mod requests;
mod video;

pub use names::{file_name, key};
#[cfg(feature = "server")]
pub use requests::{bulk, forwarded, heartbeat, range, upload_metadata};
pub use video::mp4;
