//! One camera's deliveries to one integration, sent one after the other.

use super::CopyMaker;
use super::Integration;
use super::backoff::Pace;
use super::row_memory::RowMemory;
use super::sent_batch::SentBatch;
use super::signed_address;
use crate::base::Result;
use crate::base::damaged::delivery_purpose;
use crate::base::db::Db;
use crate::base::entity::{delivery, lane};
use crate::base::spans;
use crate::base::steps::{self, Step};
use crate::connections::{DeliveryMethod, SignedAddress};
use crate::host::replicas::Replicas;
use crate::outbox::deliveries::{WAITING, Wakeups, in_state};
use crate::outbox::event::device_of;
use crate::outbox::recording_source::StoredRecording;
use crate::recordings::Recordings;
use model::error::{SinkError, SinkErrorKind};
use model::ports::{OutgoingEvent, Purpose};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, ExprTrait as _, Order, QueryFilter, QueryOrder, QuerySelect,
};
use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Deliveries sent before their success is recorded; after a crash at most these are repeated.
const BATCH: u64 = 32;
/// How long one camera may keep the integration's other cameras waiting.
const TURN: Duration = Duration::from_secs(60);
/// Longest time one copy may take.
const COPY_TIMEOUT: Duration = Duration::from_secs(600);
/// How long a send may still take when the vault or the integration is being stopped.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// Exponent of the longest wait for an outbox that records no outcomes: two to this many seconds.
const UNRECORDED_MOST: u32 = 6;

pub(super) struct Lane {
    pub(super) db: Db,
    recordings: Recordings,
    pub(super) wakeups: Wakeups,
    vault_id: String,
    pub(super) integration_id: i64,
    pub(super) integration: String,
    copies: Arc<dyn CopyMaker>,
    replicas: Replicas,
    way: DeliveryMethod,
    address: Option<SignedAddress>,
    pub(super) device: String,
    pub(super) pace: Pace,
    /// Whether the integration's last answered event, of any camera, was refused; true before the first.
    last_was_refused: Arc<AtomicBool>,
    /// How many outcomes in a row could not be recorded.
    unrecorded: Arc<AtomicU32>,
    stop: CancellationToken,
}

/// How a batch ended.
enum Batch {
    /// All sent, and there may be more.
    More,
    /// Nothing is left.
    Empty,
    /// One failed; the lane's row says when it goes on.
    Failed,
}

impl Lane {
    pub(super) fn new(integration: &Integration, device: String) -> Self {
        Self {
            db: integration.db.clone(),
            recordings: integration.recordings.clone(),
            wakeups: integration.wakeups.clone(),
            vault_id: integration.vault_id.clone(),
            integration_id: integration.sink.id,
            integration: integration.sink.name.clone(),
            copies: integration.copies.clone(),
            replicas: integration.replicas.clone(),
            way: integration.sink.way.clone(),
            address: integration.sink.address.clone(),
            device,
            pace: integration.pace,
            last_was_refused: integration.last_was_refused.clone(),
            unrecorded: integration.unrecorded.clone(),
            stop: integration.stop.clone(),
        }
    }

    /// Sends until the lane is empty, fails, or its turn is over; returns its device.
    pub(super) async fn run(self) -> String {
        let turn_ends = self.db.clock().elapsed() + TURN;
        loop {
            match self.batch(turn_ends).await {
                Ok(Batch::More) if self.goes_on(turn_ends) => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::error!(
                        integration = self.integration,
                        error = &error as &dyn StdError,
                        "the outbox cannot be worked on"
                    );
                    self.wait_for_the_outbox().await;
                    break;
                }
            }
        }
        self.release().await;
        self.device
    }

    /// Backs off, doubling up to a minute, while outcomes cannot be recorded: what was sent then is sent again.
    async fn wait_for_the_outbox(&self) {
        let failures = std::cmp::min(self.unrecorded.fetch_add(1, Ordering::Relaxed), UNRECORDED_MOST);
        let wait = Duration::from_secs(1 << failures);
        self.stop.run_until_cancelled(tokio::time::sleep(wait)).await;
    }

    fn goes_on(&self, turn_ends: Duration) -> bool {
        self.db.clock().elapsed() < turn_ends && !self.stop.is_cancelled()
    }

    /// Lets other replicas have the lane. If that fails, this vault keeps it and takes it again when it is due.
    async fn release(&self) {
        if !self.db.is_shared() {
            return;
        }
        let this = lane::Column::IntegrationId.eq(self.integration_id).and(lane::Column::Device.eq(&self.device));
        let mine = this.and(lane::Column::Owner.eq(self.replicas.me()));
        let nobodys = lane::ActiveModel { owner: Set(None), ..Default::default() };
        let release = lane::Entity::update_many().set(nobodys).filter(mine);
        let released = self.db.write(move |tx| Box::pin(async move { Ok(release.exec(tx).await.map(drop)?) }));
        if let Err(error) = released.await {
            tracing::warn!(
                integration = self.integration,
                error = &error as &dyn StdError,
                "a lane stays this vault's"
            );
        }
    }

    async fn batch(&self, turn_ends: Duration) -> Result<Batch> {
        let Some(lane) =
            lane::Entity::find_by_id((self.integration_id, self.device.clone())).one(self.db.read()).await?
        else {
            return Ok(Batch::Empty);
        };
        // After failures, one event shows whether all is well again. If it is, those set aside meanwhile go before the next.
        let careful = lane.attempts > 0
            || self.last_was_refused.load(Ordering::Relaxed)
            || self.unrecorded.load(Ordering::Relaxed) > 0;
        let limit = if careful { 1 } else { BATCH };
        let newest_first = matches!(&self.way, DeliveryMethod::Sink(sink) if sink.newest_first());
        let order = if newest_first { Order::Desc } else { Order::Asc };
        let waiting = delivery::Entity::find()
            .filter(delivery::Column::IntegrationId.eq(self.integration_id))
            .filter(delivery::Column::Device.eq(&self.device))
            .filter(in_state(WAITING))
            .order_by(delivery::Column::Id, order)
            .limit(limit)
            .all(self.db.read())
            .await?;
        let looked = waiting.len();
        let mut sent = SentBatch::default();
        for row in waiting {
            match self.send(&row).await {
                Some(Ok(())) => {
                    steps::reached(Step::DeliverySent);
                    sent.ids.push(row.id);
                    sent.takes_again |= self.last_was_refused.swap(false, Ordering::Relaxed);
                    sent.was_aside |= row.due_at > 0;
                }
                None => break,
                Some(Err(error)) => {
                    let refused = matches!(error.kind, SinkErrorKind::Refused | SinkErrorKind::Denied);
                    let alone = refused && !self.last_was_refused.swap(true, Ordering::Relaxed);
                    self.record_failure(&row, lane.attempts, alone, sent, error).await?;
                    self.unrecorded.store(0, Ordering::Relaxed);
                    return Ok(Batch::Failed);
                }
            }
            if !self.goes_on(turn_ends) {
                break;
            }
        }
        let all = looked < limit as usize && sent.ids.len() == looked;
        let rests = self.record_sent(sent, &lane, all).await?;
        self.unrecorded.store(0, Ordering::Relaxed);
        steps::reached(Step::DeliveryNoted);
        Ok(if rests { Batch::Empty } else { Batch::More })
    }

    /// Sends one event; `None` if the worker is being stopped and the other side does not answer.
    async fn send(&self, row: &delivery::Model) -> Option<std::result::Result<(), SinkError>> {
        let patience = match &self.way {
            DeliveryMethod::Sink(sink) => sink.send_timeout(),
            DeliveryMethod::Copies => COPY_TIMEOUT,
            DeliveryMethod::Unusable(why) => return Some(Err(SinkError::down(why.clone()))),
        };
        let span = match &self.way {
            DeliveryMethod::Copies => spans::copying(&self.integration),
            _ => spans::delivering(&self.integration, &row.event_id),
        };
        let stopping = async {
            self.stop.cancelled().await;
            tokio::time::sleep(STOP_GRACE).await;
        };
        tokio::select! {
            outcome = spans::within(span.clone(), self.deliver(row)) => Some(outcome),
            () = tokio::time::sleep(patience) => {
                spans::failed(&span);
                Some(Err(SinkError::down(format!("No answer within {} seconds.", patience.as_secs()))))
            }
            () = stopping => None,
        }
    }

    async fn deliver(&self, row: &delivery::Model) -> std::result::Result<(), SinkError> {
        let sink = match &self.way {
            DeliveryMethod::Sink(sink) => sink,
            DeliveryMethod::Copies => return self.copies.make(row.recording_id, self.integration_id).await,
            DeliveryMethod::Unusable(why) => return Err(SinkError::down(why.clone())),
        };
        let (purpose, event) = self.read(row)?;
        let body = match &self.address {
            Some(address) => signed_address::add(&self.recordings, row.recording_id, event, address).await?,
            None => event.to_owned(),
        };
        let recording = StoredRecording {
            recordings: self.recordings.clone(),
            id: row.recording_id,
            vault_id: self.vault_id.clone(),
        };
        let event = OutgoingEvent {
            id: row.event_id.clone(),
            device: device_of(&row.device).to_owned(),
            body: body.into(),
            purpose,
            recording: Arc::new(recording),
            memory: Arc::new(RowMemory { db: self.db.clone(), id: row.id, kept: row.kept.clone() }),
        };
        sink.send(&event).await
    }

    /// A damaged delivery stays damaged until somebody mends it: it is parked, and the camera goes on.
    fn read<'a>(&self, row: &'a delivery::Model) -> std::result::Result<(Purpose, &'a str), SinkError> {
        let read = delivery_purpose(row.id, &row.purpose).and_then(|purpose| Ok((purpose, row.read_event()?)));
        let read = self.db.damaged_rows().reported(read);
        read.map_err(|damage| SinkError::new(SinkErrorKind::Hopeless, damage.to_string()))
    }
}
