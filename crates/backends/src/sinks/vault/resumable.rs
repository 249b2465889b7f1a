//! A recording in several requests, by tus 1.0.0 (docs/protocol.md §11): what has arrived is not sent again when the link was
//! cut or this vault was restarted.

use super::answer::{self, Taken};
use super::{LONGEST, VaultSink, request, transfer, unreadable};
use crate::http::{Answer, REQUEST_TIMEOUT};
use crate::net::find;
use crate::sinks::below;
use crate::sinks::refusal::Refusal;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use model::error::StoreError;
use model::ports::{OpenRecording, OutgoingEvent};
use model::wire::code;
use reqwest::{Body, Method, Url};

/// Smaller recordings go in one request: to send one again costs less than two requests more for each of them.
const WORTH_IT: u64 = 4 * 1024 * 1024;

const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");

/// An upload that has begun at the other vault.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Begun {
    /// Last part of its address.
    id: String,
    /// SHA-256 of what is sent: a recording may be replaced between two tries.
    sha256: String,
}

/// What came of a try to send the rest.
enum Sent {
    Taken(Taken),
    /// It broke off; the next try goes on from where the other vault is.
    BrokeOff(Refusal),
    /// The other vault does not know the upload any more, or not as we do.
    Forgotten,
}

impl VaultSink {
    /// Whether a recording of this size is sent in several requests.
    pub(super) fn is_worth_resuming(&self, size: u64) -> bool {
        size >= WORTH_IT && !self.has_no_tus.holds()
    }

    /// Goes on with what an earlier try began. `None` if there is nothing to go on with.
    pub(super) async fn go_on(&self, event: &OutgoingEvent) -> Result<Option<Taken>, Refusal> {
        let Some(begun) = Begun::parse(&event.memory.recall().await) else { return Ok(None) };
        self.send_rest(event, begun, None).await
    }

    /// Begins anew. `None` if the other vault has no tus.
    pub(super) async fn begin(
        &self,
        event: &OutgoingEvent,
        recording: OpenRecording,
    ) -> Result<Option<Taken>, Refusal> {
        let url = below(&self.url, &["storage", "tus", ""]);
        let headers = creation(&self.settings, &recording);
        let asked = self.outgoing.ask(Method::POST, &url, headers, Body::default(), REQUEST_TIMEOUT).await;
        let answer = asked.map_err(|cause| Refusal::of_connection(&url, cause))?;
        let id = match (answer.status.as_u16(), id(&answer)) {
            (201, Some(id)) => id,
            // As agents do, which fall back to a single request then.
            (404 | 405 | 501, _) if !answer::names(&answer, code::PROVIDER_NOT_FOUND) => {
                self.has_no_tus.note();
                return Ok(None);
            }
            (201, None) => return Ok(None),
            _ => return answer::to_recording(&answer).map(Some),
        };
        let begun = Begun { id, sha256: recording.sha256.clone() };
        event.memory.keep(&begun.to_string()).await;
        self.send_rest(event, begun, Some(recording)).await
    }

    /// Sends until all is there, or a try brings it no further.
    async fn send_rest(
        &self,
        event: &OutgoingEvent,
        begun: Begun,
        mut opened: Option<OpenRecording>,
    ) -> Result<Option<Taken>, Refusal> {
        let mut reached = None;
        loop {
            let offset = match &opened {
                Some(_) => 0,
                None => match self.offset(&begun).await? {
                    Some(offset) => offset,
                    None => {
                        event.memory.keep("").await;
                        return Ok(None);
                    }
                },
            };
            let recording = match opened.take() {
                Some(recording) => recording,
                None => match self.open(event, offset).await? {
                    Some(recording) => recording,
                    None => {
                        self.terminate(&begun).await;
                        return Ok(Some(Taken::Gone));
                    }
                },
            };
            // Of another recording, or the other vault is mistaken.
            if recording.sha256 != begun.sha256 || offset > recording.size {
                self.terminate(&begun).await;
                event.memory.keep("").await;
                return Ok(None);
            }
            if offset == recording.size {
                event.memory.keep("").await;
                return Ok(Some(Taken::Stored));
            }
            match self.send_from(&begun, offset, recording).await? {
                Sent::Taken(taken) => return Ok(Some(taken)),
                Sent::Forgotten => {
                    event.memory.keep("").await;
                    return Ok(None);
                }
                Sent::BrokeOff(refusal) if reached.is_some_and(|before| offset <= before) => return Err(refusal),
                Sent::BrokeOff(_) => reached = Some(offset),
            }
        }
    }

    /// How far the other vault is; `None` if it does not know the upload any more.
    async fn offset(&self, begun: &Begun) -> Result<Option<u64>, Refusal> {
        let url = self.address(begun);
        let asked = self.outgoing.ask(Method::HEAD, &url, self.ask(), Body::default(), REQUEST_TIMEOUT).await;
        let answer = asked.map_err(|cause| Refusal::of_connection(&url, cause))?;
        match (answer.status.as_u16(), number(&answer)) {
            (200 | 204, Some(offset)) => Ok(Some(offset)),
            (200 | 204 | 404 | 410, _) => Ok(None),
            _ => Err(answer::refusal(&answer)),
        }
    }

    async fn send_from(&self, begun: &Begun, offset: u64, recording: OpenRecording) -> Result<Sent, Refusal> {
        let (url, left) = (self.address(begun), recording.size - offset);
        let mut headers = self.ask();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/offset+octet-stream"));
        headers.insert(CONTENT_LENGTH, left.into());
        headers.insert(UPLOAD_OFFSET, offset.into());
        let (body, watch) = transfer::watched(recording.body, self.bandwidth.clone());
        let sent = watch.over(self.outgoing.ask(Method::PATCH, &url, headers, body, LONGEST)).await;
        let answer = match sent {
            Err(stalled) => return Ok(Sent::BrokeOff(stalled)),
            Ok(Err(cause)) => {
                return match find::<StoreError>(&*cause) {
                    Some(store) => Err(unreadable(store.kind, store.message.clone(), cause)),
                    None => Ok(Sent::BrokeOff(Refusal::of_connection(&url, cause))),
                };
            }
            Ok(Ok(answer)) => answer,
        };
        match (answer.status.as_u16(), number(&answer)) {
            (204, Some(offset)) if offset == recording.size => Ok(Sent::Taken(Taken::Stored)),
            (404 | 410, _) => Ok(Sent::Forgotten),
            (409, _) if !answer::is_about_the_recording(&answer) => Ok(Sent::BrokeOff(answer::refusal(&answer))),
            (204 | 408 | 423 | 500.., _) => Ok(Sent::BrokeOff(answer::refusal(&answer))),
            _ => answer::to_recording(&answer).map(Sent::Taken),
        }
    }

    /// Gives an upload up. If that fails, it expires over there.
    async fn terminate(&self, begun: &Begun) {
        let url = self.address(begun);
        let _ = self.outgoing.ask(Method::DELETE, &url, self.ask(), Body::default(), REQUEST_TIMEOUT).await;
    }

    fn address(&self, begun: &Begun) -> Url {
        below(&self.url, &["storage", "tus", &begun.id])
    }

    fn ask(&self) -> HeaderMap {
        let mut headers = request::credentials(&self.settings);
        headers.insert(TUS_RESUMABLE, HeaderValue::from_static("1.0.0"));
        headers
    }
}

/// The request that begins an upload: it says what the single request says, in headers and in the metadata.
fn creation(settings: &model::integrations::RemoteVault, recording: &OpenRecording) -> HeaderMap {
    let mut headers = request::upload(settings, recording);
    let metadata = request::metadata(&headers);
    headers.remove(CONTENT_TYPE);
    headers.insert(CONTENT_LENGTH, 0.into());
    headers.insert(TUS_RESUMABLE, HeaderValue::from_static("1.0.0"));
    headers.insert(UPLOAD_LENGTH, recording.size.into());
    if let Ok(metadata) = HeaderValue::from_str(&metadata) {
        headers.insert(UPLOAD_METADATA, metadata);
    }
    headers
}

fn number(answer: &Answer) -> Option<u64> {
    answer.headers.get(UPLOAD_OFFSET)?.to_str().ok()?.parse().ok()
}

/// The last part of `Location`, by which an upload is found whatever host and path the other vault gives itself. `None` if it
/// is none that stays as it is in an address.
fn id(answer: &Answer) -> Option<String> {
    let location = answer.headers.get(LOCATION)?.to_str().ok()?;
    let id = location.split(['?', '#']).next()?.trim_end_matches('/').rsplit('/').next()?;
    is_plain(id).then(|| id.to_owned())
}

fn is_plain(id: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~+".contains(c);
    (1..=200).contains(&id.len()) && id.chars().all(plain) && !id.trim_matches('.').is_empty()
}

impl Begun {
    fn parse(text: &str) -> Option<Self> {
        let (id, sha256) = text.split_once(' ').filter(|(id, _)| is_plain(id))?;
        Some(Self { id: id.to_owned(), sha256: sha256.to_owned() })
    }
}

impl std::fmt::Display for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.id, self.sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::StatusCode;

    #[test]
    fn an_upload_is_found_by_the_last_part_of_its_address() {
        let at = |location: &'static str| {
            let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(location))]);
            id(&Answer { status: StatusCode::CREATED, headers, start: "".into() })
        };
        for location in ["x-1", "tus/x-1", "/api/storage/tus/x-1", "https://elsewhere.example/a/x-1/?token=1"] {
            assert_eq!(at(location).as_deref(), Some("x-1"), "{location}");
        }
        for location in ["", "/", "..", "a/b%2Fc", "a b"] {
            assert_eq!(at(location), None, "{location}");
        }
    }

    #[test]
    fn what_is_kept_is_read() {
        let begun = Begun { id: "x".into(), sha256: "ab".into() };
        assert_eq!(Begun::parse(&begun.to_string()), Some(begun));
        assert_eq!((Begun::parse(""), Begun::parse("../x ab")), (None, None));
    }
}
