//! One request at a time brings an upload's bytes.
//!
//! Within a process a map decides. On a shared database the row says who has it, for a few seconds at a time: whoever dies
//! does not say so.

use crate::base::Result;
use crate::base::db::Db;
use crate::base::entity::resumable;
use crate::base::keys::random_id;
use crate::host::replicas::NOW_MS;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long the row's word counts; it is said anew three times as often.
const LEASE: Duration = Duration::from_secs(15);
/// How long to wait for a request that was asked to end: it still keeps what has come.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who holds which upload.
pub(super) struct Holds {
    db: Db,
    here: Mutex<HashMap<String, Signals>>,
}

#[derive(Clone, Default)]
struct Signals {
    let_go: CancellationToken,
    gone: CancellationToken,
}

/// An upload that only this request goes on with; ends when dropped.
pub(super) struct Hold {
    holds: Arc<Holds>,
    id: String,
    signals: Signals,
    /// What the row says, on a shared database.
    pub(super) holder: Option<String>,
    _renewing: Option<DropGuard>,
}

impl Holds {
    pub(super) fn new(db: Db) -> Self {
        Self { db, here: Mutex::default() }
    }

    /// `None` if another request has it.
    pub(super) async fn take(self: &Arc<Self>, id: &str) -> Result<Option<Hold>> {
        let signals = Signals::default();
        {
            let mut here = self.here();
            if here.contains_key(id) {
                return Ok(None);
            }
            here.insert(id.to_owned(), signals.clone());
        }
        let mut hold = Hold { holds: self.clone(), id: id.to_owned(), signals, holder: None, _renewing: None };
        if !self.db.is_shared() {
            return Ok(Some(hold));
        }
        let holder = random_id();
        let is_free =
            resumable::Column::Holder.is_null().or(Expr::col(resumable::Column::HeldUntil).lt(Expr::cust(NOW_MS)));
        if !self.lease(id, &holder, is_free).await? {
            return Ok(None);
        }
        hold.holder = Some(holder.clone());
        hold._renewing = Some(self.renew(id.to_owned(), holder));
        Ok(Some(hold))
    }

    /// Asks whoever holds an upload in this process to end, and waits for that a little.
    pub(super) async fn ask_to_let_go(&self, id: &str) {
        let Some(signals) = self.here().get(id).cloned() else { return };
        signals.let_go.cancel();
        let _ = timeout(PATIENCE, signals.gone.cancelled()).await;
    }

    async fn lease(&self, id: &str, holder: &str, may: Expr) -> Result<bool> {
        let (id, holder) = (id.to_owned(), holder.to_owned());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let until = Expr::cust(format!("{NOW_MS} + {}", LEASE.as_millis()));
                    let taken = resumable::Entity::update_many()
                        .col_expr(resumable::Column::Holder, Expr::val(holder))
                        .col_expr(resumable::Column::HeldUntil, until)
                        .filter(resumable::Column::Id.eq(id))
                        .filter(may)
                        .exec(tx)
                        .await?;
                    Ok(taken.rows_affected > 0)
                })
            })
            .await
    }

    /// Says anew who has it, until dropped. If the row cannot be reached for too long another one may take it; then nothing of
    /// this one's is kept any more (see `rows.rs`).
    fn renew(self: &Arc<Self>, id: String, holder: String) -> DropGuard {
        let (this, over) = (self.clone(), CancellationToken::new());
        let until = over.clone();
        tokio::spawn(async move {
            while until.run_until_cancelled(sleep(LEASE / 3)).await.is_some() {
                // The next time comes soon.
                let _ = this.lease(&id, &holder, resumable::Column::Holder.eq(holder.clone())).await;
            }
        });
        over.drop_guard()
    }

    fn here(&self) -> MutexGuard<'_, HashMap<String, Signals>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hold {
    /// Ready when somebody wants it to end.
    pub(super) async fn asked_to_let_go(&self) {
        self.signals.let_go.cancelled().await;
    }

    /// Tells other replicas that it is over. If that fails they wait for a few seconds.
    pub(super) async fn release(mut self) {
        self._renewing = None;
        let Some(holder) = self.holder.take() else { return };
        let id = self.id.clone();
        let released = self.holds.db.write(move |tx| {
            Box::pin(async move {
                resumable::Entity::update_many()
                    .col_expr(resumable::Column::Holder, Expr::val(None::<String>))
                    .filter(resumable::Column::Id.eq(id))
                    .filter(resumable::Column::Holder.eq(holder))
                    .exec(tx)
                    .await?;
                Ok(())
            })
        });
        if let Err(error) = released.await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "an upload can be gone on with in some seconds only"
            );
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.holds.here().remove(&self.id);
        self.signals.gone.cancel();
    }
}
