//! Cameras. Heartbeats carry no credentials (docs/protocol.md §8), so what they claim is bounded, and kept apart from
//! what an upload has proved: a camera that uploaded is its account's, whatever heartbeats say of its key.

use super::known_devices::KnownDevices;
use crate::base::db::Db;
use crate::base::entity::{account, device, device_claim};
use crate::base::{Permission, Principal, audit};
use crate::base::{Result, VaultError};
use model::device::{DeviceView, ONLINE_FOR_MS};
use sea_orm::sea_query::{OnConflict, Query, SelectStatement};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use std::collections::HashMap;

/// Most devices that never uploaded; further unknown ones are refused.
pub const MAX_UNVERIFIED: u64 = 1_000;
/// Most devices in a list.
const MAX_LISTED: u64 = 5_000;

/// What an agent says about itself.
#[derive(Debug, Clone, Default)]
pub struct Heartbeat {
    /// Device key.
    pub key: String,
    /// Camera's name.
    pub name: String,
    /// Agent's version.
    pub version: String,
    /// Host name.
    pub hostname: String,
    /// e.g. `IPCamera`.
    pub capture: String,
    /// The whole heartbeat.
    pub details: serde_json::Value,
}

/// Lists and updates cameras.
#[derive(Clone)]
pub struct Devices(Db, KnownDevices);

impl Devices {
    pub(crate) fn new(db: Db) -> Self {
        Self(db.clone(), KnownDevices::new(db))
    }

    /// Whether uploads with valid credentials have come from a camera. Cheap, and up to half a minute late.
    pub async fn is_verified(&self, key: &str) -> bool {
        self.1.contains(key).await
    }

    /// Records a heartbeat; `false` if the device is unknown and there are too many unverified ones.
    pub async fn heartbeat(&self, beat: Heartbeat) -> Result<bool> {
        if !self.is_known(&beat.key).await? && unproven(self.0.read()).await? >= MAX_UNVERIFIED {
            return Ok(false);
        }
        let now = self.0.now_ms();
        let row = device_claim::ActiveModel {
            key: Set(beat.key),
            name: Set(beat.name),
            capture: Set(beat.capture),
            version: Set(beat.version),
            hostname: Set(beat.hostname),
            details: Set(beat.details.to_string()),
            first_seen: Set(now),
            last_seen: Set(now),
        };
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    use device_claim::Column::{Capture, Details, Hostname, Key, LastSeen, Name, Version};
                    let update = OnConflict::column(Key)
                        .update_columns([Name, Capture, Version, Hostname, Details, LastSeen])
                        .to_owned();
                    device_claim::Entity::insert(row).on_conflict(update).exec_without_returning(tx).await?;
                    Ok(true)
                })
            })
            .await
    }

    async fn is_known(&self, key: &str) -> Result<bool> {
        if device_claim::Entity::find_by_id(key).one(self.0.read()).await?.is_some() {
            return Ok(true);
        }
        let proven = device::Entity::find().filter(device::Column::Key.eq(key)).limit(1);
        Ok(proven.one(self.0.read()).await?.is_some())
    }

    /// All cameras, the last seen first: those of accounts, and those that only claim to be one.
    pub async fn list(&self) -> Result<Vec<DeviceView>> {
        let proven = device::Entity::find().order_by_desc(device::Column::LastRecording).limit(MAX_LISTED);
        let claims = device_claim::Entity::find().order_by_desc(device_claim::Column::LastSeen).limit(MAX_LISTED);
        let (proven, claims) = (proven.all(self.0.read()).await?, claims.all(self.0.read()).await?);
        let accounts: HashMap<i64, String> =
            account::Entity::find().all(self.0.read()).await?.into_iter().map(|a| (a.id, a.name)).collect();
        let mut claims: HashMap<String, device_claim::Model> = claims.into_iter().map(|c| (c.key.clone(), c)).collect();
        let now = self.0.now_ms();
        let mut views: Vec<DeviceView> = proven
            .iter()
            .map(|row| {
                let claim = claims.get(&row.key);
                let said = |what: fn(&device_claim::Model) -> &String| claim.map(what).cloned().unwrap_or_default();
                let last_seen = std::cmp::max(claim.map_or(0, |claim| claim.last_seen), row.last_recording);
                DeviceView {
                    online: now - last_seen < ONLINE_FOR_MS,
                    verified: true,
                    account_id: Some(row.account_id),
                    account: accounts.get(&row.account_id).cloned().unwrap_or_default(),
                    key: row.key.clone(),
                    name: row.name.clone(),
                    capture: row.capture.clone(),
                    version: said(|claim| &claim.version),
                    hostname: said(|claim| &claim.hostname),
                    last_seen,
                    last_recording: row.last_recording,
                }
            })
            .collect();
        for row in &proven {
            claims.remove(&row.key);
        }
        views.extend(claims.into_values().map(|claim| DeviceView {
            online: now - claim.last_seen < ONLINE_FOR_MS,
            verified: false,
            account_id: None,
            account: String::new(),
            key: claim.key,
            name: claim.name,
            capture: claim.capture,
            version: claim.version,
            hostname: claim.hostname,
            last_seen: claim.last_seen,
            last_recording: 0,
        }));
        views.sort_by(|a, b| b.last_seen.cmp(&a.last_seen).then_with(|| a.key.cmp(&b.key)));
        views.truncate(MAX_LISTED as usize);
        Ok(views)
    }

    /// Forgets a camera of an account, or one that only claims to be one; its next upload or heartbeat brings it back.
    pub async fn delete(&self, principal: &Principal, account_id: Option<i64>, key: &str) -> Result<()> {
        let (principal, key) = (principal.clone(), key.to_owned());
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let gone = match account_id {
                        Some(account) => device::Entity::delete_by_id((account, key.clone())).exec(tx).await?,
                        None => device_claim::Entity::delete_by_id(&key).exec(tx).await?,
                    };
                    if gone.rows_affected == 0 {
                        return Err(VaultError::NotFound("camera"));
                    }
                    // What it claimed goes with it, unless another account's camera has the key.
                    let others = device::Entity::find().filter(device::Column::Key.eq(&key)).limit(1).one(tx).await?;
                    if others.is_none() {
                        device_claim::Entity::delete_by_id(&key).exec(tx).await?;
                    }
                    audit::record(tx, &principal, Permission::Manage, "deleted camera", &key).await
                })
            })
            .await
    }

    /// The number of cameras online, and of all cameras.
    pub(crate) async fn count(&self) -> Result<(i64, i64)> {
        let (since, db) = (self.0.now_ms() - ONLINE_FOR_MS, self.0.read());
        let seen = device_claim::Entity::find().filter(device_claim::Column::LastSeen.gt(since)).count(db).await?;
        let silent = device::Entity::find()
            .filter(device::Column::LastRecording.gt(since))
            .filter(device::Column::Key.not_in_subquery(keys_seen_after(since)))
            .count(db)
            .await?;
        let total = device::Entity::find().count(db).await? + unproven(db).await?;
        Ok((i64::try_from(seen + silent).unwrap_or(i64::MAX), i64::try_from(total).unwrap_or(i64::MAX)))
    }
}

/// How many devices have only claimed to be one.
async fn unproven(db: &impl ConnectionTrait) -> Result<u64> {
    Ok(device_claim::Entity::find().filter(is_unproven()).count(db).await?)
}

/// Whether a claim's key is no camera's that uploaded.
pub(crate) fn is_unproven() -> sea_orm::sea_query::Expr {
    let proven = Query::select().column(device::Column::Key).from(device::Entity).to_owned();
    device_claim::Column::Key.not_in_subquery(proven)
}

fn keys_seen_after(since: i64) -> SelectStatement {
    Query::select()
        .column(device_claim::Column::Key)
        .from(device_claim::Entity)
        .and_where(device_claim::Column::LastSeen.gt(since))
        .to_owned()
}

/// Records an upload with valid credentials, which verifies the device.
pub(crate) async fn uploaded(
    tx: &impl ConnectionTrait,
    key: &str,
    name: &str,
    capture: &str,
    account_id: i64,
    at: i64,
) -> Result<()> {
    use device::Column::{AccountId, Key, LastRecording, Name};
    let row = device::ActiveModel {
        key: Set(key.to_owned()),
        name: Set(name.to_owned()),
        capture: Set(capture.to_owned()),
        first_seen: Set(at),
        last_recording: Set(at),
        account_id: Set(account_id),
    };
    let mut update = OnConflict::columns([AccountId, Key]);
    update.update_column(LastRecording);
    // A camera may be renamed; one that does not say its name keeps it.
    if !name.is_empty() {
        update.update_column(Name);
    }
    device::Entity::insert(row).on_conflict(update).exec_without_returning(tx).await?;
    Ok(())
}
