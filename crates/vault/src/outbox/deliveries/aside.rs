//! Deliveries set aside: each waits on its own, and its camera goes on without it.

use super::enqueue::open_lanes;
use super::{BATCH, DEFERRED, WAITING, in_state};
use crate::base::Result;
use crate::base::db::Db;
use crate::base::entity::delivery;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait as _, QueryFilter, QueryOrder,
    QuerySelect, Select,
};

/// Deliveries that return to their lanes at a time.
const AT_ONCE: u64 = 32;

/// Retries some whose wait is over, the longest due first. A wait that began later than `future` is over too: the clock
/// was set back since, and no wait may become longer by that.
pub(crate) async fn return_due(db: &Db, connection_id: i64, now: i64, future: i64) -> Result<()> {
    let due = set_aside(connection_id)
        .filter(delivery::Column::DueAt.lte(now))
        .order_by_asc(delivery::Column::DueAt)
        .limit(AT_ONCE);
    let of_the_future = set_aside(connection_id).filter(delivery::Column::FailedAt.gt(future)).limit(AT_ONCE);
    let mut rows: Vec<DeliveryKey> = due.into_tuple().all(db.read()).await?;
    rows.extend(of_the_future.into_tuple::<DeliveryKey>().all(db.read()).await?);
    if rows.is_empty() {
        return Ok(());
    }
    db.write(move |tx| Box::pin(async move { return_to_lanes(tx, connection_id, rows).await })).await
}

/// When the next one is due, Unix milliseconds; `None` if none is.
pub(crate) async fn next_due(db: &Db, connection_id: i64) -> Result<Option<i64>> {
    let next = delivery::Entity::find()
        .select_only()
        .column(delivery::Column::DueAt)
        .filter(delivery::Column::IntegrationId.eq(connection_id))
        .filter(in_state(DEFERRED))
        .order_by_asc(delivery::Column::DueAt)
        .limit(1);
    Ok(next.into_tuple().one(db.read()).await?)
}

/// The other side accepts events again: retries those that were refused while it accepted none. This camera's go first,
/// to keep their order, with some of other cameras'. Those that were refused alone keep waiting: that others are accepted
/// says nothing about them.
pub(crate) async fn return_alike(tx: &impl ConnectionTrait, connection_id: i64, device: &str) -> Result<()> {
    let alike = || set_aside(connection_id).filter(not_alone());
    let of_camera = alike().filter(delivery::Column::Device.eq(device)).order_by_asc(delivery::Column::Id).limit(BATCH);
    let others = alike().order_by_asc(delivery::Column::Device).order_by_asc(delivery::Column::Id).limit(AT_ONCE);
    let mut rows: Vec<DeliveryKey> = of_camera.into_tuple().all(tx).await?;
    rows.extend(others.into_tuple::<DeliveryKey>().all(tx).await?);
    return_to_lanes(tx, connection_id, rows).await
}

/// Somebody has mended the connection: retries the oldest. If they succeed, the rest follows.
pub(crate) async fn return_oldest(tx: &impl ConnectionTrait, connection_id: i64) -> Result<()> {
    let oldest = set_aside(connection_id).order_by_asc(delivery::Column::Id).limit(BATCH);
    let rows = oldest.into_tuple().all(tx).await?;
    return_to_lanes(tx, connection_id, rows).await
}

/// Row id and device.
type DeliveryKey = (i64, String);

fn set_aside(connection_id: i64) -> Select<delivery::Entity> {
    delivery::Entity::find()
        .select_only()
        .columns([delivery::Column::Id, delivery::Column::Device])
        .filter(delivery::Column::IntegrationId.eq(connection_id))
        .filter(in_state(DEFERRED))
}

fn not_alone() -> Condition {
    Condition::all().add(delivery::Column::Alone.eq(false))
}

async fn return_to_lanes(tx: &impl ConnectionTrait, connection_id: i64, rows: Vec<DeliveryKey>) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let (ids, devices): (Vec<i64>, Vec<String>) = rows.into_iter().unzip();
    let waiting = delivery::ActiveModel { state: Set(WAITING.into()), ..Default::default() };
    // Somebody may have retried or deleted it meanwhile.
    let still = delivery::Column::Id.is_in(ids).and(in_state(DEFERRED));
    delivery::Entity::update_many().set(waiting).filter(still).exec(tx).await?;
    open_lanes(tx, devices.into_iter().map(|device| (connection_id, device)).collect()).await
}
