//! Signed addresses: what a browser plays without any headers (docs/protocol.md §7).

use crate::support::{NAME, SITE_A, Setup, TestVault, account, filesystem, recording, send};
use model::account::AccountForm;
use model::connection::{ConnectionForm, Family};
use reqwest::Method;
use server::state::HttpOptions;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use vault::clock::Clock;
use vault::{Principal, Task};

async fn address(vault: &TestVault) -> String {
    let key = vault.stored(NAME, recording()).await;
    address_of(vault, &key).await
}

async fn address_of(vault: &TestVault, key: &str) -> String {
    let answer = send(vault.about(Method::GET, "/api/storage", key)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["data"].as_str().unwrap().to_owned()
}

/// What the vault says about an address.
async fn validity(vault: &TestVault, address: &str) -> serde_json::Value {
    let answer = send(vault.client.get(address.replacen("/storage/signed", "/storage/signed/validate", 1))).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "*"));
    assert!(answer.header("cache-control").contains("no-store"));
    answer.json()
}

fn account_id(name: &str, accounts: Vec<model::account::AccountView>) -> i64 {
    accounts.into_iter().find(|account| account.name == name).unwrap().id
}

#[tokio::test]
async fn plays_without_headers_from_any_site() {
    let vault = TestVault::start().await;
    let address = address(&vault).await;
    let expected = vault.url(&format!("/api/storage/signed?a=site-a&p=local&f=a/{NAME}&e="));
    assert!(address.starts_with(&expected) && address.contains("&s="), "{address}");
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
    let flipped = |at: usize| {
        let mut signature = signature.to_owned();
        let other = if signature[at..].starts_with('0') { "1" } else { "0" };
        signature.replace_range(at..=at, other);
        format!("{head}={signature}")
    };
    vault.stored("other.mp4", "other content").await;
    for bad in [
        flipped(0),
        flipped(63),
        format!("{head}="),
        address.replace("a=site-a&", "a=site-b&"),
        address.replace("p=local&", "p=off&"),
        address.replace(NAME, "other.mp4"),
        address.replace(&format!("a/{NAME}"), "a/nothing.mp4"),
        address.replace("&e=", "&e=9"),
        vault.url("/api/storage/signed?a=%00&p=%00&f=%00&e=99999999999&s=%00"),
    ] {
        let answer = send(vault.client.get(&bad)).await;
        answer.refused_with(403, "storage_signature_invalid");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "scripts may read why");
        let told = serde_json::json!({"valid": false, "error": "storage_signature_invalid"});
        assert_eq!(validity(&vault, &bad).await, told, "{bad}");
    }
    // What is no signed address at all.
    for bad in [
        String::new(),
        format!("{}&e=99999999999", address.split_once('?').unwrap().1),
        "id=1&expires=99999999999&signature=00".into(),
        "a=x&p=y&f=z&e=w&s=v".into(),
        "a=a&p=p&f=f&e=99999999999999999999&s=s".into(),
    ] {
        for path in ["/api/storage/signed", "/api/storage/signed/validate"] {
            let answer = send(vault.request(Method::GET, &format!("{path}?{bad}"))).await;
            answer.refused_with(403, "storage_signature_invalid");
            assert_eq!(answer.header("access-control-allow-origin"), "*", "scripts may read why");
        }
    }
    assert_eq!(send(vault.client.get(&address)).await.status, 200);
}

/// Names of cameras hold anything.
#[tokio::test]
async fn any_name_can_be_signed() {
    let vault = TestVault::start().await;
    for (n, camera) in ["Été", "a b", "a+b", "a&f=b", "50%", "#1", "a=b?c", "ñ;'\""].iter().enumerate() {
        let name = format!("1606164482_6-{n}_{camera}_229-153-288-247_51_745.mp4");
        let key = vault.stored(&name, recording()).await;
        let address = address_of(&vault, &key).await;
        assert!(address.is_ascii() && !address.contains([' ', '#', '"', '\'']), "{address}");
        let answer = send(vault.client.get(&address)).await;
        assert_eq!((answer.status, answer.body), (200, recording()), "{address}");
    }
}

#[tokio::test]
async fn is_valid_until_its_time_has_passed() {
    let now_ms = Arc::new(AtomicI64::new(1_800_000_000_000));
    let clock = Clock::new({
        let now_ms = now_ms.clone();
        move || now_ms.load(Ordering::Relaxed)
    });
    let vault = TestVault::start_with(Setup { clock, ..Setup::default() }).await;
    let address = address(&vault).await;
    let expires = 1_800_000_060;
    assert!(address.contains(&format!("&e={expires}&")), "{address}");
    assert_eq!(validity(&vault, &address).await, serde_json::json!({"valid": true, "expires": expires}));
    now_ms.fetch_add(60_999, Ordering::Relaxed);
    assert_eq!(send(vault.client.get(&address)).await.status, 200);
    now_ms.fetch_add(1, Ordering::Relaxed);
    send(vault.client.get(&address)).await.refused_with(403, "storage_signature_expired");
    let told = serde_json::json!({"valid": false, "expires": expires, "error": "storage_signature_expired"});
    assert_eq!(validity(&vault, &address).await, told);
    assert_eq!(
        validity(&vault, &address.replace("&e=1", "&e=0")).await["error"],
        "storage_signature_invalid",
        "not ours"
    );
}

/// Whatever ends it, there is one answer: whoever tries addresses out learns nothing.
#[tokio::test]
async fn ends_with_its_recording_its_content_and_its_accounts_keys() {
    let vault = TestVault::start().await;
    let actor = Principal::Vault(Task::Provisioning);
    let id = account_id("site-a", vault.vault.accounts.list().await.unwrap());
    let change = async |form: AccountForm| {
        vault.vault.accounts.save(&actor, AccountForm { id: Some(id), ..form }).await.unwrap();
    };
    let usual = || account("site-a", "*", SITE_A);
    let is_refused = async |address: &str| {
        send(vault.client.get(address)).await.refused_with(403, "storage_signature_invalid");
        assert_eq!(validity(&vault, address).await["valid"], false);
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

#[tokio::test]
async fn names_may_change() {
    let vault = TestVault::start().await;
    let actor = Principal::Vault(Task::Provisioning);
    let address = address(&vault).await;
    let id = account_id("site-a", vault.vault.accounts.list().await.unwrap());
    let providers = vault.vault.connections.list(Family::Provider).await.unwrap();
    let local = providers.into_iter().find(|provider| provider.name == "local").unwrap();
    let renamed =
        ConnectionForm { id: Some(local.id), name: "archive".into(), ..filesystem(&vault.dir, "local", true) };
    vault.vault.connections.save(&actor, renamed).await.unwrap();
    let form = AccountForm { id: Some(id), provider: "archive".into(), ..account("yard", "*", SITE_A) };
    vault.vault.accounts.save(&actor, form).await.unwrap();
    assert_eq!(send(vault.client.get(&address)).await.body, recording());
    let renamed = address_of(&vault, &format!("a/{NAME}")).await;
    assert!(renamed.contains("?a=yard&p=archive&"), "{renamed}");
}

/// The button in the account's dialog.
#[tokio::test]
async fn an_administrator_revokes_all_of_an_account() {
    let vault = TestVault::start().await;
    let address = address(&vault).await;
    let theirs = send(
        vault.other_agent(Method::POST, "/api/storage").header("x-kerberos-storage-filename", NAME).body(recording()),
    )
    .await;
    let theirs = vault
        .other_agent(Method::GET, "/api/storage")
        .header("x-kerberos-storage-filename", theirs.json()["data"].as_str().unwrap());
    let theirs = send(theirs).await.json()["data"].as_str().unwrap().to_owned();
    let id = account_id("site-a", vault.vault.accounts.list().await.unwrap());
    let cookie = vault.sign_in().await;
    let asked = send(
        vault.request(Method::GET, &format!("/accounts/{id}")).header("cookie", &cookie).header("accept", "text/html"),
    )
    .await;
    assert!(String::from_utf8_lossy(&asked.body).contains(&format!("/accounts/{id}/revoke")), "the way there");
    let page = vault.request(Method::GET, &format!("/accounts/{id}/revoke")).header("cookie", &cookie);
    let page = send(page.header("accept", "text/html")).await;
    assert!(String::from_utf8_lossy(&page.body).contains("site-a"), "it says whose");
    assert_eq!(send(vault.client.get(&address)).await.status, 200, "nothing happens before it is confirmed");

    let post = vault.post_form("/api/fn/revoke_signed_urls", format!("id={id}")).header("accept", "text/html");
    let done = send(post.header("cookie", &cookie)).await;
    assert_eq!((done.status, done.header("location")), (302, "/accounts?done=revoked"));
    send(vault.client.get(&address)).await.refused_with(403, "storage_signature_invalid");
    assert_eq!(send(vault.client.get(&theirs)).await.status, 200, "another account's");
    assert_eq!(send(vault.client.get(address_of(&vault, &format!("a/{NAME}")).await)).await.status, 200, "new ones");
    let audited = vault.vault.audit.latest(1).await.unwrap().remove(0);
    let told = (audited.actor.as_str(), audited.action.as_str(), audited.subject.as_str());
    assert_eq!(told, ("root", "revoked signed URLs", "site-a"));
}

/// What was there before is stored again: an address of before stays ended.
#[tokio::test]
async fn an_address_that_has_ended_does_not_come_back() {
    let vault = TestVault::start().await;
    let address = address(&vault).await;
    vault.stored(NAME, "another").await;
    send(vault.client.get(&address)).await.refused_with(403, "storage_signature_invalid");
    vault.stored(NAME, recording()).await;
    send(vault.client.get(&address)).await.refused_with(403, "storage_signature_invalid");
}
