//! What server functions need from the request they serve.

use super::AppError;
use crate::site::Prefix;
use crate::text::query;
use http::{HeaderName, StatusCode, header, request::Parts};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use model::Secret;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tower_sessions::Session;
use vault::Principal;
use vault::users::User;
use vault::{Vault, VaultError};

/// The caller's address, for rate limits. The server provides it as context.
#[derive(Debug, Clone)]
pub struct ClientIp(pub String);

/// The vault's address as the caller reaches it, without a trailing slash; empty if unknown. The server provides it as
/// context.
#[derive(Debug, Clone)]
pub struct BaseUrl(pub String);

/// URL prefix of server functions.
const PREFIX: &str = "/api/fn/";

/// The vault, as the server provides it. Private: only whoever is signed in gets it, see [`require_admin`].
fn vault() -> Arc<Vault> {
    expect_context::<Arc<Vault>>()
}

/// All that somebody who is not signed in may ask of the vault: to sign in.
pub(crate) async fn sign_in(username: &str, password: &Secret) -> Result<User, AppError> {
    let peer = use_context::<ClientIp>().map(|ip| ip.0).unwrap_or_default();
    let signed_in = vault().users.sign_in(username, password, &peer).await;
    signed_in.map_err(|error| {
        // For plain forms too: who watches the log for guesses must see them. The server makes a page of it.
        if let Some(response) = use_context::<ResponseOptions>() {
            response.set_status(status(&error));
        }
        refuse(error)
    })
}

/// Whoever is signed in, and the vault for them.
pub(crate) struct Admin {
    pub(crate) user: User,
    pub(crate) vault: Arc<Vault>,
}

impl Admin {
    /// Them, as use cases want to know.
    pub(crate) fn principal(&self) -> Principal {
        self.user.principal()
    }
}

/// The signed-in administrator; else an error and a redirect to the sign-in page.
pub(crate) async fn require_admin() -> Result<Admin, AppError> {
    match signed_in().await? {
        Some(admin) => Ok(admin),
        None => {
            redirect_to_sign_in();
            Err(AppError::Unauthorised)
        }
    }
}

/// The same for what saves a form, and for what is asked beside one every minute. If the session has ended, a script is not
/// sent away to sign in, or what was typed would be lost: the form says so and stays.
pub(crate) async fn require_admin_in_place() -> Result<Admin, AppError> {
    if is_plain_form() {
        return require_admin().await;
    }
    match signed_in().await? {
        Some(admin) => Ok(admin),
        None => {
            set_status(StatusCode::UNAUTHORIZED);
            Err(AppError::Unauthorised)
        }
    }
}

async fn signed_in() -> Result<Option<Admin>, AppError> {
    let vault = vault();
    let user = vault::sessions::user(&vault.users, &session().await?).await.map_err(refuse)?;
    Ok(user.map(|user| Admin { user, vault }))
}

/// Marks the session as this user's, under a new id.
pub(crate) async fn start_session(user: &User) -> Result<(), AppError> {
    vault::sessions::begin(&vault().users, &session().await?, user).await.map_err(refuse)
}

/// Signs out.
pub(crate) async fn end_session() -> Result<(), AppError> {
    session().await?.flush().await.map_err(session_failed)
}

/// Reads a value stored with the session.
pub(crate) async fn load<T: DeserializeOwned>(key: &str) -> Result<Option<T>, AppError> {
    session().await?.get(key).await.map_err(session_failed)
}

/// Stores a value with the session.
pub(crate) async fn keep<T: Serialize>(key: &str, value: &T) -> Result<(), AppError> {
    session().await?.insert(key, value).await.map_err(session_failed)
}

async fn session() -> Result<Session, AppError> {
    leptos_axum::extract::<Session>().await.map_err(session_failed)
}

fn session_failed(error: impl std::fmt::Display) -> AppError {
    tracing::error!(%error, "session cannot be used");
    set_status(StatusCode::SERVICE_UNAVAILABLE);
    AppError::message("The vault's database did not answer. Details are in the vault's log.")
}

/// The status of an answer that says so.
fn status(error: &VaultError) -> StatusCode {
    match error {
        VaultError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        VaultError::NotFound(_) => StatusCode::NOT_FOUND,
        VaultError::Forbidden => StatusCode::FORBIDDEN,
        VaultError::Conflict(_) | VaultError::Locked(_) | VaultError::Provisioned(_) => StatusCode::CONFLICT,
        VaultError::WrongPassword => StatusCode::UNAUTHORIZED,
        VaultError::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
        VaultError::Store(_) => StatusCode::BAD_GATEWAY,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Turns the vault's error into one that a page can show. Logs its causes, which happens nowhere else.
pub(crate) fn refuse(error: VaultError) -> AppError {
    let status = status(&error);
    match &error {
        VaultError::Store(cause) => tracing::warn!(error = %cause, source = ?cause.source, "storage provider failed"),
        other if status == StatusCode::SERVICE_UNAVAILABLE => tracing::error!(error = ?other, "use case failed"),
        _ => {}
    }
    set_status(status);
    if let VaultError::TooMany { retry_after_s } = &error {
        expect_context::<ResponseOptions>().insert_header(header::RETRY_AFTER, (*retry_after_s).into());
    }
    match error {
        VaultError::Invalid(errors) => AppError::Invalid(errors),
        other => AppError::Message(other.to_string()),
    }
}

/// Goes back to a page of this site, else to `list`, where `done` is shown.
pub(crate) fn go_back(back: &str, list: &str, done: &str) {
    let back = query::local_path(back).unwrap_or_else(|| list.to_owned());
    leptos_axum::redirect(&query::add(&back, "done", done));
}

/// Whether a browser without WebAssembly posted a form: it wants a page, not data.
pub(crate) fn is_plain_form() -> bool {
    use_context::<Parts>().is_some_and(|parts| accepts_html(&parts))
}

fn accepts_html(parts: &Parts) -> bool {
    parts.headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("text/html"))
}

/// Sets the status for callers that read it. Not for plain forms, whose redirect it would overwrite.
fn set_status(status: StatusCode) {
    if let (Some(parts), Some(response)) = (use_context::<Parts>(), use_context::<ResponseOptions>()) {
        let page = !parts.uri.path().starts_with(PREFIX);
        if !accepts_html(&parts) || (page && status == StatusCode::NOT_FOUND) {
            response.set_status(status);
        }
    }
}

/// Answers 404 with the page being rendered.
pub(crate) fn page_not_found() {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(StatusCode::NOT_FOUND);
    }
}

/// Pages and plain forms are redirected; scripts get 401 and a header that tells the router where to go.
fn redirect_to_sign_in() {
    set_status(StatusCode::UNAUTHORIZED);
    leptos_axum::redirect(&sign_in_address());
    let page = use_context::<Parts>().is_some_and(|parts| !parts.uri.path().starts_with(PREFIX));
    if let Some(response) = use_context::<ResponseOptions>()
        && page
    {
        response.set_status(StatusCode::FOUND);
    }
}

/// URL of the sign-in page, with the way back to where the caller was.
fn sign_in_address() -> String {
    let Some(parts) = use_context::<Parts>() else { return "/sign-in".into() };
    let here = match parts.uri.path_and_query() {
        Some(page) if !page.path().starts_with(PREFIX) => page.as_str(),
        _ => referer_path(&parts).unwrap_or("/"),
    };
    match query::local_path(here).as_deref() {
        Some("/") | None => "/sign-in".into(),
        Some(page) => format!("/sign-in?next={}", query::encode(page)),
    }
}

/// Path and query of the page that a request came from.
fn referer_path(parts: &Parts) -> Option<&str> {
    let referer = parts.headers.get(header::REFERER)?.to_str().ok()?;
    let after_scheme = referer.split_once("://")?.1;
    let path = &after_scheme[after_scheme.find('/')?..];
    let prefix = use_context::<Prefix>().unwrap_or_default();
    Some(prefix.inside(path))
}

/// Sets a rendered page's headers: what it may load and run, and that no cache keeps it.
pub(crate) fn page_headers() {
    let Some(response) = use_context::<ResponseOptions>() else { return };
    let nonce = leptos::nonce::use_nonce().map(|n| format!(" 'nonce-{n}'")).unwrap_or_default();
    let policy = format!(
        "default-src 'self'; script-src 'self'{nonce} 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; media-src 'self'; connect-src 'self'; object-src 'none'; \
         frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    );
    let set = |name: HeaderName, value: &str| {
        if let Ok(value) = value.parse() {
            response.insert_header(name, value);
        }
    };
    set(header::CONTENT_SECURITY_POLICY, &policy);
    set(header::CACHE_CONTROL, "no-store");
    set(header::REFERRER_POLICY, "same-origin");
}
