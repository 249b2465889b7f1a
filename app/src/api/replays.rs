//! Sending the events of a period again.

#![expect(
    missing_docs,
    reason = "a server function's arguments become the fields of a struct; the function says what they are"
)]

use super::AppError;
use crate::text::{query, time};
use leptos::prelude::*;
use model::delivery::ReplayChoices;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use super::{deliveries, server};
#[cfg(feature = "ssr")]
use model::delivery::ReplayForm;

/// What to send again, as in the URL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReplayInput {
    /// Stored at or after: `2026-07-27T10:15`, UTC.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// Stored before.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub until: String,
    /// Account's name; empty for every account that uses the integration.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub account: String,
}

impl ReplayInput {
    /// URL of `path` with this query.
    pub fn address(&self, path: &str) -> String {
        query::address(path, self)
    }

    /// The period in Unix milliseconds; `None` unless both ends can be read.
    pub fn period(&self) -> Option<(i64, i64)> {
        time::parse_minute(&self.from).zip(time::parse_minute(&self.until))
    }
}

/// The choices for a replay, and the latest replays.
#[server(prefix = "/api/fn", endpoint = "list_replays")]
pub async fn list_replays(id: i64) -> Result<ReplayChoices, AppError> {
    let admin = server::require_admin().await?;
    admin.vault.deliveries.replays(id).await.map_err(server::refuse)
}

/// How many events a replay would send, capped; `None` without a period.
#[server(prefix = "/api/fn", endpoint = "count_replay")]
pub async fn count_replay(id: i64, #[server(default)] replay: ReplayInput) -> Result<Option<i64>, AppError> {
    let admin = server::require_admin().await?;
    let Some(form) = parse(id, &replay) else { return Ok(None) };
    let count = admin.vault.deliveries.count_replay(&form).await.map_err(server::refuse);
    count.map(Some).map_err(AppError::in_one)
}

/// Starts a replay.
#[server(prefix = "/api/fn", endpoint = "start_replay")]
pub async fn start_replay(id: i64, #[server(default)] replay: ReplayInput) -> Result<(), AppError> {
    let admin = server::require_admin().await?;
    let Some(form) = parse(id, &replay) else {
        return Err(AppError::message("Choose from when until when first."));
    };
    let started = admin.vault.deliveries.start_replay(&admin.principal(), form).await.map_err(server::refuse);
    started.map_err(AppError::in_one)?;
    server::go_back("", deliveries::LIST, "replaying");
    Ok(())
}

/// Stops a replay.
#[server(prefix = "/api/fn", endpoint = "stop_replay")]
pub async fn stop_replay(id: i64, #[server(default)] back: String) -> Result<(), AppError> {
    let admin = server::require_admin().await?;
    admin.vault.deliveries.stop_replay(&admin.principal(), id).await.map_err(server::refuse)?;
    server::go_back(&back, deliveries::LIST, "stopped");
    Ok(())
}

#[cfg(feature = "ssr")]
fn parse(integration: i64, input: &ReplayInput) -> Option<ReplayForm> {
    let (from, until) = input.period()?;
    let account = (!input.account.is_empty()).then(|| input.account.clone());
    Some(ReplayForm { integration, from, until, account })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_needs_both_ends() {
        let mut input = ReplayInput { from: "2026-07-21T00:00".into(), ..Default::default() };
        assert_eq!(input.period(), None);
        input.until = "2026-07-22T00:00".into();
        assert_eq!(input.period(), Some((1_784_592_000_000, 1_784_678_400_000)));
        assert_eq!(input.address("/x"), "/x?from=2026-07-21T00%3A00&until=2026-07-22T00%3A00");
    }
}
