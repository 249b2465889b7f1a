//! Routes and the layers around them.
//!
//! Three families: the API (`/api`, where uploads never load a session), people (pages, server functions, files of
//! recordings: with session and origin check), and files.

use crate::agent;
use crate::mount::mount;
use crate::peer::Peer;
use crate::problem::{self, ApiError};
use crate::serve::only_uploads_have_long_heads;
use crate::sessions::{self, Sessions};
use crate::state::AppState;
use crate::telemetry::{Failure, access, metrics};
use crate::{admin, assets, bodies, cors, forms, health, hosts, limits, openapi, security, visitors};
use app::site::Prefix;
use app::{App, BaseUrl, ClientIp, shell};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use leptos::prelude::{provide_context, use_context};
use leptos_axum::{AxumRouteListing, LeptosRoutes as _, generate_route_list};
use std::any::Any;
use std::sync::{Arc, OnceLock};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Everything the vault serves.
pub fn router(state: AppState) -> Router {
    metrics::init();
    assets::take_up();
    let (machines, api) = machines().split_for_parts();
    let machines = machines
        .method_not_allowed_fallback(agent::method_not_allowed)
        .route("/api", any(agent::no_route))
        .route("/api/{*rest}", any(agent::no_route));
    let http = state.http.clone();
    let routes = Router::new()
        .merge(machines)
        .merge(openapi::swagger(openapi::served(api, &state.http)))
        .merge(people(&state))
        .route("/pkg/{*path}", get(assets::pkg))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(only_uploads_have_long_heads))
        .layer(from_fn_with_state(state.clone(), hosts::only_ours))
        .layer(from_fn_with_state(state.clone(), cors::by_configuration))
        .layer(from_fn_with_state(state.clone(), security::headers))
        .layer(from_fn_with_state(state.clone(), access::record))
        .with_state(state);
    mount(routes, &http)
}

/// The API's description, without serving it.
pub fn describe() -> utoipa::openapi::OpenApi {
    openapi::without_null_headers(machines().split_for_parts().1)
}

fn machines() -> OpenApiRouter<AppState> {
    let health = OpenApiRouter::new().routes(routes!(health::live)).routes(routes!(health::ready));
    OpenApiRouter::with_openapi(openapi::ApiDoc::openapi()).merge(agent::routes()).merge(health)
}

fn people(state: &AppState) -> Router<AppState> {
    let shell = {
        let options = state.leptos.clone();
        move || shell((*options).clone())
    };
    Router::new()
        .leptos_routes_with_context(state, page_routes(), context(state), shell)
        .route_layer(from_fn_with_state(state.clone(), visitors::sign_in_first))
        .route("/media/{id}/file", get(admin::media::file))
        .route("/metrics", get(metrics::scrape))
        .fallback(file_or_not_found)
        .layer(map_response(unreadable_arguments))
        .layer(from_fn_with_state(state.clone(), forms::lead_back))
        .layer(from_fn_with_state(state.clone(), sessions::keep_alive))
        .layer(from_fn_with_state(state.clone(), bodies::of_people))
        .layer(Sessions::new(state))
        .layer(from_fn_with_state(state.clone(), security::same_origin))
        .layer(RequestBodyLimitLayer::new(bodies::MAX_FORM))
}

/// The pages' routes. Listed once in a process: whatever a page loads while they are listed never arrives, and its visitor
/// waits for ever (leptos issue 4773).
fn page_routes() -> Vec<AxumRouteListing> {
    static ROUTES: OnceLock<Vec<AxumRouteListing>> = OnceLock::new();
    ROUTES.get_or_init(|| generate_route_list(App)).clone()
}

/// The context of pages and server functions.
fn context(state: &AppState) -> impl Fn() + Clone + Send + Sync + 'static {
    let (vault, http) = (state.vault.clone(), state.http.clone());
    move || {
        provide_context(vault.clone());
        provide_context(assets::page_files());
        let prefix = use_context::<Parts>().and_then(|parts| parts.extensions.get::<Prefix>().cloned());
        provide_context(prefix.unwrap_or_default());
        let peer = use_context::<Parts>().and_then(|parts| parts.extensions.get::<Peer>().cloned());
        if let Some(peer) = peer {
            provide_context(BaseUrl(http.base_url(&peer).unwrap_or_default()));
            provide_context(ClientIp(limits::group(peer.ip).to_string()));
        }
    }
}

/// A file of the site (`/favicon.svg`), else the "not found" page.
async fn file_or_not_found(State(state): State<AppState>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return ApiError::from(&problem::NO_ROUTE).into_response();
    }
    if let Some(file) = assets::find(&request) {
        return file;
    }
    let options = state.leptos.clone();
    let render = leptos_axum::render_app_async_with_context(context(&state), move || shell((*options).clone()));
    let mut page = render(request).await;
    if page.status() == StatusCode::OK {
        *page.status_mut() = StatusCode::NOT_FOUND;
    }
    page
}

/// Leptos answers 500 for a server function's unreadable arguments, which are the caller's mistake. Failures of ours
/// set a status themselves.
async fn unreadable_arguments(mut response: Response) -> Response {
    if response.status() == StatusCode::INTERNAL_SERVER_ERROR && response.headers().contains_key("serverfnerror") {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    response
}

/// A panic is a defect of ours: it is logged like any failure, and the client learns nothing.
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    let mut response = ApiError::from(&problem::INTERNAL).into_response();
    let failure = std::io::Error::other(format!("panicked: {}", text.unwrap_or("(no message)")));
    response.extensions_mut().insert(Failure(Arc::new(failure)));
    response
}
