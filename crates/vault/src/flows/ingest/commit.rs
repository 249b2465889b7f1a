//! The transaction that makes a recording exist: its row, its events, the dashboard's figures, and the end of its
//! intent.

use super::digest::Content;
use super::known::Known;
use super::{UploadRequest, resumable};
use crate::base::clock::day_of;
use crate::base::db::Tx;
use crate::base::entity::{account, recording, upload, usage_day};
use crate::base::{Permission, Principal, Result, VaultError, audit};
use crate::connections;
use crate::connections::Version;
use crate::objects::intent::Draft;
use crate::outbox::deliveries::{self, NewDelivery};
use crate::outbox::event::{Beside, EventFacts, event, lane};
use crate::recordings::{assets, copies, custom_headers, devices};
use model::ObjectKey;
use model::event::Metadata;
use model::mp4::Mp4Facts;
use model::ports::Purpose;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait as _, EntityTrait, QueryFilter as _};
use std::sync::Arc;

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
            facts: request.facts,
            custom_headers: request.custom_headers,
            path: request.path.to_string(),
            resumable: None,
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
    let asset_of = assets::recording_of(tx, fresh.draft.account_id, &fresh.key).await?;
    let known = Known::of(asset_of.as_deref().unwrap_or(fresh.key.as_str()), &fresh.draft, now);
    let facts = known.believed(&fresh.key, &fresh.content);
    let metadata = known.metadata(&fresh.draft, &facts, now);
    let instance_name = metadata.instance_name.clone().unwrap_or_default();
    let size = i64::try_from(fresh.content.size).unwrap_or(i64::MAX);
    let mut row = recording::ActiveModel {
        account_id: Set(fresh.draft.account_id),
        provider_id: Set(fresh.provider_id),
        key: Set(fresh.key.to_string()),
        device: Set(fresh.draft.device.clone()),
        instance_name: Set(instance_name.clone()),
        timestamp: Set(known.timestamp),
        uploaded_at: Set(now),
        size: Set(size),
        sha256: Set(fresh.content.sha256.clone()),
        duration_ms: Set(metadata.duration.as_ref().and_then(|d| d.parse().ok()).unwrap_or(0)),
        codec: Set(facts.codec.clone().unwrap_or_default()),
        fragmented: Set(facts.fragmented),
        facts: Set(serde_json::to_string(&facts).expect("facts serialise")),
        metadata: Set(serde_json::to_string(&metadata).expect("metadata serialises")),
        path: Set(fresh.draft.path.clone()),
        origin_id: Set(fresh.provider_id),
        asset_of: Set(asset_of.clone()),
        orphaned: Set(false),
        ..Default::default()
    };
    let id = match fresh.replaces {
        None => recording::Entity::insert(row).exec(tx).await?.last_insert_id,
        Some(id) => {
            row.id = Set(id);
            // First, because it waits for any transaction that records a copy and has locked this row.
            row.update(tx).await?;
            copies::forget(tx, &[id]).await?;
            custom_headers::forget(tx, &[id]).await?;
            audit_replacement(tx, &fresh).await?;
            id
        }
    };
    custom_headers::keep(tx, id, &fresh.draft.custom_headers).await?;
    copies::give_way(tx, &fresh.place, fresh.key.as_str()).await?;
    enqueue(tx, &fresh, asset_of.as_deref(), &facts, id, metadata, now).await?;
    if asset_of.is_none() && !fresh.draft.device.is_empty() {
        let draft = &fresh.draft;
        devices::uploaded(tx, &draft.device, &instance_name, &draft.capture, draft.account_id, now).await?;
    }
    if let Some(upload) = &fresh.draft.resumable {
        resumable::is_done(tx, upload, fresh.content.size).await?;
    }
    count(tx, day_of(now), fresh.draft.account_id, i64::from(asset_of.is_none()), size).await?;
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

/// Puts the event into the outbox of every integration, and copies into that of every secondary provider. Of an asset
/// no integration is told, lest a consumer works on its own output; other vaults get it after its recording.
async fn enqueue(
    tx: &Tx,
    fresh: &NewRecording,
    asset_of: Option<&str>,
    facts: &Mp4Facts,
    id: i64,
    metadata: Metadata,
    now: i64,
) -> Result<()> {
    let draft = &fresh.draft;
    let copy_to: Vec<i64> = draft.secondaries.iter().copied().filter(|id| *id != fresh.provider_id).collect();
    let (told, purpose, recording) = match asset_of {
        None => (draft.integrations.clone(), Purpose::Stored, None),
        Some(stem) => (
            connections::vaults_among(tx, &draft.integrations).await?,
            Purpose::Asset,
            assets::recording_with(tx, draft.account_id, stem).await?,
        ),
    };
    if told.is_empty() && copy_to.is_empty() {
        return Ok(());
    }
    let lane = match recording {
        Some(row) => lane(row.account_id, &row.device, &row.instance_name),
        None => lane(draft.account_id, &draft.device, metadata.instance_name.as_deref().unwrap_or_default()),
    };
    let (event_id, event) = event(EventFacts {
        key: fresh.key.as_str(),
        size: fresh.content.size,
        facts,
        metadata,
        source: fresh.provider_name.clone(),
        beside: Beside {
            secondary_providers: connections::names_of(tx, &copy_to).await?,
            custom_headers: draft.custom_headers.clone(),
        },
        stored_at: now,
        cloud_analysis: draft.cloud_analysis,
    });
    let new = NewDelivery { recording_id: id, lane, event_id: &event_id, event: &event, purpose };
    deliveries::enqueue(tx, &told, new.clone()).await?;
    deliveries::enqueue(tx, &copy_to, NewDelivery { purpose: Purpose::Copy, ..new }).await
}

async fn count(tx: &Tx, day: i64, account_id: i64, recordings: i64, bytes: i64) -> Result<()> {
    use usage_day::Column::{AccountId, Bytes, Day, Recordings};
    let row = usage_day::ActiveModel {
        day: Set(day),
        account_id: Set(account_id),
        recordings: Set(recordings),
        bytes: Set(bytes),
    };
    let add = OnConflict::columns([Day, AccountId])
        .value(Recordings, Expr::col((usage_day::Entity, Recordings)).add(recordings))
        .value(Bytes, Expr::col((usage_day::Entity, Bytes)).add(bytes))
        .to_owned();
    usage_day::Entity::insert(row).on_conflict(add).exec_without_returning(tx).await?;
    Ok(())
}
