//! Requests to the JSON API, with a token fetched when needed.

use super::error::{Answer, of_request, token_refused};
use super::key::Signing;
use crate::clock::Clock;
use crate::http::{Outgoing, QUICK, small_body};
use crate::net::server_of;
use crate::stores::request_failure::RequestFailure;
use bytes::Bytes;
use model::Secret;
use model::error::StoreErrorKind;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Request, Response, StatusCode, Url};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// A token is renewed this long before it expires, in seconds.
const MARGIN: i64 = 120;
/// Longest answer read into memory; a page of a listing is below 1 MiB.
pub(super) const MAX_ANSWER: usize = 4 * 1024 * 1024;
/// Attempts at what looks like a passing failure.
const ATTEMPTS: u32 = 3;
/// Pause before the second attempt; doubles.
const PAUSE: Duration = Duration::from_millis(200);

/// A request, which may be sent more than once.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    /// Path and query below the endpoint, encoded.
    pub(super) path: String,
    pub(super) range: Option<String>,
    pub(super) content: Option<(&'static str, Bytes)>,
    pub(super) patience: Duration,
}

impl Call {
    pub(super) fn new(method: Method, path: String) -> Self {
        Self { method, path, range: None, content: None, patience: QUICK }
    }
}

/// The service, and the account used there.
#[derive(Debug, Clone)]
pub(super) struct Api {
    pub(super) base: Url,
    pub(super) signing: Signing,
    pub(super) outgoing: Outgoing,
    pub(super) clock: Clock,
    token: Arc<Mutex<Option<Token>>>,
    attempts: u32,
}

#[derive(Debug, Clone)]
struct Token {
    header: HeaderValue,
    expires: i64,
}

impl Api {
    pub(super) fn new(base: Url, signing: Signing, outgoing: &Outgoing, clock: &Clock) -> Self {
        let (outgoing, clock) = (outgoing.clone(), clock.clone());
        Self { base, signing, outgoing, clock, token: Arc::default(), attempts: ATTEMPTS }
    }

    /// For probes: no retries, and a token of its own.
    pub(super) fn impatient(self) -> Self {
        Self { token: Arc::default(), attempts: 1, ..self }
    }

    /// Sends a request until it succeeds or fails for good.
    pub(super) async fn call(&self, call: Call) -> Result<Response, RequestFailure> {
        let mut pause = PAUSE;
        let mut renewed = false;
        for attempt in 1.. {
            match self.once(&call).await {
                // The token may have been revoked early.
                Err((Some(StatusCode::UNAUTHORIZED), _)) if !renewed => {
                    renewed = true;
                    *self.token.lock().await = None;
                }
                Err((_, trouble)) if trouble.kind == StoreErrorKind::Unavailable && attempt < self.attempts => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err((_, trouble)) => return Err(trouble),
                Ok(response) => return Ok(response),
            }
        }
        unreachable!("the last attempt returns")
    }

    /// The same for a small JSON answer.
    pub(super) async fn json<T: for<'a> Deserialize<'a>>(&self, call: Call) -> Result<T, RequestFailure> {
        let response = self.call(call).await?;
        let status = response.status().as_u16();
        let body = small_body(response, MAX_ANSWER).await.map_err(|cause| of_request(cause, &self.base))?;
        serde_json::from_slice(&body)
            .map_err(|e| Answer { status, reason: String::new() }.like_no_server(&server_of(&self.base)).caused_by(e))
    }

    async fn once(&self, call: &Call) -> Result<Response, (Option<StatusCode>, RequestFailure)> {
        let token = self.token().await.map_err(|trouble| (None, trouble))?;
        let address = format!("{}{}", self.base.as_str().trim_end_matches('/'), call.path);
        let url = address.parse().map_err(|_| (None, RequestFailure::no_object()))?;
        let mut request = Request::new(call.method.clone(), url);
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, token);
        set(headers, "range", call.range.as_deref());
        set(headers, CONTENT_TYPE.as_str(), call.content.as_ref().map(|(kind, _)| *kind));
        if let Some((_, bytes)) = &call.content {
            *request.body_mut() = Some(bytes.clone().into());
        }
        let sent = self.outgoing.send(request, call.patience).await;
        let response = sent.map_err(|cause| (None, of_request(cause, &self.base)))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = small_body(response, MAX_ANSWER).await.unwrap_or_default();
        Err((Some(status), Answer::new(status, &body).trouble(&server_of(&self.base))))
    }

    /// The current token, or a new one.
    pub(super) async fn token(&self) -> Result<HeaderValue, RequestFailure> {
        let mut kept = self.token.lock().await;
        let now = self.clock.unix_seconds();
        if let Some(token) = kept.as_ref().filter(|token| now < token.expires) {
            return Ok(token.header.clone());
        }
        let token = self.new_token(now).await?;
        Ok(kept.insert(token).header.clone())
    }

    async fn new_token(&self, now: i64) -> Result<Token, RequestFailure> {
        #[derive(Deserialize)]
        struct Granted {
            access_token: Secret,
            expires_in: i64,
        }
        let account = &self.signing.account;
        let url = account.token_uri.parse::<Url>().map_err(|_| token_refused(StatusCode::NOT_FOUND, &[]))?;
        let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
        let mut request = Request::new(Method::POST, url.clone());
        set(request.headers_mut(), CONTENT_TYPE.as_str(), Some("application/x-www-form-urlencoded"));
        *request.body_mut() = Some(format!("{grant}{}", self.signing.assertion(now)).into());
        let response = self.outgoing.send(request, QUICK).await.map_err(|cause| of_request(cause, &url))?;
        let status = response.status();
        let body = small_body(response, MAX_ANSWER).await.map_err(|cause| of_request(cause, &url))?;
        let granted = serde_json::from_slice::<Granted>(&body).ok().filter(|_| status.is_success());
        let granted = granted.ok_or_else(|| token_refused(status, &body))?;
        let header = HeaderValue::from_str(&format!("Bearer {}", granted.access_token.expose()));
        let mut header = header.map_err(|_| token_refused(status, &[]))?;
        header.set_sensitive(true);
        Ok(Token { header, expires: now + granted.expires_in - MARGIN })
    }
}

fn set(headers: &mut HeaderMap, name: &'static str, value: Option<&str>) {
    if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
        headers.insert(name, value);
    }
}
