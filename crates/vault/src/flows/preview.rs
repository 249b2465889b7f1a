//! What retention would delete now, for whoever wants to know before it does: `kerberos-vault retention --dry-run`. Reads
//! only, also beside a vault that runs.

use super::restraint;
use crate::base::clock::DAY_MS;
use crate::base::db::Reader;
use crate::base::entity::recording::Column;
use crate::base::entity::{account, leaving, recording};
use crate::base::{Result, VaultError};
use crate::recordings::{due, is_free, is_told};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};

/// What is due of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its name.
    pub account: String,
    /// Whether it was deleted.
    pub is_deleted: bool,
    /// After how many days its recordings go.
    pub days: i32,
    /// How many would go now, and their bytes.
    pub recordings: i64,
    /// Bytes of these.
    pub bytes: i64,
    /// When the oldest of them was recorded, Unix milliseconds.
    pub oldest: Option<i64>,
    /// How many more are locked.
    pub locked: i64,
    /// How many more wait until somebody was told of them.
    pub waiting: i64,
    /// Whether the vault asks an administrator first, as that is most of what the account has.
    pub asks: bool,
}

/// What is due of each account that has a limit, in the order of their names; then of those that were deleted.
///
/// # Errors
/// If the database cannot be read, as one that was never used.
pub async fn preview(database_url: &str, now_ms: i64) -> Result<Vec<Due>> {
    let db = Reader::open(database_url).await?;
    let limited = account::Entity::find().filter(account::Column::DayLimit.gt(0)).order_by_asc(account::Column::Name);
    let mut all = Vec::new();
    for account in limited.all(&db).await? {
        let before = now_ms - i64::from(account.day_limit) * DAY_MS;
        let asks = restraint::too_many(&db, account.id, before).await?.is_some();
        all.push(Due { asks, ..of(&db, account.id, account.name, account.day_limit, now_ms).await? });
    }
    for gone in leaving::Entity::find().order_by_asc(leaving::Column::Name).all(&db).await? {
        all.push(Due { is_deleted: true, ..of(&db, gone.account_id, gone.name, gone.days, now_ms).await? });
    }
    Ok(all)
}

async fn of(db: &Reader, id: i64, name: String, days: i32, now_ms: i64) -> Result<Due> {
    let before = now_ms - i64::from(days) * DAY_MS;
    let free = due(id, before).add(is_free());
    let goes = figures(db, free.clone().add(is_told())).await?;
    let (unlocked, whole) = (figures(db, free).await?, figures(db, due(id, before)).await?);
    Ok(Due {
        account: name,
        is_deleted: false,
        days,
        recordings: goes.count,
        bytes: goes.bytes,
        oldest: goes.oldest,
        locked: whole.count - unlocked.count,
        waiting: unlocked.count - goes.count,
        asks: false,
    })
}

struct Figures {
    count: i64,
    bytes: i64,
    oldest: Option<i64>,
}

async fn figures(db: &Reader, which: Condition) -> Result<Figures> {
    let row: Option<(i64, Option<i64>, Option<i64>)> = recording::Entity::find()
        .select_only()
        .column_as(Expr::col(Column::Id).count(), "n")
        // PostgreSQL's sum of such numbers is of another type.
        .column_as(Expr::col(Column::Size).sum().cast_as("BIGINT"), "bytes")
        .column_as(Expr::col(Column::Timestamp).min(), "oldest")
        .filter(which)
        .into_tuple()
        .one(db)
        .await?;
    let (count, bytes, oldest) = row.ok_or(VaultError::NotFound("figure"))?;
    Ok(Figures { count, bytes: bytes.unwrap_or_default(), oldest })
}
