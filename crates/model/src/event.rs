//! The event that tells consumers about a recording, byte for byte what the ecosystem's consumers parse
//! (docs/protocol.md §9).

use crate::mp4::RangeOnTime;
use serde::{Deserialize, Serialize};

/// Stages of the Hub's pipeline, in its order.
const STAGES: [&str; 5] = ["monitor", "sequence", "analysis", "throttler", "notification"];

/// One event. Field order is the original's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Stages the Hub runs.
    pub events: Vec<String>,
    /// Always `kstorage`.
    pub provider: String,
    /// Name of the provider the recording lies at.
    pub source: String,
    /// `persist`; `test` for one that is about no recording.
    pub request: String,
    /// When it was stored, Unix seconds.
    pub date: i64,
    /// The recording.
    pub payload: Payload,
    /// Ours: the same on every retry.
    pub id: String,
}

/// What an event says of its recording.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// Full key.
    pub key: String,
    /// Bytes.
    #[serde(rename = "fileSize")]
    pub file_size: u64,
    /// Whether it is a fragmented MP4.
    pub is_fragmented: bool,
    /// The fragments as lines of an HLS playlist.
    pub bytes_ranges: String,
    /// The same as data.
    pub bytes_range_on_time: Vec<RangeOnTime>,
    /// All values are strings; unknown ones are left out.
    pub metadata: Metadata,
}

/// What is known of a recording beyond its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// `X-Kerberos-Storage-Capture`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capture: Option<String>,
    /// When the vault stored it, Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uploadtime: Option<String>,
    /// When it was recorded, Unix seconds.
    #[serde(rename = "event-timestamp", skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// Microseconds of that second.
    #[serde(rename = "event-microseconds", skip_serializing_if = "Option::is_none")]
    pub microseconds: Option<String>,
    /// Camera's name.
    #[serde(rename = "event-instancename", skip_serializing_if = "Option::is_none")]
    pub instance_name: Option<String>,
    /// `x1-y1-x2-y2`.
    #[serde(rename = "event-regioncoordinates", skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Changed pixels.
    #[serde(rename = "event-numberofchanges", skip_serializing_if = "Option::is_none")]
    pub changes: Option<String>,
    /// Token of the file name.
    #[serde(rename = "event-token", skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Device key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub productid: Option<String>,
    /// Owner's Hub public key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publickey: Option<String>,
    /// Milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// Frames per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fps: Option<String>,
}

impl Event {
    /// The event of a stored recording.
    pub fn persisted(id: String, source: String, date: i64, cloud_analysis: bool, payload: Payload) -> Self {
        let wanted = |stage: &&str| cloud_analysis || *stage != "analysis";
        Self {
            events: STAGES.iter().filter(|s| wanted(s)).map(|s| (*s).to_owned()).collect(),
            provider: "kstorage".into(),
            source,
            request: "persist".into(),
            date,
            payload,
            id,
        }
    }

    /// An event of the usual shape about no recording, so that a consumer that parses events takes it.
    /// `request` says `test`.
    pub fn test(id: String, date: i64) -> Self {
        Self {
            events: STAGES[..2].iter().map(|s| (*s).to_owned()).collect(),
            provider: "kstorage".into(),
            source: String::new(),
            request: "test".into(),
            date,
            payload: Payload::default(),
            id,
        }
    }

    /// As it is sent.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("an event is plain data")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_what_consumers_parse() {
        let payload = Payload {
            key: "dir/a.mp4".into(),
            file_size: 305956,
            is_fragmented: true,
            metadata: Metadata { capture: Some("IPCamera".into()), ..Metadata::default() },
            ..Payload::default()
        };
        let event = Event::persisted("id-1".into(), "local".into(), 1606164482, false, payload);
        assert_eq!(
            serde_json::to_string(&event).expect("serialises"),
            r#"{"events":["monitor","sequence","throttler","notification"],"provider":"kstorage","source":"local","request":"persist","date":1606164482,"payload":{"key":"dir/a.mp4","fileSize":305956,"is_fragmented":true,"bytes_ranges":"","bytes_range_on_time":[],"metadata":{"capture":"IPCamera"}},"id":"id-1"}"#
        );
    }

    #[test]
    fn a_test_event_parses_and_says_what_it_is() {
        assert_eq!(
            Event::test("test-1".into(), 1606164482).to_json(),
            r#"{"events":["monitor","sequence"],"provider":"kstorage","source":"","request":"test","date":1606164482,"payload":{"key":"","fileSize":0,"is_fragmented":false,"bytes_ranges":"","bytes_range_on_time":[],"metadata":{}},"id":"test-1"}"#
        );
    }
}
