//! One log line per request, without its query (signatures) and headers (credentials).

use super::traces::request::{self as traced, Asked};
use super::{Code, Failure, metrics, shortened};
use crate::peer::Peer;
use crate::problem::Problem;
use crate::state::AppState;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use std::net::IpAddr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tracing::{Instrument as _, Span};

/// A request's id, in requests and answers.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The route of what no route matches.
const NO_ROUTE: &str = "other";

/// Longest id accepted from a proxy.
const MAX_ID: usize = 64;

/// Gives the request an id, finds out where it comes from, and logs how it ended.
pub async fn record(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers().get(REQUEST_ID));
    let peer = Peer::of(&request, state.http.trust_proxy);
    let route = request.extensions().get::<MatchedPath>().map_or(NO_ROUTE, MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", id = %id);
    let traced = match is_noise(&route) {
        true => Span::none(),
        false => {
            let route = (route != NO_ROUTE).then_some(&*route);
            traced::open(&request, &Asked { id: &id, route, ip: peer.ip }, &span)
        }
    };
    let mut line = Line {
        id: id.clone(),
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        route,
        ip: peer.ip.to_string(),
        started: Instant::now(),
        traced: traced.clone(),
        outcome: None,
    };
    request.extensions_mut().insert(peer);
    let mut response = next.run(request).instrument(traced).instrument(span).await;
    let (code, failure) = (response.extensions_mut().remove(), response.extensions_mut().remove());
    line.outcome = Some(Outcome { status: response.status(), code, failure });
    drop(line);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Logs and counts a request whose head could not be read; returns the id that its answer gets.
pub(crate) fn unreadable(problem: &Problem, ip: IpAddr) -> String {
    let (id, status, error) = (next_id(), problem.status.as_u16(), problem.code);
    metrics::unreadable(status);
    tracing::info!(%id, %ip, status, error, "a request that cannot be read");
    id
}

/// How it ended.
struct Outcome {
    status: StatusCode,
    code: Option<Code>,
    failure: Option<Failure>,
}

/// Logged when dropped, so that a request whose client went away has a line too.
struct Line {
    id: String,
    method: Method,
    path: String,
    route: String,
    ip: String,
    started: Instant,
    /// For traces.
    traced: Span,
    outcome: Option<Outcome>,
}

impl Drop for Line {
    fn drop(&mut self) {
        let took = self.started.elapsed();
        let outcome = self.outcome.take();
        let status = outcome.as_ref().map(|outcome| outcome.status);
        traced::ended(&self.traced, status, outcome.as_ref().and_then(|outcome| Some(outcome.code?.0)));
        let (status, code, failure) = match outcome {
            Some(Outcome { status, code, failure }) => (status.as_u16(), code, failure.map(|f| f.chain())),
            None => (CLIENT_WENT_AWAY, None, None),
        };
        metrics::request(&self.route, &self.method, status, took);
        self.write(status, code.map(|code| code.0), failure.as_deref(), took);
    }
}

/// As nginx logs it; HTTP has no status for it.
const CLIENT_WENT_AWAY: u16 = 499;

impl Line {
    fn write(&self, status: u16, code: Option<&str>, failure: Option<&str>, took: Duration) {
        let Self { id, ip, .. } = self;
        // Whoever asks chooses both, of any length.
        let (method, path) = (shortened(self.method.as_str()), shortened(&self.path));
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let trace = traced::trace_id(&self.traced);
        let trace = trace.as_deref();
        match failure {
            Some(error) if status >= 500 => {
                tracing::error!(%id, %method, %path, %ip, status, ms, code, error, trace, "request");
            }
            Some(error) => tracing::warn!(%id, %method, %path, %ip, status, ms, code, error, trace, "request"),
            None if is_noise(&self.route) && status < 400 => {
                tracing::debug!(%id, %method, %path, %ip, status, ms, "request")
            }
            None => tracing::info!(%id, %method, %path, %ip, status, ms, code, trace, "request"),
        }
    }
}

/// Requested every few seconds by every camera or monitor.
fn is_noise(route: &str) -> bool {
    matches!(route, "/api/devices/heartbeat" | "/api/health" | "/api/health/ready" | "/metrics" | "/pkg/{*path}")
}

/// A proxy's id if it is harmless, else a new one.
fn request_id(given: Option<&HeaderValue>) -> String {
    let harmless = |s: &str| {
        (1..=MAX_ID).contains(&s.len())
            && s.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    match given.and_then(|v| v.to_str().ok()).filter(|s| harmless(s)) {
        Some(id) => id.to_owned(),
        None => next_id(),
    }
}

/// Unique, not random: the time of the start, and a number.
fn next_id() -> String {
    static START: LazyLock<i64> = LazyLock::new(|| vault::clock::Clock::default().now_ms());
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{:x}-{:x}", *START, NEXT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_over_only_harmless_ids() {
        let of = |s: &'static str| request_id(Some(&HeaderValue::from_static(s)));
        assert_eq!(of("4bf92f3577b34da6.a-1_2"), "4bf92f3577b34da6.a-1_2");
        for bad in ["", "a b", "x\"y", "<script>"] {
            assert_ne!(of(bad), bad);
        }
        assert_ne!(request_id(None), request_id(None));
    }
}
