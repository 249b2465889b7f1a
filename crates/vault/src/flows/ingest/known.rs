//! What is known of a recording: what its agent says comes before what its name says, and that before what its boxes say
//! (docs/protocol.md §9).

use super::digest::Content;
use crate::base::clock::DAY_MS;
use crate::objects::intent::Draft;
use model::ObjectKey;
use model::event::Metadata;
use model::file_name::AgentFileName;
use model::mp4::{self, Mp4Facts};

/// A camera's clock further ahead than this is not believed: its recording would be kept too long.
const AHEAD_MS: i64 = DAY_MS;
/// How much longer than from its beginning to its arrival a recording may be: clocks differ.
const SLACK_MS: i64 = 60 * 60_000;

/// What the agent and the name say of a recording.
pub(super) struct Known {
    name: Option<AgentFileName>,
    /// When it was recorded, Unix milliseconds: by the agent, else by the name, else on arrival.
    pub(super) timestamp: i64,
    /// What the agent says of it, if that can be true.
    said_ms: Option<i64>,
    /// How long it is, milliseconds, if the agent says so and that can be true.
    duration_ms: Option<u64>,
    /// How long it can be, milliseconds.
    longest_ms: Option<u64>,
}

impl Known {
    /// `key` is that of the recording: an asset's name says the same as that of the one it is of.
    pub(super) fn of(key: &str, draft: &Draft, now: i64) -> Self {
        let (facts, name) = (&draft.facts, AgentFileName::parse(key.rsplit('/').next().unwrap_or(key)));
        let can_be = |ms: &i64| (1..=now + AHEAD_MS).contains(ms);
        let said_ms = facts.timestamp_ms().filter(can_be);
        let began = said_ms.or_else(|| name.as_ref().map(AgentFileName::start_ms).filter(can_be));
        let longest_ms = began.map(|began| u64::try_from((now - began).max(0) + SLACK_MS).unwrap_or_default());
        let duration_ms = facts.duration_ms().filter(|ms| longest_ms.is_none_or(|longest| *ms <= longest));
        Self { name, timestamp: began.unwrap_or(now), said_ms, duration_ms, longest_ms }
    }

    /// What the recording's boxes say, as far as it can be true.
    pub(super) fn believed(&self, key: &ObjectKey, content: &Content) -> Mp4Facts {
        let (announced_ms, longest_ms) = (self.duration_ms, self.longest_ms);
        let facts = content.facts.clone().believed(&mp4::Known { size: content.size, announced_ms, longest_ms });
        if facts != content.facts {
            tracing::debug!(%key, "durations in a recording cannot be true and are estimated");
        }
        facts
    }

    /// What the event says of it.
    pub(super) fn metadata(&self, draft: &Draft, facts: &Mp4Facts, now: i64) -> Metadata {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let (said, name) = (&draft.facts, self.name.as_ref());
        let announced = self.duration_ms.map(|_| said.duration.clone());
        Metadata {
            capture: given(&draft.capture),
            uploadtime: Some((now / 1000).to_string()),
            timestamp: Some(match (self.said_ms, name) {
                (None, Some(name)) => name.start_s(),
                _ => self.timestamp / 1000,
            })
            .map(|seconds| seconds.to_string()),
            microseconds: name.map(|n| n.microseconds.to_string()),
            instance_name: given(&said.device_name).or_else(|| name.map(|n| n.instance_name.clone())),
            region: given(&said.region).or_else(|| name.map(|n| n.region.clone())),
            changes: given(&said.changes).or_else(|| name.map(|n| n.changes.to_string())),
            token: name.map(|n| n.token.to_string()),
            productid: given(&draft.device),
            publickey: given(&draft.cloud_key),
            duration: announced.or_else(|| facts.duration_ms.map(|ms| ms.to_string())),
            fps: given(&said.fps),
        }
    }
}
