//! Keys that cannot be at one place together: in a folder, `a/b` is a file or the folder of `a/b/c`, and never both. Object
//! stores can have both, and what they have may be moved or copied to a folder one day; so no place takes both.

use super::Objects;
use crate::base::Result;
use crate::base::entity::{copy, recording};
use model::ObjectKey;
use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait as _, DbBackend, EntityTrait as _, QueryFilter as _, QuerySelect as _, Value,
};

impl Objects {
    /// The key of a recording or copy at a provider's place that leaves no room for this one.
    pub(crate) async fn in_the_way(&self, provider_id: i64, key: &ObjectKey) -> Result<Option<String>> {
        use {copy::Column as Copies, recording::Column as Recordings};
        let place = self.shared_places.of(provider_id).await?;
        let backend = self.db.read().get_database_backend();
        let above = above(key);
        let ways = [(!above.is_empty()).then(|| Recordings::Key.is_in(above.clone())), Some(below(backend, key))];
        for way in ways.into_iter().flatten() {
            let at = recording::Entity::find().select_only().column(Recordings::Key);
            let at = at.filter(Recordings::ProviderId.is_in(place.iter().copied())).filter(way);
            if let Some(found) = at.limit(1).into_tuple().one(self.db.read()).await? {
                return Ok(Some(found));
            }
        }
        let ways = [(!above.is_empty()).then(|| Copies::Key.is_in(above)), Some(below(backend, key))];
        for way in ways.into_iter().flatten() {
            let at = copy::Entity::find().select_only().column(Copies::Key);
            let at = at.filter(Copies::ProviderId.is_in(place.iter().copied())).filter(way);
            if let Some(found) = at.limit(1).into_tuple().one(self.db.read()).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// Keys whose files would be folders of this one.
fn above(key: &ObjectKey) -> Vec<String> {
    let folders = key.as_str().match_indices('/').map(|(at, _)| &key.as_str()[..at]);
    // A key has a slash.
    folders.filter(|folder| folder.contains('/')).map(str::to_owned).collect()
}

/// Keys that need this one as a folder: those from `key/` to before `key0`, as `0` follows the slash. In the order of bytes,
/// which on PostgreSQL is not the order of every database; there an index of its own has it (m0013).
fn below(backend: DbBackend, key: &ObjectKey) -> SimpleExpr {
    let (from, to): (Value, Value) = (format!("{key}/").into(), format!("{key}0").into());
    match backend {
        DbBackend::Postgres => Expr::cust_with_values("key COLLATE \"C\" >= $1 AND key COLLATE \"C\" < $2", [from, to]),
        _ => Expr::cust_with_values("key >= ? AND key < ?", [from, to]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_a_key_is_looked_for() {
        let above = |key| above(&ObjectKey::parse(key).expect("valid"));
        assert!(above("site/a.mp4").is_empty());
        assert_eq!(above("hub/site/b/a.mp4"), ["hub/site", "hub/site/b"]);
    }
}
