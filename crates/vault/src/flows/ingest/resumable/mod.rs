//! Uploads that come in several requests: begun by one, their bytes brought by others, perhaps after a restart or at another
//! replica (docs/protocol.md §11). The engine is that of an upload in one request; here is what outlives a request.
//!
//! A row says how many bytes are kept, and the offset that a client is told is always the row's. Whole parts are at the
//! provider as soon as they have come; bytes too few for a part are in the database beside the row. The last part stays here
//! until the upload is finished, so that a client whose upload cannot be finished is told to go on, and not to start over.

mod append;
mod catching_up;
mod hold;
mod parts;
mod rows;
mod sweep;

use super::{Ingest, Stored, UploadError, UploadRequest};
use crate::access::accounts::Account;
use crate::base::VaultError;
use crate::base::entity::resumable;
use crate::base::keys::random_id;
use hold::Holds;
use rows::{Rows, SAID_WHEN_DONE};
pub(super) use rows::{has_parts, is_done};
use sea_orm::ActiveValue::Set;
use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long after its last byte an upload is kept.
pub(crate) const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Most uploads of an account that are not finished.
pub const MAX_OPEN: u64 = 1000;
/// Most requests at a time that put the rest of their bytes into the database; each holds up to a part in memory.
const SAVING: usize = 4;
/// How long whoever asks where to go on waits while it is found out whether the recording is stored.
const PATIENCE: Duration = Duration::from_secs(5);

/// Uploads in several requests; cheap to clone.
#[derive(Clone)]
pub struct Resumables {
    ingest: Ingest,
    holds: Arc<Holds>,
    rows: Rows,
    saving: Arc<Semaphore>,
}

/// How far an upload is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Its name.
    pub id: String,
    /// Bytes that are kept. Below the length until the recording is stored.
    pub received: u64,
    /// Size of the recording, once that is known.
    pub length: Option<u64>,
    /// When it will be forgotten, Unix milliseconds.
    pub expires_at: i64,
    /// What was said when it began.
    pub said: BTreeMap<String, String>,
    /// The recording, if this request finished it.
    pub stored: Option<Stored>,
}

/// What a request brings.
#[derive(Debug, Clone, Copy)]
pub struct Piece {
    /// Where in the recording it begins.
    pub at: u64,
    /// Size of the recording, if it is said only now.
    pub length: Option<u64>,
    /// Size of the piece, if announced.
    pub size: Option<u64>,
    /// Whether nothing of it counts unless all of it arrives.
    pub only_whole: bool,
}

/// Why an upload does not go on.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// No upload of this account has the name, or it was given up.
    #[error("There is no such upload; begin it anew.")]
    NotFound,
    /// It was not gone on with for too long.
    #[error("The upload has expired; begin it anew.")]
    Expired,
    /// Another request brings its bytes right now.
    #[error("Another request is sending this upload.")]
    Held,
    /// The piece does not begin where the last one ended.
    #[error("The upload has {received} bytes; go on from there.")]
    WrongOffset {
        /// Bytes that are kept.
        received: u64,
    },
    /// The piece reaches beyond the recording's end, or its length was said before.
    #[error("The length of the recording is another.")]
    WrongLength,
    /// The account has too many that are not finished.
    #[error("The account has {MAX_OPEN} uploads that are not finished; finish or end some first.")]
    TooMany,
    /// What an upload in one request would be refused for, too.
    #[error(transparent)]
    Upload(#[from] UploadError),
}

impl From<VaultError> for ResumeError {
    fn from(error: VaultError) -> Self {
        Self::Upload(error.into())
    }
}

impl Resumables {
    pub(crate) fn new(ingest: Ingest) -> Self {
        let db = ingest.db.clone();
        let holds = Arc::new(Holds::new(db.clone()));
        Self { ingest, holds, rows: Rows(db), saving: Arc::new(Semaphore::new(SAVING)) }
    }

    /// The largest recording, in bytes.
    pub fn max_bytes(&self) -> u64 {
        self.ingest.max_bytes
    }

    /// Begins an upload. `said` is what `request` was [read](UploadRequest::read) from, by the header's name; the size of its
    /// body, if announced, is the recording's. An empty file is no recording: its upload is finished as soon as it is begun, and
    /// nothing is stored.
    ///
    /// # Errors
    /// Whatever refuses an upload in one request before its bytes; [`ResumeError::TooMany`].
    pub async fn create(
        &self,
        request: UploadRequest,
        said: BTreeMap<String, String>,
    ) -> std::result::Result<Progress, ResumeError> {
        let (account_id, length) = (request.account.id, request.content_length);
        let content_length = length.filter(|length| *length > 0);
        let target = self.ingest.target(UploadRequest { content_length, ..request }).await?;
        self.ingest.check_room(&target, length).await?;
        if self.rows.count_open(account_id).await? >= MAX_OPEN {
            return Err(ResumeError::TooMany);
        }
        let (id, expires_at) = (random_id(), self.expiry());
        let row = resumable::ActiveModel {
            id: Set(id.clone()),
            account_id: Set(account_id),
            provider_id: Set(target.provider.id),
            key: Set(target.key.to_string()),
            said: Set(match serde_json::to_string(&said).expect("texts serialise") {
                long if length == Some(0) && long.len() > SAID_WHEN_DONE => "{}".to_owned(),
                said => said,
            }),
            length: Set(length.map(|length| i64::try_from(length).unwrap_or(i64::MAX))),
            received: Set(0),
            at_provider: Set(None),
            digest: Set(String::new()),
            done: Set(length == Some(0)),
            holder: Set(None),
            held_until: Set(0),
            expires_at: Set(expires_at),
        };
        self.rows.insert(row).await?;
        Ok(Progress { id, received: 0, length, expires_at, said, stored: None })
    }

    /// How far an upload is. A request that is still bringing its bytes is asked to end: whoever asks wants to go on, and the
    /// connection of that request is most likely dead.
    pub async fn look(&self, account: &Account, id: &str) -> std::result::Result<Progress, ResumeError> {
        let row = self.find(account, id).await?;
        self.holds.ask_to_let_go(&row.id).await;
        let row = self.find(account, id).await?;
        match timeout(PATIENCE, self.catch_up(row.clone())).await {
            Ok(Ok(row)) => return Ok(progress(&row)),
            // The request that goes on has the time for it.
            Err(_) => {}
            Ok(Err(error)) => tracing::warn!(
                id,
                error = &error as &dyn StdError,
                "it is not known whether an upload that was cut off is stored"
            ),
        }
        Ok(progress(&row))
    }

    /// Gives an upload up, or forgets that it was finished; a recording stays.
    pub async fn terminate(&self, account: &Account, id: &str) -> std::result::Result<(), ResumeError> {
        let row = self.find(account, id).await?;
        self.holds.ask_to_let_go(&row.id).await;
        let hold = self.holds.take(&row.id).await?.ok_or(ResumeError::Held)?;
        let row = self.find(account, id).await?;
        self.end(&row).await?;
        drop(hold);
        Ok(())
    }

    /// An account's upload that has not expired.
    async fn find(&self, account: &Account, id: &str) -> std::result::Result<resumable::Model, ResumeError> {
        let found = self.rows.find(id).await?;
        let row = found.filter(|row| row.account_id == account.id).ok_or(ResumeError::NotFound)?;
        if row.expires_at < self.ingest.db.now_ms() { Err(ResumeError::Expired) } else { Ok(row) }
    }

    fn expiry(&self) -> i64 {
        expiry(self.ingest.db.now_ms())
    }
}

/// When what was touched now is forgotten, Unix milliseconds.
fn expiry(now_ms: i64) -> i64 {
    now_ms + i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX / 2)
}

/// What an upload asks for, read anew for each of its requests: the account may have changed.
fn request(
    account: Account,
    said: &BTreeMap<String, String>,
    length: Option<u64>,
) -> std::result::Result<UploadRequest, UploadError> {
    UploadRequest::read(account, length, |name| said.get(name).cloned().unwrap_or_default())
}

fn progress(row: &resumable::Model) -> Progress {
    Progress {
        id: row.id.clone(),
        received: unsigned(row.received),
        length: row.length.map(unsigned),
        expires_at: row.expires_at,
        said: serde_json::from_str(&row.said).unwrap_or_default(),
        stored: None,
    }
}

/// A size as the database has it.
fn unsigned(size: i64) -> u64 {
    u64::try_from(size).unwrap_or(0)
}

fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
