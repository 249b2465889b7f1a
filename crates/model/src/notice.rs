//! Notices: what an administrator must see.

use serde::{Deserialize, Serialize};

/// Code of the notice about a clock that jumped; an administrator may confirm the clock.
pub const CLOCK_JUMPED: &str = "clock-jumped";

/// Code of the notice that most of an account's recordings would go at once; its subject is the account's id. An administrator may
/// say that they are to go.
pub const RETENTION_HELD: &str = "retention-held";

/// Something that is or was wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeView {
    /// Its kind, for programs.
    pub code: String,
    /// What it is about, e.g. a provider's name; empty where there can be only one of its kind.
    pub subject: String,
    /// What is wrong, in sentences.
    pub text: String,
    /// What to do.
    pub cure: String,
    /// Whether an administrator may dismiss it; otherwise it goes when its cause does.
    pub dismissible: bool,
    /// How often it occurred.
    pub times: i64,
    /// First occurrence, Unix milliseconds.
    pub first_at: i64,
    /// Last occurrence, Unix milliseconds.
    pub last_at: i64,
}
