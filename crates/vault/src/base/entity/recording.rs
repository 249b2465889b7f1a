//! A stored recording.

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
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
