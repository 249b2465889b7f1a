//! Deliveries that were given up until someone retries.

#![expect(
    missing_docs,
    reason = "a server function's arguments become the fields of a struct; the function says what they are"
)]

use super::AppError;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use super::server;

/// A delivery that was given up until someone retries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedDelivery {
    /// Row id.
    pub id: i64,
    /// Device key.
    pub device: String,
    /// Key of the recording.
    pub recording: String,
    /// Tries so far.
    pub attempts: i32,
    /// Why the last one failed.
    pub last_error: String,
    /// When the recording was stored, Unix milliseconds.
    pub created_at: i64,
}

/// An integration's parked deliveries, oldest first, the first hundred.
#[server(prefix = "/api/fn", endpoint = "list_parked")]
pub async fn list_parked(id: i64) -> Result<Vec<ParkedDelivery>, AppError> {
    server::require_admin().await?;
    let parked = server::vault().deliveries.parked(id, 100).await.map_err(server::refuse)?;
    let view = |d: vault::deliveries::DeliveryView| ParkedDelivery {
        id: d.id,
        recording: recording_of(&d.event),
        device: d.device,
        attempts: d.attempts,
        last_error: d.last_error,
        created_at: d.created_at,
    };
    Ok(parked.into_iter().map(view).collect())
}

/// Lets an integration's parked deliveries try again.
#[server(prefix = "/api/fn", endpoint = "retry_parked")]
pub async fn retry_parked(id: i64) -> Result<(), AppError> {
    let admin = server::require_admin().await?;
    server::vault().deliveries.retry_parked(&admin.actor(), id).await.map_err(server::refuse)?;
    leptos_axum::redirect("/integrations?done=retried");
    Ok(())
}

#[cfg(feature = "ssr")]
fn recording_of(event: &str) -> String {
    let event: serde_json::Value = serde_json::from_str(event).unwrap_or_default();
    event["payload"]["key"].as_str().unwrap_or_default().to_owned()
}
