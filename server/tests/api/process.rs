//! The real binary as a process of its own, which a test may kill, and an agent that talks to it.

use axum::body::Bytes;
use futures::{StreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// An agent with one account's keys.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) base: String,
    pub(crate) directory: String,
}

impl Client {
    pub(crate) fn request(&self, method: reqwest::Method, path: &str, file_name: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .header("X-Kerberos-Storage-AccessKey", "ak")
            .header("X-Kerberos-Storage-SecretAccessKey", "sk")
            .header("X-Kerberos-Storage-Directory", &self.directory)
            .header("X-Kerberos-Storage-FileName", file_name)
    }

    /// Uploads recordings of all sizes, as agents do, until the vault is gone.
    pub(crate) async fn upload_until_cut_off(
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
    pub(crate) async fn read(&self, key: &str) -> String {
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
pub(crate) struct Process(Child);

impl Process {
    /// SIGKILL: no handler runs, nothing is flushed.
    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// SIGTERM, as operators do; answers whether it ended well.
    pub(crate) fn stop(mut self) -> bool {
        assert!(Command::new("kill").args(["-TERM", &self.id().to_string()]).status().unwrap().success());
        self.0.wait().unwrap().success()
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) async fn start(config: &Path, client: &Client) -> Process {
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

/// Writes `vault.toml`: one provider, one webhook, one account.
pub(crate) fn config_file(dir: &Path, address: SocketAddr, provider: &str, hook: &str) -> PathBuf {
    let file = dir.join("vault.toml");
    let text = format!(
        "[server]\nlisten = \"{address}\"\n[data]\ndir = \"{}\"\n[admin]\npassword = \"correct horse battery\"\n\
         [[provider]]\nname = \"store\"\n{provider}\n[[integration]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"{hook}\"\n\
         [[account]]\nname = \"site\"\nprovider = \"store\"\nintegrations = [\"hook\"]\ndirectory = \"*\"\naccess_key = \"ak\"\nsecret_key = \"sk\"\n",
        dir.join("data").display()
    );
    std::fs::write(&file, text).unwrap();
    file
}

pub(crate) fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

pub(crate) fn http() -> reqwest::Client {
    #[expect(clippy::disallowed_methods, reason = "a test's client, to loopback only")]
    reqwest::Client::new()
}

pub(crate) fn random(below: u64) -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    std::hash::RandomState::new().build_hasher().finish() % below
}
