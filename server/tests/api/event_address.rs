//! An address in an integration's events that reads the recording (docs/protocol.md §9).

use crate::support::{NAME, SITE_A, Setup, TestVault, account, recording, send, until, within};
use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use model::account::AccountForm;
use model::connection::{ConnectionForm, Family};
use model::field::Settings;
use server::state::HttpOptions;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;
use vault::{Principal, Task, VaultError};

/// An endpoint, and the events that come to it.
async fn endpoint() -> (String, UnboundedReceiver<String>) {
    let (came, events) = unbounded_channel();
    let take = move |body: Bytes| {
        let _ = came.send(String::from_utf8(body.to_vec()).unwrap());
        async { StatusCode::OK }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(take))).await });
    (url, events)
}

fn webhook(name: &str, url: &str, hours: &str) -> ConnectionForm {
    ConnectionForm {
        id: None,
        family: Family::Integration,
        kind: "webhook".into(),
        name: name.into(),
        enabled: true,
        settings: Settings::new().with("url", url).with("signed_url_hours", hours),
        cleared: Vec::new(),
    }
}

fn actor() -> Principal {
    Principal::Vault(Task::Provisioning)
}

async fn uses(vault: &TestVault, integrations: &[&str]) {
    let view = vault.vault.accounts.list().await.unwrap().into_iter().find(|a| a.name == "site-a").unwrap();
    let integrations = integrations.iter().map(ToString::to_string).collect();
    let form = AccountForm { id: Some(view.id), integrations, ..account("site-a", "*", SITE_A) };
    vault.vault.accounts.save(&actor(), form).await.unwrap();
}

fn reached_at(public_url: &str) -> Setup {
    let setup = Setup::default();
    Setup { http: HttpOptions { public_url: public_url.parse().ok(), ..setup.http }, ..setup }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_the_recording_and_changes_nothing_else_of_the_event() {
    let vault = TestVault::start_with(reached_at("https://vault.example")).await;
    let ((with, mut events), (without, mut plain)) = (endpoint().await, endpoint().await);
    for form in [webhook("with", &with, "24"), webhook("without", &without, "0")] {
        vault.vault.connections.save(&actor(), form).await.unwrap();
    }
    uses(&vault, &["with", "without"]).await;
    drop(vault.vault.start(vault.stop.clone()));
    vault.stored(NAME, recording()).await;

    let (event, other) =
        within("both hear of it", async { (events.recv().await.unwrap(), plain.recv().await.unwrap()) }).await;
    let address =
        serde_json::from_str::<serde_json::Value>(&event).unwrap()["payload"]["signedUrl"].as_str().unwrap().to_owned();
    assert_eq!(event.replacen(&format!(r#","signedUrl":"{address}""#), "", 1), other);
    let path = address.strip_prefix("https://vault.example").unwrap();
    let answer = send(vault.client.get(vault.url(path))).await;
    assert_eq!((answer.status, answer.body), (200, recording()));
    let expires: i64 = path.split("&e=").nth(1).unwrap().split('&').next().unwrap().parse().unwrap();
    let hour = vault.vault.clock().now_ms() / 1000 + 3600;
    assert!((hour - 60..=hour).contains(&expires), "the longest that any address may be valid here is an hour");
}

/// What was stored and is deleted before its event could be sent is told all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_recording_has_none() {
    let vault = TestVault::start_with(reached_at("https://vault.example")).await;
    let (url, mut events) = endpoint().await;
    vault.vault.connections.save(&actor(), webhook("with", &url, "24")).await.unwrap();
    uses(&vault, &["with"]).await;
    let key = vault.stored(NAME, recording()).await;
    let answer = send(vault.about(reqwest::Method::DELETE, "/api/storage", &key)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    drop(vault.vault.start(vault.stop.clone()));
    let event = within("it is told", events.recv()).await.unwrap();
    assert!(event.contains(&key) && !event.contains("signedUrl"), "{event}");
}

#[tokio::test(flavor = "multi_thread")]
async fn is_refused_where_nobody_could_use_it() {
    let vault = TestVault::start().await;
    let refused =
        vault.vault.connections.save(&actor(), webhook("with", "http://127.0.0.1:1/", "24")).await.unwrap_err();
    let VaultError::Invalid(errors) = refused else { panic!("{refused}") };
    assert!(errors[0].field == "signed_url_hours" && errors[0].message.contains("server.public_url"), "{errors:?}");
}

/// The address was taken out of the configuration later: events wait, and the failure says for what.
#[tokio::test(flavor = "multi_thread")]
async fn events_wait_until_the_vault_knows_its_address_again() {
    let vault = TestVault::start_with(reached_at("https://vault.example")).await;
    let (url, mut events) = endpoint().await;
    vault.vault.connections.save(&actor(), webhook("with", &url, "1")).await.unwrap();
    uses(&vault, &["with"]).await;
    vault.stored(NAME, recording()).await;
    vault.stop.cancel();
    let open = async |public_url: Option<&str>| {
        let options = vault::Options {
            database_url: vault.database.clone(),
            data_dir: vault.dir.path().join("data"),
            public_url: public_url.map(str::to_owned),
            ..vault::Options::default()
        };
        vault::Vault::open(options, std::sync::Arc::new(backends::Backends::new())).await.unwrap()
    };
    let stop = CancellationToken::new();
    let without = open(None).await;
    let working = without.start(stop.clone());
    let failures = async || {
        let page = without.deliveries.list(Default::default(), Default::default(), 10).await.unwrap();
        page.items.into_iter().map(|delivery| delivery.last_error).collect::<Vec<_>>()
    };
    until("the failure is told", async || failures().await.iter().any(|error| error.contains("server.public_url")))
        .await;
    stop.cancel();
    within("it stops", working).await.unwrap();
    let _ = tokio::time::timeout(Duration::from_secs(10), without.close()).await;
    let again = open(Some("https://elsewhere.example")).await;
    drop(again.start(CancellationToken::new()));
    let event = within("it is sent at last", events.recv()).await.unwrap();
    assert!(event.contains(r#""signedUrl":"https://elsewhere.example/api/storage/signed?"#), "{event}");
}
