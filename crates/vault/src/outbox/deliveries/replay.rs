//! Sending a period's events again, to one integration.
//!
//! A replay is a row that says how far it has come; [`Replayer`] continues it in the background, also after a restart.
//! It enqueues events in the order their recordings were stored, so a camera's stay in order, and pauses while enough
//! are waiting: new events do not queue behind a month of old ones.

use super::enqueue::{NewDelivery, enqueue_many};
use super::{BATCH, Deliveries, WAITING, Wakeups, capped, count_in};
use crate::base::damaged::Damage;
use crate::base::db::{Db, Tx};
use crate::base::entity::{account, account_integration, connection, recording, replay};
use crate::base::{Permission, Principal, audit};
use crate::base::{Result, VaultError};
use crate::connections::vaults_among;
use crate::outbox::event::{Besides, event_of, lane};
use crate::recordings::assets;
use model::connection::Family;
use model::delivery::{ReplayChoices, ReplayForm, ReplayState, ReplayView};
use model::ports::Purpose;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait as _, QueryFilter, QueryOrder,
    QuerySelect,
};
use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Deliveries that may wait at an integration before its replay pauses.
const PACE: i64 = 2_000;
/// How often a paused replay is checked.
const POLL: Duration = Duration::from_secs(2);
/// Replays shown for an integration.
const SHOWN: u64 = 5;
/// The form that is stored.
const RUNNING: &str = ReplayState::Running.as_str();

impl Deliveries {
    /// The choices for a replay to this integration, and its latest replays.
    pub async fn replays(&self, integration: i64) -> Result<ReplayChoices> {
        let row = integration_row(self.db.read(), integration).await?;
        let accounts = accounts_of(self.db.read(), integration).await?;
        let rows = replay::Entity::find()
            .filter(replay::Column::IntegrationId.eq(integration))
            .order_by_desc(replay::Column::Id)
            .limit(SHOWN)
            .all(self.db.read())
            .await?;
        let names = account_names(&self.db).await?;
        Ok(ReplayChoices {
            integration: row.name,
            enabled: row.enabled,
            accounts: accounts.into_iter().map(|a| a.name).collect(),
            replays: self.db.damaged_rows().readable(rows.into_iter().map(|row| view(row, &names))),
        })
    }

    /// How many events a replay would send, capped at [`COUNT_CAP`](model::delivery::COUNT_CAP).
    pub async fn count_replay(&self, form: &ReplayForm) -> Result<i64> {
        check_period(form, self.db.now_ms())?;
        let accounts = accounts_of(self.db.read(), integration_row(self.db.read(), form.integration).await?.id).await?;
        let account = chosen(&accounts, form.account.as_deref())?;
        let condition = format!(
            "uploaded_at >= $2 AND uploaded_at < $3 AND asset_of IS NULL AND {}",
            of_accounts(&ids(&accounts, account))
        );
        capped(&self.db, "recordings", &condition, [form.from.into(), form.until.into()]).await
    }

    /// Starts sending a period's events again; returns the replay's id. Only accounts that use the integration take
    /// part: the others' recordings are none of its business.
    pub async fn start_replay(&self, principal: &Principal, form: ReplayForm) -> Result<i64> {
        let now = self.db.now_ms();
        check_period(&form, now)?;
        let principal = principal.clone();
        let started = self.db.write(move |tx| {
            Box::pin(async move {
                let row = integration_row(tx, form.integration).await?;
                if !row.enabled {
                    return Err(VaultError::Conflict(format!("{} is disabled. Enable it first.", row.name)));
                }
                let accounts = accounts_of(tx, row.id).await?;
                let account = chosen(&accounts, form.account.as_deref())?;
                if accounts.is_empty() {
                    let name = row.name;
                    return Err(VaultError::Conflict(format!("No account uses {name}. Tick it in an account first.")));
                }
                let running = replay::Entity::find()
                    .filter(replay::Column::IntegrationId.eq(row.id))
                    .filter(is_running())
                    .one(tx)
                    .await?;
                if running.is_some() {
                    let name = row.name;
                    return Err(VaultError::Conflict(format!(
                        "A replay to {name} is under way. Let it finish, or stop it first."
                    )));
                }
                let (from, until) = (form.from, std::cmp::Ord::min(form.until, now));
                let whose = form.account.as_deref().unwrap_or("all accounts");
                let subject = format!("{}, {whose}, stored from {from} until {until} (Unix milliseconds)", row.name);
                audit::record(tx, &principal, Permission::Manage, "started replay", &subject).await?;
                let new = replay::ActiveModel {
                    integration_id: Set(row.id),
                    account_id: Set(account),
                    from_time: Set(from),
                    until_time: Set(until),
                    state: Set(RUNNING.into()),
                    after_time: Set(from),
                    after_id: Set(0),
                    enqueued: Set(0),
                    started_at: Set(now),
                    finished_at: Set(0),
                    ..Default::default()
                };
                Ok(replay::Entity::insert(new).exec(tx).await?.last_insert_id)
            })
        });
        let id = started.await?;
        self.replays.notify_one();
        Ok(id)
    }

    /// Stops a replay. Events already in the outbox are still sent.
    pub async fn stop_replay(&self, principal: &Principal, id: i64) -> Result<()> {
        let principal = principal.clone();
        let stop = self.db.write(move |tx| {
            Box::pin(async move {
                let row = replay::Entity::find_by_id(id).one(tx).await?.ok_or(VaultError::NotFound("replay"))?;
                row.read_state()?;
                if end(tx, id, ReplayState::Stopped).await? {
                    let name = integration_row(tx, row.integration_id).await?.name;
                    audit::record(tx, &principal, Permission::Manage, "stopped replay", &name).await?;
                }
                Ok(())
            })
        });
        stop.await
    }

    /// The background work of replays.
    pub(crate) fn replayer(&self) -> Replayer {
        Replayer { db: self.db.clone(), wakeups: self.wakeups.clone(), asked: self.replays.clone() }
    }
}

fn check_period(form: &ReplayForm, now: i64) -> Result<()> {
    if form.from >= now {
        return Err(VaultError::invalid("from", "From must lie in the past"));
    }
    if form.until <= form.from {
        return Err(VaultError::invalid("until", "Until must be later than From"));
    }
    Ok(())
}

/// Continues replays in the background.
pub(crate) struct Replayer {
    db: Db,
    wakeups: Wakeups,
    asked: Arc<Notify>,
}

impl Replayer {
    /// Runs until cancelled.
    pub(crate) async fn run(self, cancel: CancellationToken) {
        while !cancel.is_cancelled() {
            let progress = self.round().await.unwrap_or_else(|error| {
                tracing::error!(error = &error as &dyn StdError, "a replay failed and will be tried again");
                false
            });
            if !progress {
                tokio::select! {
                    () = cancel.cancelled() => return,
                    () = self.asked.notified() => {}
                    () = tokio::time::sleep(POLL) => {}
                }
            }
        }
    }

    /// One batch of each replay that may continue; returns whether there was one.
    async fn round(&self) -> Result<bool> {
        let mut progress = false;
        for row in replay::Entity::find().filter(is_running()).all(self.db.read()).await? {
            if count_in(&self.db, WAITING, Some(row.integration_id)).await? < PACE {
                self.step(row).await?;
                progress = true;
            }
        }
        Ok(progress)
    }

    /// The next batch of one replay. It counts only if nobody else has done it meanwhile.
    async fn step(&self, row: replay::Model) -> Result<()> {
        let accounts = accounts_of(self.db.read(), row.integration_id).await?;
        let wanted = row.account_id;
        let recordings = self.next(&row, &ids(&accounts, wanted)).await?;
        let Some(last) = recordings.last().map(|r| (r.uploaded_at, r.id)) else {
            return self.db.write(move |tx| Box::pin(finish(tx, row.id))).await;
        };
        let sources = provider_names(&self.db).await?;
        // Of an asset only other vaults are told, as when it was stored.
        let vaults = vaults_among(self.db.read(), &[row.integration_id]).await?;
        let assets = if vaults.is_empty() { Vec::new() } else { assets::of_many(self.db.read(), &recordings).await? };
        let all = recordings.iter().chain(assets.iter().map(|(_, asset)| asset));
        let besides = Besides::of(self.db.read(), all, &sources).await?;
        let (integration_id, damaged) = (row.integration_id, self.db.damaged_rows().clone());
        let write = self.db.write(move |tx| {
            Box::pin(async move {
                let analysed = |id| accounts.iter().any(|a| a.id == id && a.cloud_analysis);
                let again = |(row, recording)| event_again(row, recording, &besides, &sources, analysed);
                let events = damaged.readable(recordings.iter().map(|row| again((row, row))));
                let enqueued = events.len();
                let assets = assets.iter().map(|(place, row)| again((row, &recordings[*place])));
                let events = events.into_iter().chain(damaged.readable(assets)).collect::<Vec<_>>();
                if advance(tx, &row, last, enqueued).await? {
                    enqueue_again(tx, integration_id, &events).await?;
                }
                Ok(())
            })
        });
        write.await?;
        self.wakeups.wake(&[integration_id]);
        Ok(())
    }

    async fn next(&self, row: &replay::Model, accounts: &[i64]) -> Result<Vec<recording::Model>> {
        let place = Expr::tuple([Expr::col(recording::Column::UploadedAt), Expr::col(recording::Column::Id)]);
        let after = Expr::tuple([Expr::val(row.after_time), Expr::val(row.after_id)]);
        let query = recording::Entity::find()
            .filter(recording::is_recording())
            .filter(place.gt(after))
            .filter(recording::Column::UploadedAt.lt(row.until_time))
            .filter(Expr::cust(of_accounts(accounts)))
            .order_by_asc(recording::Column::UploadedAt)
            .order_by_asc(recording::Column::Id)
            .limit(BATCH);
        Ok(query.all(self.db.read()).await?)
    }
}

/// A recording, or an asset of one, and the id and JSON of its new event.
struct Again<'a> {
    row: &'a recording::Model,
    /// An asset is sent after it.
    recording: &'a recording::Model,
    id: String,
    event: String,
}

fn event_again<'a>(
    row: &'a recording::Model,
    recording: &'a recording::Model,
    besides: &Besides,
    sources: &HashMap<i64, String>,
    analysed: impl Fn(i64) -> bool,
) -> std::result::Result<Again<'a>, Damage> {
    let source = sources.get(&row.provider_id).map_or("", String::as_str);
    let event = event_of(row, besides, source, analysed(row.account_id));
    event.map(|(id, event)| Again { row, recording, id, event })
}

async fn enqueue_again(tx: &Tx, integration_id: i64, events: &[Again<'_>]) -> Result<()> {
    let new = events.iter().map(|Again { row, recording, id, event }| NewDelivery {
        recording_id: row.id,
        lane: lane(row.account_id, &recording.device, &recording.instance_name),
        event_id: id,
        event,
        purpose: if row.asset_of.is_none() { Purpose::Replay } else { Purpose::Asset },
    });
    enqueue_many(tx, integration_id, &new.collect::<Vec<_>>()).await
}

/// Moves a replay's position on; `false` if it was no longer where it was read.
async fn advance(
    tx: &impl ConnectionTrait,
    row: &replay::Model,
    (time, id): (i64, i64),
    enqueued: usize,
) -> Result<bool> {
    let enqueued = row.enqueued + i64::try_from(enqueued).unwrap_or(0);
    let next =
        replay::ActiveModel { after_time: Set(time), after_id: Set(id), enqueued: Set(enqueued), ..Default::default() };
    let unmoved = Condition::all()
        .add(replay::Column::Id.eq(row.id))
        .add(replay::Column::AfterTime.eq(row.after_time))
        .add(replay::Column::AfterId.eq(row.after_id))
        .add(is_running());
    Ok(replay::Entity::update_many().set(next).filter(unmoved).exec(tx).await?.rows_affected > 0)
}

async fn finish(tx: &Tx, id: i64) -> Result<()> {
    end(tx, id, ReplayState::Done).await.map(|_| ())
}

/// Ends a running replay; `false` if it had ended before.
async fn end(tx: &Tx, id: i64, state: ReplayState) -> Result<bool> {
    let over =
        replay::ActiveModel { state: Set(state.as_str().into()), finished_at: Set(tx.now_ms()), ..Default::default() };
    let this = replay::Column::Id.eq(id).and(is_running());
    Ok(replay::Entity::update_many().set(over).filter(this).exec(tx).await?.rows_affected > 0)
}

/// Running replays by integration.
pub(super) async fn running_replays(db: &Db) -> Result<HashMap<i64, ReplayView>> {
    let rows = replay::Entity::find().filter(is_running()).all(db.read()).await?;
    let names = account_names(db).await?;
    let views = rows.into_iter().map(|row| Ok((row.integration_id, view(row, &names)?)));
    Ok(db.damaged_rows().readable(views).into_iter().collect())
}

/// Spelled out so that the partial index can be used.
fn is_running() -> Expr {
    Expr::cust("replays.state = 'running'")
}

async fn integration_row(db: &impl ConnectionTrait, id: i64) -> Result<connection::Model> {
    let row = connection::Entity::find_by_id(id).one(db).await?;
    row.filter(|row| row.family == Family::Integration.as_str()).ok_or(VaultError::NotFound("integration"))
}

/// The accounts that use an integration, by name.
async fn accounts_of(db: &impl ConnectionTrait, integration: i64) -> Result<Vec<account::Model>> {
    let links = account_integration::Entity::find()
        .filter(account_integration::Column::IntegrationId.eq(integration))
        .all(db)
        .await?;
    let accounts = account::Entity::find()
        .filter(account::Column::Id.is_in(links.iter().map(|link| link.account_id)))
        .order_by_asc(account::Column::Name);
    Ok(accounts.all(db).await?)
}

/// Id of the account with that name; `None` for all.
fn chosen(accounts: &[account::Model], name: Option<&str>) -> Result<Option<i64>> {
    let Some(name) = name else { return Ok(None) };
    match accounts.iter().find(|account| account.name == name) {
        Some(account) => Ok(Some(account.id)),
        None => Err(VaultError::invalid("account", "This account does not use the integration")),
    }
}

fn ids(accounts: &[account::Model], wanted: Option<i64>) -> Vec<i64> {
    accounts.iter().map(|account| account.id).filter(|id| wanted.is_none_or(|wanted| wanted == *id)).collect()
}

/// A condition on recordings. The plus keeps SQLite from using the account's index, with which it would have to sort
/// all of the account's recordings for each batch.
fn of_accounts(ids: &[i64]) -> String {
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    if ids.is_empty() { "1 = 0".into() } else { format!("+recordings.account_id IN ({})", ids.join(", ")) }
}

async fn account_names(db: &Db) -> Result<HashMap<i64, String>> {
    Ok(account::Entity::find().all(db.read()).await?.into_iter().map(|a| (a.id, a.name)).collect())
}

async fn provider_names(db: &Db) -> Result<HashMap<i64, String>> {
    let rows = connection::Entity::find().filter(connection::Column::Family.eq(Family::Provider.as_str()));
    Ok(rows.all(db.read()).await?.into_iter().map(|row| (row.id, row.name)).collect())
}

fn view(row: replay::Model, accounts: &HashMap<i64, String>) -> std::result::Result<ReplayView, Damage> {
    let state = row.read_state()?;
    let account = match row.account_id {
        None => String::new(),
        Some(id) => accounts.get(&id).cloned().unwrap_or_else(|| "a deleted account".into()),
    };
    Ok(ReplayView {
        id: row.id,
        from: row.from_time,
        until: row.until_time,
        account,
        state,
        enqueued: row.enqueued,
        reached: if state == ReplayState::Done { row.until_time } else { row.after_time },
        started_at: row.started_at,
    })
}
