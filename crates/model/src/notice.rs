//! What an administrator must see.

use serde::{Deserialize, Serialize};

/// Code of the notice that an administrator answers by confirming the clock.
pub const CLOCK_JUMPED: &str = "clock-jumped";

/// Something that is wrong, or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeView {
    /// What kind of thing, for programs.
    pub code: String,
    /// What it is about: a provider's name, for one. Empty where there is only one of its kind.
    pub subject: String,
    /// What is wrong, in sentences.
    pub text: String,
    /// What to do.
    pub cure: String,
    /// Whether an administrator may put it away; else it goes when its cause does.
    pub dismissible: bool,
    /// How often it was met.
    pub times: i64,
    /// When first, Unix milliseconds.
    pub first_at: i64,
    /// When last, Unix milliseconds.
    pub last_at: i64,
}
