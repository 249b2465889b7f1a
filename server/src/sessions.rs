//! Administrators' browser sessions: the cookie, and who is signed in. Signing in and out is in `app`.

use crate::peer::Peer;
use crate::state::AppState;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::{Layer, Service};
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::Duration;
use tower_sessions::{Expiry, Session, SessionManagerLayer};
use vault::sessions::Store;

/// A session ends this long after its last request.
const INACTIVITY: Duration = Duration::days(7);
/// How often the use of a session is recorded: hourly costs next to nothing and is exact enough.
const NOTE_MS: i64 = 3_600_000;

/// Key of a session: when its use was noted last.
const USED_AT: &str = "used_at";

/// Sessions for the routes below. Over TLS, the cookie's name binds it to this host (`__Host-`, which browsers
/// otherwise refuse); over plain HTTP it has a name that works there. Behind a proxy only the request shows which.
#[derive(Clone)]
pub struct Sessions {
    tls: SessionManagerLayer<Store>,
    plain: SessionManagerLayer<Store>,
    always_tls: bool,
}

impl Sessions {
    /// With sessions stored in the vault's database.
    pub fn new(state: &AppState) -> Self {
        let cookie = |name: &'static str, secure| {
            SessionManagerLayer::new(state.vault.session_store())
                .with_name(name)
                .with_secure(secure)
                .with_http_only(true)
                // Lax, so that people who follow a link from a mail or the Hub are signed in; the origin check protects
                // changes
                .with_same_site(SameSite::Lax)
                .with_path("/")
                .with_expiry(Expiry::OnInactivity(INACTIVITY))
        };
        // A name with `__Host-` is for a whole host only.
        let below = state.http.public_url.as_ref().is_some_and(|url| !url.path().is_empty());
        let tls = if below { "__Secure-vault" } else { "__Host-vault" };
        Self { tls: cookie(tls, true), plain: cookie("vault", false), always_tls: state.http.is_https() }
    }
}

impl<S> Layer<S> for Sessions {
    type Service = ByScheme<S>;

    fn layer(&self, inner: S) -> ByScheme<S> {
        ByScheme { sessions: Arc::new(self.clone()), inner }
    }
}

/// See [`Sessions`].
#[derive(Clone)]
pub struct ByScheme<S> {
    sessions: Arc<Sessions>,
    inner: S,
}

type Managed<S> = <SessionManagerLayer<Store> as Layer<S>>::Service;

impl<S> Service<Request> for ByScheme<S>
where
    S: Clone,
    Managed<S>: Service<Request>,
{
    type Response = <Managed<S> as Service<Request>>::Response;
    type Error = <Managed<S> as Service<Request>>::Error;
    type Future = <Managed<S> as Service<Request>>::Future;

    /// Routes are always ready.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Sessions { tls, plain, always_tls } = self.sessions.as_ref();
        let https = *always_tls || Peer::attached(&request).https;
        (if https { tls } else { plain }).layer(self.inner.clone()).call(request)
    }
}

/// Keeps sessions alive while they are used: a session is stored again, with a later end, when the
/// last note is older than an hour.
pub async fn keep_alive(State(state): State<AppState>, session: Session, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if vault::sessions::is_begun(&session).await {
        let noted = session.get::<i64>(USED_AT).await.ok().flatten().unwrap_or(0);
        let now = state.vault.clock().now_ms();
        // Earlier than the last record: the clock was set back.
        if now < noted || now - noted > NOTE_MS {
            // a failure only shortens the session
            let _ = session.insert(USED_AT, now).await;
        }
    }
    response
}
