//! Chained vaults: what one has taken, the other ends up with, byte for byte, whatever breaks in between
//! (docs/protocol.md §10).

use crate::process::{Client, Process, free_address, http, random, start};
use crate::support::until;
use reqwest::Method;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

const ROUNDS: usize = 4;
const CLIENTS: usize = 3;

/// A vault that may forward: its configuration, and an agent that talks to it.
struct Site {
    config: PathBuf,
    client: Client,
}

impl Site {
    /// `forward_to` is an address and the type of forwarding.
    fn new(dir: &Path, name: &str, address: SocketAddr, forward_to: Option<(String, &str)>) -> Self {
        let home = dir.join(name);
        std::fs::create_dir(&home).unwrap();
        let (forward, integrations) = match forward_to {
            None => (String::new(), ""),
            Some((to, kind)) => (
                format!(
                    "[[integration]]\nname = \"next\"\nkind = \"vault\"\nvault_url = \"{to}\"\naccess_key = \"ak\"\n\
                     secret_key = \"sk\"\nforward_type = \"{kind}\"\n"
                ),
                "\"next\"",
            ),
        };
        let text = format!(
            "[server]\nlisten = \"{address}\"\n[data]\ndir = \"{home}/data\"\n[admin]\npassword = \"correct horse battery\"\n\
             [metrics]\ntoken = \"figures\"\n[[provider]]\nname = \"store\"\nkind = \"filesystem\"\npath = \"{home}/recordings\"\n\
             {forward}[[account]]\nname = \"site\"\nprovider = \"store\"\nintegrations = [{integrations}]\ndirectory = \"*\"\n\
             access_key = \"ak\"\nsecret_key = \"sk\"\n",
            home = home.display()
        );
        let config = home.join("vault.toml");
        std::fs::write(&config, text).unwrap();
        Self {
            config,
            client: Client { http: http(), base: format!("http://{address}/api"), directory: "site".into() },
        }
    }

    async fn start(&self) -> Process {
        start(&self.config, &self.client).await
    }

    async fn has(&self, key: &str) -> bool {
        let answer = self.client.request(Method::HEAD, "/storage/blob", key).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    }

    /// Whether nothing waits and nothing was given up.
    async fn is_drained(&self) -> bool {
        let text = self.figures().await;
        text.contains("vault_deliveries_waiting 0\n") && text.contains("vault_deliveries_parked 0\n")
    }

    async fn figures(&self) -> String {
        let address = self.client.base.replace("/api", "/metrics");
        let answer = self.client.http.get(address).bearer_auth("figures").send().await.unwrap();
        answer.text().await.unwrap()
    }

    async fn upload(&self, name: &str, bytes: &'static [u8]) {
        let answer = self.client.request(Method::POST, "/storage", name).body(bytes).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    }

    async fn forward(&self, key: &str) -> u16 {
        let call = self.client.request(Method::POST, "/storage/forward/media", key);
        call.send().await.unwrap().status().as_u16()
    }
}

/// A line between two vaults that can be cut.
#[derive(Clone)]
struct Line {
    address: SocketAddr,
    cut: Arc<AtomicBool>,
    running: Arc<Mutex<CancellationToken>>,
}

impl Line {
    async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = Self { address: listener.local_addr().unwrap(), cut: Arc::default(), running: Arc::default() };
        let this = line.clone();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let running = this.running.lock().unwrap().clone();
                if this.cut.load(Ordering::SeqCst) {
                    continue;
                }
                tokio::spawn(running.run_until_cancelled_owned(async move {
                    if let Ok(mut far) = TcpStream::connect(target).await {
                        let _ = copy_bidirectional(&mut near, &mut far).await;
                    }
                }));
            }
        });
        line
    }

    /// Ends what is under way and lets nothing through.
    fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        std::mem::take(&mut *self.running.lock().unwrap()).cancel();
    }

    fn mend(&self) {
        self.cut.store(false, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_line_and_kills_on_both_sides_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (near, far) = (free_address(), free_address());
    let line = Line::to(far).await;
    let remote = Site::new(dir.path(), "remote", far, None);
    let local = Site::new(dir.path(), "local", near, Some((format!("http://{}/api/", line.address), "continuous")));
    let acknowledged: Arc<Mutex<HashMap<String, String>>> = Arc::default();
    let mut other = remote.start().await;
    for round in 0..ROUNDS {
        let mut vault = local.start().await;
        if round == 1 {
            line.cut();
        }
        let answered = Arc::new(AtomicUsize::new(0));
        let clients = (0..CLIENTS).map(|number| {
            let (client, acknowledged, answered) = (local.client.clone(), acknowledged.clone(), answered.clone());
            tokio::spawn(
                async move { client.upload_until_cut_off(round * 100 + number, &acknowledged, &answered).await },
            )
        });
        let clients: Vec<_> = clients.collect();
        let enough = 5 + random(20) as usize;
        until(&format!("{enough} uploads are answered"), async || answered.load(Ordering::SeqCst) >= enough).await;
        if round == 2 {
            line.mend();
            other.kill();
            other = remote.start().await;
        }
        vault.kill();
        for client in clients {
            client.await.unwrap();
        }
    }
    let _vault = local.start().await;
    let acknowledged = acknowledged.lock().unwrap().clone();
    assert!(acknowledged.len() >= ROUNDS * 5);
    until("the backlog drains", async || local.is_drained().await).await;
    for (key, sha256) in &acknowledged {
        assert_eq!(&remote.client.read(key).await, sha256, "{key}");
    }
    other.kill();
}

/// A line that lets only so many bytes through to the other end, in all.
#[derive(Clone)]
struct Meter {
    address: SocketAddr,
    passed: Arc<AtomicUsize>,
    limit: Arc<AtomicUsize>,
}

impl Meter {
    async fn to(target: SocketAddr, limit: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (passed, limit) = (Arc::default(), Arc::new(AtomicUsize::new(limit)));
        let meter = Self { address: listener.local_addr().unwrap(), passed, limit };
        let this = meter.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let this = this.clone();
                tokio::spawn(async move { this.carry(near, TcpStream::connect(target).await.unwrap()).await });
            }
        });
        meter
    }

    /// Until either side ends, or no more may pass.
    async fn carry(&self, near: TcpStream, far: TcpStream) {
        let ((mut from_near, mut to_near), (mut from_far, mut to_far)) = (near.into_split(), far.into_split());
        let there = async {
            let mut bytes = vec![0; 16 * 1024];
            while let Ok(count @ 1..) = from_near.read(&mut bytes).await {
                let is_too_much = self.passed.load(Ordering::SeqCst) >= self.limit.load(Ordering::SeqCst);
                if is_too_much || to_far.write_all(&bytes[..count]).await.is_err() {
                    return;
                }
                self.passed.fetch_add(count, Ordering::SeqCst);
            }
        };
        tokio::select! {
            () = there => {}
            _ = tokio::io::copy(&mut from_far, &mut to_near) => {}
        }
    }
}

/// A large recording is not sent anew when the link was cut in the middle of it, both vaults were killed, and it was cut again.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_recording_goes_on_where_it_was_cut() {
    const SIZE: usize = 12_000_000;
    let content: &'static [u8] = Vec::leak((0..SIZE).map(|n| ((n * 2_654_435_761) >> 13) as u8).collect());
    let dir = tempfile::tempdir().unwrap();
    let (near, far) = (free_address(), free_address());
    let meter = Meter::to(far, SIZE / 3).await;
    let remote = Site::new(dir.path(), "remote", far, None);
    let local = Site::new(dir.path(), "local", near, Some((format!("http://{}/api", meter.address), "continuous")));
    let (mut vault, mut other) = (local.start().await, remote.start().await);
    local.upload("large.mp4", content).await;
    let passed = || meter.passed.load(Ordering::SeqCst);
    for third in 1..3 {
        until("the link is cut", async || passed() >= SIZE * third / 3).await;
        until("the other vault notices", async || remote.figures().await.contains("method=\"PATCH\"")).await;
        vault.kill();
        other.kill();
        (vault, other) = (local.start().await, remote.start().await);
        meter.limit.store(SIZE * (third + 1) / 3, Ordering::SeqCst);
    }
    meter.limit.store(usize::MAX, Ordering::SeqCst);
    until("it has arrived", async || remote.has("site/large.mp4").await).await;
    assert_eq!(remote.client.read("site/large.mp4").await, local.client.read("site/large.mp4").await);
    until("nothing waits", async || local.is_drained().await).await;
    // Each time what had not become durable yet, half a megabyte at most, and what the line and the systems held.
    assert!(passed() < SIZE + 2 * 2_000_000, "{} bytes for {SIZE}", passed());
    assert!(passed() >= SIZE, "it went over the line");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ring_of_vaults_comes_to_rest() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (free_address(), free_address());
    let first = Site::new(dir.path(), "first", a, Some((format!("http://{b}/api"), "continuous")));
    let second = Site::new(dir.path(), "second", b, Some((format!("http://{a}/api"), "continuous")));
    let _running = (first.start().await, second.start().await);
    first.upload("from-first.mp4", b"one").await;
    second.upload("from-second.mp4", b"two").await;
    until("both have both", async || {
        first.has("site/from-second.mp4").await && second.has("site/from-first.mp4").await
    })
    .await;
    until("nothing goes round", async || first.is_drained().await && second.is_drained().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_demand_only_what_is_asked_for_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let (near, far) = (free_address(), free_address());
    let remote = Site::new(dir.path(), "remote", far, None);
    let local = Site::new(dir.path(), "local", near, Some((format!("http://{far}/api"), "ondemand")));
    let _running = (remote.start().await, local.start().await);
    local.upload("asked.mp4", b"wanted").await;
    local.upload("unasked.mp4", b"not wanted").await;
    until("nothing waits", async || local.is_drained().await).await;
    assert!(!remote.has("site/asked.mp4").await);
    assert_eq!(local.forward("site/asked.mp4").await, 200);
    until("it arrives", async || remote.has("site/asked.mp4").await).await;
    assert_eq!(local.client.read("site/asked.mp4").await, remote.client.read("site/asked.mp4").await);
    assert!(!remote.has("site/unasked.mp4").await);
    assert_eq!(local.forward("site/nothing.mp4").await, 404);
    assert_eq!(remote.forward("site/asked.mp4").await, 409, "it forwards to nobody");
}

/// What was derived from a recording is its asset at the other vault, too: seen nowhere else, and deleted with it.
#[tokio::test(flavor = "multi_thread")]
async fn assets_arrive_as_assets() {
    for how in ["continuous", "ondemand"] {
        let dir = tempfile::tempdir().unwrap();
        let (near, far) = (free_address(), free_address());
        let remote = Site::new(dir.path(), "remote", far, None);
        let local = Site::new(dir.path(), "local", near, Some((format!("http://{far}/api"), how)));
        let _running = (remote.start().await, local.start().await);
        local.upload("door.mp4", b"video").await;
        local.upload("other.mp4", b"another").await;
        let assets = ["door_thumbnail.jpg", "door_blur.mp4", "door.vtt"];
        for name in assets {
            local.upload(name, name.as_bytes()).await;
        }
        if how == "ondemand" {
            until("nothing waits", async || local.is_drained().await).await;
            assert!(!remote.has("site/door_thumbnail.jpg").await, "nobody has asked for it");
            assert_eq!(local.forward("site/door.mp4").await, 200);
        }
        for name in ["door.mp4"].iter().chain(&assets) {
            until(&format!("{name} arrives: {how}"), async || remote.has(&format!("site/{name}")).await).await;
        }
        let picture = "site/door_thumbnail.jpg";
        assert_eq!(remote.client.read(picture).await, local.client.read(picture).await);
        let deletion = remote.client.request(Method::DELETE, "/storage", "site/door.mp4").send().await.unwrap();
        assert_eq!(deletion.status(), 200);
        for name in assets {
            assert!(!remote.has(&format!("site/{name}")).await, "{name} goes with its recording");
        }
        assert!(local.has(picture).await);
    }
}
