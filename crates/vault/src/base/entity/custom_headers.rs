//! Headers of the owner's choice that a recording came with, as JSON.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "custom_headers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub recording_id: i64,
    pub headers: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
