//! The outbox: one row per recording and integration, written with the recording.
//!
//! A *lane* is one camera's deliveries to one integration. Deliveries of a lane are sent one after the other; lanes do
//! not wait for each other. Copies to secondary providers are deliveries too: their `integration_id` is the provider's.

pub(crate) mod aside;
mod enqueue;
mod forget;
mod health;
mod list;
mod reasons;
mod replay;
mod retry;

pub(crate) use enqueue::{NewDelivery, enqueue};
pub use forget::Backlog;
pub(crate) use forget::forget_connection;
pub(crate) use retry::make_all_due;

use crate::base::Result;
use crate::base::db::Db;
use model::delivery::{COUNT_CAP, DeliveryState};
use sea_orm::ConnectionTrait as _;
use sea_orm::sea_query::Expr;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// Not yet made.
pub(crate) const WAITING: &str = DeliveryState::Waiting.as_str();
/// Refused, and retried later.
pub(crate) const DEFERRED: &str = DeliveryState::Deferred.as_str();
/// Made.
pub(crate) const DELIVERED: &str = DeliveryState::Delivered.as_str();
/// Given up until someone retries.
pub(crate) const PARKED: &str = DeliveryState::Parked.as_str();

/// Most rows changed by one write, so that uploads do not wait long for it.
const BATCH: u64 = 500;

/// A condition on the state, spelled out so that the state's partial index can be used.
pub(crate) fn in_state(state: &str) -> Expr {
    Expr::cust(format!("deliveries.state = '{state}'"))
}

/// Wakes the dispatcher's workers by integration, so that a delivery is sent right after its commit.
#[derive(Clone, Default)]
pub(crate) struct Wakeups {
    workers: Arc<Mutex<HashMap<i64, Arc<Notify>>>>,
    /// Notified when deliveries are parked, or no longer are.
    pub(crate) given_up: Arc<Notify>,
}

impl Wakeups {
    pub(crate) fn of(&self, integration_id: i64) -> Arc<Notify> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).entry(integration_id).or_default().clone()
    }

    pub(crate) fn wake(&self, integrations: &[i64]) {
        for id in integrations {
            self.of(*id).notify_one();
        }
    }
}

/// Lists, counts and retries deliveries.
#[derive(Clone)]
pub struct Deliveries {
    db: Db,
    wakeups: Wakeups,
    /// Notifies [`Replayer`] of work.
    replays: Arc<Notify>,
}

impl Deliveries {
    pub(crate) fn new(db: Db, wakeups: Wakeups) -> Self {
        Self { db, wakeups, replays: Arc::default() }
    }

    /// Deliveries waiting (including those set aside) and parked, each capped at [`COUNT_CAP`]; for one integration or
    /// all.
    pub async fn count(&self, integration_id: Option<i64>) -> Result<(i64, i64)> {
        count(&self.db, integration_id).await
    }

    /// Deliveries in a state, capped at [`COUNT_CAP`]; for one integration or all.
    pub async fn count_in(&self, state: DeliveryState, integration_id: Option<i64>) -> Result<i64> {
        count_in(&self.db, state.as_str(), integration_id).await
    }
}

/// See [`Deliveries::count`].
pub(crate) async fn count(db: &Db, integration_id: Option<i64>) -> Result<(i64, i64)> {
    let waiting = count_in(db, WAITING, integration_id).await?;
    let deferred = count_in(db, DEFERRED, integration_id).await?;
    Ok(((waiting + deferred).min(COUNT_CAP), count_in(db, PARKED, integration_id).await?))
}

/// See [`Deliveries::count_in`].
pub(crate) async fn count_in(db: &Db, state: &str, integration_id: Option<i64>) -> Result<i64> {
    let filter = if integration_id.is_some() { "AND integration_id = $2" } else { "" };
    // The state is spelled out so that its partial index can be used.
    let condition = format!("state = '{state}' {filter}");
    capped(db, "deliveries", &condition, integration_id.map(sea_orm::Value::from)).await
}

/// Counts the rows of a table that satisfy a condition, up to [`COUNT_CAP`]. The condition's parameters start at `$2`.
async fn capped(
    db: &Db,
    table: &str,
    condition: &str,
    values: impl IntoIterator<Item = sea_orm::Value>,
) -> Result<i64> {
    let sql = format!("SELECT COUNT(*) AS n FROM (SELECT 1 FROM {table} WHERE {condition} LIMIT $1) AS capped");
    let values = std::iter::once(COUNT_CAP.into()).chain(values);
    let row = db.read().query_one_raw(db.statement(&sql, values)).await?;
    Ok(row.map_or(Ok(0), |row| row.try_get("", "n"))?)
}
