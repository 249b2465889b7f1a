//! Moving recordings from one provider to another.

use serde::{Deserialize, Serialize};

/// The state of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MoveState {
    /// Under way.
    Running,
    /// Stopped by an administrator, or because recordings could not be moved; can be resumed.
    Paused,
    /// Everything has been moved.
    Done,
    /// Ended by an administrator before everything was moved.
    Stopped,
}

impl MoveState {
    /// States of a move that has not ended.
    pub const OPEN: [Self; 2] = [Self::Running, Self::Paused];

    /// Whether it has not ended.
    pub fn is_open(self) -> bool {
        Self::OPEN.contains(&self)
    }

    /// The form that is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Stopped => "stopped",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Running, Self::Paused, Self::Done, Self::Stopped].into_iter().find(|state| state.as_str() == text)
    }
}

/// A move as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveView {
    /// Row id.
    pub id: i64,
    /// Name of the provider that recordings are moved away from.
    pub from: String,
    /// Name of the provider that gets the recordings.
    pub to: String,
    /// Its state.
    pub state: MoveState,
    /// Number of recordings when it began.
    pub total: i64,
    /// Recordings moved so far.
    pub moved: i64,
    /// Bytes moved so far.
    pub moved_bytes: i64,
    /// Recordings that could not be moved in the current pass.
    pub failed: i64,
    /// Why the last of them could not; empty when none failed.
    pub last_error: String,
    /// When it began, Unix milliseconds.
    pub started_at: i64,
    /// When it ended, Unix milliseconds; 0 while it has not.
    pub finished_at: i64,
}
