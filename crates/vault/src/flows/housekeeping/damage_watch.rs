//! Every minute, checks rows that may otherwise not be read for long, reports damaged ones, and clears the notice of a
//! mended one.

use crate::base::Result;
use crate::base::damaged::{Damage, DamagedRows, damage_of_state};
use crate::base::db::Db;
use crate::base::entity::{
    account, connection, copy, custom_headers, delivery, provider_move, recording, removal, replay, upload, user,
};
use crate::base::keys::Keys;
use crate::host::notices::{DAMAGED_ROW, Notices};
use crate::objects::intent;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait, QueryFilter as _, QuerySelect as _};
use std::sync::Arc;

/// Most deliveries of unknown state reported per round.
const SHOWN: u64 = 50;

/// Keeps the notices about damaged rows up to date.
#[derive(Clone)]
pub(crate) struct Watch {
    db: Db,
    keys: Arc<Keys>,
    notices: Notices,
}

impl Watch {
    pub(crate) fn new(db: Db, keys: Arc<Keys>, notices: Notices) -> Self {
        Self { db, keys, notices }
    }

    /// Runs one round.
    pub(crate) async fn round(&self) -> Result<()> {
        self.look().await?;
        let told = self.notices.list().await?.into_iter().filter(|notice| notice.code == DAMAGED_ROW);
        let told: Vec<String> = told.map(|notice| notice.subject).collect();
        // Some notices are from an earlier start; and those of known damage may have been dismissed.
        let mut rows = self.damaged().rows();
        rows.extend(told.iter().filter_map(|subject| row_of(subject)));
        for (table, id) in rows {
            if self.is_sound(&table, id).await? {
                self.damaged().forget(&table, id);
                for subject in
                    told.iter().filter(|subject| row_of(subject).is_some_and(|row| row == (table.clone(), id)))
                {
                    self.notices.clear(DAMAGED_ROW, subject).await;
                }
            }
        }
        Ok(())
    }

    /// Reads small tables, whose rows may be needed long after they were damaged, and deliveries of unknown state,
    /// which no worker would find.
    async fn look(&self) -> Result<()> {
        let (db, damaged) = (self.db.read(), self.damaged());
        damaged.readable(account::Entity::find().all(db).await?.iter().map(|row| row.check(&self.keys)));
        damaged.readable(connection::Entity::find().all(db).await?.iter().map(|row| row.check(&self.keys)));
        damaged.readable(user::Entity::find().all(db).await?.iter().map(user::Model::check));
        damaged.readable(provider_move::Entity::find().all(db).await?.iter().map(provider_move::Model::read_state));
        damaged.readable(replay::Entity::find().all(db).await?.iter().map(replay::Model::read_state));
        let lost: Vec<i64> = delivery::Entity::find()
            .select_only()
            .column(delivery::Column::Id)
            .filter(Expr::cust(UNKNOWN_STATE))
            .limit(SHOWN)
            .into_tuple()
            .all(db)
            .await?;
        damaged.readable(lost.into_iter().map(|id| Err::<(), _>(damage_of_state(id))));
        Ok(())
    }

    async fn is_sound(&self, table: &str, id: i64) -> Result<bool> {
        let db = self.db.read();
        Ok(match table {
            "accounts" => sound(account::Entity::find_by_id(id).one(db).await?, |row| row.check(&self.keys)),
            "connections" => sound(connection::Entity::find_by_id(id).one(db).await?, |row| row.check(&self.keys)),
            "users" => sound(user::Entity::find_by_id(id).one(db).await?, user::Model::check),
            "moves" => sound(provider_move::Entity::find_by_id(id).one(db).await?, provider_move::Model::read_state),
            "replays" => sound(replay::Entity::find_by_id(id).one(db).await?, replay::Model::read_state),
            "deliveries" => sound(delivery::Entity::find_by_id(id).one(db).await?, delivery::Model::check),
            "recordings" => sound(recording::Entity::find_by_id(id).one(db).await?, recording::Model::check),
            "removals" => sound(removal::Entity::find_by_id(id).one(db).await?, removal::Model::read_key),
            "uploads" => sound(upload::Entity::find_by_id(id).one(db).await?, intent::check),
            "custom_headers" => {
                sound(custom_headers::Entity::find_by_id(id).one(db).await?, custom_headers::Model::read_headers)
            }
            "copies" => {
                let copies = copy::Entity::find().filter(copy::Column::RecordingId.eq(id));
                copies.all(db).await?.iter().all(|row| row.read_key().is_ok())
            }
            // Reported by a newer version; it stays until somebody dismisses it.
            _ => false,
        })
    }

    fn damaged(&self) -> &DamagedRows {
        self.db.damaged_rows()
    }
}

/// Table and row id from a notice's subject.
fn row_of(subject: &str) -> Option<(String, i64)> {
    let mut place = subject.split(' ');
    Some((place.next()?.to_owned(), place.next()?.parse().ok()?))
}

/// Spelled exactly like its partial index.
const UNKNOWN_STATE: &str = "deliveries.state NOT IN ('waiting', 'deferred', 'parked', 'delivered')";

/// A row that is gone counts as sound.
fn sound<M, T>(row: Option<M>, check: impl Fn(&M) -> std::result::Result<T, Damage>) -> bool {
    row.is_none_or(|row| check(&row).is_ok())
}
