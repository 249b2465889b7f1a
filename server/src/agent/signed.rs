//! `GET /api/storage/signed`: where URLs signed by the vault lead. The signature is the authorisation, since a
//! browser's `<video>` sends no headers.

use crate::content::{Disposition, Form, answer_as};
use crate::problem::{self, ApiError, ErrorBody};
use crate::state::AppState;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, HeaderName,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vault::signed_urls::{SignedUrl, Verdict};

/// What the vault signed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Signed {
    /// Account's name when it was signed.
    #[param(example = "site-a")]
    a: String,
    /// Provider's name when it was signed.
    #[param(example = "local")]
    p: String,
    /// Full key.
    #[param(example = "site-a/1606164482_6-818812_FundoEsquerda_229-153-288-247_51_745.mp4")]
    f: String,
    /// Until when, Unix seconds.
    #[param(example = 1606250882)]
    e: i64,
    /// Signature, hexadecimal.
    #[param(example = "9f2c…")]
    s: String,
    /// Whether it is wanted as a fragmented MP4, though it is none. Not signed: the recording is the same.
    #[serde(default)]
    #[param(required = false)]
    fragmented: bool,
}

impl From<Signed> for SignedUrl {
    fn from(Signed { a, p, f, e, s, fragmented: _ }: Signed) -> Self {
        Self { account: a, provider: p, key: f, expires_at_s: e, signature: s }
    }
}

/// Play a recording by its signed address
///
/// No headers are needed; ranges work; any site's page may play it until it expires.
#[utoipa::path(
    method(get, head), path = "/api/storage/signed", tag = "Recordings", params(Signed),
    responses(
        (status = 200, description = "All bytes.", content_type = "video/mp4"),
        (status = 206, description = "The bytes of the range.", content_type = "video/mp4"),
        (status = 304, description = "Not changed."),
        (status = 403, description = "Not signed by this vault, expired, or ended with the recording or its account's keys.", body = ErrorBody),
        (status = 409, description = "It cannot be made a fragmented MP4.", body = ErrorBody),
        (status = 412, description = "If-Match does not hold.", body = ErrorBody),
        (status = 416, description = "The range lies outside.", body = ErrorBody),
        (status = 502, description = "The storage provider refuses the vault.", body = ErrorBody),
        (status = 503, description = "The storage provider or the database does not answer.", body = ErrorBody),
    )
)]
pub async fn read(
    State(state): State<AppState>,
    method: Method,
    headers: HeaderMap,
    query: Result<Query<Signed>, QueryRejection>,
) -> Response {
    let answer = verified(&state, &method, &headers, query).await;
    let mut answer = open_to_all_sites(answer.unwrap_or_else(IntoResponse::into_response));
    // The address expires; what a proxy has kept would not.
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    answer
}

async fn verified(
    state: &AppState,
    method: &Method,
    headers: &HeaderMap,
    query: Result<Query<Signed>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Ok(Query(signed)) = query else { return Err((&problem::SIGNATURE).into()) };
    let form = if signed.fragmented { Form::Fragmented } else { Form::Stored };
    match state.vault.signed_urls.verify(&signed.into()).await? {
        Verdict::Valid { principal, recording_id } => {
            let found = state.vault.recordings.find_by_id(&principal, recording_id).await?;
            answer_as(form, &state.vault, found, method, headers, Disposition::Inline).await
        }
        Verdict::Expired => Err((&problem::EXPIRED).into()),
        Verdict::Invalid => Err((&problem::SIGNATURE).into()),
    }
}

/// Whether a signed address is valid.
#[derive(Debug, Serialize, ToSchema)]
pub struct Validity {
    /// Whether it plays its recording now.
    valid: bool,
    /// Until when, Unix seconds; in the past if its time is over, absent if it is not valid for another reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1606250882)]
    expires: Option<i64>,
    /// Why it is not valid: the code with which it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "storage_signature_expired")]
    error: Option<&'static str>,
}

/// Whether a signed address is valid
///
/// Nothing is read from the storage provider. The query is the address's own.
#[utoipa::path(
    get, path = "/api/storage/signed/validate", tag = "Recordings", params(Signed),
    responses(
        (status = 200, description = "Whether it is, and until when.", body = Validity),
        (status = 403, description = "Not the query of a signed address.", body = ErrorBody),
        (status = 503, description = "The database does not answer.", body = ErrorBody),
    )
)]
pub async fn validate(State(state): State<AppState>, query: Result<Query<Signed>, QueryRejection>) -> Response {
    let judged = match query {
        Ok(Query(signed)) => validity(&state, signed.into()).await,
        Err(_) => Err((&problem::SIGNATURE).into()),
    };
    let mut answer = open_to_all_sites(judged.map(Json).into_response());
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    answer
}

async fn validity(state: &AppState, url: SignedUrl) -> Result<Validity, ApiError> {
    let expires = Some(url.expires_at_s);
    Ok(match state.vault.signed_urls.verify(&url).await? {
        Verdict::Valid { .. } => Validity { valid: true, expires, error: None },
        Verdict::Expired => Validity { valid: false, expires, error: Some(problem::EXPIRED.code) },
        Verdict::Invalid => Validity { valid: false, expires: None, error: Some(problem::SIGNATURE.code) },
    })
}

/// Preflight of scripts that ask for ranges
#[utoipa::path(options, path = "/api/storage/signed", tag = "Recordings", responses((status = 204, description = "Any site may.")))]
pub async fn preflight() -> Response {
    let mut response = open_to_all_sites(StatusCode::NO_CONTENT.into_response());
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, OPTIONS"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "Range, If-Range, If-None-Match"),
        (ACCESS_CONTROL_MAX_AGE, "86400"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn open_to_all_sites(mut response: Response) -> Response {
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (ACCESS_CONTROL_EXPOSE_HEADERS, "Accept-Ranges, Content-Length, Content-Range, ETag"),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
