//! Pages are for those who are signed in. Everybody else is sent to sign in before anything is rendered: that costs a
//! stranger nothing and the vault a lot.

use crate::state::AppState;
use app::text::query;
use axum::extract::{Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_sessions::Session;

/// The one page for strangers.
const SIGN_IN: &str = "/sign-in";
/// Server functions see for themselves who asks.
const FUNCTIONS: &str = "/api/fn/";

/// Sends a visitor who is not signed in to the sign-in page, with the way back.
pub async fn sign_in_first(State(state): State<AppState>, session: Session, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_page = matches!(*request.method(), Method::GET | Method::HEAD) && !path.starts_with(FUNCTIONS);
    if !is_page || path == SIGN_IN {
        return Box::pin(next.run(request)).await;
    }
    // On the heap: pages nest deeply.
    match Box::pin(vault::sessions::user(&state.vault.users, &session)).await {
        Ok(None) => to_sign_in(request.uri().path_and_query().map_or("/", |page| page.as_str())),
        // If that cannot be told now, the page says why.
        Ok(Some(_)) | Err(_) => Box::pin(next.run(request)).await,
    }
}

fn to_sign_in(page: &str) -> Response {
    let address = match query::local_path(page).filter(|page| page != "/") {
        Some(page) => query::address(SIGN_IN, &[("next", page)]),
        None => SIGN_IN.to_owned(),
    };
    let mut response = StatusCode::FOUND.into_response();
    let address = HeaderValue::from_str(&address).unwrap_or(HeaderValue::from_static(SIGN_IN));
    response.headers_mut().insert(LOCATION, address);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_kept_if_it_is_one_of_ours() {
        let location = |page: &str| to_sign_in(page).headers()[LOCATION].to_str().expect("text").to_owned();
        assert_eq!(location("/"), "/sign-in");
        assert_eq!(location("/media?account=a"), "/sign-in?next=%2Fmedia%3Faccount%3Da");
        assert_eq!(location("//elsewhere.example/"), "/sign-in");
    }
}
