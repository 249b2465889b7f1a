//! Vaults that share a PostgreSQL database: they start at the same moment on an empty one, and are replaced one by one while
//! agents go on sending.

use crate::crash::receiver;
use crate::process::{Client, Process, config_file, free_address, http, start_by};
use crate::support::{database_on_server, until};
use futures::future::join_all;
use reqwest::Method;
use sea_orm::{ConnectionTrait as _, Database, DbBackend, Statement};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

const KEY: (&str, &str) = ("VAULT_DATA__MASTER_KEY", "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=");
const AGENTS: usize = 4;

/// One of the vaults.
struct Replica {
    config: PathBuf,
    client: Client,
    url: String,
}

impl Replica {
    fn new(folder: &Path, url: &str, provider: &str, hook: &str) -> Self {
        std::fs::create_dir(folder).unwrap();
        let address = free_address();
        let client = Client { http: http(), base: format!("http://{address}/api"), directory: "site".into() };
        Self { config: config_file(folder, address, provider, hook), client, url: url.into() }
    }

    async fn start(&self) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kerberos-vault"));
        command.env("VAULT_DATABASE__URL", &self.url).env(KEY.0, KEY.1);
        start_by(command, &self.config, &self.client).await
    }
}

/// What was answered 200: keys and hashes.
type Answered = Mutex<BTreeMap<String, String>>;

/// Sends recordings to one vault after the other, each until it is answered 200, as agents do.
async fn send_until(enough: &AtomicBool, agent: usize, vaults: &[Client; 2], answered: &Answered) {
    for n in 0.. {
        if enough.load(Ordering::SeqCst) {
            return;
        }
        let name = format!("16000{agent:02}{n:03}_6-0_cam{agent}_0-0-1-1_1_1.mp4");
        let length = if n % 8 == 7 { 3_000_000 } else { 20_000 };
        let bytes: Vec<u8> = (0..length).map(|i| ((i * (n + agent + 2)) >> 4) as u8).collect();
        let sha256 = hex::encode(Sha256::digest(&bytes));
        for attempt in 0.. {
            let sent = vaults[(n + attempt) % 2].request(Method::POST, "/storage", &name);
            let sent = sent.header("X-Kerberos-Storage-Device", format!("cam{agent}")).body(bytes.clone());
            match sent.send().await.map(|answer| answer.status().as_u16()) {
                Ok(200) => break,
                Ok(503) | Err(_) => {}
                Ok(other) => panic!("{name}: {other}"),
            }
        }
        answered.lock().unwrap().insert(format!("site/{name}"), sha256);
    }
}

async fn texts(url: &str, sql: &str) -> Vec<String> {
    let tables = Database::connect(url).await.unwrap();
    let rows = tables.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap();
    let texts = rows.iter().map(|row| row.try_get("", "text").unwrap()).collect();
    tables.close().await.unwrap();
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_replaced_while_agents_send_and_nothing_is_lost_or_doubled() {
    let dir = tempfile::tempdir().unwrap();
    let url = database_on_server(&dir).await;
    let (hook, events) = receiver().await;
    let provider = format!("kind = \"filesystem\"\npath = \"{}\"", dir.path().join("recordings").display());
    let replica = |name: &str| Replica::new(&dir.path().join(name), &url, &provider, &format!("http://{hook}/"));
    let (one, two) = (replica("one"), replica("two"));
    // On an empty database, at the same moment.
    let (first, second) = tokio::join!(one.start(), two.start());
    let (mut first, mut second) = (Some(first), Some(second));

    let (enough, answered) = (AtomicBool::new(false), Answered::default());
    let vaults = [one.client.clone(), two.client.clone()];
    let sending = join_all((0..AGENTS).map(|agent| send_until(&enough, agent, &vaults, &answered)));
    let replacing = async {
        let more = async || {
            let count = answered.lock().unwrap().len() + 12;
            until("agents go on", async || answered.lock().unwrap().len() >= count).await;
        };
        for (replica, running) in [(&one, &mut first), (&two, &mut second)] {
            more().await;
            let old = running.take().unwrap();
            assert!(tokio::task::block_in_place(|| old.stop()), "it ends well");
            *running = Some(replica.start().await);
        }
        more().await;
        enough.store(true, Ordering::SeqCst);
    };
    tokio::join!(sending, replacing);

    let answered = answered.into_inner().unwrap();
    for (key, sha256) in &answered {
        assert_eq!(&two.client.read(key).await, sha256, "{key}");
    }
    let told = async || answered.keys().all(|key| events.lock().unwrap().contains(key));
    until("every event has come", told).await;
    assert!([first, second].into_iter().flatten().all(Process::stop));
    let rows = texts(&url, "SELECT key AS text FROM recordings ORDER BY key COLLATE \"C\"").await;
    assert_eq!(rows, answered.into_keys().collect::<Vec<_>>(), "one row of each, and of nothing else");
    let mut told = events.lock().unwrap().clone();
    told.sort();
    assert_eq!(told, rows, "one event of each");
}

/// Without any configuration: one of them makes the administrator, the account and its keys, and prints them.
#[tokio::test(flavor = "multi_thread")]
async fn vaults_that_start_at_the_same_moment_make_one_administrator() {
    let dir = tempfile::tempdir().unwrap();
    let url = database_on_server(&dir).await;
    let starts = join_all((0..3).map(async |n| {
        let folder = dir.path().join(n.to_string());
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("vault.toml"), "").unwrap();
        let address = free_address();
        let client = Client { http: http(), base: format!("http://{address}/api"), directory: "site".into() };
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$@\" > printed", "sh", env!("CARGO_BIN_EXE_kerberos-vault")]).current_dir(&folder);
        command.env("VAULT_DATABASE__URL", &url).env(KEY.0, KEY.1).env("VAULT_SERVER__LISTEN", address.to_string());
        let process = start_by(command, &folder.join("vault.toml"), &client).await;
        (process, folder.join("printed"))
    }));
    let printed = starts.await.into_iter().map(|(process, printed)| {
        assert!(process.stop());
        std::fs::read_to_string(printed).unwrap()
    });
    let printed: Vec<String> = printed.collect();
    for shown in ["with the password", "secret key"] {
        assert_eq!(printed.iter().filter(|text| text.contains(shown)).count(), 1, "{printed:?}");
    }
    assert_eq!(texts(&url, "SELECT username AS text FROM users").await, ["root"]);
    assert_eq!(texts(&url, "SELECT name AS text FROM accounts").await, ["default"]);
}
