//! The addresses of many recordings in one call (docs/protocol.md §7).

use crate::support::{ACCESS, Answer, NAME, SECRET, SITE_A, Setup, TestVault, read_to_end, recording, send};
use model::connection::{ConnectionForm, Family};
use model::field::Settings;
use reqwest::Method;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, Database, EntityTrait as _, IntoActiveModel as _};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Instant;
use tokio::io::AsyncWriteExt as _;
use vault::clock::Clock;
use vault::entity::recording as rows;
use vault::{Principal, Task};

/// What a caller at this time is answered.
const NOW_S: i64 = 1_800_000_000;

async fn start() -> TestVault {
    TestVault::start_with(Setup { clock: Clock::new(|| NOW_S * 1000), ..Setup::default() }).await
}

async fn ask(vault: &TestVault, list: &Value) -> Answer {
    send(vault.agent(Method::POST, "/api/storage/bulk").json(list)).await
}

/// As a client reads it: the data is a text, and that text is JSON.
async fn urls(vault: &TestVault, list: &Value) -> BTreeMap<String, String> {
    let answer = ask(vault, list).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = answer.json();
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["data"]);
    serde_json::from_str(body["data"].as_str().expect("a text")).expect("an object of texts")
}

#[tokio::test]
async fn each_address_plays_its_recording() {
    let vault = start().await;
    let (first, second) = (vault.stored(NAME, recording()).await, vault.stored("two \"2\" & ñ.mp4", "second").await);
    let list = json!([{"filename": first}, {"filename": second, "provider": "local", "uriExpiryTime": "24h"}]);
    let urls = urls(&vault, &list).await;
    assert_eq!(urls.keys().collect::<Vec<_>>(), [&first, &second]);
    for (key, content) in [(first, recording()), (second, "second".into())] {
        let answer = send(vault.client.get(&urls[&key])).await;
        assert_eq!((answer.status, answer.body), (200, content), "{key}");
        let alone =
            send(vault.about(Method::GET, "/api/storage", &key)).await.json()["data"].as_str().unwrap().to_owned();
        assert_eq!(alone.split("&e=").next(), urls[&key].split("&e=").next(), "the same as by itself");
    }
    assert_eq!(ask(&vault, &json!([])).await.json(), json!({"data": "{}"}));
}

#[tokio::test]
async fn what_the_account_has_not_is_left_out() {
    let vault = start().await;
    let key = vault.stored(NAME, recording()).await;
    let theirs = vault.other_agent(Method::POST, "/api/storage").header("x-kerberos-storage-filename", NAME);
    assert_eq!(send(theirs.body(recording())).await.json()["data"], format!("b/{NAME}"));
    let others =
        [format!("b/{NAME}"), "a/nothing.mp4".into(), NAME.into(), "../x".into(), String::new(), "a\u{0}/b".into()];
    let mut list: Vec<Value> = others.iter().map(|name| json!({"filename": name})).collect();
    // Of two that name one recording, both get it.
    list.extend([json!({"filename": key}), json!({"filename": key, "provider": "local"})]);
    list.push(json!({"filename": "a/nothing.mp4", "provider": "local"}));
    assert_eq!(urls(&vault, &json!(list)).await.into_keys().collect::<Vec<_>>(), [key]);
}

/// Whoever may not use a provider does not learn whether there is one.
#[tokio::test]
async fn a_provider_that_the_account_may_not_use_is_401() {
    let vault = start().await;
    let key = vault.stored(NAME, recording()).await;
    let ask_as_b = async |provider: &str| {
        let list = json!([{"filename": "b/any.mp4"}, {"filename": key, "provider": provider}]);
        send(vault.other_agent(Method::POST, "/api/storage/bulk").json(&list)).await
    };
    let (there, not) = (ask_as_b("off").await, ask_as_b("nowhere").await);
    there.refused_with(401, "storage_provider_not_allowed");
    assert_eq!((not.status, not.body), (401, there.body));
    assert_eq!(ask_as_b("local").await.status, 200, "its own");
    // site-a may name it, and has nothing there.
    assert!(urls(&vault, &json!([{"filename": key, "provider": "off"}])).await.is_empty());
}

#[tokio::test]
async fn an_address_is_valid_for_as_long_as_is_asked_for_and_no_longer_than_is_configured() {
    let vault = start().await;
    let key = vault.stored(NAME, recording()).await;
    // The usual time of these tests is a minute, the most an hour.
    for (asked, seconds) in [
        (json!(null), 60),
        (json!(""), 60),
        (json!(0), 60),
        (json!("30m"), 1800),
        (json!("0h1.5m"), 90),
        (json!("1500ms"), 2),
        (json!(120), 120),
        (json!("120"), 120),
        (json!("59m59s"), 3599),
        (json!("1h30m"), 3600),
        (json!("24h"), 3600),
        (json!(u64::MAX), 3600),
    ] {
        let urls = urls(&vault, &json!([{"filename": key, "uriExpiryTime": asked}])).await;
        assert!(urls[&key].contains(&format!("&e={}&", NOW_S + seconds)), "{asked}: {}", urls[&key]);
    }
    let without = urls(&vault, &json!([{"filename": key}])).await;
    assert!(without[&key].contains(&format!("&e={}&", NOW_S + 60)));
    let alone = send(vault.about(Method::GET, "/api/storage", &key)).await.json();
    assert_eq!(alone["data"], without[&key], "the same as by itself");
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_and_says_where() {
    let vault = start().await;
    let key = vault.stored(NAME, recording()).await;
    for (body, part) in [
        (json!({"filename": key}), "a JSON array"),
        (json!([key]), "objects with a filename"),
        (json!([{"filename": key}, {"filename": key, "uriExpiryTime": "tomorrow"}]), "entry 2"),
        (json!([{"filename": key, "uriExpiryTime": -1}]), "entry 1"),
    ] {
        let answer = ask(&vault, &body).await;
        answer.refused_with(400, "body_invalid");
        assert!(answer.json()["message"].as_str().unwrap().contains(part), "{answer:?}");
    }
    let many = vec![json!({"filename": "a/b.mp4"}); 10_001];
    let answer = ask(&vault, &json!(many)).await;
    answer.refused_with(413, "body_too_large");
    assert!(answer.json()["message"].as_str().unwrap().contains("10000 are the most"), "{answer:?}");
    let large = json!([{"filename": "a".repeat(4 * 1024 * 1024)}]);
    ask(&vault, &large).await.refused_with(413, "body_too_large");
}

/// One account that sends its list slowly keeps no other from having its own signed.
#[tokio::test]
async fn a_list_that_does_not_arrive_holds_up_no_other_account() {
    let vault = start().await;
    let key = vault.stored(NAME, recording()).await;
    let mut slow = vault.connect().await;
    let head = format!(
        "POST /api/storage/bulk HTTP/1.1\r\nHost: {}\r\n{ACCESS}: {}\r\n{SECRET}: {}\r\nContent-Length: 4000000\r\n\r\n[",
        vault.address, SITE_A.0, SITE_A.1
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut list = vec![json!({"filename": "b/nothing.mp4", "more": "x".repeat(70_000)})];
    let answer = send(vault.other_agent(Method::POST, "/api/storage/bulk").json(&list)).await;
    assert_eq!(answer.json(), json!({"data": "{}"}));
    // Small ones need no turn.
    list = vec![json!({"filename": key})];
    assert_eq!(urls(&vault, &json!(list)).await.len(), 1);
    let ended = read_to_end(&mut slow).await;
    assert!(ended.starts_with("HTTP/1.1 400") && ended.contains("did not arrive in time"), "{ended}");
}

/// As many as a vault's row says, the database past the vault.
async fn add_rows(vault: &TestVault, like: &str, count: usize) -> Vec<String> {
    let tables = Database::connect(vault.database.clone()).await.unwrap();
    let row = rows::Entity::find().one(&tables).await.unwrap().expect("one is stored");
    assert_eq!(row.key, like);
    let names: Vec<String> = (0..count).map(|n| like.replace("_6-818812_", &format!("_6-{n}_"))).collect();
    for chunk in names.chunks(500) {
        let copies = chunk.iter().map(|key| {
            let mut copy = row.clone().into_active_model();
            (copy.id, copy.key) = (sea_orm::ActiveValue::NotSet, Set(key.clone()));
            copy
        });
        rows::Entity::insert_many(copies).exec_without_returning(&tables).await.unwrap();
    }
    tables.close().await.unwrap();
    names
}

#[tokio::test]
async fn ten_thousand_are_signed_in_one_call() {
    let vault = TestVault::start().await;
    let key = vault.stored(NAME, recording()).await;
    let names = add_rows(&vault, &key, 10_000).await;
    let list: Vec<Value> =
        names.iter().map(|name| json!({"filename": name, "provider": "local", "uriExpiryTime": "24h"})).collect();
    let list = json!(list);
    let started = Instant::now();
    let urls = urls(&vault, &list).await;
    println!("10,000 addresses in {:?}", started.elapsed());
    assert_eq!(urls.len(), 10_000);
    for name in [&names[0], &names[4_999], &names[9_999]] {
        let answer = send(vault.client.head(&urls[name])).await;
        assert_eq!((answer.status, answer.header("content-length")), (200, recording().len().to_string().as_str()));
    }
}

/// Links for browsers lead straight to the store where the provider is set so.
#[tokio::test]
async fn a_store_that_is_to_sign_signs() {
    let vault = start().await;
    let (through_vault, straight) = (vault.stored(NAME, recording()).await, vault.stored("straight.mp4", "x").await);
    let settings = [
        ("bucket", "recordings"),
        ("host", "minio.example:9000"),
        ("access_key", "key"),
        ("secret_key", "secret"),
        ("signed_urls", "provider"),
    ];
    let settings = settings.iter().fold(Settings::new(), |settings, (name, value)| settings.with(*name, *value));
    let form = ConnectionForm {
        id: None,
        family: Family::Provider,
        kind: "minio".into(),
        name: "edge".into(),
        enabled: true,
        settings,
        cleared: Vec::new(),
    };
    let edge = vault.vault.connections.save(&Principal::Vault(Task::Provisioning), form).await.unwrap();
    let tables = Database::connect(vault.database.clone()).await.unwrap();
    let row = rows::Entity::find().all(&tables).await.unwrap().into_iter().find(|row| row.key == straight).unwrap();
    let mut row = row.into_active_model();
    row.provider_id = Set(edge);
    row.update(&tables).await.unwrap();

    let list = json!([{"filename": through_vault}, {"filename": straight, "uriExpiryTime": "2m"}]);
    let urls = urls(&vault, &list).await;
    assert!(urls[&through_vault].starts_with(&vault.url("/api/storage/signed?")), "{urls:?}");
    let store = "http://minio.example:9000/recordings/a/straight.mp4?";
    assert!(urls[&straight].starts_with(store) && urls[&straight].contains("X-Amz-Expires=120"), "{urls:?}");
}
