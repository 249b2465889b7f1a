//! The dashboard's figures.

use super::AppError;
use leptos::prelude::*;
use model::dashboard::Dashboard;
use model::recording::RecordingView;

#[cfg(feature = "ssr")]
use super::server;
#[cfg(feature = "ssr")]
use model::recording::{Position, RecordingFilter};

/// Recordings listed on the dashboard.
#[cfg(feature = "ssr")]
const LATEST: u64 = 8;

/// All figures.
#[server(prefix = "/api/fn", endpoint = "read_dashboard")]
pub async fn read_dashboard() -> Result<Dashboard, AppError> {
    let admin = server::require_admin().await?;
    admin.vault.dashboard.read().await.map_err(server::refuse)
}

/// The newest recordings.
#[server(prefix = "/api/fn", endpoint = "latest_recordings")]
pub async fn latest_recordings() -> Result<Vec<RecordingView>, AppError> {
    let admin = server::require_admin().await?;
    let page = admin.vault.recordings.list(&RecordingFilter::default(), Position::Newest, LATEST).await;
    Ok(page.map_err(server::refuse)?.items)
}
