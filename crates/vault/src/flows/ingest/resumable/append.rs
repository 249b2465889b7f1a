//! One request that brings bytes of an upload.

use super::catching_up::is_lost;
use super::hold::Hold;
use super::rows::Expected;
use super::{Piece, Progress, Resumables, ResumeError, progress, request, unsigned};
use crate::access::accounts::Account;
use crate::base::VaultError;
use crate::base::entity::resumable;
use crate::base::spans;
use crate::flows::ingest::arriving::{Arrived, Arriving};
use crate::flows::ingest::buffer::PartBuffer;
use crate::flows::ingest::digest::Digest;
use crate::flows::ingest::form::FirstBytes;
use crate::flows::ingest::multipart::{AtProvider, Multipart};
use crate::flows::ingest::patience::Patience;
use crate::flows::ingest::{Intent, Outcome, Stored, Target, UploadError};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use model::error::{StoreError, StoreErrorKind};
use model::ports::UploadId;
use std::collections::{BTreeMap, VecDeque};
use std::error::Error as StdError;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

type Result<T> = std::result::Result<T, ResumeError>;

/// How long a request that is to end still takes what comes, in all and without a byte.
const WINDING_DOWN: Duration = Duration::from_secs(2);
const LULL: Duration = Duration::from_millis(250);

/// The work on one request's bytes.
pub(super) struct Work {
    pub(super) resumables: Resumables,
    pub(super) target: Target,
    piece: Piece,
    /// The recording's size, if known.
    pub(super) length: Option<u64>,
    /// What the row says since something was kept last.
    pub(super) expected: Expected,
    /// Bytes at the beginning of the current part that the database has.
    pub(super) tail: u64,
    /// Whether the part in memory has them, too.
    has_tail: bool,
    /// Parts that were at the provider before this request.
    parts: usize,
}

/// What the row said besides numbers.
struct Before {
    said: BTreeMap<String, String>,
    digest: Digest,
    at_provider: Option<AtProvider>,
}

/// Why a request's bytes ended before its end.
enum Cut {
    /// They did not come: all that has come can be kept.
    Body(UploadError),
    /// They could not be taken: what is at the provider can be kept.
    Taking(UploadError),
    /// They would reach beyond the recording.
    TooMany,
}

impl Resumables {
    /// Takes more of an upload's bytes, and stores the recording once all are there. What has come is kept if the request
    /// breaks off. The work goes on if the caller is dropped.
    ///
    /// # Errors
    /// After any, [`look`](Self::look) says where to go on.
    pub async fn append<S, E>(&self, account: Account, id: &str, piece: Piece, body: S) -> Result<Progress>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Send + Unpin + 'static,
        E: StdError + Send + Sync + 'static,
    {
        let row = self.find(&account, id).await?;
        let hold = self.holds.take(&row.id).await?.ok_or(ResumeError::Held)?;
        let this = self.clone();
        let work = tokio::spawn(spans::within(spans::appending(), async move {
            let outcome = Box::pin(this.append_held(account, &row.id, piece, body, &hold)).await;
            hold.release().await;
            outcome
        }));
        work.await.map_err(UploadError::Crashed)?
    }

    async fn append_held<S, E>(
        &self,
        account: Account,
        id: &str,
        piece: Piece,
        body: S,
        hold: &Hold,
    ) -> Result<Progress>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Send + Unpin,
        E: StdError + Send + Sync + 'static,
    {
        // As it is now: another request may have had it until a moment ago.
        let row = self.catch_up(self.find(&account, id).await?).await?;
        let received = unsigned(row.received);
        if piece.at != received {
            return Err(ResumeError::WrongOffset { received });
        }
        if row.done {
            // Some clients go on even where nothing is left to send, when they did not learn that it has arrived.
            let is_empty = piece.size.unwrap_or(0) == 0;
            return if is_empty { Ok(progress(&row)) } else { Err(ResumeError::WrongLength) };
        }
        let length = match (row.length.map(unsigned), piece.length) {
            (Some(known), Some(said)) if known != said => return Err(ResumeError::WrongLength),
            (known, said) => known.or(said),
        };
        if length.is_some_and(|length| received.saturating_add(piece.size.unwrap_or(0)) > length) {
            return Err(ResumeError::WrongLength);
        }
        let Some(before) = before(&row) else {
            tracing::error!(id, "an upload in several requests is damaged and given up");
            return self.give_up(&row).await;
        };
        let ingest = &self.ingest;
        let slot = ingest.slots.clone().try_acquire_owned().map_err(|_| UploadError::Busy)?;
        let account_id = account.id;
        let request = request(account, &before.said, length.filter(|length| *length > 0))?;
        let mut target = ingest.target(request).await?;
        target.draft.resumable = Some(row.id.clone());
        if target.key.as_str() != row.key || target.provider.id != row.provider_id {
            // The account's directory or provider has changed: what has come lies where it does not belong.
            return self.give_up(&row).await;
        }
        let _places = ingest.admit(slot, account_id, target.provider.id).await?;
        let _running = ingest.locks.running(target.provider.id, &target.key);
        ingest.connections.set_up(&target.provider).await.map_err(UploadError::from)?;
        ingest.check_room(&target, piece.size).await?;
        let expected = Expected { id: row.id.clone(), received, holder: hold.holder.clone() };
        let parts = before.at_provider.as_ref().map_or(0, |begun| begun.parts.len());
        let work = Work { resumables: self.clone(), target, piece, length, expected, tail: 0, has_tail: false, parts };
        match work.run(before.digest, before.at_provider, body, hold).await {
            Err(error) if is_lost(&error) => self.lost(&self.find_again(&row).await?, error).await,
            Err(error) => Err(error),
            Ok(stored) => {
                let row = self.find_again(&row).await?;
                Ok(Progress { stored, ..progress(&row) })
            }
        }
    }

    async fn find_again(&self, row: &resumable::Model) -> Result<resumable::Model> {
        self.rows.find(&row.id).await?.ok_or(ResumeError::NotFound)
    }

    /// Ends an upload that cannot go on: its client begins anew.
    pub(super) async fn give_up<T>(&self, row: &resumable::Model) -> Result<T> {
        self.end(row).await?;
        Err(ResumeError::NotFound)
    }
}

/// `None` if the row is damaged.
fn before(row: &resumable::Model) -> Option<Before> {
    let digest = if row.digest.is_empty() { Digest::default() } else { Digest::restore(&row.digest)? };
    let at_provider: Option<AtProvider> = match &row.at_provider {
        Some(text) => Some(serde_json::from_str(text).ok()?),
        None => None,
    };
    let before = Before { said: serde_json::from_str(&row.said).ok()?, digest, at_provider };
    (before.digest.size() == unsigned(row.received)).then_some(before)
}

impl Work {
    async fn run<S, E>(
        mut self,
        digest: Digest,
        at_provider: Option<AtProvider>,
        body: S,
        hold: &Hold,
    ) -> Result<Option<Stored>>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Send + Unpin,
        E: StdError + Send + Sync + 'static,
    {
        let mut arriving = self.go_on(digest, at_provider).await?;
        let cut = self.take(&mut arriving, body, hold).await;
        let is_all = self.length == Some(arriving.digest.size());
        match cut {
            // That is no recording: nothing is stored, and the client need not go on.
            None if self.length == Some(0) => {
                Ok(self.resumables.rows.done(&self.expected.id, 0).await.map(|()| None)?)
            }
            None if is_all => self.finish(arriving).await.map(Some),
            // The connection ended a moment too early to say that all was sent.
            Some(Cut::Body(_)) if is_all && !self.piece.only_whole => self.finish(arriving).await.map(Some),
            None => self.suspend(arriving).await.map(|()| None),
            Some(Cut::Body(error)) => {
                if !self.piece.only_whole {
                    self.suspend(arriving).await?;
                }
                Err(error.into())
            }
            Some(Cut::Taking(error)) => {
                if !self.piece.only_whole {
                    self.keep_parts(&mut arriving).await?;
                }
                Err(error.into())
            }
            Some(Cut::TooMany) => Err(ResumeError::WrongLength),
        }
    }

    /// The state that the last request left.
    async fn go_on(&mut self, digest: Digest, at_provider: Option<AtProvider>) -> Result<Arriving> {
        let (ingest, store) = (&self.resumables.ingest, &self.target.provider.store);
        let part_size = store.part_size() as u64;
        let received = digest.size();
        let part_begins = self.parts as u64 * part_size;
        self.tail = received.checked_sub(part_begins).ok_or(ResumeError::NotFound)?;
        // Only what completes the part, or the recording, needs what came before.
        self.has_tail = self.piece.size.is_none_or(|size| {
            self.tail + size >= part_size || self.length.is_some_and(|length| received + size >= length)
        });
        let tail = if self.has_tail { self.tail } else { 0 };
        let left = self.piece.size.or(self.length.map(|length| length - received));
        let expected = left.map(|left| usize::try_from((tail + left).min(part_size)).unwrap_or(usize::MAX));
        let mut part = PartBuffer::new(ingest.budget.clone(), store.part_size(), expected);
        if tail > 0 {
            let kept = self.resumables.rows.tail(&self.expected.id, part_begins, received).await?;
            for bytes in kept.ok_or_else(missing)? {
                part.push(bytes).await.map_err(UploadError::from)?;
            }
        }
        let share = ingest.shares.of(self.target.provider.id);
        let of = |begun| Multipart::of(store.clone(), share, self.target.key.clone(), begun).outliving();
        let marks = (!self.piece.only_whole).then(VecDeque::new);
        Ok(Arriving { first: FirstBytes::default(), digest, part, multipart: at_provider.map(of), marks })
    }

    /// Takes the bytes; why they ended early, if they did.
    async fn take<S, E>(&mut self, arriving: &mut Arriving, mut body: S, hold: &Hold) -> Option<Cut>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Send + Unpin,
        E: StdError + Send + Sync + 'static,
    {
        let this = self.resumables.ingest.clone();
        let mut patience = Patience::new(this.idle_timeout, this.least_rate);
        let mut ends_at = None;
        loop {
            let next = match ends_at {
                Some(ends_at) => what_is_here(&mut body, ends_at).await,
                None => tokio::select! {
                    next = patience.next(&mut body) => next,
                    () = hold.asked_to_let_go() => {
                        ends_at = Some(Instant::now() + WINDING_DOWN);
                        continue;
                    }
                },
            };
            let chunk = match next {
                Ok(None) => return None,
                Ok(Some(chunk)) => chunk,
                Err(error) => return Some(Cut::Body(error)),
            };
            let comes_to = arriving.digest.size() + chunk.len() as u64;
            let announced = self.piece.size.map(|size| self.piece.at + size);
            if [self.length, announced].into_iter().flatten().any(|end| comes_to > end) {
                return Some(Cut::TooMany);
            }
            if let Err(error) = self.take_chunk(arriving, chunk).await {
                return Some(Cut::Taking(error));
            }
        }
    }

    async fn take_chunk(&mut self, arriving: &mut Arriving, chunk: Bytes) -> std::result::Result<(), UploadError> {
        let ingest = self.resumables.ingest.clone();
        let part_size = self.target.provider.store.part_size();
        if arriving.multipart.is_none() && arriving.part.len() + chunk.len() > part_size {
            arriving.multipart = Some(self.begin_parts().await?);
        }
        ingest.append(arriving, &self.target, None, chunk).await?;
        self.keep_parts(arriving).await
    }

    /// Keeps all that has come, for the next request to go on with.
    async fn suspend(mut self, mut arriving: Arriving) -> Result<()> {
        if let Some(multipart) = &mut arriving.multipart {
            multipart.settle().await;
            let (sent, arrived) = (multipart.sent(), multipart.arrived().parts.len());
            self.keep_parts(&mut arriving).await?;
            if arrived < sent {
                // What comes after a part that did not arrive cannot be kept.
                return Err(UploadError::from(VaultError::Conflict("A part did not reach its provider.".into())).into());
            }
        }
        let Arriving { digest, part, multipart, .. } = arriving;
        if digest.size() == self.expected.received && self.tail == part.len() as u64 && self.piece.length.is_none() {
            return Ok(());
        }
        let _turn = self.resumables.saving.acquire().await.map_err(|_| UploadError::Busy)?;
        let share = self.resumables.ingest.shares.of(self.target.provider.id);
        // Unless that part has been sent, and this is another one.
        let is_the_same = multipart.as_ref().map_or(0, Multipart::sent) == self.parts;
        let known = if self.has_tail && is_the_same { self.tail } else { 0 };
        let held = part.load(&share).await.map_err(UploadError::from)?;
        let fresh = held.bytes.slice(usize::try_from(known).unwrap_or(usize::MAX).min(held.bytes.len())..);
        let parts = multipart.map(|multipart| multipart.arrived());
        let kept = self.kept(parts.as_ref(), &digest);
        Ok(self.resumables.rows.keep_tail(self.expected, kept, fresh).await?)
    }

    /// All bytes are here.
    async fn finish(mut self, mut arriving: Arriving) -> Result<Stored> {
        let ingest = self.resumables.ingest.clone();
        let marks = arriving.marks.take();
        let received = ingest.arrived(arriving, &self.target).await.map_err(|failed| failed.error)?;
        let begun = match &received.bytes {
            Arrived::Whole(_) => None,
            Arrived::Parts(multipart) => {
                let parts = AtProvider { whole: Some(received.content.sha256.clone()), ..multipart.arrived() };
                // If the rest fails, the client goes on from the last whole part; unless it is stored all the same.
                match marks.and_then(|mut marks| marks.pop_back()).map(|mark| mark.of(&parts)) {
                    Some((at, digest)) => self.keep(&at, &digest).await?,
                    None => {
                        let rows = &self.resumables.rows;
                        rows.note_parts(self.expected.clone(), json(&parts.up_to(self.parts))).await?;
                    }
                }
                Some(parts.id)
            }
        };
        let length = received.content.size;
        let (store, key) = (self.target.provider.store.clone(), self.target.key.clone());
        let intent = Intent::declare(ingest.db.clone(), ingest.replicas.me(), &self.target, &self.target.draft);
        let provider = self.target.provider.name.clone();
        let outcome = ingest.finish(self.target, intent, received).await;
        ingest.tell(&provider, &key, &outcome).await;
        let stored = outcome?;
        if stored.outcome != Outcome::Identical {
            return Ok(stored);
        }
        if let Some(id) = begun
            && let Err(error) = store.abort(&key, &UploadId(id)).await
        {
            tracing::warn!(error = &error as &dyn StdError, %key, "parts of what was stored before are left");
        }
        if let Err(error) = self.resumables.rows.done(&self.expected.id, length).await {
            // It expires like one that nobody goes on with; the recording is stored all the same.
            tracing::warn!(error = &error as &dyn StdError, %key, "it is not noted that an upload is finished");
        }
        Ok(stored)
    }
}

/// The next bytes, if they are here already: of a connection that is dead, all that came before.
async fn what_is_here<S, E>(body: &mut S, ends_at: Instant) -> std::result::Result<Option<Bytes>, UploadError>
where
    S: Stream<Item = std::result::Result<Bytes, E>> + Send + Unpin,
    E: StdError + Send + Sync + 'static,
{
    let ends_at = ends_at.min(Instant::now() + LULL);
    match timeout_at(ends_at, body.next()).await {
        Ok(next) => next.transpose().map_err(|error| UploadError::Incomplete(Box::new(error))),
        Err(_) => Err(UploadError::Incomplete("its client asks where to go on".into())),
    }
}

/// Found like parts that are gone at the provider: the client begins anew.
fn missing() -> UploadError {
    StoreError::new(StoreErrorKind::Corrupt, "Some of the upload's bytes are missing.").into()
}

pub(super) fn json(at_provider: &AtProvider) -> String {
    serde_json::to_string(at_provider).expect("parts serialise")
}
