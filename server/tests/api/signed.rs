//! Signed addresses: what a browser plays without any headers (docs/protocol.md §7).

use crate::support::{NAME, SITE_A, Setup, TestVault, account, recording, send};
use model::account::AccountForm;
use reqwest::Method;
use server::state::HttpOptions;
use std::time::Duration;
use vault::{Principal, Task};

async fn address(vault: &TestVault) -> String {
    let key = vault.stored(NAME, recording()).await;
    let answer = send(vault.about(Method::GET, "/api/storage", &key)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["data"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn plays_without_headers_from_any_site() {
    let vault = TestVault::start().await;
    let address = address(&vault).await;
    assert!(address.starts_with(&vault.url("/api/storage/signed?id=")), "{address}");
    let answer =
        send(vault.client.get(&address).header("origin", "https://hub.example").header("range", "bytes=10-19")).await;
    assert_eq!((answer.status, answer.body.as_ref()), (206, &recording()[10..20]));
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert!(answer.header("content-disposition").starts_with("inline"));
    assert!(answer.header("cache-control").contains("private"));
    assert_eq!(send(vault.client.head(&address)).await.status, 200);
    let preflight = send(vault.client.request(Method::OPTIONS, &address).header("origin", "https://hub.example")).await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (204, "*"));
    assert!(preflight.header("access-control-allow-headers").contains("Range"));
}

#[tokio::test]
async fn tampering_is_refused() {
    let vault = TestVault::start().await;
    let address = address(&vault).await;
    let (head, signature) = address.rsplit_once('=').unwrap();
    let flipped = if signature.starts_with('0') { "1" } else { "0" };
    let id = vault.vault.recordings.list(&Default::default(), Default::default(), 1).await.unwrap().items[0].id;
    for bad in [
        format!("{head}={flipped}{}", &signature[1..]),
        format!("{head}="),
        address.replace(&format!("id={id}&"), &format!("id={}&", id + 1)),
        address.replace("expires=", "expires=9"),
        address.split('?').next().unwrap().to_owned(),
        vault.url("/api/storage/signed?id=x&expires=y&signature=z"),
        vault.url("/api/storage/signed?id=1&expires=99999999999999999999&signature=%00"),
    ] {
        let answer = send(vault.client.get(&bad)).await;
        answer.refused_with(403, "storage_signature_invalid");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "scripts may read why");
    }
}

#[tokio::test]
async fn expires() {
    let http = HttpOptions { signed_url_ttl: Duration::from_secs(1), ..Setup::default().http };
    let vault = TestVault::start_with(Setup { http, ..Setup::default() }).await;
    let address = address(&vault).await;
    assert_eq!(send(vault.client.get(&address)).await.status, 200);
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    send(vault.client.get(&address)).await.refused_with(403, "storage_signature_expired");
}

/// Whatever ends it, there is one answer: whoever tries addresses out learns nothing.
#[tokio::test]
async fn ends_with_its_recording_its_content_and_its_accounts_keys() {
    let vault = TestVault::start().await;
    let actor = Principal::Vault(Task::Provisioning);
    let site_a = vault.vault.accounts.list().await.unwrap().into_iter().find(|a| a.name == "site-a").unwrap();
    let change = async |form: AccountForm| {
        vault.vault.accounts.save(&actor, AccountForm { id: Some(site_a.id), ..form }).await.unwrap();
    };
    let usual = || account("site-a", "*", SITE_A);
    let is_refused = async |address: &str| {
        send(vault.client.get(address)).await.refused_with(403, "storage_signature_invalid");
    };
    let plays = async |address: &str| assert_eq!(send(vault.client.get(address)).await.status, 200);

    let first = address(&vault).await;
    plays(&first).await;
    change(AccountForm { secret_key: "fXq7-9wLk2-mPz4-cV8t".into(), ..usual() }).await;
    is_refused(&first).await;
    change(usual()).await;
    plays(&first).await;
    change(AccountForm { enabled: false, ..usual() }).await;
    is_refused(&first).await;
    change(usual()).await;

    vault.stored(NAME, "other content").await;
    is_refused(&first).await;
    let audited = vault.vault.audit.latest(1).await.unwrap().remove(0);
    assert_eq!((audited.action.as_str(), audited.actor.as_str()), ("replaced recording", "site-a"));
    let second = send(vault.about(Method::GET, "/api/storage", &format!("a/{NAME}"))).await.json()["data"].clone();
    let second = second.as_str().unwrap();
    plays(second).await;
    send(vault.about(Method::DELETE, "/api/storage", &format!("a/{NAME}"))).await;
    is_refused(second).await;
}

#[tokio::test]
async fn the_base_is_the_public_url_or_what_a_trusted_proxy_says() {
    let forwarded = [("x-forwarded-host", "vault.example"), ("x-forwarded-proto", "https")];
    let signed = async |http: HttpOptions| {
        let vault = TestVault::start_with(Setup { http, ..Setup::default() }).await;
        let key = vault.stored(NAME, recording()).await;
        let request =
            forwarded.iter().fold(vault.about(Method::GET, "/api/storage", &key), |r, (n, v)| r.header(*n, *v));
        (send(request).await.json()["data"].as_str().unwrap().to_owned(), vault.url(""))
    };
    let (address, own) = signed(Setup::default().http).await;
    assert!(address.starts_with(&format!("{own}/api/")), "not trusted: {address}");
    let (address, _) = signed(HttpOptions { trust_proxy: true, ..Setup::default().http }).await;
    assert!(address.starts_with("https://vault.example/api/storage/signed?"), "{address}");
    let (address, _) =
        signed(HttpOptions { public_url: "https://public.example".parse().ok(), ..Setup::default().http }).await;
    assert!(address.starts_with("https://public.example/api/storage/signed?"), "{address}");
}
