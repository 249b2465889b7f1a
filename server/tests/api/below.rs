//! A vault below a path of its host: `public_url = "https://nvr.example/vault"`.

use crate::support::{NAME, Setup, TestVault, recording, send};
use reqwest::Method;
use server::state::HttpOptions;

/// Requests come with the path, or without it if the proxy takes it off; or by another name, past the proxy.
async fn start() -> TestVault {
    let public = "https://nvr.example/vault".parse().ok();
    let http = HttpOptions { public_url: public, trust_proxy: true, ..Setup::default().http };
    TestVault::start_with(Setup { http, ..Setup::default() }).await
}

const PUBLIC: &str = "nvr.example";

#[tokio::test]
async fn agents_reach_it_with_and_without_the_path() {
    let vault = start().await;
    for before in ["/vault", ""] {
        for path in ["/api/health", "/api/health/ready"] {
            assert_eq!(
                send(vault.request(Method::GET, &format!("{before}{path}"))).await.status,
                200,
                "{before}{path}"
            );
        }
        let answer = send(vault.request(Method::POST, &format!("{before}/api/storage"))).await;
        assert_eq!(answer.code(), "file_missing_access_key", "{before}");
    }
    for elsewhere in ["/vaults/api/health", "/vault/vault/api/health", "/other/api/health"] {
        assert_eq!(send(vault.request(Method::GET, elsewhere)).await.status, 404, "{elsewhere}");
    }
}

#[tokio::test]
async fn a_signed_address_leads_below_it() {
    let vault = start().await;
    let key = vault.stored(NAME, recording()).await;
    let signed = send(vault.about(Method::GET, "/api/storage", &key)).await.json()["data"].as_str().unwrap().to_owned();
    let path = signed.strip_prefix("https://nvr.example").unwrap();
    assert!(path.starts_with("/vault/api/storage/signed?"), "{signed}");
    let played = send(vault.request(Method::GET, path)).await;
    assert_eq!((played.status, played.body.as_ref()), (200, recording().as_ref()));
}

#[tokio::test]
async fn visitors_and_their_cookie_are_led_below_it_whether_the_proxy_takes_it_off_or_not() {
    let vault = start().await;
    for (before, host) in [("/vault", "10.0.0.7"), ("/vault", PUBLIC), ("", PUBLIC)] {
        let get = |path: &str| vault.request(Method::GET, &format!("{before}{path}")).header("x-forwarded-host", host);
        let answer = send(get("/media?account=a").header("accept", "text/html")).await;
        assert_eq!(answer.header("location"), "/vault/sign-in?next=%2Fmedia%3Faccount%3Da", "{before} {host}");
        let form = "username=root&password=a+password+for+tests&next=/media".to_owned();
        let post = vault.request(Method::POST, &format!("{before}/api/fn/sign_in")).header("x-forwarded-host", host);
        let post = post.header("origin", "https://nvr.example").header("accept", "text/html");
        let post = post.header("content-type", "application/x-www-form-urlencoded");
        let answer = send(post.body(form)).await;
        assert_eq!(answer.header("location"), "/vault/media", "{before} {host}");
        let cookie = answer.header("set-cookie").to_owned();
        assert!(cookie.starts_with("__Secure-vault=") && cookie.contains("Path=/vault;"), "{cookie}");
    }
}

#[tokio::test]
async fn whoever_comes_past_the_proxy_and_without_the_path_goes_on_like_that() {
    let vault = start().await;
    let get = |path: &str| vault.request(Method::GET, path).header("x-forwarded-host", "10.0.0.7:8080");
    let answer = send(get("/media").header("accept", "text/html")).await;
    assert_eq!(answer.header("location"), "/sign-in?next=%2Fmedia");
    let page = String::from_utf8_lossy(&send(get("/sign-in")).await.body).into_owned();
    assert!(page.contains("action=\"/api/fn/sign_in") && !page.contains("/vault"), "{page}");
}

#[tokio::test]
async fn what_failed_without_javascript_leads_below_it_too() {
    let vault = start().await;
    let post = vault.request(Method::POST, "/vault/api/fn/sign_in").header("origin", "https://nvr.example");
    let post = post.header("accept", "text/html").header("referer", "https://nvr.example/vault/sign-in");
    let post = post.header("content-type", "application/x-www-form-urlencoded");
    let answer = send(post.body("username=root&password=wrong&next=")).await;
    assert_eq!(answer.status, 401);
    let refresh = answer.header("refresh").to_owned();
    let to = refresh.strip_prefix("0;url=").unwrap();
    assert!(to.starts_with("/vault/sign-in?") || to.starts_with("https://nvr.example/vault/sign-in?"), "{to}");
}
