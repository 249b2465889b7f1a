//! Cameras.

#![expect(
    missing_docs,
    reason = "a server function's arguments become the fields of a struct; the function says what they are"
)]

use super::AppError;
use leptos::prelude::*;
use model::device::DeviceView;

#[cfg(feature = "ssr")]
use super::server;

/// All known cameras.
#[server(prefix = "/api/fn", endpoint = "list_cameras")]
pub async fn list_cameras() -> Result<Vec<DeviceView>, AppError> {
    let admin = server::require_admin().await?;
    admin.vault.devices.list().await.map_err(server::refuse)
}

/// Forgets a camera of an account, or one that only claims to be one; its recordings stay.
#[server(prefix = "/api/fn", endpoint = "delete_camera")]
pub async fn delete_camera(key: String, #[server(default)] account_id: Option<i64>) -> Result<(), AppError> {
    let admin = server::require_admin().await?;
    admin.vault.devices.delete(&admin.principal(), account_id, &key).await.map_err(server::refuse)?;
    leptos_axum::redirect("/cameras?done=deleted");
    Ok(())
}
