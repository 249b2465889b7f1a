//! The event about a recording: made when it is stored, and again for a replay.

use crate::base::damaged::Damage;
use crate::base::entity::recording;
use crate::base::keys::random_id;
use model::event::{Event, Metadata, Payload};
use model::mp4::Mp4Facts;

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
    /// Unix milliseconds.
    pub(crate) stored_at: i64,
    pub(crate) cloud_analysis: bool,
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
    };
    let id = random_id();
    let event = Event::persisted(id.clone(), told.source, told.stored_at / 1000, told.cloud_analysis, payload);
    (id, event.to_json())
}

/// Makes a new event about a stored recording.
pub(crate) fn event_of(row: &recording::Model, source: &str, cloud_analysis: bool) -> Result<(String, String), Damage> {
    Ok(event(EventFacts {
        key: row.read_key()?.as_str(),
        size: row.read_size()?,
        facts: &row.read_facts()?,
        metadata: row.read_metadata()?,
        source: source.to_owned(),
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
