//! Deliveries: their health, lists, details and retries.

#![expect(
    missing_docs,
    reason = "a server function's arguments become the fields of a struct; the function says what they are"
)]

use super::AppError;
use crate::text::query;
use leptos::prelude::*;
use model::delivery::{DeliveryDetails, DeliveryFilter, DeliveryHealth, DeliveryState, DeliveryView};
use model::page::{Cursor, Page};
use model::recording::Position;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use super::server;

/// URL of the list.
pub const LIST: &str = "/deliveries";
/// Rows per page.
pub const ROWS: u64 = 50;

/// Filter and position of the list, as in the URL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeliveriesQuery {
    /// Row id of the connection.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub integration: String,
    /// A state's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub state: String,
    /// Cursor: rows older than this.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub older: String,
    /// Cursor: rows newer than this.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub newer: String,
}

impl DeliveriesQuery {
    /// The deliveries of one connection in one state.
    pub fn of(connection: i64, state: DeliveryState) -> Self {
        Self { integration: connection.to_string(), state: state.as_str().into(), ..Self::default() }
    }

    /// URL of `path` with this query.
    pub fn address(&self, path: &str) -> String {
        query::address(path, self)
    }

    /// The same filter at another position.
    #[must_use]
    pub fn at(&self, older: Option<Cursor>, newer: Option<Cursor>) -> Self {
        let text = |cursor: Option<Cursor>| cursor.map(|c| c.to_string()).unwrap_or_default();
        Self { older: text(older), newer: text(newer), ..self.clone() }
    }

    /// Whether any filter is set.
    pub fn is_filtered(&self) -> bool {
        !self.integration.is_empty() || !self.state.is_empty()
    }

    /// The typed filter. An unreadable connection matches nothing, an unreadable state is ignored.
    pub fn filter(&self) -> DeliveryFilter {
        let connection = (!self.integration.is_empty()).then(|| self.integration.parse().unwrap_or_default());
        DeliveryFilter { connection, state: DeliveryState::parse(&self.state) }
    }

    /// The typed position; an unreadable cursor means the newest rows.
    pub fn position(&self) -> Position {
        match (Cursor::parse(&self.older), Cursor::parse(&self.newer)) {
            (Some(cursor), _) => Position::OlderThan(cursor),
            (None, Some(cursor)) => Position::NewerThan(cursor),
            (None, None) => Position::Newest,
        }
    }
}

/// How deliveries to each connection are going.
#[server(prefix = "/api/fn", endpoint = "read_delivery_health")]
pub async fn read_delivery_health() -> Result<Vec<DeliveryHealth>, AppError> {
    let admin = server::require_admin().await?;
    admin.vault.deliveries.health().await.map_err(server::refuse)
}

/// One page of deliveries, the last enqueued first.
#[server(prefix = "/api/fn", endpoint = "list_deliveries")]
pub async fn list_deliveries(#[server(default)] query: DeliveriesQuery) -> Result<Page<DeliveryView>, AppError> {
    let admin = server::require_admin().await?;
    admin.vault.deliveries.list(query.filter(), query.position(), ROWS).await.map_err(server::refuse)
}

/// One delivery with its event.
#[server(prefix = "/api/fn", endpoint = "get_delivery")]
pub async fn get_delivery(id: i64) -> Result<DeliveryDetails, AppError> {
    let admin = server::require_admin().await?;
    admin.vault.deliveries.get(id).await.map_err(server::refuse)
}

/// Retries one delivery now.
#[server(prefix = "/api/fn", endpoint = "retry_delivery")]
pub async fn retry_delivery(id: i64, #[server(default)] back: String) -> Result<(), AppError> {
    let admin = server::require_admin().await?;
    admin.vault.deliveries.retry(&admin.principal(), id).await.map_err(server::refuse)?;
    server::go_back(&back, LIST, "retried");
    Ok(())
}

/// Retries everything of a connection that is set aside or parked.
#[server(prefix = "/api/fn", endpoint = "retry_parked")]
pub async fn retry_parked(id: i64, #[server(default)] back: String) -> Result<(), AppError> {
    let admin = server::require_admin().await?;
    admin.vault.deliveries.retry_parked(&admin.principal(), id).await.map_err(server::refuse)?;
    server::go_back(&back, LIST, "retried-all");
    Ok(())
}

/// The same for deliveries that failed for one reason.
#[server(prefix = "/api/fn", endpoint = "retry_reason")]
pub async fn retry_reason(
    id: i64,
    #[server(default)] reason: String,
    #[server(default)] back: String,
) -> Result<(), AppError> {
    let admin = server::require_admin().await?;
    admin.vault.deliveries.retry_reason(&admin.principal(), id, reason).await.map_err(server::refuse)?;
    server::go_back(&back, LIST, "retried-all");
    Ok(())
}

/// Sends a test event to a stored integration.
#[server(prefix = "/api/fn", endpoint = "send_stored_test")]
pub async fn send_stored_test(id: i64, #[server(default)] back: String) -> Result<(), AppError> {
    let admin = server::require_admin().await?;
    let report = admin.vault.connections.send_stored_test(id).await.map_err(server::refuse)?;
    if let Some((_, failure)) = report.failure() {
        return Err(AppError::message(format!(
            "The test event was not delivered. {} Edit the integration and press Validate: it says what to do.",
            failure.reason
        )));
    }
    server::go_back(&back, LIST, "tested");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_being_read() {
        let query = DeliveriesQuery::of(7, DeliveryState::Parked);
        assert_eq!(query.address(LIST), "/deliveries?integration=7&state=parked");
        let filter = DeliveryFilter { connection: Some(7), state: Some(DeliveryState::Parked) };
        assert_eq!((query.filter(), query.position(), query.is_filtered()), (filter, Position::Newest, true));
        let next = query.at(Some(Cursor { time: 5, id: 3 }), None);
        assert_eq!(next.address(LIST), "/deliveries?integration=7&state=parked&older=5-3");
        assert_eq!(next.position(), Position::OlderThan(Cursor { time: 5, id: 3 }));
    }

    #[test]
    fn nonsense_in_an_address_shows_nothing_that_was_not_asked_for() {
        let query = DeliveriesQuery { integration: "x".into(), state: "lost".into(), ..Default::default() };
        assert_eq!(query.filter(), DeliveryFilter { connection: Some(0), state: None });
    }
}
