//! A recording that is evidence: nothing deletes, replaces or moves it.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "locks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub recording_id: i64,
    /// For people.
    pub reason: String,
    /// User name of whoever locked it.
    pub locked_by: String,
    pub locked_at: i64,
    /// When it ends by itself; `None` if somebody has to end it.
    pub ends_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
