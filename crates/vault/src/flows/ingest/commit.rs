//! The transaction that makes a recording exist: its row, its events, the dashboard's figures, and the end of its
//! intent.

use super::UploadRequest;
use super::digest::Content;
use crate::base::clock::{DAY_MS, day_of};
use crate::base::db::Tx;
use crate::base::entity::{account, recording, upload, usage_day};
use crate::base::{Permission, Principal, Result, VaultError, audit};
use crate::connections::Version;
use crate::objects::intent::Draft;
use crate::outbox::deliveries::{self, NewDelivery};
use crate::outbox::event::{EventFacts, event, lane};
use crate::recordings::copies;
use crate::recordings::devices;
use model::ObjectKey;
use model::event::Metadata;
use model::file_name::AgentFileName;
use model::ports::Purpose;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait as _, EntityTrait, QueryFilter as _};
use std::sync::Arc;

/// A camera's clock further ahead than this is not believed: its recording would be kept too long.
const AHEAD_MS: i64 = DAY_MS;

impl From<UploadRequest> for Draft {
    fn from(request: UploadRequest) -> Self {
        Self {
            account_id: request.account.id,
            integrations: request.account.integrations,
            secondaries: request.account.secondary_ids,
            cloud_analysis: request.account.cloud_analysis,
            device: request.device.into(),
            capture: request.capture.into(),
            cloud_key: request.cloud_key.into(),
            fps: request.fps.into(),
            duration: request.duration.into(),
            timestamp: request.timestamp.into(),
            path: request.path.to_string(),
            sent: None,
            is_lie: false,
            failed_at: 0,
        }
    }
}

/// A recording whose object is durable but whose row is not written yet.
#[derive(Clone)]
pub(super) struct NewRecording {
    pub(super) intent_id: i64,
    pub(super) replaces: Option<i64>,
    pub(super) provider_id: i64,
    /// Version of the provider's settings when the object was stored.
    pub(super) version: Version,
    /// All providers at the same place, this one included.
    pub(super) place: Arc<[i64]>,
    pub(super) provider_name: String,
    pub(super) key: ObjectKey,
    pub(super) draft: Draft,
    pub(super) content: Content,
}

/// Returns the recording's id. Safe to repeat: the intent is deleted first, so whoever finds it gone knows that this
/// upload was committed before. On PostgreSQL that waits until an earlier COMMIT, whose answer was lost, has ended.
pub(super) async fn commit(tx: &Tx, fresh: NewRecording) -> Result<i64> {
    let now = tx.now_ms();
    if upload::Entity::delete_by_id(fresh.intent_id).exec(tx).await?.rows_affected == 0 {
        return committed_before(tx, &fresh).await;
    }
    fresh.version.check_current(tx).await?;
    let fresh = NewRecording { draft: fresh.draft.still_concerning(tx).await?, ..fresh };
    let name = AgentFileName::parse(fresh.key.file_name());
    let metadata = metadata(&fresh, name.as_ref(), now);
    let instance_name = name.as_ref().map_or("", |n| n.instance_name.as_str());
    let size = i64::try_from(fresh.content.size).unwrap_or(i64::MAX);
    let facts = &fresh.content.facts;
    let mut row = recording::ActiveModel {
        account_id: Set(fresh.draft.account_id),
        provider_id: Set(fresh.provider_id),
        key: Set(fresh.key.to_string()),
        device: Set(fresh.draft.device.clone()),
        instance_name: Set(instance_name.to_owned()),
        timestamp: Set(timestamp(&fresh.draft, name.as_ref(), now)),
        uploaded_at: Set(now),
        size: Set(size),
        sha256: Set(fresh.content.sha256.clone()),
        duration_ms: Set(metadata.duration.as_ref().and_then(|d| d.parse().ok()).unwrap_or(0)),
        codec: Set(facts.codec.clone().unwrap_or_default()),
        fragmented: Set(facts.fragmented),
        facts: Set(serde_json::to_string(facts).expect("facts serialise")),
        metadata: Set(serde_json::to_string(&metadata).expect("metadata serialises")),
        path: Set(fresh.draft.path.clone()),
        origin_id: Set(fresh.provider_id),
        ..Default::default()
    };
    let id = match fresh.replaces {
        None => recording::Entity::insert(row).exec(tx).await?.last_insert_id,
        Some(id) => {
            row.id = Set(id);
            // First, because it waits for any transaction that records a copy and has locked this row.
            row.update(tx).await?;
            copies::forget(tx, id).await?;
            audit_replacement(tx, &fresh).await?;
            id
        }
    };
    copies::give_way(tx, &fresh.place, fresh.key.as_str()).await?;
    enqueue(tx, &fresh, id, instance_name, metadata, now).await?;
    if !fresh.draft.device.is_empty() {
        let draft = &fresh.draft;
        devices::uploaded(tx, &draft.device, instance_name, &draft.capture, draft.account_id, now).await?;
    }
    count(tx, day_of(now), fresh.draft.account_id, size).await?;
    Ok(id)
}

/// Whoever has an account's keys can put other content in a recording's place. That must be seen.
async fn audit_replacement(tx: &Tx, fresh: &NewRecording) -> Result<()> {
    let account_id = fresh.draft.account_id;
    let name = account::Entity::find_by_id(account_id).one(tx).await?.map(|row| row.name).unwrap_or_default();
    let principal = Principal::Account { id: account_id, name };
    audit::record(tx, &principal, Permission::Replace { account_id }, "replaced recording", fresh.key.as_str()).await
}

async fn committed_before(tx: &Tx, fresh: &NewRecording) -> Result<i64> {
    let same = recording::Entity::find()
        .filter(recording::Column::ProviderId.eq(fresh.provider_id))
        .filter(recording::Column::Key.eq(fresh.key.as_str()))
        .filter(recording::Column::Sha256.eq(&fresh.content.sha256));
    let row = same.one(tx).await?;
    row.map(|row| row.id).ok_or_else(|| VaultError::Conflict("The upload was given up before it was committed.".into()))
}

/// Puts the event into the outbox of every integration, and copies into that of every secondary provider.
async fn enqueue(
    tx: &Tx,
    fresh: &NewRecording,
    id: i64,
    instance_name: &str,
    metadata: Metadata,
    now: i64,
) -> Result<()> {
    let copy_to: Vec<i64> = fresh.draft.secondaries.iter().copied().filter(|id| *id != fresh.provider_id).collect();
    if fresh.draft.integrations.is_empty() && copy_to.is_empty() {
        return Ok(());
    }
    let (event_id, event) = event(EventFacts {
        key: fresh.key.as_str(),
        size: fresh.content.size,
        facts: &fresh.content.facts,
        metadata,
        source: fresh.provider_name.clone(),
        stored_at: now,
        cloud_analysis: fresh.draft.cloud_analysis,
    });
    let new = NewDelivery {
        recording_id: id,
        lane: lane(fresh.draft.account_id, &fresh.draft.device, instance_name),
        event_id: &event_id,
        event: &event,
        purpose: Purpose::Stored,
    };
    deliveries::enqueue(tx, &fresh.draft.integrations, new.clone()).await?;
    deliveries::enqueue(tx, &copy_to, NewDelivery { purpose: Purpose::Copy, ..new }).await
}

async fn count(tx: &Tx, day: i64, account_id: i64, bytes: i64) -> Result<()> {
    use usage_day::Column::{AccountId, Bytes, Day, Recordings};
    let row =
        usage_day::ActiveModel { day: Set(day), account_id: Set(account_id), recordings: Set(1), bytes: Set(bytes) };
    let add = OnConflict::columns([Day, AccountId])
        .value(Recordings, Expr::col((usage_day::Entity, Recordings)).add(1))
        .value(Bytes, Expr::col((usage_day::Entity, Bytes)).add(bytes))
        .to_owned();
    usage_day::Entity::insert(row).on_conflict(add).exec_without_returning(tx).await?;
    Ok(())
}

/// When it was recorded, Unix milliseconds: by the file name, else the header, else on arrival.
fn timestamp(draft: &Draft, name: Option<&AgentFileName>, now: i64) -> i64 {
    let named = name.map(|n| n.timestamp_s.saturating_mul(1000).saturating_add(milliseconds(n)));
    let given = || draft.timestamp.parse().ok();
    let believable = |ms: &i64| (1..=now + AHEAD_MS).contains(ms);
    named.filter(believable).or_else(|| given().filter(believable)).unwrap_or(now)
}

/// The fraction of the second. `n` is the number of digits: up to three are milliseconds, more are microseconds.
fn milliseconds(name: &AgentFileName) -> i64 {
    let fraction = i64::from(name.microseconds);
    let ms = if name.n <= 3 { fraction } else { fraction / 1000 };
    ms.clamp(0, 999)
}

fn metadata(fresh: &NewRecording, name: Option<&AgentFileName>, now: i64) -> Metadata {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let draft = &fresh.draft;
    let measured = fresh.content.facts.duration_ms.map(|ms| ms.to_string());
    let announced = Some(&draft.duration).filter(|d| d.parse::<i64>().is_ok_and(|ms| ms > 0)).cloned();
    Metadata {
        capture: given(&draft.capture),
        uploadtime: Some((now / 1000).to_string()),
        timestamp: Some(match name {
            Some(name) => name.timestamp_s.to_string(),
            None => (timestamp(draft, None, now) / 1000).to_string(),
        }),
        microseconds: name.map(|n| n.microseconds.to_string()),
        instance_name: name.map(|n| n.instance_name.clone()),
        region: name.map(|n| n.region.clone()),
        changes: name.map(|n| n.changes.to_string()),
        token: name.map(|n| n.token.to_string()),
        productid: given(&draft.device),
        publickey: given(&draft.cloud_key),
        duration: announced.or(measured),
        fps: given(&draft.fps),
    }
}
