//! Recordings.

pub mod delete;
mod details;
mod filters;
pub mod forward;
pub mod list;
pub mod lock;
pub mod play;
mod select;

pub use delete::DeleteRecordingsDialog;
pub use forward::ForwardDialog;
pub use list::MediaPage;
pub use lock::LockDialog;
pub use play::PlayDialog;

use crate::api::AppError;
use crate::api::media::{DeleteRecordings, LockRecording, MediaQuery, UnlockRecording};
use crate::components::use_page_query;
use leptos::prelude::*;
use model::page::Page;
use model::recording::RecordingView;

const LIST: &str = "/media";
/// The dialogs for what is ticked.
const DELETE: &str = "/media/delete";
const FORWARD: &str = "/media/forward";

/// What the list's dialogs share with it.
#[derive(Clone, Copy)]
struct Shared {
    delete: ServerAction<DeleteRecordings>,
    lock: ServerAction<LockRecording>,
    unlock: ServerAction<UnlockRecording>,
    list: Resource<Result<Page<RecordingView>, AppError>>,
}

/// Filter and position, as the address says; the same as long as only the dialog changes.
fn media_query() -> Memo<MediaQuery> {
    use_page_query()
}

/// The file name of a key, for people.
fn file_name(key: &str) -> String {
    key.rsplit('/').next().unwrap_or(key).to_owned()
}

/// Address of a recording's or an asset's bytes.
fn file(id: i64, download: bool) -> String {
    format!("{LIST}/{id}/file{}", if download { "?download=1" } else { "" })
}

/// Name of the camera, else its key.
pub(in crate::pages) fn camera(row: &RecordingView) -> String {
    if row.instance_name.is_empty() { row.device.clone() } else { row.instance_name.clone() }
}
