//! Recordings as lists and readers see them.

use crate::asset::AssetKind;
use crate::media_type;
use crate::wire::CustomHeaders;
use serde::{Deserialize, Serialize};

pub use crate::page::Position;

/// Shown instead of the account's name once the account is deleted; also works as a filter.
pub const NAME_OF_DELETED_ACCOUNT: &str = "deleted account";

/// One row of Media.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingView {
    /// Row id.
    pub id: i64,
    /// Full key, `directory/filename`.
    pub key: String,
    /// When it was recorded, Unix milliseconds.
    pub timestamp: i64,
    /// When the vault stored it, Unix milliseconds.
    pub uploaded_at: i64,
    /// Device key of the camera; may be empty.
    pub device: String,
    /// Camera's name, as its agent or the file name says; may be empty.
    pub instance_name: String,
    /// Account's name, or [`NAME_OF_DELETED_ACCOUNT`].
    pub account: String,
    /// Provider's name.
    pub provider: String,
    /// Names of the providers that have a copy.
    pub copies: Vec<String>,
    /// Bytes.
    pub size: i64,
    /// Milliseconds; 0 when unknown.
    pub duration_ms: i64,
    /// Video codec; empty when unknown.
    pub codec: String,
    /// Whether it is a fragmented MP4.
    pub fragmented: bool,
    /// SHA-256 of the content, hex.
    pub sha256: String,
    /// Headers of the owner's choice that it came with; lists leave them out.
    pub custom_headers: CustomHeaders,
    /// Files that were derived from it; lists leave them out.
    pub assets: Vec<AssetView>,
    /// Why nothing deletes, replaces or moves it.
    pub lock: Option<LockView>,
}

impl RecordingView {
    /// The asset that is its picture.
    #[must_use]
    pub fn thumbnail(&self) -> Option<&AssetView> {
        self.assets.iter().find(|asset| asset.kind == AssetKind::Thumbnail && media_type::is_image(&asset.key))
    }
}

/// A lock on a recording that is evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockView {
    /// Why, in somebody's words.
    pub reason: String,
    /// Who has locked it.
    pub locked_by: String,
    /// When, Unix milliseconds.
    pub locked_at: i64,
    /// When it ends by itself, Unix milliseconds; `None` if somebody has to unlock it.
    pub ends_at: Option<i64>,
}

/// An asset in its recording's details.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetView {
    /// Row id; its bytes are where a recording's are.
    pub id: i64,
    /// Full key.
    pub key: String,
    /// What it is.
    pub kind: AssetKind,
    /// Bytes.
    pub size: i64,
}

/// Which recordings to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingFilter {
    /// Account's name, or [`NAME_OF_DELETED_ACCOUNT`].
    pub account: Option<String>,
    /// Provider's name.
    pub provider: Option<String>,
    /// Device key.
    pub device: Option<String>,
    /// Recorded at or after, Unix milliseconds.
    pub from: Option<i64>,
    /// Recorded before, Unix milliseconds.
    pub until: Option<i64>,
}
