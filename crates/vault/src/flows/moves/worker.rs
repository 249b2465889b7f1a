//! Carries out running moves.

use super::Moves;
use crate::base::entity::{provider_move, recording};
use crate::base::steps::{self, Step};
use crate::base::{Result, VaultError};
use crate::connections::OpenStore;
use crate::objects::transfer::to_its_end;
use futures::future::join_all;
use model::error::StoreErrorKind;
use model::moving::MoveState;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, ExprTrait as _, QueryFilter, QueryOrder, QuerySelect};
use std::error::Error as StdError;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the worker looks without being woken; also its wait for a provider that is down.
const POLL: Duration = Duration::from_secs(5);
/// Recordings moved before the position is recorded.
const BATCH: u64 = 32;
/// Recordings moved at the same time; each holds a part in memory.
const CONCURRENCY: usize = 2;
/// Longest error text kept, in characters.
const MAX_ERROR: usize = 500;

/// The outcome of a batch.
#[derive(Default)]
struct Batch {
    last_id: i64,
    failed: i64,
    last_error: String,
    /// A provider is down: the same batch is tried again.
    interrupted: bool,
}

impl Moves {
    /// Runs until cancelled. May be interrupted anywhere: the next start goes on.
    pub(crate) async fn run(self, cancel: CancellationToken) {
        let work = async {
            loop {
                match self.round().await {
                    Ok(true) => continue,
                    Ok(false) => {}
                    Err(error) => {
                        tracing::error!(error = &error as &dyn StdError, "moving recordings failed and will go on")
                    }
                }
                tokio::select! {
                    () = self.wakeup.notified() => {}
                    () = tokio::time::sleep(POLL) => {}
                }
            }
        };
        cancel.run_until_cancelled(work).await;
        if let Err(error) = self.release().await {
            tracing::warn!(error = &error as &dyn StdError, "moves stay this vault's until it is taken for dead");
        }
    }

    /// Moves a batch of every running move; returns whether there is more to do right now.
    async fn round(&self) -> Result<bool> {
        let running = provider_move::Entity::find()
            .filter(provider_move::Column::State.eq(MoveState::Running.as_str()))
            .order_by_asc(provider_move::Column::Id)
            .all(self.db.read())
            .await?;
        let mut more = false;
        for row in running {
            if !self.claim(row.id).await? {
                continue;
            }
            match self.advance(&row).await {
                Ok(goes_on) => more |= goes_on,
                Err(VaultError::Damaged(damage)) => self.pause_or_wait(row.id, damage.into()).await?,
                Err(error) => return Err(error),
            }
        }
        Ok(more)
    }

    /// Claims a move for this process; on a shared database another may have it.
    async fn claim(&self, id: i64) -> Result<bool> {
        if !self.db.is_shared() {
            return Ok(true);
        }
        let free = provider_move::Column::Id.eq(id).and(self.replicas.free_or_mine(provider_move::Column::Owner));
        let mine = provider_move::ActiveModel { owner: Set(Some(self.replicas.me().to_owned())), ..Default::default() };
        let claim = provider_move::Entity::update_many().set(mine).filter(free);
        self.db.write(move |tx| Box::pin(async move { Ok(claim.exec(tx).await?.rows_affected == 1) })).await
    }

    /// Lets other replicas continue this process's moves.
    async fn release(&self) -> Result<()> {
        if !self.db.is_shared() {
            return Ok(());
        }
        let mine = provider_move::Column::Owner.eq(self.replicas.me());
        let nobodys = provider_move::ActiveModel { owner: Set(None), ..Default::default() };
        let release = provider_move::Entity::update_many().set(nobodys).filter(mine);
        self.db.write(move |tx| Box::pin(async move { Ok(release.exec(tx).await.map(drop)?) })).await
    }

    async fn advance(&self, row: &provider_move::Model) -> Result<bool> {
        let ids: Vec<i64> = recording::Entity::find()
            .select_only()
            .column(recording::Column::Id)
            .filter(recording::Column::ProviderId.eq(row.from_provider_id))
            .filter(recording::Column::Id.gt(row.after_id))
            .order_by_asc(recording::Column::Id)
            .limit(BATCH)
            .into_tuple()
            .all(self.db.read())
            .await?;
        if ids.is_empty() {
            self.end(row).await?;
            steps::reached(Step::MoveEnded);
            return Ok(false);
        }
        let from = self.connections.store(row.from_provider_id).await?;
        let to = self.connections.store(row.to_provider_id).await?;
        if let Err(error) = self.connections.check_apart(&from, &to).await {
            return self.pause_or_wait(row.id, error).await.map(|()| false);
        }
        let batch = self.batch(row, &ids, &from, &to).await?;
        let interrupted = batch.interrupted;
        self.record_batch(row.id, batch).await?;
        steps::reached(Step::MoveNoted);
        Ok(!interrupted)
    }

    /// Records why a batch was not begun. Between two providers of one place none ever will be, so the move is paused.
    async fn pause_or_wait(&self, id: i64, error: VaultError) -> Result<()> {
        use provider_move::Column::{Id, LastError, State};
        let paused = match &error {
            VaultError::Conflict(_) => true,
            VaultError::Store(_) | VaultError::Damaged(_) => false,
            _ => return Err(error),
        };
        let why: String = error.to_string().chars().take(MAX_ERROR).collect();
        tracing::warn!(error = &error as &dyn StdError, "recordings are not moved");
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let state = if paused { MoveState::Paused } else { MoveState::Running };
                    provider_move::Entity::update_many()
                        .col_expr(State, Expr::val(state.as_str()))
                        .col_expr(LastError, Expr::val(why))
                        .filter(Id.eq(id).and(State.eq(MoveState::Running.as_str())))
                        .exec(tx)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    async fn batch(&self, row: &provider_move::Model, ids: &[i64], from: &OpenStore, to: &OpenStore) -> Result<Batch> {
        let mut batch = Batch { last_id: row.after_id, ..Batch::default() };
        for pair in ids.chunks(CONCURRENCY) {
            let moving = pair.iter().map(|id| {
                let (this, move_id, id, from, to) = (self.clone(), row.id, *id, from.clone(), to.clone());
                to_its_end(async move { this.move_one(move_id, id, &from, &to).await })
            });
            for (id, outcome) in pair.iter().zip(join_all(moving).await) {
                if let Err(error) = outcome {
                    tracing::warn!(recording = id, error = &error as &dyn StdError, "a recording was not moved");
                    batch.last_error = error.to_string().chars().take(MAX_ERROR).collect();
                    if is_passing(&error) && !self.is_unreadable(*id, from, to).await? {
                        // The whole batch is tried again; what was moved is no longer found at the source then.
                        batch.interrupted = true;
                        return Ok(batch);
                    }
                    batch.failed += 1;
                }
                batch.last_id = *id;
            }
        }
        Ok(batch)
    }

    async fn record_batch(&self, id: i64, batch: Batch) -> Result<()> {
        use provider_move::Column::{AfterId, Failed, LastError};
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let mut update = provider_move::Entity::update_many()
                        .col_expr(AfterId, Expr::val(batch.last_id))
                        .col_expr(Failed, Expr::col(Failed).add(batch.failed));
                    if !batch.last_error.is_empty() {
                        update = update.col_expr(LastError, Expr::val(batch.last_error));
                    }
                    update.filter(provider_move::Column::Id.eq(id)).exec(tx).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Nothing is left in this pass: done, or paused if some could not be moved.
    async fn end(&self, row: &provider_move::Model) -> Result<()> {
        use provider_move::Column::{FinishedAt, Id, LastError, State};
        let (id, complete) = (row.id, row.failed == 0);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let state = if complete { MoveState::Done } else { MoveState::Paused };
                    let mut update = provider_move::Entity::update_many().col_expr(State, Expr::val(state.as_str()));
                    if complete {
                        update = update.col_expr(FinishedAt, Expr::val(tx.now_ms())).col_expr(LastError, Expr::val(""));
                    }
                    let running = Id.eq(id).and(State.eq(MoveState::Running.as_str()));
                    update.filter(running).exec(tx).await?;
                    Ok(())
                })
            })
            .await
    }
}

/// Whether it may go away without anybody doing anything.
fn is_passing(error: &VaultError) -> bool {
    match error {
        VaultError::Store(error) => {
            use StoreErrorKind::{Denied, Full, Unavailable, Unconfirmed};
            matches!(error.kind, Unavailable | Denied | Full | Unconfirmed)
        }
        VaultError::Database(_) | VaultError::Full(_) | VaultError::CommitUnknown(_) => true,
        _ => false,
    }
}
