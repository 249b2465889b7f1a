//! Looking up many recordings at once, in few queries.

use super::list::without_json;
use super::{RecordingRef, Recordings, choose};
use crate::access::accounts::Account;
use crate::base::Result;
use crate::base::entity::recording;
use model::ObjectKey;
use sea_orm::{EntityTrait as _, QueryFilter as _, Select};
use std::collections::{BTreeSet, HashMap};

/// Keys of one query: SQLite takes 32,766 values.
pub(super) const CHUNK: usize = 1000;

/// One of many recordings, as somebody names it.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Full key; nothing if what was named cannot be one.
    pub key: Option<ObjectKey>,
    /// Provider's name, or one that it had; empty for any.
    pub provider: String,
}

/// What has come of one.
#[derive(Debug, Clone)]
pub enum LookedUp {
    /// There it is.
    Found(RecordingRef),
    /// The account has no such recording.
    Nothing,
    /// Nor may it use the provider that was named; whether there is one is not told.
    NotItsProvider,
}

impl Recordings {
    /// An account's recordings, each as [`find`](Self::find) finds one, in the order in which they are wanted. What is
    /// damaged counts as not there.
    pub async fn find_many(&self, account: &Account, wanted: &[Wanted]) -> Result<Vec<LookedUp>> {
        let providers = self.connections.provider_ids_by_name().await?;
        let rows = self.with_keys(account, wanted.iter().filter_map(|one| one.key.as_ref())).await?;
        let look_up = |one: &Wanted| {
            let named = providers.get(&one.provider).copied();
            let has_provider = one.provider.is_empty() || named.is_some();
            let rows = one.key.as_ref().and_then(|key| rows.get(key.as_str()));
            let found = rows.filter(|_| has_provider).and_then(|rows| choose(account, named, rows));
            let read = |row: recording::Model| self.db.damaged_rows().reported(RecordingRef::try_from(row)).ok();
            match found.cloned().and_then(read) {
                Some(found) => LookedUp::Found(found),
                None if one.provider.is_empty() || named.is_some_and(|id| account.may_store_at(id)) => {
                    LookedUp::Nothing
                }
                None => LookedUp::NotItsProvider,
            }
        };
        Ok(wanted.iter().map(look_up).collect())
    }

    /// The account's rows, by key.
    pub(super) async fn with_keys<'k>(
        &self,
        account: &Account,
        keys: impl Iterator<Item = &'k ObjectKey>,
    ) -> Result<HashMap<String, Vec<recording::Model>>> {
        let keys: BTreeSet<&str> = keys.map(ObjectKey::as_str).collect();
        let keys: Vec<&str> = keys.into_iter().collect();
        let mut found: HashMap<String, Vec<recording::Model>> = HashMap::new();
        for chunk in keys.chunks(CHUNK) {
            let rows = under(chunk).all(self.db.read()).await?;
            for row in rows.into_iter().filter(|row| row.account_id == account.id) {
                found.entry(row.key.clone()).or_default().push(row);
            }
        }
        Ok(found)
    }
}

fn under(keys: &[&str]) -> Select<recording::Entity> {
    without_json(recording::Entity::find()).filter(recording::under(keys.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;
    use crate::base::db::{Db, PATIENCE};
    use sea_orm::{ConnectionTrait as _, DbBackend, QueryTrait as _};

    #[tokio::test]
    async fn as_many_as_one_query_takes_are_found_by_the_index_of_keys() {
        let dir = tempfile::tempdir().expect("temp dir");
        let file = format!("sqlite://{}/t.db", dir.path().display());
        let db = Db::open(&file, Clock::default(), PATIENCE).await.expect("opens");
        let keys: Vec<String> = (0..CHUNK).map(|n| format!("dir/{n}.mp4")).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let mut query = under(&keys).build(DbBackend::Sqlite);
        query.sql = format!("EXPLAIN QUERY PLAN {}", query.sql);
        let steps = db.read().query_all_raw(query).await.expect("explained");
        let plan: String =
            steps.iter().map(|step| step.try_get::<String>("", "detail").expect("a step") + "\n").collect();
        assert!(plan.contains("SEARCH recordings USING INDEX") && plan.contains("(provider_id=? AND key=?)"), "{plan}");
        assert!(!plan.contains("SCAN recordings"), "{plan}");
    }
}
