//! Everything that moves bytes: in, to another provider, to another vault, and away.

pub(crate) mod copies;
mod failures;
pub mod forwarding;
pub(crate) mod housekeeping;
pub mod ingest;
pub mod moves;
pub mod preview;
pub mod restraint;
