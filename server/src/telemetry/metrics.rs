//! Figures for Prometheus, at `/metrics`: for administrators and holders of the configured token.

use crate::problem::{self, ApiError, ErrorBody};
use crate::state::AppState;
use ::metrics::{counter, gauge, histogram};
use axum::extract::State;
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Response};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use model::delivery::DeliveryState;
use std::sync::LazyLock;
use std::time::Duration;
use subtle::ConstantTimeEq as _;
use tower_sessions::Session;
use vault::sessions;

/// Seconds; uploads can take minutes.
const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0];

static RECORDER: LazyLock<PrometheusHandle> = LazyLock::new(|| {
    let builder = PrometheusBuilder::new().set_buckets(&BUCKETS).expect("there are buckets");
    let handle = builder.install_recorder().expect("no other recorder is installed");
    ::metrics::describe_counter!("http_requests_total", "Requests by route, method and status.");
    ::metrics::describe_histogram!(
        "http_request_duration_seconds",
        "Time until the answer's head, by route and method."
    );
    super::connections::describe();
    super::traces::queue::describe();
    ::metrics::describe_counter!(
        "vault_uploads_total",
        "Uploads by outcome: new, identical, replaced, or the error's code. An empty file is counted as file_empty."
    );
    ::metrics::describe_counter!(
        "vault_upload_values_dropped_total",
        "Values that were said of a recording and are none, by header. The recording is stored without."
    );
    ::metrics::describe_counter!("vault_upload_bytes_total", "Bytes of recordings received.");
    ::metrics::describe_gauge!("vault_deliveries_waiting", "Deliveries not yet made (counted up to 10,000).");
    ::metrics::describe_gauge!(
        "vault_deliveries_set_aside",
        "Of those not yet made: refused, and tried again by themselves (counted up to 10,000)."
    );
    ::metrics::describe_gauge!(
        "vault_deliveries_parked",
        "Deliveries given up until someone retries (counted up to 10,000)."
    );
    handle
});

/// How often observations are folded into histograms; until then they take memory.
const UPKEEP: Duration = Duration::from_secs(5);

/// Installs the recorder.
pub fn init() {
    LazyLock::force(&RECORDER);
}

/// Keeps the memory for metrics constant, whether or not anybody scrapes them. Runs for ever.
pub async fn keep_up() {
    loop {
        tokio::time::sleep(UPKEEP).await;
        RECORDER.run_upkeep();
    }
}

pub(super) fn request(route: &str, method: &Method, status: u16, took: Duration) {
    let route = route.to_owned();
    // only known methods: a label must have few values
    let method = match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        _ => "other",
    };
    counter!("http_requests_total", "route" => route.clone(), "method" => method, "status" => status.to_string())
        .increment(1);
    histogram!("http_request_duration_seconds", "route" => route, "method" => method).record(took.as_secs_f64());
}

/// Counts a request whose head could not be read: neither its address nor its method is known.
pub(super) fn unreadable(status: u16) {
    counter!("http_requests_total", "route" => "unreadable", "method" => "other", "status" => status.to_string())
        .increment(1);
}

/// Counts an upload.
pub fn upload(outcome: &'static str) {
    counter!("vault_uploads_total", "outcome" => outcome).increment(1);
}

/// Counts a value that was said of a recording and is none.
pub fn dropped(header: &'static str) {
    counter!("vault_upload_values_dropped_total", "header" => header).increment(1);
}

/// Counts bytes of uploads as they arrive.
pub fn received(bytes: usize) {
    counter!("vault_upload_bytes_total").increment(bytes as u64);
}

/// Figures for Prometheus
///
/// For whoever sends `metrics.token`, and for signed-in administrators; for everyone with
/// `metrics.allow_anonymous`.
#[utoipa::path(
    get, path = "/metrics", tag = "Health", security(("metrics_token" = []), ()),
    responses(
        (status = 200, description = "The figures, in Prometheus's text format.", body = String, content_type = "text/plain"),
        (status = 401, description = "Neither the token nor an administrator's session.", body = ErrorBody),
        (status = 503, description = "The database does not answer.", body = ErrorBody),
    )
)]
pub async fn scrape(State(state): State<AppState>, session: Session, headers: HeaderMap) -> Result<Response, ApiError> {
    let allowed = state.http.metrics.allow_anonymous
        || has_token(&state, &headers)
        || sessions::user(&state.vault.users, &session).await?.is_some();
    if !allowed {
        return Err(ApiError::from(&problem::SIGN_IN).detail("Or send metrics.token as Authorization: Bearer."));
    }
    let database = |e| ApiError::from(&problem::DATABASE).caused_by(e);
    let (waiting, parked) = state.vault.deliveries.count(None).await.map_err(database)?;
    let set_aside = state.vault.deliveries.count_in(DeliveryState::Deferred, None).await.map_err(database)?;
    gauge!("vault_deliveries_waiting").set(waiting as f64);
    gauge!("vault_deliveries_set_aside").set(set_aside as f64);
    gauge!("vault_deliveries_parked").set(parked as f64);
    RECORDER.run_upkeep();
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], RECORDER.render()).into_response())
}

fn has_token(state: &AppState, headers: &HeaderMap) -> bool {
    let Some(token) = state.http.metrics.token.as_ref().filter(|t| !t.is_empty()) else { return false };
    let given = headers.get(header::AUTHORIZATION).map_or(&[][..], |v| v.as_bytes());
    given.strip_prefix(b"Bearer ").is_some_and(|given| given.ct_eq(token.expose().as_bytes()).into())
}
