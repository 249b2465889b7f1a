//! Sends the SDK's requests through the guarded client.

use crate::http::{BULK, Outgoing, QUICK, body, small_body};
use async_trait::async_trait;
use azure_core::http::headers::{HeaderName, HeaderValue, Headers};
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Method, Request, StatusCode};
use azure_core::{Error, Result, error::ErrorKind};
use futures::TryStreamExt;
use http::header::{CONTENT_LENGTH, HOST};

/// Longest answer read into memory; a page of a listing is below 1 MiB.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// The SDK's HTTP client.
#[derive(Debug)]
pub(super) struct Guarded(pub(super) Outgoing);

#[async_trait]
impl HttpClient for Guarded {
    async fn execute_request(&self, request: &Request) -> Result<AsyncRawResponse> {
        let method = request.method().as_str().parse().map_err(malformed)?;
        let mut sent = reqwest::Request::new(method, request.url().clone());
        for (name, value) in request.headers().iter() {
            let name = http::HeaderName::from_bytes(name.as_str().as_bytes()).map_err(malformed)?;
            // The client sets these itself.
            if name != CONTENT_LENGTH && name != HOST {
                sent.headers_mut().insert(name, value.as_str().parse().map_err(malformed)?);
            }
        }
        let patience = match request.body() {
            Body::Bytes(bytes) if bytes.is_empty() && request.method() != Method::Put => QUICK,
            Body::Bytes(bytes) => {
                *sent.body_mut() = Some(bytes.clone().into());
                BULK
            }
            Body::SeekableStream(_) => return Err(Error::with_message(ErrorKind::Other, "bodies are in memory")),
        };
        let is_content =
            request.method() == Method::Get && !request.url().query_pairs().any(|(name, _)| name == "comp");
        let answer = self.0.send(sent, patience).await.map_err(|cause| Error::new(ErrorKind::Io, cause))?;
        let status = StatusCode::from(answer.status().as_u16());
        let headers = headers(answer.headers());
        if is_content && status.is_success() {
            let content = body(answer).map_err(|cause| Error::new(ErrorKind::Io, cause));
            return Ok(AsyncRawResponse::new(status, headers, Box::pin(content)));
        }
        let content = small_body(answer, MAX_ANSWER).await.map_err(|cause| Error::new(ErrorKind::Io, cause))?;
        Ok(AsyncRawResponse::from_bytes(status, headers, content))
    }
}

fn malformed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::DataConversion, error)
}

fn headers(given: &http::HeaderMap) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in given {
        if let Ok(value) = value.to_str() {
            headers.insert(HeaderName::from(name.as_str().to_owned()), HeaderValue::from(value.to_owned()));
        }
    }
    headers
}
