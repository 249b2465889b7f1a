//! A user's own HTTP endpoint: one POST per event.
//!
//! `X-Vault-Signature` is `sha256=` and the hex of HMAC-SHA256 over `<X-Vault-Timestamp>.<body>`; while a secret is
//! being changed there are two, joined by a comma: the new secret's, then the old one's. `X-Vault-Event-Id` stays the
//! same when an event is sent again. `X-Vault-Test: 1` marks the events that Validate and "Send test event" send.

use crate::clock::Clock;
use crate::http::Outgoing;
use crate::net::Target;
use crate::prober::Prober;
use crate::random;
use crate::sinks::refusal::Refusal;
use async_trait::async_trait;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use model::Secret;
use model::error::SinkError;
use model::event::Event;
use model::field::FieldError;
use model::integrations::Webhook;
use model::ports::{EventSink, OutgoingEvent, Purpose};
use model::probe::{ProbeEnded, ProbeFailure, ProbeReport};
use reqwest::{StatusCode, Url};
use sha2::Sha256;

const EVENT_ID: HeaderName = HeaderName::from_static("x-vault-event-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("x-vault-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("x-vault-signature");
const TEST: HeaderName = HeaderName::from_static("x-vault-test");
/// Headers that belong to the connection or to us.
const RESERVED: [&str; 6] = ["content-length", "transfer-encoding", "connection", "host", "content-type", "expect"];

/// An endpoint.
#[derive(Debug, Clone)]
pub(crate) struct WebhookSink {
    url: Url,
    /// The current one first.
    secrets: Vec<Secret>,
    headers: HeaderMap,
    outgoing: Outgoing,
    clock: Clock,
}

impl WebhookSink {
    pub(crate) fn new(settings: Webhook, outgoing: &Outgoing, clock: &Clock) -> Result<Self, Vec<FieldError>> {
        let url =
            settings.url.parse::<Url>().map_err(|_| vec![FieldError::new("url", "URL is not a valid address")])?;
        let headers = custom_headers(&settings)?;
        let secrets = [settings.secret, settings.previous_secret].into_iter().filter(|s| !s.is_empty()).collect();
        Ok(Self { url, secrets, headers, outgoing: outgoing.clone(), clock: clock.clone() })
    }

    async fn post(&self, id: &str, body: Bytes, test: bool) -> Result<(), Refusal> {
        let headers = self.headers(id, &body, test);
        match self.outgoing.post(&self.url, headers, body).await {
            Ok(status) if status.is_success() => Ok(()),
            Ok(status) => Err(refused(status)),
            Err(cause) => Err(Refusal::of_connection(&self.url, cause)),
        }
    }

    fn headers(&self, id: &str, body: &[u8], test: bool) -> HeaderMap {
        let timestamp = self.clock.unix_seconds();
        let mut headers = self.headers.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(TIMESTAMP, timestamp.into());
        if let Ok(id) = HeaderValue::from_str(id) {
            headers.insert(EVENT_ID, id);
        }
        if !self.secrets.is_empty() {
            let signed = self.secrets.iter().map(|secret| format!("sha256={}", sign(secret, timestamp, body)));
            let signature = signed.collect::<Vec<_>>().join(",");
            headers.insert(SIGNATURE, HeaderValue::from_str(&signature).expect("hex is a valid header"));
        }
        if test {
            headers.insert(TEST, HeaderValue::from_static("1"));
        }
        headers
    }

    async fn steps(&self, prober: &mut Prober) -> Result<(), ProbeEnded> {
        let Some(server) = Target::of(&self.url) else {
            let failure = ProbeFailure::new("The URL names no server.", "Enter it as https://host/path.");
            return prober.step("resolve", async { Err(failure) }).await;
        };
        server.reach(prober, &self.outgoing).await?;
        let sent = async {
            let id = format!("test-{}", random::hex::<8>());
            let body = Event::test(id.clone(), self.clock.unix_seconds()).to_json().into();
            self.post(&id, body, true).await.map_err(|refusal| refusal.failure)
        };
        prober.step("send", sent).await
    }
}

#[async_trait]
impl EventSink for WebhookSink {
    async fn probe(&self) -> ProbeReport {
        let sink = self.clone();
        Prober::run(|mut prober| async move {
            let _ = sink.steps(&mut prober).await;
            prober
        })
        .await
    }

    async fn send(&self, event: &OutgoingEvent) -> Result<(), SinkError> {
        self.post(&event.id, event.body.clone(), event.purpose == Purpose::Test).await.map_err(Into::into)
    }
}

fn sign(secret: &Secret, timestamp: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).expect("HMAC takes keys of any length");
    mac.update(format!("{timestamp}.").as_bytes());
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

fn custom_headers(settings: &Webhook) -> Result<HeaderMap, Vec<FieldError>> {
    let mut headers = HeaderMap::new();
    for (name, value) in settings.header_pairs() {
        let wrong = |why: &str| vec![FieldError::new("headers", format!("Headers: {name} {why}"))];
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("is not a header's name"))?;
        if RESERVED.contains(&parsed.as_str()) || parsed.as_str().starts_with("x-vault-") {
            return Err(wrong("is set by the vault itself"));
        }
        let mut value =
            HeaderValue::from_str(value).map_err(|_| wrong("has a value with characters that headers cannot hold"))?;
        value.set_sensitive(true);
        headers.append(parsed, value);
    }
    Ok(headers)
}

/// A maintenance page may answer with any of these, and so may an endpoint that dislikes one event: nothing is final.
fn refused(status: StatusCode) -> Refusal {
    let says = format!("The endpoint answers {}", status.as_u16());
    match status.as_u16() {
        300..400 => {
            Refusal::refused("The endpoint answers with a redirect, which is not followed.", "Enter the final address.")
        }
        401 | 403 | 407 => Refusal::denied(
            format!("{says}: it does not accept the vault's credentials."),
            "Check headers and signing secret.",
        ),
        404 => Refusal::refused(format!("{says}: there is nothing at this path."), "Check the URL's path."),
        408 | 425 | 429 => {
            Refusal::down(format!("{says}: it wants the event later."), "Wait, or make the endpoint faster.")
        }
        410 => Refusal::denied(
            format!("{says}: it has been removed for good."),
            "Enter the new address, or remove the integration.",
        ),
        400..500 => Refusal::refused(
            format!("{says}: it refuses the event."),
            "See the endpoint's log for what it does not like.",
        ),
        _ => Refusal::down(format!("{says}: it has trouble of its own."), "See the endpoint's log."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::error::SinkErrorKind;

    /// Expected value from Python: `hmac.new(b"key", b"1700000000.{}", "sha256").hexdigest()`.
    #[test]
    fn signs_timestamp_and_body() {
        let signed = sign(&Secret::new("key"), 1_700_000_000, b"{}");
        assert_eq!(signed, "9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae");
    }

    #[test]
    fn no_answer_is_final() {
        for code in 300..=599 {
            let wanted = match code {
                401 | 403 | 407 | 410 => SinkErrorKind::Denied,
                408 | 425 | 429 | 500.. => SinkErrorKind::Down,
                _ => SinkErrorKind::Refused,
            };
            assert_eq!(refused(StatusCode::from_u16(code).expect("valid")).kind, wanted, "{code}");
        }
    }
}
