//! An upload that comes in several requests.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "resumables")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub account_id: i64,
    pub provider_id: i64,
    pub key: String,
    pub said: String,
    pub length: Option<i64>,
    pub received: i64,
    pub at_provider: Option<String>,
    pub digest: String,
    pub done: bool,
    pub holder: Option<String>,
    pub held_until: i64,
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
