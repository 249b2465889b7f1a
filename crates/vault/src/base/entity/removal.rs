//! An object still to be deleted; its row is gone.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "removals")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub provider_id: i64,
    pub key: String,
    pub removed_at: i64,
    /// The recording that was moved away from here; `None` for any other removal.
    pub moved_id: Option<i64>,
    /// When its provider was last asked to delete it, Unix milliseconds, if it is not known whether it did; `None` if
    /// nothing that was asked can take effect any more.
    pub asked_at: Option<i64>,
    /// Whether it is the whole object of a row that is gone: no transfer has left parts of it.
    pub whole: bool,
    /// How often its provider has refused to delete it.
    pub tries: i32,
    /// When to try again after that, Unix milliseconds; 0 if it was never refused.
    pub due_at: i64,
    /// Why it was refused last.
    pub last_error: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
