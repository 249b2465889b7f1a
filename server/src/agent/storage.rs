//! `GET` and `DELETE /api/storage`: get a recording's URL, delete it.

use super::caller::Caller;
use super::schema::FullKey;
use super::wire::RecordingName;
use crate::peer::Peer;
use crate::problem::{self, ApiError, ErrorBody};
use crate::state::AppState;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;
use vault::RecordingRef;
use vault::Vault;
use vault::accounts::Account;

/// An answer whose text is in `data`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Data {
    /// What was asked for.
    #[schema(
        example = "https://vault.example/api/storage/signed?a=site-a&p=local&f=site-a/1606164482_6-818812_FundoEsquerda_229-153-288-247_51_745.mp4&e=1606250882&s=9f2c…"
    )]
    pub data: String,
}

/// Finds a recording of this account. What is not there and what is another account's get one answer, or names could be
/// tried out: that goes for providers too.
pub(super) async fn find(vault: &Vault, account: &Account, headers: &HeaderMap) -> Result<RecordingRef, ApiError> {
    let wanted = RecordingName::parse(headers)?;
    let provider = wanted.provider.as_deref();
    if let Some(found) = vault.recordings.find(account, provider, &wanted.key).await? {
        return Ok(found);
    }
    let known = match provider {
        Some(name) => vault.connections.provider_by_name(name).await?.is_some_and(|p| account.may_store_at(p.id)),
        None => true,
    };
    Err(if known { &problem::RECORDING_NOT_FOUND } else { &problem::PROVIDER_NOT_FOUND }.into())
}

/// What the addresses of recordings begin with.
pub(super) fn base_url(state: &AppState, peer: &Peer) -> Result<String, ApiError> {
    let base = state.http.base_url(peer);
    base.ok_or_else(|| ApiError::from(&problem::HEADER_INVALID).detail("Host is needed to build the address."))
}

/// Get a signed address
///
/// The address plays the recording in a browser without any headers, with ranges, until it expires.
#[utoipa::path(
    get, path = "/api/storage", tag = "Recordings", security(("access_key" = [], "secret_key" = [])),
    params(
        ("X-Kerberos-Storage-FileName" = inline(FullKey), Header, description = "Full key, `directory/filename`.",
            example = "site-a/1606164482_6-818812_FundoEsquerda_229-153-288-247_51_745.mp4"),
        ("X-Kerberos-Storage-Provider" = Option<String>, Header, description = "Provider's name; empty looks everywhere.", example = "local"),
    ),
    responses(
        (status = 200, description = "The address.", body = Data),
        (status = 400, description = "Missing or malformed headers.", body = ErrorBody),
        (status = 401, description = "Wrong credentials.", body = ErrorBody),
        (status = 403, description = "Disabled account.", body = ErrorBody),
        (status = 404, description = "The account has no such recording, or no such provider.", body = ErrorBody),
        (status = 429, description = "Too many wrong credentials.", body = ErrorBody),
        (status = 502, description = "The storage provider refuses to sign.", body = ErrorBody),
        (status = 503, description = "The storage provider or the database does not answer.", body = ErrorBody),
    )
)]
pub async fn sign(
    Caller(account): Caller,
    State(state): State<AppState>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Json<Data>, ApiError> {
    let found = find(&state.vault, &account, &headers).await?;
    let base = base_url(&state, &peer)?;
    let data = state.vault.recordings.sign(&found, &base, state.http.signed_url_lifetime(None)).await?;
    Ok(Json(Data { data }))
}

/// Delete a recording
///
/// Removes the object at the provider and the recording; without a provider, at each that has one of this key.
#[utoipa::path(
    delete, path = "/api/storage", tag = "Recordings", security(("access_key" = [], "secret_key" = [])),
    params(
        ("X-Kerberos-Storage-FileName" = inline(FullKey), Header, description = "Full key, `directory/filename`.",
            example = "site-a/1606164482_6-818812_FundoEsquerda_229-153-288-247_51_745.mp4"),
        ("X-Kerberos-Storage-Provider" = Option<String>, Header, description = "Provider's name; empty looks everywhere.", example = "local"),
    ),
    responses(
        (status = 200, description = "It is gone; `data` repeats its key.", body = Data),
        (status = 400, description = "Missing or malformed headers.", body = ErrorBody),
        (status = 401, description = "Wrong credentials.", body = ErrorBody),
        (status = 403, description = "Disabled account.", body = ErrorBody),
        (status = 404, description = "The account has no such recording, or no such provider.", body = ErrorBody),
        (status = 429, description = "Too many wrong credentials.", body = ErrorBody),
        (status = 503, description = "The database does not answer.", body = ErrorBody),
    )
)]
pub async fn delete(
    Caller(account): Caller,
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Json<Data>, ApiError> {
    let mut found = find(&state.vault, &account, &headers).await?;
    let recordings = &state.vault.recordings;
    let wanted = RecordingName::parse(&headers)?;
    loop {
        recordings.delete(&account.principal(), &found).await?;
        // Whoever names no provider means all that have it.
        match recordings.find(&account, wanted.provider.as_deref(), &wanted.key).await? {
            Some(next) if wanted.provider.is_none() && next.id != found.id => found = next,
            _ => return Ok(Json(Data { data: found.key.to_string() })),
        }
    }
}
