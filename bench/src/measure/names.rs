//! What can be measured.

/// In the order of the report.
pub(crate) const NAMES: [&str; 9] =
    ["throughput", "stores", "memory", "latency", "integrations", "neighbours", "forwarding", "media", "page"];

/// Only if another version is given.
pub(crate) const VERSIONS: &str = "versions";
