//! Recordings one after the other, as an HLS player plays them (docs/protocol.md §12).

use super::list::without_json;
use super::many::CHUNK;
use super::{RecordingRef, Recordings, choose};
use crate::access::accounts::Account;
use crate::base::Result;
use crate::base::entity::recording;
use model::ObjectKey;
use model::mp4::{Hls, Unplayable};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use std::collections::{BTreeMap, HashMap};

/// Most recordings of one timeline: a week of one camera.
pub const MAX_RECORDINGS: usize = 10_000;
/// Most fragments of all of them: four days of one camera that begins one every two seconds.
pub const MAX_FRAGMENTS: usize = 200_000;

/// Which recordings.
#[derive(Debug, Clone)]
pub enum Asked {
    /// Those of cameras that began from a second to another (Unix seconds), both included.
    Period {
        /// Keys of the cameras.
        devices: Vec<String>,
        /// First second.
        start_s: i64,
        /// Last second.
        end_s: i64,
    },
    /// These; what the account has not is left out.
    Keys(Vec<ObjectKey>),
}

/// A recording of a timeline.
#[derive(Debug, Clone)]
pub struct Timed {
    /// The recording.
    pub found: RecordingRef,
    /// Key of its camera.
    pub device: String,
    /// When it began, Unix milliseconds.
    pub timestamp: i64,
    /// How it is played.
    pub hls: std::result::Result<Hls, Unplayable>,
}

/// What has come of looking for one.
#[derive(Debug, Clone)]
pub enum Timeline {
    /// These, oldest first.
    Recordings(Vec<Timed>),
    /// The account has no such provider.
    NotItsProvider,
    /// More than [`MAX_RECORDINGS`], or of more than [`MAX_FRAGMENTS`].
    TooLong,
}

impl Recordings {
    /// An account's recordings in the order of time, each once: as [`find`](Self::find) finds it.
    pub async fn timeline(&self, account: &Account, provider: &str, asked: &Asked) -> Result<Timeline> {
        let provider_id = match provider {
            "" => None,
            name => match self.connections.provider_by_name(name).await? {
                Some(provider) => Some(provider.id),
                None => return Ok(Timeline::NotItsProvider),
            },
        };
        let rows = match asked {
            Asked::Period { devices, start_s, end_s } => self.of_period(account, devices, *start_s, *end_s).await?,
            Asked::Keys(keys) => self.with_keys(account, keys.iter()).await?,
        };
        let mut chosen: Vec<recording::Model> =
            rows.values().filter_map(|rows| choose(account, provider_id, rows)).cloned().collect();
        drop(rows);
        if chosen.is_empty() && provider_id.is_some_and(|id| !account.may_store_at(id)) {
            return Ok(Timeline::NotItsProvider);
        }
        if chosen.len() > MAX_RECORDINGS {
            return Ok(Timeline::TooLong);
        }
        chosen.sort_by(|a, b| (a.timestamp, &a.key).cmp(&(b.timestamp, &b.key)));
        self.with_fragments(chosen).await
    }

    /// Rows by key, at most one more than may be.
    async fn of_period(
        &self,
        account: &Account,
        devices: &[String],
        start_s: i64,
        end_s: i64,
    ) -> Result<HashMap<String, Vec<recording::Model>>> {
        let rows = without_json(recording::Entity::find())
            .filter(recording::Column::AccountId.eq(account.id))
            .filter(recording::Column::Device.is_in(devices))
            .filter(recording::Column::AssetOf.is_null())
            .filter(recording::Column::Timestamp.gte(start_s.saturating_mul(1000)))
            .filter(recording::Column::Timestamp.lt(end_s.saturating_add(1).saturating_mul(1000)))
            .order_by_asc(recording::Column::Timestamp)
            .limit(MAX_RECORDINGS as u64 + 1)
            .all(self.db.read())
            .await?;
        let mut found: HashMap<String, Vec<recording::Model>> = HashMap::new();
        for row in rows {
            found.entry(row.key.clone()).or_default().push(row);
        }
        Ok(found)
    }

    /// Reads how each is played, which no list does. What is damaged otherwise counts as not there.
    async fn with_fragments(&self, rows: Vec<recording::Model>) -> Result<Timeline> {
        let damaged = self.db.damaged_rows();
        let (mut timeline, mut fragments) = (Vec::with_capacity(rows.len()), 0);
        for chunk in rows.chunks(CHUNK) {
            let facts: Vec<(i64, String)> = recording::Entity::find()
                .select_only()
                .columns([recording::Column::Id, recording::Column::Facts])
                .filter(recording::Column::Id.is_in(chunk.iter().map(|row| row.id)))
                .into_tuple()
                .all(self.db.read())
                .await?;
            let facts: BTreeMap<i64, String> = facts.into_iter().collect();
            for row in chunk {
                // Without a row it has been deleted meanwhile.
                let Some(facts) = facts.get(&row.id) else { continue };
                let (device, timestamp) = (row.device.clone(), row.timestamp);
                let Ok(found) = damaged.reported(RecordingRef::try_from(row.clone())) else { continue };
                let facts = damaged.reported(recording::Model::read_facts_of(row.id, facts));
                let hls = facts.map_err(|_| Unplayable::Damaged).and_then(model::mp4::Mp4Facts::into_hls);
                fragments += hls.as_ref().map_or(0, Hls::count);
                if fragments > MAX_FRAGMENTS {
                    return Ok(Timeline::TooLong);
                }
                timeline.push(Timed { found, device, timestamp, hls });
            }
        }
        Ok(Timeline::Recordings(timeline))
    }
}
