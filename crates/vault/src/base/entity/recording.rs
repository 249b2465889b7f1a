//! A stored recording, or an asset of one.

use super::connection;
use model::connection::Family;
use sea_orm::Condition;
use sea_orm::QuerySelect as _;
use sea_orm::QueryTrait as _;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "recordings")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub account_id: i64,
    pub provider_id: i64,
    pub key: String,
    pub device: String,
    pub instance_name: String,
    pub timestamp: i64,
    pub uploaded_at: i64,
    pub size: i64,
    pub sha256: String,
    pub duration_ms: i64,
    pub codec: String,
    pub fragmented: bool,
    pub facts: String,
    pub metadata: String,
    pub path: String,
    /// The provider it was first stored at, which its event names.
    pub origin_id: i64,
    /// Of an asset: the stem of its recording ([`model::asset`]). Nothing, if it is a recording.
    pub asset_of: Option<String>,
    /// Of an asset: its recording was deleted, and it goes, too.
    pub orphaned: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Leaves assets out. Lists of recordings have it: their indexes are of recordings alone (m0019).
pub(crate) fn is_recording() -> Expr {
    Column::AssetOf.is_null()
}

/// Leaves recordings out.
pub(crate) fn is_asset() -> Expr {
    Column::AssetOf.is_not_null()
}

/// What has one of these keys, at whatever provider: the unique index starts with the provider, and there are few of those.
pub(crate) fn under<'a>(keys: impl IntoIterator<Item = &'a str>) -> Condition {
    let providers = connection::Entity::find()
        .select_only()
        .column(connection::Column::Id)
        .filter(connection::Column::Family.eq(Family::Provider.as_str()));
    Condition::all().add(Column::ProviderId.in_subquery(providers.into_query())).add(Column::Key.is_in(keys))
}
