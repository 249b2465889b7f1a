//! The promise itself: SIGKILL at random moments under load, and every upload that was answered 200
//! is there afterwards, byte for byte, and its event arrives.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use futures::{StreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
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
    let server = |name: &str| {
        let name = format!("VAULT_TEST_S3_{name}");
        #[expect(clippy::disallowed_methods, reason = "how the test runner says where servers are")]
        std::env::var(&name)
            .unwrap_or_else(|_| panic!("{name} is not set: run make test, or scripts/services start s3"))
    };
    let provider = format!(
        "kind = \"s3\"\nendpoint = \"{}\"\nbucket = \"{}\"\nregion = \"us-east-1\"\naccess_key = \"{}\"\nsecret_key = \"{}\"\npath_style = true",
        server("ENDPOINT"),
        server("BUCKET"),
        server("ACCESS_KEY"),
        server("SECRET_KEY"),
    );
    survive(dir.path(), &provider).await;
}

async fn survive(dir: &Path, provider: &str) {
    let (hook, events) = receiver().await;
    let address = free_address();
    let config = dir.join("vault.toml");
    let run = format!("run-{}", std::process::id());
    let text = format!(
        "[server]\nlisten = \"{address}\"\n[data]\ndir = \"{}\"\n[admin]\npassword = \"correct horse battery\"\n\
         [[provider]]\nname = \"store\"\n{provider}\n[[integration]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"http://{hook}/\"\n\
         [[account]]\nname = \"site\"\nprovider = \"store\"\nintegrations = [\"hook\"]\ndirectory = \"*\"\naccess_key = \"ak\"\nsecret_key = \"sk\"\n",
        dir.join("data").display()
    );
    std::fs::write(&config, text).unwrap();

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
        while answered.load(Ordering::SeqCst) < enough {
            tokio::task::yield_now().await;
        }
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
    let all_told = async {
        while !acknowledged.keys().all(|key| events.lock().unwrap().contains(key)) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all_told).await.expect("an event is missing");
    // What was announced exists, also what nobody got a 200 for.
    let announced = events.lock().unwrap().clone();
    for key in announced {
        client.read(&key).await;
    }
    vault.kill();
}

#[derive(Clone)]
struct Client {
    http: reqwest::Client,
    base: String,
    directory: String,
}

impl Client {
    fn request(&self, method: reqwest::Method, path: &str, file_name: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .header("X-Kerberos-Storage-AccessKey", "ak")
            .header("X-Kerberos-Storage-SecretAccessKey", "sk")
            .header("X-Kerberos-Storage-Directory", &self.directory)
            .header("X-Kerberos-Storage-FileName", file_name)
    }

    /// Uploads recordings of all sizes, as agents do, until the vault is gone.
    async fn upload_until_cut_off(
        &self,
        number: usize,
        acknowledged: &Mutex<HashMap<String, String>>,
        answered: &AtomicUsize,
    ) {
        for n in 0.. {
            let name = format!("16000000{:02}_6-0_cam{number}_0-0-1-1_1_{n}.mp4", n % 100);
            let size = if n % 7 == 6 { 9_000_000 } else { 1 + random(700_000) as usize };
            let seed = random(u64::MAX);
            let bytes: Vec<u8> = (0..size as u64).map(|i| (i.wrapping_mul(seed | 1) >> 24) as u8).collect();
            let sha256 = hex::encode(Sha256::digest(&bytes));
            let chunks: Vec<_> = bytes.chunks(50_000).map(|c| Ok::<_, Infallible>(Bytes::copy_from_slice(c))).collect();
            let body = reqwest::Body::wrap_stream(stream::iter(chunks));
            let device = format!("cam{number}");
            let sent = self
                .request(reqwest::Method::POST, "/storage", &name)
                .header("X-Kerberos-Storage-Device", device)
                .header("Content-Type", "video/mp4")
                .body(body)
                .send()
                .await;
            match sent {
                Ok(answer) => {
                    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap_or_default());
                    acknowledged.lock().unwrap().insert(format!("{}/{name}", self.directory), sha256);
                    answered.fetch_add(1, Ordering::SeqCst);
                }
                Err(_) => return,
            }
        }
    }

    /// SHA-256 of a stored recording.
    async fn read(&self, key: &str) -> String {
        let answer = self.request(reqwest::Method::GET, "/storage/blob", key).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{key}");
        let mut hash = Sha256::new();
        let mut bytes = answer.bytes_stream();
        while let Some(chunk) = bytes.next().await {
            hash.update(chunk.unwrap());
        }
        hex::encode(hash.finalize())
    }
}

/// A vault of its own; killed with the test.
struct Process(Child);

impl Process {
    /// SIGKILL: no handler runs, nothing is flushed.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn start(config: &Path, client: &Client) -> Process {
    let child = Command::new(env!("CARGO_BIN_EXE_kerberos-vault"))
        .arg("--config")
        .arg(config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut process = Process(child);
    let ready = async {
        loop {
            let answer = client.http.get(format!("{}/health/ready", client.base)).send().await;
            if answer.is_ok_and(|a| a.status() == 200) {
                return;
            }
            assert!(process.0.try_wait().unwrap().is_none(), "the vault ended while starting");
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ready).await.expect("the vault starts");
    process
}

/// A webhook that remembers the keys it was told about.
async fn receiver() -> (SocketAddr, Arc<Mutex<HashSet<String>>>) {
    type Keys = Arc<Mutex<HashSet<String>>>;
    async fn take(State(keys): State<Keys>, body: Bytes) {
        let event: serde_json::Value = serde_json::from_slice(&body).unwrap();
        keys.lock().unwrap().insert(event["payload"]["key"].as_str().unwrap().to_owned());
    }
    let keys = Keys::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", post(take)).with_state(keys.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, keys)
}

fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn http() -> reqwest::Client {
    #[expect(clippy::disallowed_methods, reason = "a test's client, to loopback only")]
    reqwest::Client::new()
}

fn random(below: u64) -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    std::hash::RandomState::new().build_hasher().finish() % below
}
