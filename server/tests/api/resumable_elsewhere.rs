//! Uploads in several requests by pages of other sites (docs/protocol.md §11, CORS).

use crate::resumable::{creation, tus};
use crate::support::{Answer, Setup, TestVault, send};
use axum::http::HeaderValue;
use reqwest::{Method, RequestBuilder};
use server::state::HttpOptions;

const SITE: &str = "https://upload.example";
const ADDRESSES: [&str; 3] = ["/api/storage/tus", "/api/storage/tus/", "/api/storage/tus/5f0c2a"];

async fn start(cors_origins: &[&'static str]) -> TestVault {
    let cors_origins = cors_origins.iter().map(|site| HeaderValue::from_static(site)).collect();
    TestVault::start_with(Setup { http: HttpOptions { cors_origins, ..Setup::default().http }, ..Setup::default() })
        .await
}

/// As a browser asks before a page's request, without any keys.
fn preflight(vault: &TestVault, path: &str, origin: &str) -> RequestBuilder {
    vault
        .request(Method::OPTIONS, path)
        .header("origin", origin)
        .header("access-control-request-method", "PATCH")
        .header("access-control-request-headers", "tus-resumable,upload-offset,x-kerberos-storage-accesskey,x-site")
}

fn cors(answer: &Answer) -> Vec<&str> {
    answer.headers.keys().map(|name| name.as_str()).filter(|name| name.starts_with("access-control")).collect()
}

#[tokio::test]
async fn pages_of_sites_that_are_configured_may_send_recordings_and_no_others() {
    let vault = start(&[SITE]).await;
    for path in ADDRESSES {
        let may = send(preflight(&vault, path, SITE)).await;
        assert_eq!((may.status, may.header("access-control-allow-origin")), (204, SITE), "{path}: {may:?}");
        assert_eq!(may.header("access-control-allow-methods"), "POST, HEAD, PATCH, DELETE, OPTIONS");
        let headers = "tus-resumable,upload-offset,x-kerberos-storage-accesskey,x-site";
        assert_eq!(may.header("access-control-allow-headers"), headers, "also an owner's own");
        assert_eq!((may.header("access-control-max-age"), may.header("vary")), ("86400", "Origin"));
        for other in ["https://evil.example", "null"] {
            let may_not = send(preflight(&vault, path, other)).await;
            assert_eq!((cors(&may_not), may_not.header("vary")), (vec![], "Origin"), "{path} {other}");
        }
    }
    let begun = send(creation(&vault).header("upload-length", 10).header("origin", SITE)).await;
    assert_eq!((begun.status, begun.header("access-control-allow-origin")), (201, SITE), "{begun:?}");
    assert_eq!(begun.header("cross-origin-resource-policy"), "cross-origin");
    let upload = format!("/api/storage/tus/{}", begun.header("location").rsplit('/').next().unwrap());
    let told = send(tus(&vault, Method::HEAD, &upload).header("origin", SITE)).await;
    let refused = send(tus(&vault, Method::PATCH, &upload).header("origin", SITE)).await;
    refused.refused_with(415, "tus_media_type");
    for answer in [&begun, &told, &refused] {
        let exposed = answer.header("access-control-expose-headers").to_ascii_lowercase();
        let exposed: Vec<&str> = exposed.split(',').map(str::trim).collect();
        let headers = answer.headers.keys().map(|name| name.as_str());
        for name in
            headers.filter(|name| ["upload-", "tus-", "location", "retry-"].iter().any(|of| name.starts_with(of)))
        {
            assert!(exposed.contains(&name), "{name}: {answer:?}");
        }
    }
    let elsewhere = send(preflight(&vault, "/api/storage", SITE)).await;
    assert_eq!(cors(&elsewhere), [""; 0], "no other address");
    let beside = send(preflight(&vault, "/api/storage/tusk", SITE)).await;
    assert_eq!(cors(&beside), [""; 0], "no other address");
}

#[tokio::test]
async fn every_site_may_where_every_site_is_configured() {
    let vault = start(&["*"]).await;
    let may = send(preflight(&vault, ADDRESSES[0], SITE)).await;
    assert_eq!((may.status, may.header("access-control-allow-origin"), may.header("vary")), (204, "*", ""), "{may:?}");
}

#[tokio::test]
async fn nobody_is_told_of_other_sites_where_none_is_configured() {
    let (closed, open) = (start(&[]).await, start(&[SITE]).await);
    for path in ADDRESSES {
        let answer = send(preflight(&closed, path, SITE)).await;
        assert_eq!((answer.status, cors(&answer), answer.header("vary")), (204, vec![], ""), "{path}");
        // A client of tus that is no page asks what the vault can do.
        for vault in [&closed, &open] {
            let able = send(vault.request(Method::OPTIONS, path)).await;
            assert_eq!((able.status, able.header("tus-version"), cors(&able)), (204, "1.0.0", vec![]), "{path}");
            assert!(able.header("tus-extension").contains("creation"), "{able:?}");
        }
    }
}
