//! Moving recordings from one provider to another.

#![expect(
    missing_docs,
    reason = "a server function's arguments become the fields of a struct; the function says what they are"
)]

use super::AppError;
use leptos::prelude::*;
use model::moving::MoveView;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use super::server;
#[cfg(feature = "ssr")]
use model::connection::Family;

/// What is asked before a move starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveQuestion {
    /// Row id of the provider to move away from.
    pub from: i64,
    /// Its name.
    pub name: String,
    /// Number of its recordings.
    pub recordings: i64,
    /// Accounts that still upload to it.
    pub accounts: Vec<String>,
    /// Where they can go: row id and name.
    pub targets: Vec<(i64, String)>,
}

/// The latest moves, newest first.
#[server(prefix = "/api/fn", endpoint = "list_moves")]
pub async fn list_moves() -> Result<Vec<MoveView>, AppError> {
    let admin = server::require_admin().await?;
    admin.vault.moves.list().await.map_err(server::refuse)
}

/// Facts about moving a provider's recordings, to ask before doing so.
#[server(prefix = "/api/fn", endpoint = "ask_about_move")]
pub async fn ask_about_move(id: i64) -> Result<MoveQuestion, AppError> {
    let admin = server::require_admin().await?;
    let vault = admin.vault;
    let providers = vault.connections.list(Family::Provider).await.map_err(server::refuse)?;
    let Some(from) = providers.iter().find(|p| p.id == id) else {
        server::page_not_found();
        return Err(AppError::message("There is no such storage provider. Go back to the list and choose one."));
    };
    let accounts = vault.accounts.list().await.map_err(server::refuse)?;
    Ok(MoveQuestion {
        from: id,
        name: from.name.clone(),
        recordings: vault.moves.count(id).await.map_err(server::refuse)?,
        accounts: accounts.into_iter().filter(|a| a.provider == from.name).map(|a| a.name).collect(),
        targets: providers.iter().filter(|p| p.id != id && p.enabled).map(|p| (p.id, p.name.clone())).collect(),
    })
}

/// Starts moving all recordings of a provider to another.
#[server(prefix = "/api/fn", endpoint = "start_move")]
pub async fn start_move(id: i64, to: i64) -> Result<(), AppError> {
    let admin = server::require_admin().await?;
    admin.vault.moves.start(&admin.principal(), id, to).await.map_err(server::refuse)?;
    leptos_axum::redirect("/providers?done=moving");
    Ok(())
}

/// Pauses, resumes or stops a move; `action` says which.
#[server(prefix = "/api/fn", endpoint = "change_move")]
pub async fn change_move(id: i64, action: String) -> Result<(), AppError> {
    let admin = server::require_admin().await?;
    let (moves, actor) = (&admin.vault.moves, admin.principal());
    let changed = match action.as_str() {
        "pause" => moves.pause(&actor, id).await,
        "resume" => moves.resume(&actor, id).await,
        "stop" => moves.stop(&actor, id).await,
        _ => return Err(AppError::message("A move can be paused, resumed or stopped.")),
    };
    changed.map_err(server::refuse)?;
    leptos_axum::redirect("/providers");
    Ok(())
}
