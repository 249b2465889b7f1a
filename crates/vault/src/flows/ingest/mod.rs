//! The life of a recording, from an agent's request to the committed row (ARCHITECTURE.md).
//!
//! The promise: when [`Ingest::store`] returns `Ok`, the object is durable at its provider, and the row and its events
//! are committed. An *intent* row is written while the bytes arrive and removed with the commit, so that whatever a
//! crash cuts off can be found and reconciled (see `recover`).

mod admission;
mod arriving;
mod buffer;
mod commit;
mod custom_headers;
mod digest;
mod error;
mod finish;
mod form;
mod known;
mod multipart;
mod patience;
mod publish;
mod receive;
mod recover;
mod request;
pub mod resumable;
mod shares;

use crate::access::accounts::Accounts;
use crate::base::db::Db;
use crate::base::entity::upload;
use crate::base::spans;
use crate::connections::{Connections, OpenStore};
use crate::host::replicas::Replicas;
use crate::host::reserve::Reserve;
use crate::objects::intent::Draft;
use crate::objects::{KeyLocks, Objects};
use crate::outbox::deliveries::Wakeups;
use admission::Admission;
use arriving::Failed;
use bytes::Bytes;
use futures::Stream;
use model::ObjectKey;
use sea_orm::{ActiveValue::Set, EntityTrait};
use shares::Shares;
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

pub(crate) use buffer::Budget;
pub use custom_headers::announced;
pub use error::UploadError;
pub use request::UploadRequest;

/// Most uploads at a time; further ones are told to come back.
const MAX_UPLOADS: usize = 512;
/// Most uploads at a time to one provider, so that one that hangs does not shut out the others.
const MAX_UPLOADS_OF_PROVIDER: usize = 256;
/// Most files that all uploads have open at a time: parts in the spool, one that fills and those that are sent.
pub(crate) const MAX_FILES: usize = MAX_UPLOADS * (1 + multipart::IN_FLIGHT);

/// A stored upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Row id.
    pub id: i64,
    /// Full key.
    pub key: ObjectKey,
    /// Size in bytes.
    pub size: u64,
    /// Whether it was new.
    pub outcome: Outcome,
}

/// Whether an upload was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A new recording.
    New,
    /// The same bytes were there already: the agent did not get our answer. No second event.
    Identical,
    /// Other bytes were there and have been replaced.
    Replaced,
}

/// Limits of uploads.
pub(crate) struct Limits {
    pub(crate) max_bytes: u64,
    pub(crate) idle_timeout: Duration,
    /// Bytes a second, on average.
    pub(crate) least_rate: u64,
    pub(crate) budget: Budget,
    /// Where the database is a file.
    pub(crate) reserve: Option<Reserve>,
}

/// Stores recordings.
#[derive(Clone)]
pub struct Ingest {
    db: Db,
    accounts: Accounts,
    replicas: Replicas,
    connections: Connections,
    wakeups: Wakeups,
    locks: Arc<KeyLocks>,
    objects: Objects,
    budget: Arc<Budget>,
    max_bytes: u64,
    idle_timeout: Duration,
    least_rate: u64,
    slots: Arc<Semaphore>,
    shares: Arc<Shares>,
    vault_id: String,
    reserve: Option<Reserve>,
}

/// Everything about an upload except its bytes.
struct Target {
    provider: OpenStore,
    admission: Admission,
    key: ObjectKey,
    draft: Draft,
    content_length: Option<u64>,
}

impl Ingest {
    #[expect(clippy::too_many_arguments, reason = "what an upload needs")]
    pub(crate) fn new(
        db: Db,
        accounts: Accounts,
        replicas: Replicas,
        connections: Connections,
        wakeups: Wakeups,
        objects: Objects,
        limits: Limits,
        vault_id: String,
    ) -> Self {
        let shares = Arc::new(Shares::new(MAX_UPLOADS, MAX_UPLOADS_OF_PROVIDER, limits.budget.sending_share()));
        let slots = Arc::new(Semaphore::new(MAX_UPLOADS));
        let Limits { max_bytes, idle_timeout, least_rate, budget, reserve } = limits;
        let budget = Arc::new(budget);
        Self {
            db,
            accounts,
            replicas,
            connections,
            wakeups,
            locks: objects.locks().clone(),
            objects,
            budget,
            max_bytes,
            idle_timeout,
            least_rate,
            slots,
            shares,
            vault_id,
            reserve,
        }
    }

    /// Stores one recording. The work goes on if the caller is dropped, as happens when an agent hangs up after its
    /// last byte.
    pub async fn store<S, E>(&self, request: UploadRequest, body: S) -> Result<Stored, UploadError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin + 'static,
        E: StdError + Send + Sync + 'static,
    {
        let slot = self.slots.clone().try_acquire_owned().map_err(|_| UploadError::Busy)?;
        let account_id = request.account.id;
        let target = self.target(request).await?;
        let places = self.admit(slot, account_id, target.provider.id).await?;
        let this = self.clone();
        let span = spans::storing(&target.provider.name);
        let work = tokio::spawn(spans::within(span, async move {
            let _places = places;
            this.run(target, body).await
        }));
        work.await.map_err(UploadError::Crashed)?
    }

    /// An upload's places among those that run at a time.
    async fn admit(
        &self,
        slot: OwnedSemaphorePermit,
        account_id: i64,
        provider_id: i64,
    ) -> Result<impl Send + 'static + use<>, UploadError> {
        let share = self.shares.of(provider_id).uploads.clone().try_acquire_owned().map_err(|_| UploadError::Busy)?;
        let counted = self.shares.count(account_id, provider_id);
        // Half is left to others where there are others.
        if counted.beyond_its_share && !self.accounts.is_only_one_enabled().await? {
            return Err(UploadError::Busy);
        }
        Ok((slot, share, counted))
    }

    async fn run<S, E>(&self, target: Target, body: S) -> Result<Stored, UploadError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: StdError + Send + Sync + 'static,
    {
        let _running = self.locks.running(target.provider.id, &target.key);
        let (provider, key) = (target.provider.name.clone(), target.key.clone());
        let outcome = self.run_to_its_end(target, body).await;
        self.tell(&provider, &key, &outcome).await;
        outcome
    }

    /// Tells administrators of what they should see to.
    async fn tell(&self, provider: &str, key: &ObjectKey, outcome: &Result<Stored, UploadError>) {
        match outcome {
            Err(UploadError::Store(error)) => self.connections.tell_unconfirmed(provider, key, error).await,
            Err(UploadError::Foreign { .. }) => self.connections.tell_foreign(provider, key).await,
            _ => {}
        }
    }

    async fn run_to_its_end<S, E>(&self, target: Target, body: S) -> Result<Stored, UploadError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: StdError + Send + Sync + 'static,
    {
        self.connections.set_up(&target.provider).await?;
        self.check_room(&target, target.content_length).await?;
        let mut intent = Intent::declare(self.db.clone(), self.replicas.me(), &target, &target.draft);
        match spans::within(spans::receiving(), self.receive(&target, &mut intent, body)).await {
            Ok(received) => self.finish(target, intent, received).await,
            Err(Failed { error, clean }) => {
                self.give_up(&target, intent, clean).await;
                Err(error)
            }
        }
    }

    /// Gives up an upload of which nothing became visible. If its provider has not freed its parts, the intent stays, so
    /// that recovery does.
    async fn give_up(&self, target: &Target, mut intent: Intent, clean: bool) {
        if clean {
            return intent.withdraw().await;
        }
        if let Ok(id) = intent.written().await {
            self.save_draft(id, &target.draft.having_sent_nothing(self.db.now_ms())).await;
        }
    }

    /// Whether the vault may take this many bytes. Called again before any are stored: the volume may have filled up
    /// meanwhile, and the rest is not for uploads that began before that.
    async fn check_room(&self, target: &Target, bytes: Option<u64>) -> Result<(), UploadError> {
        if let Some(reserve) = &self.reserve {
            reserve.admit(bytes, target.provider.store.device().await).await?;
        }
        Ok(())
    }

    async fn target(&self, request: UploadRequest) -> Result<Target, UploadError> {
        let account = request.account.clone();
        let provider = self.provider(account.provider_id, request.provider.as_deref()).await?;
        let at = (provider.id, request.provider.clone().unwrap_or_else(|| provider.name.clone()));
        let admission = Admission::of(account, request.directory.clone(), at, request.key.clone())?;
        if !provider.enabled {
            return Err(UploadError::ProviderDisabled(provider.name));
        }
        match request.content_length {
            Some(0) => return Err(UploadError::Empty),
            Some(size) if size > self.max_bytes => {
                return Err(UploadError::TooLarge { max: self.max_bytes });
            }
            _ => {}
        }
        if request.path.contains(&self.vault_id) {
            return Err(UploadError::Loop);
        }
        if let Some(header) = request.invalid_header {
            return Err(UploadError::InvalidHeader { header });
        }
        let (key, content_length) = (request.key.clone(), request.content_length);
        Ok(Target { provider, admission, key, draft: Draft::from(request), content_length })
    }

    /// The provider of this name, or the main one. Whether the account may store there is asked next: one answer for what is
    /// not there and what is not theirs.
    async fn provider(&self, main: i64, name: Option<&str>) -> Result<OpenStore, UploadError> {
        match name.filter(|name| !name.is_empty()) {
            None => Ok(self.connections.store(main).await?),
            Some(name) => {
                let named = self.connections.store_named(name).await?;
                named.ok_or_else(|| UploadError::ProviderNotFound(name.to_owned()))
            }
        }
    }
}

/// The row that announces an upload; written while the bytes arrive.
struct Intent {
    db: Db,
    state: IntentState,
}

enum IntentState {
    Writing(JoinHandle<crate::base::Result<i64>>),
    Written(i64),
    /// The database did not accept it.
    Failed,
}

impl Intent {
    fn declare(db: Db, owner: &str, target: &Target, draft: &Draft) -> Self {
        let row = upload::ActiveModel {
            provider_id: Set(target.provider.id),
            key: Set(target.key.to_string()),
            draft: Set(draft.to_json()),
            owner: Set(owner.to_owned()),
            started_at: Set(db.now_ms()),
            ..Default::default()
        };
        let writer = db.clone();
        let writing = tokio::spawn(async move {
            writer
                .write(move |tx| {
                    Box::pin(async move { Ok(upload::Entity::insert(row).exec(tx).await?.last_insert_id) })
                })
                .await
        });
        Self { db, state: IntentState::Writing(writing) }
    }

    /// Waits until the row is durable; nothing may become visible at the provider before.
    async fn written(&mut self) -> Result<i64, UploadError> {
        match &mut self.state {
            IntentState::Written(id) => Ok(*id),
            IntentState::Failed => Err(UploadError::Busy),
            IntentState::Writing(writing) => {
                let written = writing.await;
                self.state = IntentState::Failed;
                let id = written.map_err(UploadError::Crashed)??;
                self.state = IntentState::Written(id);
                Ok(id)
            }
        }
    }

    /// Removes the row, as there is nothing to reconcile. If that fails, housekeeping does it.
    async fn withdraw(mut self) {
        let Ok(id) = self.written().await else { return };
        forget(&self.db, id).await;
    }
}

/// Removes an intent. A failure does no harm: the row is looked at again later.
async fn forget(db: &Db, id: i64) {
    let gone = db.write(move |tx| {
        Box::pin(async move {
            upload::Entity::delete_by_id(id).exec(tx).await?;
            Ok(())
        })
    });
    if let Err(error) = gone.await {
        tracing::warn!(error = &error as &dyn StdError, "an upload's intent stays for housekeeping");
    }
}
