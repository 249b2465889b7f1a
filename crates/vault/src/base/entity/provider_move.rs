//! A move of recordings from one provider to another.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "moves")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub from_provider_id: i64,
    pub to_provider_id: i64,
    pub state: String,
    pub after_id: i64,
    pub total: i64,
    pub moved: i64,
    pub moved_bytes: i64,
    pub failed: i64,
    pub last_error: String,
    /// The vault working on it; `None` when none is.
    pub owner: Option<String>,
    pub started_at: i64,
    pub finished_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
