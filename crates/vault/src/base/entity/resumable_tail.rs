//! Bytes of an upload in several requests that are too few for a part at its provider.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "resumable_tails")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub resumable_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i64,
    pub bytes: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
