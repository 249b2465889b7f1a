//! A collector of traces: takes what a vault measures of itself, by OTLP over HTTP.

use crate::http::Outgoing;
use crate::net::{Target, request_failure};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};
use reqwest::Url;

/// Where batches of spans are sent. Guarded and limited like all that the vault sends: ten seconds for each, no redirects, no
/// proxies.
#[derive(Debug, Clone)]
pub struct Collector {
    url: Url,
    headers: HeaderMap,
    outgoing: Outgoing,
}

/// Why a batch was not taken; without any header's value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It may be later.
    #[error("{0}")]
    Yet(String),
    /// The same batch never will be.
    #[error("{0}")]
    Ever(String),
}

impl Collector {
    /// `None` when `url` is no address.
    pub(crate) fn new(url: &str, mut headers: HeaderMap, outgoing: &Outgoing) -> Option<Self> {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        Some(Self { url: url.parse().ok()?, headers, outgoing: outgoing.clone() })
    }

    /// Sends an `ExportTraceServiceRequest`. Which answers are worth another try is OTLP's own list (its specification,
    /// "Retryable Response Codes").
    ///
    /// # Errors
    /// [`NotTaken`], in words for the log.
    pub async fn take(&self, batch: Bytes) -> Result<(), NotTaken> {
        match self.outgoing.post(&self.url, self.headers.clone(), batch).await {
            Ok(status) if status.is_success() => Ok(()),
            Ok(status) => {
                let why = format!("It answers {status}.");
                Err(if is_worth_another_try(status) { NotTaken::Yet(why) } else { NotTaken::Ever(why) })
            }
            Err(cause) => {
                let server = Target::of(&self.url).map_or_else(|| "the server".into(), |target| target.name());
                Err(NotTaken::Yet(request_failure(&*cause, &server).reason))
            }
        }
    }
}

fn is_worth_another_try(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}
