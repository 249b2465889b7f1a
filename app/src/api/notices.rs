//! Notices: what an administrator must see.

#![expect(
    missing_docs,
    reason = "a server function's arguments become the fields of a struct; the function says what they are"
)]

use super::AppError;
use leptos::prelude::*;
use model::notice::NoticeView;

#[cfg(feature = "ssr")]
use super::server;

/// All notices, the latest first.
#[server(prefix = "/api/fn", endpoint = "list_notices")]
pub async fn list_notices() -> Result<Vec<NoticeView>, AppError> {
    let admin = server::require_admin_in_place().await?;
    admin.vault.notices.list().await.map_err(server::refuse)
}

/// Confirms that the machine's clock is right, so that things may expire again.
#[server(prefix = "/api/fn", endpoint = "confirm_clock")]
pub async fn confirm_clock(#[server(default)] back: String) -> Result<(), AppError> {
    let admin = server::require_admin().await?;
    admin.vault.timekeeping.confirm(&admin.principal()).await.map_err(server::refuse)?;
    lead_back(&back);
    Ok(())
}

/// Says that what an account keeps for too long is to be deleted, although that is most of it.
#[server(prefix = "/api/fn", endpoint = "confirm_retention")]
pub async fn confirm_retention(account_id: i64, #[server(default)] back: String) -> Result<(), AppError> {
    let admin = server::require_admin().await?;
    admin.vault.restraint.confirm(&admin.principal(), account_id).await.map_err(server::refuse)?;
    lead_back(&back);
    Ok(())
}

/// Dismisses a notice.
#[server(prefix = "/api/fn", endpoint = "dismiss_notice")]
pub async fn dismiss_notice(
    code: String,
    #[server(default)] subject: String,
    #[server(default)] back: String,
) -> Result<(), AppError> {
    let admin = server::require_admin().await?;
    admin.vault.notices.dismiss(&admin.principal(), &code, &subject).await.map_err(server::refuse)?;
    lead_back(&back);
    Ok(())
}

#[cfg(feature = "ssr")]
fn lead_back(back: &str) {
    if server::is_plain_form() {
        leptos_axum::redirect(&crate::text::query::local_path(back).unwrap_or_else(|| "/".into()));
    }
}
