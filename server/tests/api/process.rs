//! The real binary as a process of its own, which a test may kill, and an agent that talks to it.

use crate::support::{PATIENCE, until};
use axum::body::Bytes;
use futures::{StreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

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
                Err(error) => {
                    assert!(!error.is_timeout(), "an upload is not answered: {error}");
                    return;
                }
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
        signal(self.id(), "TERM");
        ended(&mut self.0, "the vault, which was asked to stop").success()
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Sends a signal to a process of this test's own.
pub(crate) fn signal(process: u32, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap().success());
}

/// How a program ended; one that does not is killed, and fails the test.
pub(crate) fn ended(child: &mut Child, what: &str) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("not within {PATIENCE:?}: the end of {what}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs a program to its end, for what it says; one that does not end is killed, and fails the test.
pub(crate) fn output(command: &mut Command) -> Output {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (process, (sender, output)) = (child.id(), mpsc::channel());
    // What it says is read meanwhile: nobody waits for room in a pipe.
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    output.recv_timeout(PATIENCE).map(Result::unwrap).unwrap_or_else(|_| {
        signal(process, "KILL");
        panic!("not within {PATIENCE:?}: the end of {command:?}")
    })
}

/// Starts a program where it may mount, and its mounts are nobody else's.
pub(crate) fn where_one_may_mount() -> Command {
    // As root mounts of its own are enough; anybody else becomes root in a place of their own.
    let ways = [&["--mount"][..], &["--user", "--map-root-user", "--mount"]];
    let may = |way: &&&[&str]| {
        let tried = Command::new("unshare").args(**way).args(["mount", "-t", "tmpfs", "none", "/mnt"]).output();
        tried.is_ok_and(|tried| tried.status.success())
    };
    let way =
        ways.iter().find(may).expect("mounting: run this as root, or where users may have namespaces of their own");
    let mut command = Command::new("unshare");
    command.args(*way);
    command
}

pub(crate) async fn start(config: &Path, client: &Client) -> Process {
    start_by(Command::new(env!("CARGO_BIN_EXE_kerberos-vault")), config, client).await
}

/// The same with what stands before its arguments, which becomes the vault.
pub(crate) async fn start_by(mut command: Command, config: &Path, client: &Client) -> Process {
    let command = command.arg("--config").arg(config).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().unwrap();
    let mut process = Process(child);
    until("the vault is ready", async || {
        assert!(process.0.try_wait().unwrap().is_none(), "the vault ended while starting");
        let answer = client.http.get(format!("{}/health/ready", client.base)).send().await;
        answer.is_ok_and(|a| a.status() == 200)
    })
    .await;
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
    reqwest::Client::builder().timeout(PATIENCE).build().unwrap()
}

pub(crate) fn random(below: u64) -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    std::hash::RandomState::new().build_hasher().finish() % below
}
