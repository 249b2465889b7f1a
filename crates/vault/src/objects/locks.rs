//! Turns: who works on which key.
//!
//! Within a process a mutex per key decides. On a shared database a PostgreSQL advisory lock decides between processes;
//! a transaction holds it, so it ends with its holder.
//!
//! Keys belong to places: providers that are one place share their turns.

use crate::base::Result;
use crate::base::db::{Db, ServerTurn};
use crate::connections::places::SharedPlaces;
use model::ObjectKey;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OwnedMutexGuard;

/// A provider (for turns, the first of its place) and a key.
type Key = (i64, ObjectKey);

/// Lets only one at a time change the object and row of a key, and knows which keys are being uploaded.
pub(crate) struct KeyLocks {
    db: Db,
    shared_places: SharedPlaces,
    turns: Mutex<HashMap<Key, Arc<tokio::sync::Mutex<()>>>>,
    running: Mutex<HashMap<Key, usize>>,
}

/// A turn at a key; ends when dropped.
pub(crate) struct KeyGuard {
    locks: Arc<KeyLocks>,
    key: Key,
    guard: Option<OwnedMutexGuard<()>>,
    /// Dropping it lets other replicas have the key.
    _among_replicas: Option<ServerTurn>,
}

/// Turns at several keys of one provider; end when dropped.
pub(crate) struct KeyGuards {
    guards: HashMap<ObjectKey, KeyGuard>,
    _among_replicas: Option<ServerTurn>,
}

impl KeyGuards {
    /// Whether this key's is among them.
    pub(crate) fn has(&self, key: &ObjectKey) -> bool {
        self.guards.contains_key(key)
    }
}

/// An upload in progress; ends when dropped.
pub(crate) struct Running {
    locks: Arc<KeyLocks>,
    key: Key,
}

impl KeyLocks {
    pub(crate) fn new(db: Db, shared_places: SharedPlaces) -> Self {
        Self { db, shared_places, turns: Mutex::default(), running: Mutex::default() }
    }

    /// Waits for a turn.
    pub(crate) async fn lock(self: &Arc<Self>, provider_id: i64, key: &ObjectKey) -> Result<KeyGuard> {
        let place = self.shared_places.first_of(provider_id).await?;
        self.lock_at(place, key).await
    }

    /// Waits for turns at two providers; `None` if they are one place, where nobody can have two turns.
    pub(crate) async fn lock_both(
        self: &Arc<Self>,
        one: i64,
        other: i64,
        key: &ObjectKey,
    ) -> Result<Option<(KeyGuard, KeyGuard)>> {
        let (one, other) = (self.shared_places.first_of(one).await?, self.shared_places.first_of(other).await?);
        if one == other {
            return Ok(None);
        }
        // In order of their ids, to prevent deadlocks.
        let first = self.lock_at(one.min(other), key).await?;
        Ok(Some((first, self.lock_at(one.max(other), key).await?)))
    }

    async fn lock_at(self: &Arc<Self>, place: i64, key: &ObjectKey) -> Result<KeyGuard> {
        let key = (place, key.clone());
        let lock = self.turns.lock().unwrap_or_else(PoisonError::into_inner).entry(key.clone()).or_default().clone();
        let guard = lock.lock_owned().await;
        let mut turn = KeyGuard { locks: self.clone(), key, guard: Some(guard), _among_replicas: None };
        turn._among_replicas = self.lock_among_replicas(&turn.key).await?;
        Ok(turn)
    }

    async fn lock_among_replicas(&self, key: &Key) -> Result<Option<ServerTurn>> {
        self.db.begin_turn(number(key)).await
    }

    /// Turns at those of a provider's keys that nobody works on now: it waits for none, so whoever has turns may ask for
    /// more.
    pub(crate) async fn lock_free(
        self: &Arc<Self>,
        provider_id: i64,
        keys: impl IntoIterator<Item = ObjectKey>,
    ) -> Result<KeyGuards> {
        let place = self.shared_places.first_of(provider_id).await?;
        let mut guards = HashMap::new();
        for key in keys {
            let key = (place, key);
            let lock =
                self.turns.lock().unwrap_or_else(PoisonError::into_inner).entry(key.clone()).or_default().clone();
            if let Ok(guard) = lock.try_lock_owned() {
                let turn =
                    KeyGuard { locks: self.clone(), key: key.clone(), guard: Some(guard), _among_replicas: None };
                guards.insert(key.1, turn);
            }
        }
        let numbers: Vec<i64> = guards.values().map(|guard| number(&guard.key)).collect();
        let among_replicas = if numbers.is_empty() { None } else { self.db.begin_free_turns(&numbers).await? };
        let among_replicas = among_replicas.map(|(turn, free)| {
            guards.retain(|_, guard| free.contains(&number(&guard.key)));
            turn
        });
        Ok(KeyGuards { guards, _among_replicas: among_replicas })
    }

    /// Registers a running upload.
    pub(crate) fn running(self: &Arc<Self>, provider_id: i64, key: &ObjectKey) -> Running {
        let key = (provider_id, key.clone());
        *self.running.lock().unwrap_or_else(PoisonError::into_inner).entry(key.clone()).or_default() += 1;
        Running { locks: self.clone(), key }
    }

    /// Whether an upload of this key is in progress at the provider's place.
    pub(crate) async fn is_running(&self, provider_id: i64, key: &ObjectKey) -> Result<bool> {
        Ok(self.running_at(provider_id, key).await? > 0)
    }

    /// How many uploads of this key are in progress at the provider's place.
    pub(crate) async fn running_at(&self, provider_id: i64, key: &ObjectKey) -> Result<usize> {
        let place = self.shared_places.of(provider_id).await?;
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(place.iter().filter_map(|id| running.get(&(*id, key.clone()))).sum())
    }
}

/// A key's number among replicas.
fn number((provider_id, key): &Key) -> i64 {
    let hash = Sha256::digest(format!("{provider_id} {key}"));
    i64::from_be_bytes(*hash.first_chunk().expect("a hash is longer than a number"))
}

impl Drop for KeyGuard {
    fn drop(&mut self) {
        self.guard.take();
        let mut turns = self.locks.turns.lock().unwrap_or_else(PoisonError::into_inner);
        // Only the map still refers to it: nobody holds or waits for it.
        if turns.get(&self.key).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            turns.remove(&self.key);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.locks.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn one_at_a_time_and_nothing_left_behind() {
        let dir = tempfile::tempdir().expect("temp dir");
        let db =
            Db::open(&format!("sqlite://{}/t.db", dir.path().display()), Clock::default(), crate::base::db::PATIENCE)
                .await
                .expect("opens");
        let locks = Arc::new(KeyLocks::new(db.clone(), SharedPlaces::new(db)));
        let inside = Arc::new(AtomicUsize::new(0));
        let key = ObjectKey::parse("a/b").expect("valid");
        let tasks = (0..50).map(|_| {
            let (locks, inside, key) = (locks.clone(), inside.clone(), key.clone());
            tokio::spawn(async move {
                let _turn = locks.lock(1, &key).await.expect("a turn");
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                tokio::task::yield_now().await;
                inside.fetch_sub(1, Ordering::SeqCst);
            })
        });
        for task in futures::future::join_all(tasks).await {
            task.expect("no two at a time");
        }
        assert!(locks.turns.lock().expect("not poisoned").is_empty());
    }
}
