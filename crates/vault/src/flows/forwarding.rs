//! Forwarding recordings to other vaults on demand (docs/protocol.md §6, §10). They leave through the outbox, as
//! events do.

use crate::access::accounts::Account;
use crate::base::db::Db;
use crate::base::entity::{account, connection, recording};
use crate::base::{Permission, Principal, audit};
use crate::base::{Result, VaultError};
use crate::connections::Connections;
use crate::outbox::deliveries::{self, NewDelivery, Wakeups};
use crate::outbox::event::{Besides, event_of, lane};
use crate::recordings::{RecordingRef, Recordings, assets};
use model::connection::{Definition as _, Family};
use model::integrations::RemoteVault;
use model::ports::Purpose;
use model::recording::RecordingFilter;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use std::collections::HashMap;

/// Recordings queued per transaction.
const BATCH: usize = 200;

/// Queues recordings for other vaults.
#[derive(Clone)]
pub struct Forwarding {
    db: Db,
    connections: Connections,
    recordings: Recordings,
    wakeups: Wakeups,
}

/// A vault that recordings can be forwarded to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardTarget {
    /// Row id of the integration.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Whether it gets recordings only on demand; otherwise it gets every one anyway.
    pub on_demand: bool,
}

impl Forwarding {
    pub(crate) fn new(db: Db, connections: Connections, recordings: Recordings, wakeups: Wakeups) -> Self {
        Self { db, connections, recordings, wakeups }
    }

    /// Enabled integrations that are other vaults, by name.
    pub async fn targets(&self) -> Result<Vec<ForwardTarget>> {
        let rows = connection::Entity::find()
            .filter(connection::Column::Family.eq(Family::Integration.as_str()))
            .filter(connection::Column::Kind.eq(RemoteVault::NAME))
            .filter(connection::Column::Enabled.eq(true))
            .order_by_asc(connection::Column::Name)
            .all(self.db.read())
            .await?;
        let target = |row: connection::Model| {
            let on_demand = self.connections.settings(&row)?.get("forward_type") == "ondemand";
            Ok(ForwardTarget { id: row.id, name: row.name, on_demand })
        };
        rows.into_iter().map(target).filter(|target| !matches!(target, Err(VaultError::Damaged(_)))).collect()
    }

    /// Forwards one recording to its account's on-demand vaults; returns how many there are.
    pub async fn to_vaults_of(&self, account: &Account, found: &RecordingRef) -> Result<usize> {
        let of_account = |target: &ForwardTarget| target.on_demand && account.integrations.contains(&target.id);
        let targets: Vec<i64> = self.targets().await?.iter().filter(|t| of_account(t)).map(|t| t.id).collect();
        if !targets.is_empty() {
            self.queue(vec![found.id], targets.clone()).await?;
        }
        Ok(targets.len())
    }

    /// Forwards chosen recordings to a vault; returns how many were queued.
    pub async fn chosen(&self, principal: &Principal, target: i64, ids: &[i64]) -> Result<u64> {
        let name = self.target(target).await?;
        let mut queued = 0;
        for batch in ids.chunks(BATCH) {
            queued += self.queue(batch.to_vec(), vec![target]).await?;
        }
        self.audit(principal, &name, queued).await?;
        Ok(queued)
    }

    /// Forwards every recording that matches a filter, oldest first; returns how many were queued.
    pub async fn matching(&self, principal: &Principal, target: i64, filter: &RecordingFilter) -> Result<u64> {
        let name = self.target(target).await?;
        let (mut queued, mut after) = (0, None);
        loop {
            let batch = self.recordings.ids_matching(filter, after, BATCH as u64).await?;
            let Some(last) = batch.last() else { break };
            after = Some(*last);
            queued += self.queue(batch.iter().map(|cursor| cursor.id).collect(), vec![target]).await?;
        }
        self.audit(principal, &name, queued).await?;
        Ok(queued)
    }

    async fn target(&self, id: i64) -> Result<String> {
        let known = self.targets().await?.into_iter().find(|target| target.id == id);
        Ok(known.ok_or(VaultError::NotFound("integration that leads to another vault"))?.name)
    }

    async fn queue(&self, ids: Vec<i64>, targets: Vec<i64>) -> Result<u64> {
        let (woken, damaged) = (targets.clone(), self.db.damaged_rows().clone());
        let queued = self.db.write(move |tx| {
            Box::pin(async move {
                let rows = recording::Entity::find()
                    .filter(recording::Column::Id.is_in(ids))
                    .order_by_asc(recording::Column::UploadedAt)
                    .order_by_asc(recording::Column::Id)
                    .all(tx)
                    .await?;
                let providers: HashMap<i64, String> =
                    connection::Entity::find().all(tx).await?.into_iter().map(|c| (c.id, c.name)).collect();
                let analysed: HashMap<i64, bool> =
                    account::Entity::find().all(tx).await?.into_iter().map(|a| (a.id, a.cloud_analysis)).collect();
                let assets = assets::of_many(tx, &rows).await?;
                let besides = Besides::of(tx, rows.iter().chain(assets.iter().map(|(_, row)| row)), &providers).await?;
                // Assets leave after their recordings.
                let assets = assets.iter().map(|(place, row)| (row, &rows[*place]));
                let mut count = 0;
                for (row, recording) in rows.iter().map(|row| (row, row)).chain(assets) {
                    let source = providers.get(&row.provider_id).map_or("", String::as_str);
                    let cloud_analysis = analysed.get(&row.account_id).copied().unwrap_or(false);
                    let event = damaged.reported(event_of(row, &besides, source, cloud_analysis));
                    let Ok((event_id, event)) = event else { continue };
                    let new = NewDelivery {
                        recording_id: row.id,
                        lane: lane(row.account_id, &recording.device, &recording.instance_name),
                        event_id: &event_id,
                        event: &event,
                        purpose: Purpose::Forward,
                    };
                    deliveries::enqueue(tx, &targets, new).await?;
                    count += u64::from(row.asset_of.is_none());
                }
                Ok(count)
            })
        });
        let queued = queued.await?;
        self.wakeups.wake(&woken);
        Ok(queued)
    }

    async fn audit(&self, principal: &Principal, target: &str, queued: u64) -> Result<()> {
        let (principal, subject) = (principal.clone(), format!("{queued} recordings to {target}"));
        self.db
            .write(move |tx| {
                Box::pin(async move { audit::record(tx, &principal, Permission::Manage, "forwarded", &subject).await })
            })
            .await
    }
}
