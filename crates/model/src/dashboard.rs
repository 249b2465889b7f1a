//! The figures an administrator sees first.

use serde::{Deserialize, Serialize};

/// Figures of the dashboard. "Today" is the UTC day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dashboard {
    /// Recordings stored today.
    pub recordings_today: i64,
    /// Bytes stored today.
    pub bytes_today: i64,
    /// The last days, oldest first, today last.
    pub days: Vec<DayUsage>,
    /// Deliveries not yet made (capped at 10,000).
    pub deliveries_waiting: i64,
    /// Deliveries given up until someone retries (capped at 10,000).
    pub deliveries_parked: i64,
    /// Cameras seen within [`ONLINE_FOR_MS`](crate::device::ONLINE_FOR_MS).
    pub cameras_online: i64,
    /// All known cameras.
    pub cameras_total: i64,
    /// Whether there is a storage provider.
    pub has_provider: bool,
    /// Whether there is an account.
    pub has_account: bool,
    /// Whether there is a recording.
    pub has_recording: bool,
}

/// What one UTC day brought.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayUsage {
    /// Days since 1970-01-01.
    pub day: i64,
    /// Recordings stored.
    pub recordings: i64,
    /// Bytes stored.
    pub bytes: i64,
}
