//! Many objects at once: those that nothing else has to do with, which is nearly all.

use super::{EVERY, Housekeeping};
use crate::base::entity::removal;
use crate::base::steps::{self, Step};
use crate::base::{Result, VaultError};
use crate::flows::failures::Failures;
use crate::objects::removals;
use futures::future::ready;
use futures::{StreamExt as _, stream};
use model::ObjectKey;
use model::error::StoreErrorKind;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};
use std::collections::HashSet;
use tokio::time::Instant;

/// Deletions that a provider is asked for at a time.
const AT_A_TIME: usize = 16;

type Keyed = (removal::Model, ObjectKey);

impl Housekeeping {
    /// Deletes objects; returns those that need a closer look. Those that somebody works on right now are left out.
    ///
    /// # Errors
    /// If the provider is down.
    pub(super) async fn remove_batch(
        &self,
        provider_id: i64,
        rows: Vec<Keyed>,
        failures: &mut Failures,
    ) -> Result<Vec<Keyed>> {
        let is_plain = |(row, _): &Keyed| row.whole && row.moved_id.is_none();
        let (plain, mut special): (Vec<_>, Vec<_>) = rows.into_iter().partition(is_plain);
        if plain.is_empty() {
            return Ok(special);
        }
        let provider = match self.connections.store(provider_id).await {
            Ok(provider) => provider,
            Err(VaultError::NotFound(_)) => {
                removals::forget_all(&self.db, ids(&plain)).await?;
                return Ok(special);
            }
            Err(error) => return Err(error),
        };
        // Before anybody has a turn: it may take its time. At another place it would be another vault's objects.
        self.connections.place_now(&provider).await?;
        let turns = self.objects.locks().lock_free(provider_id, plain.iter().map(|(_, key)| key.clone())).await?;
        let still = self.still_there(&plain).await?;
        let unclaimed =
            self.objects.unclaimed(provider_id, &plain.iter().map(|(_, key)| key).collect::<Vec<_>>()).await?;
        let plain = plain.into_iter().filter(|(row, key)| turns.has(key) && still.contains(&row.id));
        let (plain, claimed): (Vec<_>, Vec<_>) = plain.partition(|(_, key)| unclaimed.contains(key));
        special.extend(claimed);
        removals::note_begun(&self.db, ids(&plain)).await?;
        let (begun, mut unknown) = (Instant::now(), plain.iter().map(|(row, _)| row.id).collect::<HashSet<_>>());
        // What was noted as asked for is, within the minute: later the note would be too old to be heeded.
        let asked = stream::iter(plain).take_while(|_| ready(begun.elapsed() < EVERY));
        let deleting = asked.map(async |(row, key)| (provider.store.delete(&key).await, row, key));
        let mut deleting = std::pin::pin!(deleting.buffer_unordered(AT_A_TIME));
        let (mut gone, mut down) = (Vec::new(), None);
        while let Some((outcome, row, key)) = deleting.next().await {
            unknown.remove(&row.id);
            match outcome {
                Ok(()) => gone.push(row.id),
                Err(error) if error.kind == StoreErrorKind::Unavailable => {
                    removals::note_unanswered(&self.db, provider_id, &key).await?;
                    let error = error.into();
                    // What else is asked for at the moment would take as long to fail.
                    if let Err(is_down) = self.connections.check_answers(provider_id, &error).await {
                        down = Some(is_down);
                        break;
                    }
                    removals::note_refused(&self.db, &row, error.to_string()).await?;
                    failures.note(&key, error);
                }
                Err(error) => {
                    removals::note_refused(&self.db, &row, error.to_string()).await?;
                    failures.note(&key, error.into());
                }
            }
        }
        if down.is_some() && !unknown.is_empty() {
            // Some were asked for just now, and may be carried out late.
            removals::note_begun(&self.db, unknown.into_iter().collect()).await?;
        }
        if !gone.is_empty() {
            steps::reached(Step::RemovalDone);
            removals::forget_all(&self.db, gone).await?;
        }
        down.map_or(Ok(special), Err)
    }

    /// Which of these removals have not been withdrawn meanwhile.
    async fn still_there(&self, rows: &[Keyed]) -> Result<HashSet<i64>> {
        let there = removal::Entity::find()
            .select_only()
            .column(removal::Column::Id)
            .filter(removal::Column::Id.is_in(ids(rows)));
        Ok(there.into_tuple().all(self.db.read()).await?.into_iter().collect())
    }
}

fn ids(rows: &[Keyed]) -> Vec<i64> {
    rows.iter().map(|(row, _)| row.id).collect()
}
