//! Lists, a page at a time.

use super::{Recordings, copies, custom_headers};
use crate::base::Result;
use crate::base::damaged::Damage;
use crate::base::entity::{account, connection, recording};
use model::connection::Family;
use model::page::{Cursor, Page};
use model::recording::{NAME_OF_DELETED_ACCOUNT, Position, RecordingFilter, RecordingView};
use model::wire::CustomHeaders;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, IdenStatic as _, Iterable as _, Order, QueryFilter, QueryOrder,
    QuerySelect, Select,
};
use std::collections::HashMap;

/// Most rows of a page.
pub const MAX_PAGE: u64 = 200;

/// Columns of JSON.
const LARGE: [&str; 2] = ["facts", "metadata"];

impl Recordings {
    /// A page of recordings, newest first. A filter by a name that does not exist matches nothing.
    pub async fn list(&self, filter: &RecordingFilter, position: Position, limit: u64) -> Result<Page<RecordingView>> {
        let names = self.names().await?;
        let Some(condition) = condition(filter, &names) else {
            return Ok(Page { items: Vec::new(), older: None, newer: None });
        };
        let limit = limit.clamp(1, MAX_PAGE);
        let query = page(condition, position, limit + 1);
        let rows = query.all(self.db.read()).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let Page { items, older, newer } =
            Page::cut(rows, position, limit, |row| Cursor { time: row.timestamp, id: row.id });
        Ok(Page { items: self.views(&names, items).await?, older, newer })
    }

    async fn views(&self, names: &Names, rows: Vec<recording::Model>) -> Result<Vec<RecordingView>> {
        let copies = copies::of(&self.db, rows.iter().map(|row| row.id).collect()).await?;
        // Shown even if damaged, as only forwarding needs the path.
        self.db.damaged_rows().readable(rows.iter().map(recording::Model::read_path));
        let mut locks = self.locks_of(rows.iter().map(|row| row.id).collect()).await?;
        let places = |id: i64| copies.get(&id).map(Vec::as_slice).unwrap_or_default();
        let mut views = self.db.damaged_rows().readable(rows.into_iter().map(|row| names.view(places(row.id), row)));
        views.iter_mut().for_each(|view| view.lock = locks.remove(&view.id));
        Ok(views)
    }

    /// One recording.
    pub async fn get(&self, id: i64) -> Result<RecordingView> {
        let (row, names) = (self.row(id).await?, self.names().await?);
        let copies = copies::of(&self.db, vec![id]).await?;
        let account_id = row.account_id;
        let damaged = self.db.damaged_rows();
        let mut view = damaged.or_error(names.view(copies.get(&id).map(Vec::as_slice).unwrap_or_default(), row))?;
        view.lock = self.locks_of(vec![id]).await?.remove(&id);
        view.assets = self.assets_of(account_id, &view.key).await?;
        // It is shown even if these are damaged.
        let headers = custom_headers::of_one(self.db.read(), id).await?;
        view.custom_headers = damaged.reported(headers).unwrap_or_default();
        Ok(view)
    }

    /// Positions of the recordings that match a filter, oldest first, after a position.
    pub(crate) async fn ids_matching(
        &self,
        filter: &RecordingFilter,
        after: Option<Cursor>,
        limit: u64,
    ) -> Result<Vec<Cursor>> {
        let names = self.names().await?;
        let Some(condition) = condition(filter, &names) else { return Ok(Vec::new()) };
        let place = after.map_or_else(Condition::all, |cursor| Condition::all().add(beside(cursor, false)));
        let rows: Vec<(i64, i64)> = recording::Entity::find()
            .select_only()
            .columns([recording::Column::Timestamp, recording::Column::Id])
            .filter(condition)
            .filter(place)
            .order_by_asc(recording::Column::Timestamp)
            .order_by_asc(recording::Column::Id)
            .limit(limit)
            .into_tuple()
            .all(self.db.read())
            .await?;
        Ok(rows.into_iter().map(|(time, id)| Cursor { time, id }).collect())
    }

    async fn names(&self) -> Result<Names> {
        let providers: Vec<(i64, String)> = connection::Entity::find()
            .select_only()
            .columns([connection::Column::Id, connection::Column::Name])
            .filter(connection::Column::Family.eq(Family::Provider.as_str()))
            .into_tuple()
            .all(self.db.read())
            .await?;
        let accounts: Vec<(i64, String)> = account::Entity::find()
            .select_only()
            .columns([account::Column::Id, account::Column::Name])
            .into_tuple()
            .all(self.db.read())
            .await?;
        Ok(Names { providers: providers.into_iter().collect(), accounts: accounts.into_iter().collect() })
    }
}

struct Names {
    providers: HashMap<i64, String>,
    accounts: HashMap<i64, String>,
}

impl Names {
    fn view(&self, copies: &[i64], row: recording::Model) -> std::result::Result<RecordingView, Damage> {
        // A recording that could not be read or deleted is not shown.
        row.read_key()?;
        row.read_sha256()?;
        Ok(RecordingView {
            copies: copies.iter().filter_map(|id| self.providers.get(id).cloned()).collect(),
            account: self.accounts.get(&row.account_id).cloned().unwrap_or_else(|| NAME_OF_DELETED_ACCOUNT.to_owned()),
            provider: self.providers.get(&row.provider_id).cloned().unwrap_or_default(),
            id: row.id,
            key: row.key,
            timestamp: row.timestamp,
            uploaded_at: row.uploaded_at,
            device: row.device,
            instance_name: row.instance_name,
            size: row.size,
            duration_ms: row.duration_ms,
            codec: row.codec,
            fragmented: row.fragmented,
            sha256: row.sha256,
            custom_headers: CustomHeaders::default(),
            assets: Vec::new(),
            lock: None,
        })
    }
}

/// Rows whose facts and metadata are left out: no list shows them, and of long recordings they are large.
pub(super) fn without_json(query: Select<recording::Entity>) -> Select<recording::Entity> {
    let shown = recording::Column::iter().filter(|column| !LARGE.contains(&column.as_str()));
    LARGE.into_iter().fold(query.select_only().columns(shown), |query, column| query.expr_as(Expr::val(""), column))
}

/// The rows of a page, nearest to the position first.
fn page(condition: Condition, position: Position, limit: u64) -> Select<recording::Entity> {
    let (place, order) = match position {
        Position::Newest => (Condition::all(), Order::Desc),
        Position::OlderThan(c) => (Condition::all().add(beside(c, true)), Order::Desc),
        Position::NewerThan(c) => (Condition::all().add(beside(c, false)), Order::Asc),
    };
    without_json(recording::Entity::find())
        .filter(condition)
        .filter(place)
        .order_by(recording::Column::Timestamp, order.clone())
        .order_by(recording::Column::Id, order)
        .limit(limit)
}

/// `None` when a filter names something that does not exist.
fn condition(filter: &RecordingFilter, names: &Names) -> Option<Condition> {
    let id_of =
        |names: &HashMap<i64, String>, wanted: &str| names.iter().find(|(_, n)| *n == wanted).map(|(id, _)| *id);
    let mut all = Condition::all().add(recording::is_recording());
    if let Some(account) = &filter.account {
        all = all.add(match id_of(&names.accounts, account) {
            Some(id) => recording::Column::AccountId.eq(id),
            None if account == NAME_OF_DELETED_ACCOUNT => {
                recording::Column::AccountId.is_not_in(names.accounts.keys().copied())
            }
            None => return None,
        });
    }
    if let Some(provider) = &filter.provider {
        all = all.add(recording::Column::ProviderId.eq(id_of(&names.providers, provider)?));
    }
    if let Some(device) = &filter.device {
        all = all.add(recording::Column::Device.eq(device));
    }
    if let Some(from) = filter.from {
        all = all.add(recording::Column::Timestamp.gte(from));
    }
    if let Some(until) = filter.until {
        all = all.add(recording::Column::Timestamp.lt(until));
    }
    Some(all)
}

/// Rows before or after a cursor, as a row comparison that both databases answer from an index.
fn beside(cursor: Cursor, older: bool) -> Expr {
    let row = Expr::tuple([Expr::col(recording::Column::Timestamp), Expr::col(recording::Column::Id)]);
    let place = Expr::tuple([Expr::val(cursor.time), Expr::val(cursor.id)]);
    if older { row.lt(place) } else { row.gt(place) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;
    use crate::base::db::Db;
    use sea_orm::{ConnectionTrait, DbBackend, QueryTrait};

    /// SQLite's query plan for a page of recordings.
    async fn plan(db: &Db, filter: &RecordingFilter, position: Position) -> String {
        let names = Names {
            providers: HashMap::from([(1, "disk".to_owned())]),
            accounts: HashMap::from([(1, "site".to_owned())]),
        };
        let condition = condition(filter, &names).expect("the names exist");
        let mut query = page(condition, position, 51).build(DbBackend::Sqlite);
        query.sql = format!("EXPLAIN QUERY PLAN {}", query.sql);
        let steps = db.read().query_all_raw(query).await.expect("explained");
        steps.iter().map(|step| step.try_get::<String>("", "detail").expect("a step") + "\n").collect()
    }

    #[tokio::test]
    async fn every_filter_has_its_index_and_nothing_is_sorted() {
        let dir = tempfile::tempdir().expect("temp dir");
        let db =
            Db::open(&format!("sqlite://{}/t.db", dir.path().display()), Clock::default(), crate::base::db::PATIENCE)
                .await
                .expect("opens");
        let place = Cursor { time: 500, id: 5 };
        let (account, provider, device) = (Some("site".to_owned()), Some("disk".to_owned()), Some("camera".to_owned()));
        for (given, index) in [
            ((None, None, None), "recordings_by_time"),
            ((account.clone(), None, None), "recordings_by_account "),
            ((None, provider.clone(), None), "recordings_by_provider "),
            ((None, None, device.clone()), "recordings_by_device "),
            ((account.clone(), provider.clone(), None), "recordings_by_account_provider "),
            ((account.clone(), None, device.clone()), "recordings_by_account_device"),
            ((None, provider.clone(), device.clone()), "recordings_by_provider_device"),
            ((account.clone(), provider.clone(), device.clone()), "recordings_by_account_provider_device"),
        ] {
            let (account, provider, device) = given;
            for (from, until) in [(None, None), (Some(1), Some(1000))] {
                let filter = RecordingFilter {
                    account: account.clone(),
                    provider: provider.clone(),
                    device: device.clone(),
                    from,
                    until,
                };
                for position in [Position::Newest, Position::OlderThan(place), Position::NewerThan(place)] {
                    let plan = plan(&db, &filter, position).await;
                    assert!(plan.contains(index) && !plan.contains("B-TREE"), "{filter:?} {position:?}: {plan}");
                }
            }
        }
    }
}
