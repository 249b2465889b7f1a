//! A replay: the events of a period, sent again to one integration.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "replays")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub integration_id: i64,
    /// Account id; `None` for every account that uses the integration.
    pub account_id: Option<i64>,
    pub from_time: i64,
    pub until_time: i64,
    pub state: String,
    /// Storage time of the last recording enqueued; with its id, the position.
    pub after_time: i64,
    pub after_id: i64,
    pub enqueued: i64,
    pub started_at: i64,
    pub finished_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
