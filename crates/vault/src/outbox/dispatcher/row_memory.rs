//! What an integration keeps of a delivery, in the delivery's row.

use crate::base::db::Db;
use crate::base::entity::delivery;
use async_trait::async_trait;
use model::ports::Memory;
use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use std::error::Error as StdError;

pub(super) struct RowMemory {
    pub(super) db: Db,
    pub(super) id: i64,
    /// When the row was read.
    pub(super) kept: String,
}

#[async_trait]
impl Memory for RowMemory {
    async fn recall(&self) -> String {
        self.kept.clone()
    }

    async fn keep(&self, text: &str) {
        let kept = delivery::ActiveModel { kept: Set(text.to_owned()), ..Default::default() };
        let write = delivery::Entity::update_many().set(kept).filter(delivery::Column::Id.eq(self.id));
        let written = self.db.write(move |tx| Box::pin(async move { Ok(write.exec(tx).await.map(drop)?) })).await;
        if let Err(error) = written {
            tracing::warn!(delivery = self.id, error = &error as &dyn StdError, "how far a delivery is cannot be kept");
        }
    }
}
