//! Moves one recording.

use super::Moves;
use crate::base::db::Tx;
use crate::base::entity::{copy, provider_move, recording};
use crate::base::steps::{self, Step};
use crate::base::{Result, VaultError};
use crate::connections::{OpenStore, Version};
use crate::objects::transfer::{self, Expected};
use crate::objects::{Landing, removals};
use crate::recordings::{RecordingRef, copies, locked};
use model::error::{StoreError, StoreErrorKind};
use model::ports::Publish;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait, ExprTrait as _, QueryFilter as _};

impl Moves {
    /// Does nothing if the recording has been deleted, or is elsewhere by now.
    pub(super) async fn move_one(&self, move_id: i64, id: i64, from: &OpenStore, to: &OpenStore) -> Result<()> {
        let Some(found) = self.at(id, from.id).await? else { return Ok(()) };
        let turns = self.locks.lock_both(from.id, to.id, &found.key).await?;
        // Found out only now; the next batch stops for it.
        let _turns = turns.ok_or_else(|| unavailable("Both providers have turned out to be one place."))?;
        let Some(found) = self.at(id, from.id).await? else { return Ok(()) };
        if let Some(row) = recording::Entity::find_by_id(id).one(self.db.read()).await?
            && let Some(why) = locked::why(self.db.read(), &row).await?
        {
            return Err(VaultError::Locked(why));
        }
        let copied = copy::Entity::find_by_id((id, to.id)).one(self.db.read()).await?.is_some();
        if !copied && self.is_taken(&found, to.id).await? {
            return Err(VaultError::Conflict(format!(
                "Another recording named {} lies at {} already; delete one of them.",
                found.key, to.name
            )));
        }
        let content = Expected { key: &found.key, size: found.size, sha256: &found.sha256 };
        let mut intent = None;
        if !copied {
            self.connections.set_up(to).await?;
            let landing = self.objects.landing(to, &content).await?;
            let announced = removals::reserve(&self.db, to.id, &found.key).await?;
            intent = Some(announced);
            steps::reached(Step::MoveAnnounced);
            if let Landing::Free(publish) = landing {
                self.send(&found, from, to, publish, announced).await?;
            }
            steps::reached(Step::MoveStored);
        }
        transfer::verify(to.store.as_ref(), &content).await?;
        steps::reached(Step::MoveVerified);
        self.commit(move_id, &found, to.version(), intent).await?;
        steps::reached(Step::MoveCommitted);
        Ok(())
    }

    /// Sends the bytes.
    async fn send(
        &self,
        found: &RecordingRef,
        from: &OpenStore,
        to: &OpenStore,
        publish: Publish,
        announced: i64,
    ) -> Result<()> {
        let content = Expected { key: &found.key, size: found.size, sha256: &found.sha256 };
        let body = from.store.get(&found.key, None).await?.bytes;
        match self.objects.land(to, &content, body, publish, announced).await {
            Err(VaultError::Store(error)) => {
                self.connections.tell_unconfirmed(&to.name, &found.key, &error).await;
                let passing = copies::is_being_replaced(&self.db, found, &error).await?;
                Err(if passing { replaced(error) } else { error }.into())
            }
            landed => landed,
        }
    }

    /// Whether the source provider works, and just this recording's bytes cannot be read.
    pub(super) async fn is_unreadable(&self, id: i64, from: &OpenStore, to: &OpenStore) -> Result<bool> {
        let Some(found) = self.at(id, from.id).await? else { return Ok(false) };
        if self.connections.check_apart(from, to).await.is_err() {
            return Ok(false);
        }
        let content = Expected { key: &found.key, size: found.size, sha256: &found.sha256 };
        let read = transfer::verify(from.store.as_ref(), &content).await;
        Ok(read.is_err_and(|error| matches!(error.kind, StoreErrorKind::Unavailable | StoreErrorKind::Denied)))
    }

    async fn at(&self, id: i64, provider_id: i64) -> Result<Option<RecordingRef>> {
        let row = recording::Entity::find_by_id(id).one(self.db.read()).await?;
        let row = row.filter(|row| row.provider_id == provider_id);
        row.map(|row| self.db.damaged_rows().or_error(RecordingRef::try_from(row))).transpose()
    }

    async fn is_taken(&self, found: &RecordingRef, provider_id: i64) -> Result<bool> {
        if self.locks.is_running(provider_id, &found.key).await? {
            return Err(unavailable("It is being uploaded right now."));
        }
        self.objects.is_taken(provider_id, &found.key).await
    }

    /// Points the recording to its new place and counts it; the old object is deleted later. Fails if it was replaced
    /// or deleted meanwhile: turns prevent that, but a turn ends with its connection.
    async fn commit(&self, move_id: i64, found: &RecordingRef, to: Version, intent: Option<i64>) -> Result<()> {
        let (id, from, key) = (found.id, found.provider_id, found.key.to_string());
        let (recordings, size) = (i64::from(!found.is_asset), found.size);
        let (sha256, uploaded_at) = (found.sha256.clone(), found.uploaded_at);
        let place = self.objects.providers_at(to.provider_id()).await?;
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    to.check_current(tx).await?;
                    let here = recording::Column::Id.eq(id).and(recording::Column::ProviderId.eq(from));
                    let same = recording::Column::Sha256.eq(sha256).and(recording::Column::UploadedAt.eq(uploaded_at));
                    let moved = recording::Entity::update_many()
                        .col_expr(recording::Column::ProviderId, Expr::val(to.provider_id()))
                        .filter(here.and(same))
                        .exec(tx)
                        .await?;
                    if moved.rows_affected == 0 {
                        return Err(unavailable("It was replaced or deleted while it was moved."));
                    }
                    count(tx, move_id, recordings, size).await?;
                    copies::give_way(tx, &place, &key).await?;
                    removals::insert_moved(tx, from, &key, id).await?;
                    if let Some(intent) = intent {
                        removals::forget(tx, intent).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}

async fn count(tx: &Tx, move_id: i64, recordings: i64, size: u64) -> Result<()> {
    use provider_move::Column::{Id, Moved, MovedBytes};
    let bytes = i64::try_from(size).unwrap_or(i64::MAX);
    provider_move::Entity::update_many()
        .col_expr(Moved, Expr::col(Moved).add(recordings))
        .col_expr(MovedBytes, Expr::col(MovedBytes).add(bytes))
        .filter(Id.eq(move_id))
        .exec(tx)
        .await?;
    Ok(())
}

fn unavailable(why: &str) -> VaultError {
    StoreError::new(StoreErrorKind::Unavailable, why).into()
}

fn replaced(error: StoreError) -> StoreError {
    StoreError::caused(StoreErrorKind::Unavailable, "It is being replaced by another upload right now.", error)
}
