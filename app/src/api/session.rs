//! Signing in and out.

#![expect(
    missing_docs,
    reason = "a server function's arguments become the fields of a struct; the function says what they are"
)]

use super::AppError;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use super::server;

/// A password on its way to the server; never printed.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("•••")
    }
}

#[cfg(feature = "ssr")]
impl From<Password> for model::Secret {
    fn from(password: Password) -> Self {
        Self::new(password.0)
    }
}

/// The person signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// User name.
    pub username: String,
    /// Whether the configuration has a password for them.
    pub configured: bool,
}

/// Who is signed in.
#[server(prefix = "/api/fn", endpoint = "who_am_i")]
pub async fn who_am_i() -> Result<Me, AppError> {
    let admin = server::require_admin().await?;
    Ok(Me { username: admin.user.username, configured: admin.user.configured })
}

/// Signs in, and goes on to `next`.
#[server(prefix = "/api/fn", endpoint = "sign_in")]
pub async fn sign_in(
    #[server(default)] username: String,
    password: Password,
    #[server(default)] next: String,
) -> Result<(), AppError> {
    let user = server::sign_in(username.trim(), &password.into()).await?;
    server::start_session(&user).await?;
    leptos_axum::redirect(&crate::text::query::local_path(&next).unwrap_or_else(|| "/".into()));
    Ok(())
}

/// Signs out.
#[server(prefix = "/api/fn", endpoint = "sign_out")]
pub async fn sign_out() -> Result<(), AppError> {
    server::require_admin().await?;
    server::end_session().await?;
    leptos_axum::redirect("/sign-in?done=out");
    Ok(())
}

/// Changes the password of the person signed in, which ends their other sessions.
#[server(prefix = "/api/fn", endpoint = "change_password")]
pub async fn change_password(current: Password, new: Password, repeat: Password) -> Result<(), AppError> {
    let admin = server::require_admin().await?;
    if new.0 != repeat.0 {
        return Err(AppError::field("repeat", "The two new passwords differ"));
    }
    let users = &admin.vault.users;
    let user = users.change_password(admin.user.id, &current.into(), &new.into()).await.map_err(server::refuse)?;
    server::start_session(&user).await?;
    leptos_axum::redirect("/password?done=changed");
    Ok(())
}
