//! Health, metrics, request ids.

use crate::support::{NAME, Setup, TestVault, recording, send};
use reqwest::Method;
use server::config::Metrics;
use server::state::HttpOptions;

#[tokio::test]
async fn alive_and_ready() {
    let vault = TestVault::start().await;
    for path in ["/api/health", "/api/health/ready"] {
        let answer = send(vault.request(Method::GET, path)).await;
        assert_eq!((answer.status, answer.json()["status"].as_str()), (200, Some("ok")), "{path}");
    }
}

#[tokio::test]
async fn metrics_are_for_administrators_and_holders_of_the_token() {
    let metrics = Metrics { token: Some(model::Secret::new("scrape me")), allow_anonymous: false };
    let http = HttpOptions { metrics, ..Setup::default().http };
    let vault = TestVault::start_with(Setup { http, ..Setup::default() }).await;
    vault.stored(NAME, recording()).await;
    let get = || vault.request(Method::GET, "/metrics");
    send(get()).await.refused_with(401, "sign_in_required");
    for wrong in ["Bearer", "Bearer ", "Bearer scrape", "Basic scrape me", "scrape me"] {
        send(get().header("authorization", wrong)).await.refused_with(401, "sign_in_required");
    }
    let cookie = vault.sign_in().await;
    for request in [get().header("authorization", "Bearer scrape me"), get().header("cookie", cookie)] {
        let answer = send(request).await;
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, 200);
        for line in [
            "http_requests_total{",
            "route=\"/api/storage\"",
            "vault_uploads_total{outcome=\"new\"}",
            "vault_deliveries_waiting 0",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}

#[tokio::test]
async fn no_token_means_no_token_opens_it() {
    let vault = TestVault::start().await;
    send(vault.request(Method::GET, "/metrics").header("authorization", "Bearer "))
        .await
        .refused_with(401, "sign_in_required");
}

#[tokio::test]
async fn a_harmless_request_id_is_kept() {
    let vault = TestVault::start().await;
    let get = |id: &'static str| send(vault.request(Method::GET, "/api/health").header("x-request-id", id));
    assert_eq!(get("abc-123").await.header("x-request-id"), "abc-123");
    assert_ne!(get("<script>").await.header("x-request-id"), "<script>");
}
