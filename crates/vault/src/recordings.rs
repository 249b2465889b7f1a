//! Stored recordings: lists, reading, deleting.

use crate::accounts::Account;
use crate::audit::{self, Actor};
use crate::clock::now_ms;
use crate::connections::Connections;
use crate::copies::{self, Copies};
use crate::db::Db;
use crate::entity::{account, connection, recording, removal};
use crate::ingest::KeyLocks;
use crate::links::Links;
use crate::{Result, VaultError};
use model::ObjectKey;
use model::connection::Family;
use model::error::{StoreError, StoreErrorKind};
use model::page::{Cursor, Page};
use model::ports::ByteStream;
use model::recording::{DELETED_ACCOUNT, Position, RecordingFilter, RecordingView};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, ExprTrait, Order, QueryFilter, QueryOrder, QuerySelect,
    Select,
};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

/// Most rows of a page.
pub const MAX_PAGE: u64 = 200;
/// How long a provider may take to begin answering when there is a copy to turn to.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a provider that did not answer is asked last, in milliseconds.
const DOWN_MS: i64 = 15_000;

/// Lists, reads and deletes recordings.
#[derive(Clone)]
pub struct Recordings {
    db: Db,
    connections: Connections,
    links: Links,
    locks: Arc<KeyLocks>,
    copies: Copies,
    down: Arc<Down>,
}

/// Providers that did not answer lately, so that readers ask a copy first.
#[derive(Default)]
struct Down(Mutex<HashMap<i64, i64>>);

impl Down {
    fn contains(&self, provider_id: i64) -> bool {
        self.until(|until| until.get(&provider_id).is_some_and(|until| *until > now_ms()))
    }

    fn insert(&self, provider_id: i64) {
        self.until(|until| until.insert(provider_id, now_ms() + DOWN_MS));
    }

    fn remove(&self, provider_id: i64) {
        self.until(|until| until.remove(&provider_id));
    }

    fn until<T>(&self, work: impl FnOnce(&mut HashMap<i64, i64>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A recording that was looked up, ready to be read.
#[derive(Debug, Clone)]
pub struct Found {
    /// Row id.
    pub id: i64,
    /// Full key.
    pub key: ObjectKey,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the content, hex.
    pub sha256: String,
    /// When it was stored, Unix milliseconds.
    pub uploaded_at: i64,
    /// Its account.
    pub account_id: i64,
    /// Its provider.
    pub provider_id: i64,
}

impl Recordings {
    pub(crate) fn new(db: Db, connections: Connections, links: Links, locks: Arc<KeyLocks>, copies: Copies) -> Self {
        Self { db, connections, links, locks, copies, down: Arc::default() }
    }

    /// A page of recordings, newest first. Names that no longer exist match nothing.
    pub async fn list(&self, filter: &RecordingFilter, position: Position, limit: u64) -> Result<Page<RecordingView>> {
        let names = self.names().await?;
        let Some(condition) = condition(filter, &names) else {
            return Ok(Page { items: Vec::new(), older: None, newer: None });
        };
        let limit = limit.clamp(1, MAX_PAGE);
        let (place, order) = match position {
            Position::Newest => (Condition::all(), Order::Desc),
            Position::OlderThan(c) => (Condition::all().add(beside(c, true)), Order::Desc),
            Position::NewerThan(c) => (Condition::all().add(beside(c, false)), Order::Asc),
        };
        let query: Select<recording::Entity> = recording::Entity::find()
            .filter(condition)
            .filter(place)
            .order_by(recording::Column::Timestamp, order.clone())
            .order_by(recording::Column::Id, order)
            .limit(limit + 1);
        let mut rows = query.all(self.db.read()).await?;
        let more = rows.len() as u64 > limit;
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let backwards = matches!(position, Position::NewerThan(_));
        if backwards {
            rows.reverse();
        }
        let cursor = |row: Option<&recording::Model>| row.map(|r| Cursor { time: r.timestamp, id: r.id });
        let (has_older, has_newer) = match position {
            Position::Newest => (more, false),
            Position::OlderThan(_) => (more, true),
            Position::NewerThan(_) => (true, more),
        };
        Ok(Page {
            older: cursor(rows.last()).filter(|_| has_older),
            newer: cursor(rows.first()).filter(|_| has_newer),
            items: self.views(&names, rows).await?,
        })
    }

    async fn views(&self, names: &Names, rows: Vec<recording::Model>) -> Result<Vec<RecordingView>> {
        let copies = self.copies.of(rows.iter().map(|row| row.id).collect()).await?;
        let places = |id: i64| copies.get(&id).map(Vec::as_slice).unwrap_or_default();
        Ok(rows.into_iter().map(|row| names.view(places(row.id), row)).collect())
    }

    /// One recording.
    pub async fn get(&self, id: i64) -> Result<RecordingView> {
        let (row, names) = (self.row(id).await?, self.names().await?);
        let views = self.views(&names, vec![row]).await?;
        views.into_iter().next().ok_or(VaultError::NotFound("recording"))
    }

    /// An account's recording by key: at the named provider, else at the account's main one, else
    /// at any. Events name the provider a recording was stored at; it may have been moved since.
    pub async fn find(&self, account: &Account, provider: Option<&str>, key: &ObjectKey) -> Result<Option<Found>> {
        let mut rows = self.with_key(provider, key).await?;
        if let Some(name) = provider.filter(|_| rows.is_empty()) {
            let origin = self.connections.provider_by_name(name).await?.map(|origin| origin.id);
            rows = self.with_key(None, key).await?;
            rows.retain(|row| Some(row.origin_id) == origin);
        }
        rows.retain(|row| row.account_id == account.id);
        rows.sort_by_key(|row| row.provider_id != account.provider_id);
        rows.into_iter().next().map(Found::try_from).transpose()
    }

    /// Whether any account has a recording of this key.
    pub async fn exists(&self, provider: Option<&str>, key: &ObjectKey) -> Result<bool> {
        Ok(!self.with_key(provider, key).await?.is_empty())
    }

    async fn with_key(&self, provider: Option<&str>, key: &ObjectKey) -> Result<Vec<recording::Model>> {
        // The unique index starts with the provider, so the few providers there are get asked one by one.
        let providers = connection::Entity::find().filter(connection::Column::Family.eq(Family::Provider.as_str()));
        let providers = match provider.filter(|name| !name.is_empty()) {
            Some(name) => providers.filter(connection::Column::Name.eq(name)),
            None => providers,
        };
        let ids: Vec<i64> = providers.all(self.db.read()).await?.into_iter().map(|p| p.id).collect();
        let rows = recording::Entity::find()
            .filter(recording::Column::ProviderId.is_in(ids))
            .filter(recording::Column::Key.eq(key.as_str()));
        Ok(rows.all(self.db.read()).await?)
    }

    /// A recording by row.
    pub async fn find_by_id(&self, id: i64) -> Result<Found> {
        self.row(id).await?.try_into()
    }

    pub(crate) async fn row(&self, id: i64) -> Result<recording::Model> {
        recording::Entity::find_by_id(id).one(self.db.read()).await?.ok_or(VaultError::NotFound("recording"))
    }

    /// Reads a recording, or the given bytes of it: from its provider, else from a copy.
    pub async fn open(&self, found: &Found, range: Option<Range<u64>>) -> Result<ByteStream> {
        let copies = self.copies.providers(found.id).await?;
        if copies.is_empty() {
            return self.open_at(found.provider_id, found, range).await;
        }
        let down = self.down.contains(found.provider_id);
        let mut places = [&[found.provider_id], copies.as_slice()].concat();
        if down {
            places.rotate_left(1);
        }
        let mut failed = None;
        for provider_id in places {
            let opened = timeout(PATIENCE, self.open_at(provider_id, found, range.clone())).await;
            let error = match opened {
                Ok(Ok(bytes)) => {
                    self.down.remove(provider_id);
                    return Ok(bytes);
                }
                Ok(Err(VaultError::Store(error))) if error.kind != StoreErrorKind::Range => error,
                Ok(Err(error)) => return Err(error),
                Err(_) => StoreError::new(StoreErrorKind::Unavailable, "The storage provider does not answer."),
            };
            tracing::warn!(provider_id, error = &error as &dyn std::error::Error, "reading from another place");
            if error.kind == StoreErrorKind::Unavailable {
                self.down.insert(provider_id);
            }
            failed.get_or_insert(error);
        }
        Err(failed.expect("there was at least one place").into())
    }

    async fn open_at(&self, provider_id: i64, found: &Found, range: Option<Range<u64>>) -> Result<ByteStream> {
        let provider = self.connections.store(provider_id).await?;
        Ok(provider.store.get(&found.key, range).await?)
    }

    /// An address that plays a recording without credentials for a while. Signed by the provider
    /// where its owner wants that, else by the vault, below `base_url`.
    pub async fn sign(&self, found: &Found, base_url: &str, ttl: Duration) -> Result<String> {
        // Only the vault's own address leads to a copy while the provider is down.
        if !self.down.contains(found.provider_id) {
            let provider = self.connections.store(found.provider_id).await?;
            if let Some(address) = provider.store.sign(&found.key, ttl).await? {
                return Ok(address);
            }
        }
        let expires_at = now_ms() / 1000 + i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX / 2);
        Ok(format!("{}/api/storage/signed?{}", base_url.trim_end_matches('/'), self.links.sign(found.id, expires_at)))
    }

    /// Deletes a recording: first its row, then its object; a crash in between is made good later.
    pub async fn delete(&self, actor: &Actor, found: &Found) -> Result<()> {
        self.remove(Some(actor.clone()), found).await
    }

    /// Deletes a recording whose time is over; no single one of these is worth an audit entry.
    pub(crate) async fn retire(&self, found: &Found) -> Result<()> {
        self.remove(None, found).await
    }

    /// Goes on to its end when the caller goes away: an object must not be deleted late, when it may have been
    /// uploaded again.
    async fn remove(&self, audited: Option<Actor>, found: &Found) -> Result<()> {
        let (this, found) = (self.clone(), found.clone());
        let work = tokio::spawn(async move { this.remove_now(audited, &found).await });
        work.await.map_err(|_| VaultError::NotFound("recording"))?
    }

    async fn remove_now(&self, audited: Option<Actor>, found: &Found) -> Result<()> {
        let _turn = self.locks.lock(found.provider_id, &found.key).await?;
        let (id, uploaded_at) = (found.id, found.uploaded_at);
        let (provider_id, key) = (found.provider_id, found.key.to_string());
        let deletion = self.db.write(move |tx| {
            Box::pin(async move {
                // One that was replaced since it was looked up is another recording.
                let this = recording::Column::Id.eq(id).and(recording::Column::UploadedAt.eq(uploaded_at));
                let gone = recording::Entity::delete_many().filter(this).exec(tx).await?;
                if gone.rows_affected == 0 {
                    return Err(VaultError::NotFound("recording"));
                }
                copies::forget(tx, id).await?;
                let row = removal::ActiveModel {
                    provider_id: Set(provider_id),
                    key: Set(key.clone()),
                    removed_at: Set(now_ms()),
                    ..Default::default()
                };
                if let Some(actor) = audited {
                    audit::record(tx, &actor, "deleted recording", &key).await?;
                }
                Ok(removal::Entity::insert(row).exec(tx).await?.last_insert_id)
            })
        });
        let removal = deletion.await?;
        let provider = self.connections.store(found.provider_id).await?;
        // The row is gone for good; what the provider does not do now, housekeeping does later.
        match provider.store.delete(&found.key).await {
            Ok(()) => self.forget_removal(removal).await?,
            Err(e) => {
                let error = &e as &dyn std::error::Error;
                tracing::warn!(provider = provider.name, error, "an object is left to be deleted later");
            }
        }
        Ok(())
    }

    pub(crate) async fn forget_removal(&self, id: i64) -> Result<()> {
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    removal::Entity::delete_by_id(id).exec(tx).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Deletes several; answers how many there were.
    pub async fn delete_many(&self, actor: &Actor, ids: &[i64]) -> Result<u64> {
        let mut deleted = 0;
        for id in ids {
            match self.find_by_id(*id).await {
                Ok(found) => {
                    self.delete(actor, &found).await?;
                    deleted += 1;
                }
                Err(VaultError::NotFound(_)) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(deleted)
    }

    /// Recordings of an account that are older than its day limit allows.
    pub(crate) async fn expired(&self, account_id: i64, before: i64, limit: u64) -> Result<Vec<Found>> {
        let rows = recording::Entity::find()
            .filter(recording::Column::AccountId.eq(account_id))
            .filter(recording::Column::Timestamp.lt(before))
            .filter(recording::Column::UploadedAt.lt(before))
            .order_by_asc(recording::Column::Timestamp)
            .limit(limit);
        rows.all(self.db.read()).await?.into_iter().map(Found::try_from).collect()
    }

    /// Places of the recordings a filter matches, oldest first, after a place.
    pub(crate) async fn ids_matching(
        &self,
        filter: &RecordingFilter,
        after: Option<Cursor>,
        limit: u64,
    ) -> Result<Vec<Cursor>> {
        let names = self.names().await?;
        let Some(condition) = condition(filter, &names) else { return Ok(Vec::new()) };
        let place = after.map_or_else(Condition::all, |cursor| Condition::all().add(beside(cursor, false)));
        let rows: Vec<(i64, i64)> = recording::Entity::find()
            .select_only()
            .columns([recording::Column::Timestamp, recording::Column::Id])
            .filter(condition)
            .filter(place)
            .order_by_asc(recording::Column::Timestamp)
            .order_by_asc(recording::Column::Id)
            .limit(limit)
            .into_tuple()
            .all(self.db.read())
            .await?;
        Ok(rows.into_iter().map(|(time, id)| Cursor { time, id }).collect())
    }

    async fn names(&self) -> Result<Names> {
        let connections = connection::Entity::find().filter(connection::Column::Family.eq(Family::Provider.as_str()));
        Ok(Names {
            providers: connections.all(self.db.read()).await?.into_iter().map(|c| (c.id, c.name)).collect(),
            accounts: account::Entity::find().all(self.db.read()).await?.into_iter().map(|a| (a.id, a.name)).collect(),
        })
    }
}

struct Names {
    providers: HashMap<i64, String>,
    accounts: HashMap<i64, String>,
}

impl Names {
    fn view(&self, copies: &[i64], row: recording::Model) -> RecordingView {
        RecordingView {
            copies: copies.iter().filter_map(|id| self.providers.get(id).cloned()).collect(),
            account: self.accounts.get(&row.account_id).cloned().unwrap_or_else(|| DELETED_ACCOUNT.to_owned()),
            provider: self.providers.get(&row.provider_id).cloned().unwrap_or_default(),
            id: row.id,
            key: row.key,
            timestamp: row.timestamp,
            uploaded_at: row.uploaded_at,
            device: row.device,
            instance_name: row.instance_name,
            size: row.size,
            duration_ms: row.duration_ms,
            codec: row.codec,
            fragmented: row.fragmented,
            sha256: row.sha256,
        }
    }
}

/// `None` when a filter names something that does not exist.
fn condition(filter: &RecordingFilter, names: &Names) -> Option<Condition> {
    let id_of =
        |names: &HashMap<i64, String>, wanted: &str| names.iter().find(|(_, n)| *n == wanted).map(|(id, _)| *id);
    let mut all = Condition::all();
    if let Some(account) = &filter.account {
        all = all.add(match id_of(&names.accounts, account) {
            Some(id) => recording::Column::AccountId.eq(id),
            None if account == DELETED_ACCOUNT => {
                recording::Column::AccountId.is_not_in(names.accounts.keys().copied())
            }
            None => return None,
        });
    }
    if let Some(provider) = &filter.provider {
        all = all.add(recording::Column::ProviderId.eq(id_of(&names.providers, provider)?));
    }
    if let Some(device) = &filter.device {
        all = all.add(recording::Column::Device.eq(device));
    }
    if let Some(from) = filter.from {
        all = all.add(recording::Column::Timestamp.gte(from));
    }
    if let Some(until) = filter.until {
        all = all.add(recording::Column::Timestamp.lt(until));
    }
    Some(all)
}

/// Rows before or after a cursor, as a row comparison that both databases answer from an index.
fn beside(cursor: Cursor, older: bool) -> Expr {
    let row = Expr::tuple([Expr::col(recording::Column::Timestamp), Expr::col(recording::Column::Id)]);
    let place = Expr::tuple([Expr::val(cursor.time), Expr::val(cursor.id)]);
    if older { row.lt(place) } else { row.gt(place) }
}

impl TryFrom<recording::Model> for Found {
    type Error = VaultError;
    fn try_from(row: recording::Model) -> Result<Self> {
        Ok(Self {
            id: row.id,
            key: ObjectKey::parse(&row.key).map_err(|e| VaultError::invalid("key", e.to_string()))?,
            size: u64::try_from(row.size).unwrap_or(0),
            sha256: row.sha256,
            uploaded_at: row.uploaded_at,
            account_id: row.account_id,
            provider_id: row.provider_id,
        })
    }
}
