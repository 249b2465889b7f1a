//! Cameras.

pub mod delete;
pub mod list;

pub use delete::DeleteCameraDialog;
pub use list::CamerasPage;

use crate::api::cameras::DeleteCamera;
use leptos::prelude::*;

const LIST: &str = "/cameras";

/// What changes the list.
#[derive(Clone, Copy)]
struct Changes {
    delete: ServerAction<DeleteCamera>,
}
