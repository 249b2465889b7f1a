//! What agents, the Hub, remote vaults and ML services call (docs/protocol.md). One file per endpoint or family of
//! endpoints.

pub mod blob;
pub mod bulk;
pub mod caller;
pub mod devices;
mod file_body;
pub mod forward;
pub mod hls;
pub mod ping;
mod schema;
pub mod signed;
pub mod storage;
pub mod tus;
pub mod upload;
pub mod wire;

use crate::problem::{self, ApiError};
use crate::state::AppState;
use axum::middleware::from_fn;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// All endpoints, with their OpenAPI descriptions.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(ping::ping))
        .routes(routes!(upload::upload, storage::sign, storage::delete))
        .routes(routes!(blob::read))
        .routes(routes!(bulk::sign_many))
        .routes(routes!(forward::forward))
        .routes(routes!(signed::read, signed::preflight))
        .routes(routes!(signed::validate))
        .routes(routes!(hls::playlist, hls::preflight))
        .routes(routes!(hls::metadata, hls::metadata_preflight))
        .routes(routes!(devices::heartbeat))
        .merge(resumable())
}

fn resumable() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(tus::create, tus::options))
        .routes(routes!(tus::look, tus::patch, tus::terminate, tus::instead::by_header, tus::options_of_one))
        .layer(from_fn(tus::versioned))
}

/// For unknown addresses below `/api`.
pub async fn no_route() -> ApiError {
    (&problem::NO_ROUTE).into()
}

/// For known addresses; the router adds `Allow`.
pub async fn method_not_allowed() -> ApiError {
    (&problem::METHOD).into()
}
