//! The promise itself: SIGKILL at random moments under load, and every upload that was answered 200
//! is there afterwards, byte for byte, and its event arrives.

use crate::gate::s3;
use crate::process::{Client, config_file, free_address, http, random, start};
use crate::support::until;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

const ROUNDS: usize = 5;
const CLIENTS: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_answered_200_is_lost_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let recordings = dir.path().join("recordings");
    let provider = format!("kind = \"filesystem\"\npath = \"{}\"", recordings.display());
    survive(dir.path(), &provider).await;
    let staged = std::fs::read_dir(recordings.join(".vault-staging")).map_or(0, Iterator::count);
    assert_eq!(staged, 0, "what was cut off is cleared away");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_answered_200_is_lost_on_s3() {
    let dir = tempfile::tempdir().unwrap();
    let provider = format!(
        "kind = \"s3\"\nendpoint = \"{}\"\nbucket = \"{}\"\nregion = \"us-east-1\"\naccess_key = \"{}\"\nsecret_key = \"{}\"\npath_style = true",
        s3("ENDPOINT"),
        s3("BUCKET"),
        s3("ACCESS_KEY"),
        s3("SECRET_KEY"),
    );
    survive(dir.path(), &provider).await;
}

async fn survive(dir: &Path, provider: &str) {
    let (hook, events) = receiver().await;
    let address = free_address();
    let config = config_file(dir, address, provider, &format!("http://{hook}/"));
    let run = format!("run-{}", std::process::id());

    let client = Client { http: http(), base: format!("http://{address}/api"), directory: run };
    let acknowledged: Arc<Mutex<HashMap<String, String>>> = Arc::default();
    for round in 0..ROUNDS {
        let mut vault = start(&config, &client).await;
        let answered = Arc::new(AtomicUsize::new(0));
        let clients = (0..CLIENTS).map(|number| {
            let (client, acknowledged, answered) = (client.clone(), acknowledged.clone(), answered.clone());
            tokio::spawn(
                async move { client.upload_until_cut_off(round * 100 + number, &acknowledged, &answered).await },
            )
        });
        let clients: Vec<_> = clients.collect();
        let enough = 5 + random(40) as usize;
        until(&format!("{enough} uploads are answered"), async || answered.load(Ordering::SeqCst) >= enough).await;
        // The moment of death is random on purpose; nothing waits for it.
        tokio::time::sleep(Duration::from_micros(random(20_000))).await;
        vault.kill();
        for client in clients {
            client.await.unwrap();
        }
    }

    let mut vault = start(&config, &client).await;
    let acknowledged = acknowledged.lock().unwrap().clone();
    assert!(acknowledged.len() >= ROUNDS * 5);
    for (key, sha256) in &acknowledged {
        assert_eq!(&client.read(key).await, sha256, "{key}");
    }
    let told = async || acknowledged.keys().all(|key| events.lock().unwrap().contains(key));
    until("every event has come", told).await;
    // What was announced exists, also what nobody got a 200 for.
    let announced: HashSet<String> = events.lock().unwrap().iter().cloned().collect();
    for key in announced {
        client.read(&key).await;
    }
    vault.kill();
}

/// A webhook that remembers the keys it was told about, as often as it was.
pub(crate) async fn receiver() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    type Keys = Arc<Mutex<Vec<String>>>;
    async fn take(State(keys): State<Keys>, body: Bytes) {
        let event: serde_json::Value = serde_json::from_slice(&body).unwrap();
        keys.lock().unwrap().push(event["payload"]["key"].as_str().unwrap().to_owned());
    }
    let keys = Keys::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", post(take)).with_state(keys.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, keys)
}
