//! A vault of its own for every test, and a world around it that fails on demand.

mod bodies;
mod cut;
mod forms;
mod ground;
mod postgres;
mod sink;
mod store;
mod vault;
mod world;

pub(crate) use self::vault::TestVault;
use ::vault::clock::Clock;
pub(crate) use bodies::Together;
pub(crate) use cut::{Cut, Line};
pub(crate) use forms::{account, actor, connection, label};
pub(crate) use postgres::{alter_database, first, waiting_for_locks};
pub(crate) use sink::MemorySink;
use std::time::Duration;
pub(crate) use store::{Fault, MemoryStore, PART};
pub(crate) use world::World;

/// Now by the machine's clock, in Unix milliseconds.
pub(crate) fn now_ms() -> i64 {
    Clock::default().now_ms()
}

/// Longest that anything may take that comes by itself: only what never comes takes longer, on any machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);

/// Waits until something holds; fails the test when it never does. Looks every few milliseconds, so that whoever is waited
/// for has the machine.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(what, wait).await;
}

/// What comes of something that ends by itself; fails the test when it never does.
pub(crate) async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}
