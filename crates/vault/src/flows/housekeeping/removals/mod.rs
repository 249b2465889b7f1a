//! Objects still to be deleted, because their row is gone or their recording was moved away: each provider's for themselves, so
//! that one that hangs or refuses keeps no other waiting.

mod batch;
mod one;

use super::{EVERY, Housekeeping};
use crate::base::entity::removal;
use crate::base::{Result, VaultError};
use crate::flows::failures::Failures;
use crate::host::timekeeping::Trusted;
use crate::objects::removals;
use futures::{StreamExt as _, stream};
use model::ObjectKey;
use one::Left;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use std::collections::{HashMap, HashSet};
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{self, JoinSet};
use tokio::time::{Instant, sleep};

/// Objects of one batch. Each has a turn, and PostgreSQL has room for some thousands.
const BATCH: u64 = 200;
/// Providers whose objects are deleted at a time. On PostgreSQL each has one of the connections that hold turns.
const PROVIDERS: usize = 4;

/// How long rows that have just gone are gathered.
const GATHERED: Duration = Duration::from_millis(500);

/// How much of what was due has been looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stint {
    All,
    /// There is more; the clock is to be looked at again first.
    Some,
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    All,
    /// Objects whose rows have just gone. The others, of which some need a closer look, wait for their minute.
    Plain,
}

/// When a provider was last seen to.
struct Seen {
    at: Instant,
    is_down: bool,
}

impl Housekeeping {
    /// Deletes what is left to be deleted until it is dropped. A provider that fails is let alone for a minute.
    pub(super) async fn keep_removing(self: Arc<Self>) {
        let mut working: JoinSet<Result<Stint>> = JoinSet::new();
        let (mut busy, mut seen) = (HashMap::<task::Id, i64>::new(), HashMap::<i64, Seen>::new());
        // Whoever was served longest ago comes first.
        let mut served = HashMap::<i64, Instant>::new();
        let mut has_more = true;
        loop {
            seen.retain(|_, seen| seen.at.elapsed() < EVERY);
            let mut waiting = self.waiting_providers().await;
            waiting.sort_by_key(|id| served.get(id).copied());
            for id in waiting {
                let which = match seen.get(&id) {
                    None => Which::All,
                    Some(seen) if has_more && !seen.is_down => Which::Plain,
                    Some(_) => continue,
                };
                if busy.len() < PROVIDERS && !busy.values().any(|other| *other == id) {
                    let this = self.clone();
                    served.insert(id, Instant::now());
                    busy.insert(working.spawn(async move { this.remove_for_a_while(id, which).await }).id(), id);
                }
            }
            has_more = tokio::select! {
                () = sleep(EVERY) => false,
                () = self.left.notified() => {
                    // Others follow at once: all of them in one go.
                    sleep(GATHERED).await;
                    true
                }
                Some(ended) = working.join_next_with_id() => {
                    let (task, outcome) = match ended {
                        Ok((task, outcome)) => (task, Some(outcome)),
                        Err(panicked) => (panicked.id(), None),
                    };
                    if let Some(id) = busy.remove(&task) {
                        if !matches!(outcome, Some(Ok(Stint::Some))) {
                            let is_down = !matches!(outcome, Some(Ok(_)));
                            seen.entry(id).or_insert(Seen { at: Instant::now(), is_down }).is_down = is_down;
                        }
                        tell(id, outcome);
                    }
                    false
                }
            };
        }
    }

    async fn remove_for_a_while(&self, provider_id: i64, which: Which) -> Result<Stint> {
        match self.timekeeping.look().await? {
            Some(trusted) => self.remove_at(provider_id, which, &trusted).await,
            None => Ok(Stint::All),
        }
    }

    /// Deletes all that is due now, at all providers.
    pub(crate) async fn finish_removals(&self, trusted: &Trusted) {
        let each = stream::iter(self.waiting_providers().await).map(async |id| {
            loop {
                match self.remove_at(id, Which::All, trusted).await {
                    Ok(Stint::Some) => {}
                    outcome => return tell(id, Some(outcome)),
                }
            }
        });
        each.buffer_unordered(PROVIDERS).collect::<()>().await;
    }

    /// Providers with objects that are left to be deleted, some of which may not be there any more. Each is found by a jump
    /// in the index, however many objects it has.
    async fn waiting_providers(&self) -> Vec<i64> {
        let mut found = Vec::new();
        loop {
            let next = removal::Entity::find()
                .select_only()
                .column(removal::Column::ProviderId)
                .filter(removal::Column::ProviderId.gt(found.last().copied().unwrap_or(i64::MIN)))
                .order_by_asc(removal::Column::ProviderId)
                .limit(1)
                .into_tuple()
                .one(self.db.read());
            match next.await {
                Ok(Some(id)) => found.push(id),
                Ok(None) => return found,
                Err(error) => {
                    let error = &error as &dyn StdError;
                    tracing::error!(error, "which objects are to be deleted is not known, and will be asked again");
                    return found;
                }
            }
        }
    }

    /// Deletes a provider's objects, unless their key has been uploaded again.
    async fn remove_at(&self, provider_id: i64, which: Which, _: &Trusted) -> Result<Stint> {
        let begun = Instant::now();
        let (mut after, mut down, mut failures) = ((0, 0), HashSet::new(), Failures::default());
        let outcome = loop {
            let rows = match self.due(provider_id, which, after).await {
                Ok(rows) => rows,
                Err(error) => break Err(error),
            };
            let Some(last) = rows.last() else { break Ok(Stint::All) };
            after = (last.due_at, last.id);
            if let Err(error) = self.remove(provider_id, rows, &mut down, &mut failures).await {
                break Err(error);
            }
            if begun.elapsed() > EVERY {
                break Ok(Stint::Some);
            }
        };
        failures.tell(provider_id, "objects cannot be deleted and will be tried again");
        outcome
    }

    /// A batch of what may be deleted now, behind this one in the order of `due_at` and id. In two steps: most have the same
    /// `due_at`, and the index finds the place among these only if they are asked for by it.
    async fn due(&self, provider_id: i64, which: Which, (due_at, id): (i64, i64)) -> Result<Vec<removal::Model>> {
        use removal::Column;
        let now = self.db.now_ms();
        let mut found = Vec::new();
        for place in
            [Column::DueAt.eq(due_at).and(Column::Id.gt(id)), Column::DueAt.gt(due_at).and(Column::DueAt.lte(now))]
        {
            let rows = removal::Entity::find()
                .filter(Column::ProviderId.eq(provider_id))
                .filter(place)
                .filter(Column::RemovedAt.lte(now))
                .order_by_asc(Column::DueAt)
                .order_by_asc(Column::Id)
                .limit(BATCH - found.len() as u64);
            let rows = if which == Which::Plain { rows.filter(Column::Whole.eq(true)) } else { rows };
            found.extend(rows.all(self.db.read()).await?);
            if found.len() as u64 >= BATCH {
                break;
            }
        }
        Ok(found)
    }

    /// # Errors
    /// If the provider is down. One object that fails holds up no other.
    async fn remove(
        &self,
        provider_id: i64,
        rows: Vec<removal::Model>,
        down: &mut HashSet<i64>,
        failures: &mut Failures,
    ) -> Result<()> {
        let mut keyed: Vec<(removal::Model, ObjectKey)> = Vec::new();
        for row in rows {
            // A damaged row is kept: once mended it says what to delete; without it the object would stay for ever.
            let Ok(key) = self.db.damaged_rows().reported(row.read_key()) else { continue };
            if !self.objects.locks().is_running(provider_id, &key).await? {
                keyed.push((row, key));
            }
        }
        let mut put_off = Vec::new();
        for (row, key) in self.remove_batch(provider_id, keyed, failures).await? {
            match self.remove_one(&row, &key, down).await {
                Ok(Left::Nothing) => {}
                Ok(Left::Object) => put_off.push(row.id),
                Err(error) => {
                    self.connections.check_answers(provider_id, &error).await?;
                    match &error {
                        VaultError::Store(why) => removals::note_refused(&self.db, &row, why.to_string()).await?,
                        // Not the provider's doing.
                        _ => put_off.push(row.id),
                    }
                    failures.note(&key, error);
                }
            }
        }
        // Else whatever is behind these would wait until they can be judged.
        if put_off.is_empty() { Ok(()) } else { removals::put_off(&self.db, put_off).await }
    }
}

/// Logs how deleting a provider's objects ended, if it did not end well; without an outcome, it has panicked.
fn tell(provider_id: i64, outcome: Option<Result<Stint>>) {
    match outcome {
        Some(Ok(_)) => {}
        Some(Err(error)) => {
            let error = &error as &dyn StdError;
            tracing::warn!(provider_id, error, "objects wait for their provider to be deleted");
        }
        None => tracing::error!(provider_id, "deleting objects ended with a panic, and will be tried again"),
    }
}
