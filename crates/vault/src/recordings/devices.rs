//! Cameras. Heartbeats carry no credentials (docs/protocol.md §8), so what they claim is bounded, and kept apart from
//! what an upload has proved.

use super::known_devices::KnownDevices;
use crate::base::db::Db;
use crate::base::entity::{account, device};
use crate::base::{Permission, Principal, audit};
use crate::base::{Result, VaultError};
use model::device::{DeviceView, ONLINE_FOR_MS};
use sea_orm::sea_query::OnConflict;
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
        let known = device::Entity::find_by_id(&beat.key).one(self.0.read()).await?.is_some();
        if !known {
            let unproven = device::Entity::find().filter(device::Column::AccountId.is_null());
            if unproven.count(self.0.read()).await? >= MAX_UNVERIFIED {
                return Ok(false);
            }
        }
        let now = self.0.now_ms();
        let row = device::ActiveModel {
            key: Set(beat.key),
            name: Set(beat.name),
            capture: Set(beat.capture),
            version: Set(beat.version),
            hostname: Set(beat.hostname),
            details: Set(beat.details.to_string()),
            first_seen: Set(now),
            last_seen: Set(now),
            last_recording: Set(0),
            account_id: Set(None),
        };
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    use device::Column::{Capture, Details, Hostname, Key, LastSeen, Name, Version};
                    let update = OnConflict::column(Key)
                        .update_columns([Name, Capture, Version, Hostname, Details, LastSeen])
                        .to_owned();
                    device::Entity::insert(row).on_conflict(update).exec_without_returning(tx).await?;
                    Ok(true)
                })
            })
            .await
    }

    /// All cameras, the last seen first.
    pub async fn list(&self) -> Result<Vec<DeviceView>> {
        let rows =
            device::Entity::find().order_by_desc(device::Column::LastSeen).limit(MAX_LISTED).all(self.0.read()).await?;
        let accounts: HashMap<i64, String> =
            account::Entity::find().all(self.0.read()).await?.into_iter().map(|a| (a.id, a.name)).collect();
        let now = self.0.now_ms();
        let view = |row: device::Model| DeviceView {
            online: now - row.last_seen < ONLINE_FOR_MS,
            verified: row.account_id.is_some(),
            account: row.account_id.and_then(|id| accounts.get(&id).cloned()).unwrap_or_default(),
            key: row.key,
            name: row.name,
            capture: row.capture,
            version: row.version,
            hostname: row.hostname,
            last_seen: row.last_seen,
            last_recording: row.last_recording,
        };
        Ok(rows.into_iter().map(view).collect())
    }

    /// Forgets a camera; its next heartbeat or upload brings it back.
    pub async fn delete(&self, principal: &Principal, key: &str) -> Result<()> {
        let (principal, key) = (principal.clone(), key.to_owned());
        self.0
            .write(move |tx| {
                Box::pin(async move {
                    let gone = device::Entity::delete_by_id(&key).exec(tx).await?;
                    if gone.rows_affected == 0 {
                        return Err(VaultError::NotFound("camera"));
                    }
                    audit::record(tx, &principal, Permission::Manage, "deleted camera", &key).await
                })
            })
            .await
    }

    /// The number of cameras online, and of all cameras.
    pub(crate) async fn count(&self) -> Result<(i64, i64)> {
        let since = self.0.now_ms() - ONLINE_FOR_MS;
        let online = device::Entity::find().filter(device::Column::LastSeen.gt(since)).count(self.0.read()).await?;
        let total = device::Entity::find().count(self.0.read()).await?;
        Ok((i64::try_from(online).unwrap_or(i64::MAX), i64::try_from(total).unwrap_or(i64::MAX)))
    }
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
    use device::Column::{AccountId, Key, LastRecording, LastSeen};
    let row = device::ActiveModel {
        key: Set(key.to_owned()),
        name: Set(name.to_owned()),
        capture: Set(capture.to_owned()),
        version: Set(String::new()),
        hostname: Set(String::new()),
        details: Set("{}".into()),
        first_seen: Set(at),
        last_seen: Set(at),
        last_recording: Set(at),
        account_id: Set(Some(account_id)),
    };
    let update = OnConflict::column(Key).update_columns([LastSeen, LastRecording, AccountId]).to_owned();
    device::Entity::insert(row).on_conflict(update).exec_without_returning(tx).await?;
    Ok(())
}
