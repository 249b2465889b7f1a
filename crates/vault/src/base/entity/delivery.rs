//! An event for one integration.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deliveries")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub integration_id: i64,
    pub recording_id: i64,
    pub device: String,
    pub event_id: String,
    pub event: String,
    pub purpose: String,
    pub state: String,
    pub attempts: i32,
    pub last_error: String,
    pub created_at: i64,
    pub finished_at: i64,
    /// Its last failure, Unix milliseconds; 0 when it never failed.
    pub failed_at: i64,
    /// When the wait after that ends, Unix milliseconds; 0 when it was never set aside.
    pub due_at: i64,
    /// How long it has waited since it was first set aside, in milliseconds.
    pub waited_ms: i64,
    /// Whether it was refused while others were accepted, which makes it likely to be the event's fault.
    pub alone: bool,
    /// What the integration keeps of it from one try to the next.
    pub kept: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
