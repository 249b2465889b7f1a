//! Which place a store leads to: its mark, or what is found there without one.

use super::{Claim, PATIENCE, PlaceError};
use crate::base::Result;
use crate::base::entity::{copy, recording};
use crate::connections::Connections;
use crate::connections::places::Mark;
use futures::future::join_all;
use model::ObjectKey;
use model::ports::BlobStore;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use tokio::time::timeout;

/// If the mark is missing, one of this many newest recordings must be found.
const SAMPLES: u64 = 5;

impl Connections {
    /// Which place a store leads to. `None` if it holds nothing and must not be marked.
    pub(super) async fn look(
        &self,
        store: &dyn BlobStore,
        claim: &Claim<'_>,
        may_mark: bool,
    ) -> std::result::Result<Option<String>, PlaceError> {
        // A folder that was marked is not created again, even if nothing is stored there: its disk may be away.
        if may_mark && !claim.holds && claim.expected().is_none() {
            store.set_up().await?;
        }
        let mark = Mark::read(store).await?;
        match &mark {
            Mark::Id(id) if !claim.holds || claim.known == Some(id) => return Ok(Some(id.clone())),
            // What is found at another place, under names that both have, proves nothing.
            Mark::Id(id) if claim.expected().is_some_and(|known| known != id && Mark::is_id(known)) => {
                return Err(PlaceError::Elsewhere(self.where_else(&mark).await?));
            }
            Mark::Blank => store.set_up().await?,
            Mark::Id(_) | Mark::Missing => {}
        }
        if !claim.holds && !may_mark {
            return Ok(None);
        }
        if claim.holds
            && mark != Mark::Blank
            && let Some(id) = claim.id
            && !self.has_a_recording(store, id).await?
        {
            return Err(PlaceError::Elsewhere(self.where_else(&mark).await?));
        }
        let id = match (mark, claim.expected()) {
            (Mark::Id(id), _) => id,
            (Mark::Missing | Mark::Blank, Some(expected)) => Mark::write(store, expected).await?,
            (Mark::Missing | Mark::Blank, None) => self.mark_anew(store, claim.id).await?,
        };
        Ok(Some(id))
    }

    /// Marks a place that has none. First the other providers look at theirs: one whose mark is gone gets it back, and this
    /// may be its place.
    async fn mark_anew(&self, store: &dyn BlobStore, id: Option<i64>) -> std::result::Result<String, PlaceError> {
        let others = self.other_providers(id).await?;
        let known = others.iter().filter(|row| row.place.is_some());
        join_all(known.map(|row| async {
            let looked = async { self.identify(&self.store(row.id).await?, false).await };
            // What is wrong with them is told when they are looked at for their own sake.
            let _ = timeout(PATIENCE, looked).await;
        }))
        .await;
        match Mark::read(store).await? {
            Mark::Id(id) => Ok(id),
            Mark::Missing | Mark::Blank => Ok(Mark::write(store, &Mark::fresh()).await?),
        }
    }

    /// Whether one of a provider's newest recordings or copies is in a store.
    async fn has_a_recording(&self, store: &dyn BlobStore, id: i64) -> std::result::Result<bool, PlaceError> {
        let mut newest = recording::Entity::find()
            .filter(recording::is_recording())
            .filter(recording::Column::ProviderId.eq(id))
            .order_by_desc(recording::Column::Timestamp)
            .order_by_desc(recording::Column::Id)
            .limit(SAMPLES)
            .all(self.db.read())
            .await?;
        let copied: Vec<i64> = copy::Entity::find()
            .select_only()
            .column(copy::Column::RecordingId)
            .filter(copy::Column::ProviderId.eq(id))
            .order_by_desc(copy::Column::RecordingId)
            .limit(SAMPLES)
            .into_tuple()
            .all(self.db.read())
            .await?;
        let copied = recording::Entity::find().filter(recording::Column::Id.is_in(copied));
        newest.extend(copied.all(self.db.read()).await?);
        for row in newest {
            let Ok(key) = ObjectKey::parse(&row.key) else { continue };
            if store.head(&key).await?.is_some_and(|size| i64::try_from(size).is_ok_and(|size| size == row.size)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn where_else(&self, mark: &Mark) -> Result<String> {
        let owner = match mark {
            Mark::Id(id) => self.other_providers(None).await?.into_iter().find(|row| row.place.as_ref() == Some(id)),
            Mark::Missing | Mark::Blank => None,
        };
        Ok(match (owner, mark) {
            (Some(owner), _) => format!("The provider leads to the place of {}.", owner.name),
            (None, Mark::Id(_)) => "The provider is not the place it was: it shows another mark.".into(),
            (None, _) => "The provider is not the place it was: its newest recordings are not there.".into(),
        })
    }
}
