//! Which cameras have uploaded with valid credentials, in memory: heartbeats ask it ten times a second and more, those that
//! anybody makes up too.

use crate::base::Result;
use crate::base::db::Db;
use crate::base::entity::device;
use sea_orm::{EntityTrait as _, QueryOrder as _, QuerySelect as _};
use std::collections::HashSet;
use std::error::Error as StdError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a new or deleted camera may go unnoticed.
const REFRESH: Duration = Duration::from_secs(30);
/// Most cameras kept in memory, those that uploaded last. Ten megabytes with the longest keys there are.
const MOST: u64 = 30_000;

/// See the module's description; cheap to clone.
#[derive(Clone)]
pub(super) struct KnownDevices {
    db: Db,
    snapshot: Arc<Mutex<Option<Snapshot>>>,
    /// Held by the one who reads the table.
    reading: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone)]
struct Snapshot {
    keys: Arc<HashSet<String>>,
    /// Elapsed time when it was read.
    at: Duration,
}

impl KnownDevices {
    pub(super) fn new(db: Db) -> Self {
        Self { db, snapshot: Arc::default(), reading: Arc::default() }
    }

    /// Whether the camera has uploaded. Reads the table at most once in [`REFRESH`]; while it cannot be read, says what was
    /// true before.
    pub(super) async fn contains(&self, key: &str) -> bool {
        if let Some(keys) = self.keys(REFRESH) {
            return keys.contains(key);
        }
        // One reads; the others go by what is known, or wait where nothing is.
        let _reading = match (self.reading.try_lock(), self.keys(Duration::MAX)) {
            (Ok(reading), _) => reading,
            (Err(_), Some(keys)) => return keys.contains(key),
            (Err(_), None) => self.reading.lock().await,
        };
        if let Some(keys) = self.keys(REFRESH) {
            return keys.contains(key);
        }
        let keys = match self.read().await {
            Ok(keys) => Arc::new(keys),
            Err(error) => {
                tracing::debug!(error = &error as &dyn StdError, "cameras cannot be looked up");
                self.keys(Duration::MAX).unwrap_or_default()
            }
        };
        *self.snapshot() = Some(Snapshot { keys: keys.clone(), at: self.db.clock().elapsed() });
        keys.contains(key)
    }

    /// What is known, if it is not older than that.
    fn keys(&self, age: Duration) -> Option<Arc<HashSet<String>>> {
        let now = self.db.clock().elapsed();
        let snapshot = self.snapshot();
        snapshot.as_ref().filter(|known| now.saturating_sub(known.at) < age).map(|known| known.keys.clone())
    }

    async fn read(&self) -> Result<HashSet<String>> {
        let latest = device::Entity::find().order_by_desc(device::Column::LastRecording).limit(MOST);
        let keys: Vec<String> =
            latest.select_only().column(device::Column::Key).into_tuple().all(self.db.read()).await?;
        Ok(keys.into_iter().collect())
    }

    fn snapshot(&self) -> MutexGuard<'_, Option<Snapshot>> {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
