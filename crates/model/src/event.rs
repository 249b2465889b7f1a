//! The event that tells consumers about a recording, byte for byte what the ecosystem's consumers parse
//! (docs/protocol.md §9).

use crate::mp4::RangeOnTime;
use crate::wire::CustomHeaders;
use serde::{Deserialize, Serialize};

/// Stages of the Hub's pipeline, in its order.
const STAGES: [&str; 5] = ["monitor", "sequence", "analysis", "throttler", "notification"];

/// An event. The order of its fields is the original vault's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Stages the Hub runs.
    pub events: Vec<String>,
    /// Always `kstorage`.
    pub provider: String,
    /// Name of the provider that has the recording.
    pub source: String,
    /// `persist`, or `test` for an event about no recording.
    pub request: String,
    /// When it was stored, Unix seconds.
    pub date: i64,
    /// The recording.
    pub payload: Payload,
    /// Ours: the same on every retry.
    pub id: String,
    /// Full key, where the Hub's newer pipeline looks for it; left out when there is no recording.
    #[serde(rename = "fileName", default, skip_serializing_if = "String::is_empty")]
    pub file_name: String,
    /// Names of the providers that have a copy, or get one; left out when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secondary_providers: Vec<String>,
}

/// What an event says about its recording.
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
    /// The same fragments as data.
    pub bytes_range_on_time: Vec<RangeOnTime>,
    /// All values are strings; unknown ones are left out.
    pub metadata: Metadata,
    /// Ours: headers of the owner's choice; left out when there are none.
    #[serde(default, skip_serializing_if = "CustomHeaders::is_empty")]
    pub custom_headers: CustomHeaders,
    /// An address that reads the recording without credentials for a while, for integrations that ask for one.
    #[serde(rename = "signedUrl", default, skip_serializing_if = "String::is_empty")]
    pub signed_url: String,
}

/// What is known about a recording besides its bytes.
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
    /// Fraction of the second as the file name has it; *milliseconds* from current agents.
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
    /// Last number of the file name; the duration in milliseconds from current agents.
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
            file_name: payload.key.clone(),
            payload,
            id,
            secondary_providers: Vec::new(),
        }
    }

    /// A test event: it looks like any other, so that consumers can parse it, but is about no recording.
    pub fn test(id: String, date: i64) -> Self {
        Self {
            events: STAGES[..2].iter().map(|s| (*s).to_owned()).collect(),
            provider: "kstorage".into(),
            source: String::new(),
            request: "test".into(),
            date,
            payload: Payload::default(),
            id,
            file_name: String::new(),
            secondary_providers: Vec::new(),
        }
    }

    /// The JSON that is sent.
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
            r#"{"events":["monitor","sequence","throttler","notification"],"provider":"kstorage","source":"local","request":"persist","date":1606164482,"payload":{"key":"dir/a.mp4","fileSize":305956,"is_fragmented":true,"bytes_ranges":"","bytes_range_on_time":[],"metadata":{"capture":"IPCamera"}},"id":"id-1","fileName":"dir/a.mp4"}"#
        );
    }

    #[test]
    fn what_is_new_comes_after_what_consumers_know() {
        let (custom_headers, _) = CustomHeaders::collect(vec!["X-Site".into()], |_| "Gent".into());
        let signed_url = "https://vault.example/x".into();
        let payload = Payload { key: "dir/a.mp4".into(), custom_headers, signed_url, ..Payload::default() };
        let mut event = Event::persisted("id-1".into(), "local".into(), 1606164482, false, payload);
        event.secondary_providers = vec!["archive".into()];
        let json = event.to_json();
        let (known, new) = json.split_once(r#","custom_headers""#).expect("it is there");
        assert!(known.ends_with(r#""metadata":{}"#), "{json}");
        assert_eq!(
            new,
            r#":{"X-Site":"Gent"},"signedUrl":"https://vault.example/x"},"id":"id-1","fileName":"dir/a.mp4","secondary_providers":["archive"]}"#
        );
        assert_eq!(serde_json::from_str::<Event>(&json).expect("parses"), event);
    }

    #[test]
    fn a_test_event_parses_and_says_what_it_is() {
        assert_eq!(
            Event::test("test-1".into(), 1606164482).to_json(),
            r#"{"events":["monitor","sequence"],"provider":"kstorage","source":"","request":"test","date":1606164482,"payload":{"key":"","fileSize":0,"is_fragmented":false,"bytes_ranges":"","bytes_range_on_time":[],"metadata":{}},"id":"test-1"}"#
        );
    }
}
