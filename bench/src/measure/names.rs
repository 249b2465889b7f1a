//! What can be measured.

/// In the order of the report.
pub(crate) const NAMES: [&str; 12] = [
    "throughput",
    "stores",
    "resumable",
    "memory",
    "latency",
    "integrations",
    "neighbours",
    "forwarding",
    "retention",
    "media",
    "playing",
    "page",
];

/// Only if another version is given.
pub(crate) const VERSIONS: &str = "versions";
