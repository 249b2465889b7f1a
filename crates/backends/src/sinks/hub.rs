//! Kerberos Hub: `POST {url}/queue` with the event wrapped in a message; the Hub key identifies the owner. Validate,
//! and test events, go to `{url}/queue/test`.

use super::below;
use super::refusal::Refusal;
use crate::http::Outgoing;
use crate::net::Target;
use crate::prober::Prober;
use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use model::Secret;
use model::error::SinkError;
use model::field::FieldError;
use model::integrations::Hub;
use model::ports::{EventSink, OutgoingEvent, Purpose};
use model::probe::{ProbeEnded, ProbeFailure, ProbeReport};
use reqwest::{StatusCode, Url};

const CLOUD_KEY: HeaderName = HeaderName::from_static("x-kerberos-cloud-key");
/// What Validate sends instead of an event.
const TEST_EVENT: &[u8] = br#"{"events":["monitor","sequence"],"provider":"kstorage","payload":{}}"#;

/// A Hub's queue; also used by the sink for other vaults.
#[derive(Debug, Clone)]
pub(super) struct HubQueue {
    url: Url,
    key: HeaderValue,
    outgoing: Outgoing,
}

impl HubQueue {
    pub(super) fn new(url: &str, key: &Secret, outgoing: &Outgoing) -> Result<Self, Vec<FieldError>> {
        let url = url.parse().map_err(|_| vec![FieldError::new("url", "Kerberos Hub URL is not a valid address")])?;
        let mut key = HeaderValue::from_bytes(key.expose().as_bytes())
            .map_err(|_| vec![FieldError::new("hub_key", "Hub key holds characters that a header cannot hold")])?;
        key.set_sensitive(true);
        Ok(Self { url, key, outgoing: outgoing.clone() })
    }

    /// Sends an event; `Ok` when the Hub has queued it.
    pub(super) async fn send(&self, event: &OutgoingEvent) -> Result<(), Refusal> {
        let path: &[&str] = if event.purpose == Purpose::Test { &["queue", "test"] } else { &["queue"] };
        self.post(path, &event.body).await
    }

    /// The steps of Validate.
    pub(super) async fn steps(&self, prober: &mut Prober) -> Result<(), ProbeEnded> {
        let Some(server) = Target::of(&self.url) else {
            let failure =
                ProbeFailure::new("The Hub's URL names no server.", "Enter it as https://api.cloud.kerberos.io.");
            return prober.step("resolve", async { Err(failure) }).await;
        };
        server.reach(prober, &self.outgoing).await?;
        let tried = async { self.post(&["queue", "test"], TEST_EVENT).await.map_err(|refusal| refusal.failure) };
        prober.step("authenticate", tried).await
    }

    async fn post(&self, path: &[&str], event: &[u8]) -> Result<(), Refusal> {
        let url = below(&self.url, path);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CLOUD_KEY, self.key.clone());
        match self.outgoing.post(&url, headers, message(event)).await {
            Ok(StatusCode::OK) => Ok(()),
            Ok(status) => Err(refused(status)),
            Err(cause) => Err(Refusal::of_connection(&url, cause)),
        }
    }
}

/// `{"message": <event>}`, with the event's bytes unchanged.
fn message(event: &[u8]) -> Bytes {
    [br#"{"message":"#, event, b"}"].concat().into()
}

/// A proxy in front of the Hub may answer with any of these while the Hub is being updated: nothing is final.
fn refused(status: StatusCode) -> Refusal {
    let says = format!("The Hub answers {}", status.as_u16());
    match status.as_u16() {
        300..400 => {
            Refusal::refused("The Hub answers with a redirect, which is not followed.", "Enter the final address.")
        }
        401 | 403 => Refusal::denied(
            format!("{says}: it does not accept this Hub key."),
            "Copy the Hub key again from your account in the Hub, and check that its subscription is active.",
        ),
        404 | 405 => Refusal::refused(
            format!("{says}: there is no Hub at this address."),
            "Enter the address of the Hub's API, not of its pages: https://api.cloud.kerberos.io, or your own Hub's.",
        ),
        408 | 425 | 429 => Refusal::down(format!("{says}: it wants the event later."), "Wait a little."),
        400..500 => Refusal::refused(format!("{says}: it refuses the event."), "See the Hub's log."),
        500.. => Refusal::down(format!("{says}: it has trouble of its own."), "See the Hub's log."),
        _ => Refusal::refused(
            format!("{says}, not 200: it may not have queued the event."),
            "Check that the address is a Hub's.",
        ),
    }
}

/// A Hub.
#[derive(Debug, Clone)]
pub(crate) struct HubSink(HubQueue);

impl HubSink {
    pub(crate) fn new(settings: &Hub, outgoing: &Outgoing) -> Result<Self, Vec<FieldError>> {
        HubQueue::new(&settings.url, &settings.hub_key, outgoing).map(Self)
    }
}

#[async_trait]
impl EventSink for HubSink {
    async fn probe(&self) -> ProbeReport {
        let queue = self.0.clone();
        Prober::run(|mut prober| async move {
            let _ = queue.steps(&mut prober).await;
            prober
        })
        .await
    }

    async fn send(&self, event: &OutgoingEvent) -> Result<(), SinkError> {
        self.0.send(event).await.map_err(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::error::SinkErrorKind;

    #[test]
    fn no_answer_is_final() {
        for code in 201..=599 {
            let wanted = match code {
                401 | 403 => SinkErrorKind::Denied,
                408 | 425 | 429 | 500.. => SinkErrorKind::Down,
                _ => SinkErrorKind::Refused,
            };
            assert_eq!(refused(StatusCode::from_u16(code).expect("valid")).kind, wanted, "{code}");
        }
    }

    #[test]
    fn the_test_event_is_json() {
        let parsed: serde_json::Value = serde_json::from_slice(&message(TEST_EVENT)).expect("JSON");
        assert_eq!(parsed["message"]["events"], serde_json::json!(["monitor", "sequence"]));
    }
}
