//! One camera's deliveries to one integration, sent in order.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lanes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub integration_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub device: String,
    pub idle: bool,
    pub enqueued: i64,
    pub attempts: i32,
    pub next_attempt_at: i64,
    /// The vault working on it; `None` when none is.
    pub owner: Option<String>,
    pub last_error: String,
    pub failed_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
