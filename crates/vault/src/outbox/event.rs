//! The event about a recording: made when it is stored, and again for a replay.

use crate::base::Result;
use crate::base::damaged::Damage;
use crate::base::entity::{copy, recording};
use crate::base::keys::random_id;
use crate::recordings::custom_headers;
use model::event::{Event, Metadata, Payload};
use model::mp4::Mp4Facts;
use model::wire::CustomHeaders;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use std::collections::HashMap;

/// Most fragments an event lists: more would exceed what brokers accept. Longer lists are left empty.
const MAX_EVENT_FRAGMENTS: usize = 500;

/// The contents of an event.
pub(crate) struct EventFacts<'a> {
    /// Full key.
    pub(crate) key: &'a str,
    pub(crate) size: u64,
    pub(crate) facts: &'a Mp4Facts,
    pub(crate) metadata: Metadata,
    /// Name of the provider.
    pub(crate) source: String,
    pub(crate) beside: Beside,
    /// Unix milliseconds.
    pub(crate) stored_at: i64,
    pub(crate) cloud_analysis: bool,
}

/// What an event says of a recording that is in other tables.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beside {
    /// Names of the providers that have a copy, or get one.
    pub(crate) secondary_providers: Vec<String>,
    pub(crate) custom_headers: CustomHeaders,
}

/// That of several stored recordings; `names` are those of the providers.
pub(crate) struct Besides {
    copies: HashMap<i64, Vec<String>>,
    custom_headers: HashMap<i64, std::result::Result<CustomHeaders, Damage>>,
}

impl Besides {
    pub(crate) async fn of(
        db: &impl ConnectionTrait,
        rows: impl Iterator<Item = &recording::Model>,
        names: &HashMap<i64, String>,
    ) -> Result<Self> {
        let ids: Vec<i64> = rows.map(|row| row.id).collect();
        let found = copy::Entity::find()
            .filter(copy::Column::RecordingId.is_in(ids.iter().copied()))
            .order_by_asc(copy::Column::CopiedAt)
            .all(db)
            .await?;
        let mut copies: HashMap<i64, Vec<String>> = HashMap::new();
        for row in found {
            copies.entry(row.recording_id).or_default().extend(names.get(&row.provider_id).cloned());
        }
        Ok(Self { copies, custom_headers: custom_headers::of(db, ids).await? })
    }

    fn take(&self, id: i64) -> std::result::Result<Beside, Damage> {
        Ok(Beside {
            secondary_providers: self.copies.get(&id).cloned().unwrap_or_default(),
            custom_headers: self.custom_headers.get(&id).cloned().unwrap_or_else(|| Ok(CustomHeaders::default()))?,
        })
    }
}

/// Makes an event with a new id; returns id and JSON.
pub(crate) fn event(told: EventFacts<'_>) -> (String, String) {
    let facts = told.facts;
    let file_name = told.key.rsplit('/').next().unwrap_or(told.key);
    let listed = facts.fragmented && facts.fragments.len() <= MAX_EVENT_FRAGMENTS;
    let payload = Payload {
        key: told.key.to_owned(),
        file_size: told.size,
        is_fragmented: facts.fragmented,
        bytes_ranges: if listed { facts.hls_lines(file_name) } else { String::new() },
        bytes_range_on_time: if listed { facts.range_on_time() } else { Vec::new() },
        metadata: told.metadata,
        custom_headers: told.beside.custom_headers,
        signed_url: String::new(),
    };
    let id = random_id();
    let event = Event::persisted(id.clone(), told.source, told.stored_at / 1000, told.cloud_analysis, payload);
    (id, Event { secondary_providers: told.beside.secondary_providers, ..event }.to_json())
}

/// Makes a new event about a stored recording.
pub(crate) fn event_of(
    row: &recording::Model,
    besides: &Besides,
    source: &str,
    cloud_analysis: bool,
) -> std::result::Result<(String, String), Damage> {
    Ok(event(EventFacts {
        key: row.read_key()?.as_str(),
        size: row.read_size()?,
        facts: &row.read_facts()?,
        metadata: row.read_metadata()?,
        source: source.to_owned(),
        beside: besides.take(row.id)?,
        stored_at: row.uploaded_at,
        cloud_analysis,
    }))
}

/// What keeps a camera's events in order: its account, and its device key or else its name. Two accounts may have cameras of
/// the same key, and one must not wait for the other's.
pub(crate) fn lane(account_id: i64, device: &str, instance_name: &str) -> String {
    format!("{account_id}/{}", if device.is_empty() { instance_name } else { device })
}

/// The camera of a lane, as others know it.
pub(crate) fn device_of(lane: &str) -> &str {
    lane.split_once('/').map_or(lane, |(_, device)| device)
}
