//! Forwarding recordings to another vault.

#![expect(
    missing_docs,
    reason = "a server function's arguments become the fields of a struct; the function says what they are"
)]

use super::AppError;
use super::media::MediaQuery;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use super::media::parse_ids;
#[cfg(feature = "ssr")]
use super::server;

/// A vault that recordings can be forwarded to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForwardChoice {
    /// Row id of the integration.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Whether it gets every new recording anyway.
    pub continuous: bool,
}

/// The vaults to choose from.
#[server(prefix = "/api/fn", endpoint = "list_forward_choices")]
pub async fn list_forward_choices() -> Result<Vec<ForwardChoice>, AppError> {
    let admin = server::require_admin().await?;
    let targets = admin.vault.forwarding.targets().await.map_err(server::refuse)?;
    let choice =
        |t: vault::forwarding::ForwardTarget| ForwardChoice { id: t.id, name: t.name, continuous: !t.on_demand };
    Ok(targets.into_iter().map(choice).collect())
}

/// Queues recordings for another vault: those with these ids, separated by commas, or, without ids, all that match the
/// filter.
#[server(prefix = "/api/fn", endpoint = "forward_recordings")]
pub async fn forward_recordings(
    to: i64,
    #[server(default)] ids: String,
    #[server(default)] query: MediaQuery,
    #[server(default)] back: String,
) -> Result<(), AppError> {
    let admin = server::require_admin().await?;
    let (forwarding, actor) = (&admin.vault.forwarding, admin.principal());
    let queued = match ids.as_str() {
        "all" => forwarding.matching(&actor, to, &query.filter()).await,
        chosen => forwarding.chosen(&actor, to, &parse_ids(chosen)?).await,
    };
    if queued.map_err(server::refuse)? == 0 {
        return Err(AppError::message("No recording is selected. Go back and tick the ones to forward."));
    }
    server::go_back(&back, "/media", "forwarded");
    Ok(())
}
