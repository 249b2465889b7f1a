//! Thousands of clients that mean ill, beside honest agents and an administrator who go on as if nothing were. Over HTTP, to
//! a server in a process of its own.

use futures::future::join_all;
use reqwest::{Client, Method, RequestBuilder};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use torture::hostile::{self, Habit, Keys};
use torture::knobs;
use torture::serving::Serving;
use torture::world::folder;

const HONEST: Keys = ("honest", "secret-of-honest");
const HOSTILE: Keys = ("hostile", "secret-of-hostile");
/// What the vault may take of the machine.
const MEMORY: u64 = 256 << 20;
/// How soon all is well again.
const RECOVERY: Duration = Duration::from_secs(60);

const CONFIGURATION: &str = r#"
[server]
listen = "127.0.0.1:0"
[admin]
username = "root"
password = "a password for tests"
[log]
level = "error"
[metrics]
allow_anonymous = true
[[provider]]
name = "local"
kind = "filesystem"
path = "recordings"
[[account]]
name = "honest"
provider = "local"
directory = "honest"
access_key = "honest"
secret_key = "secret-of-honest"
[[account]]
name = "hostile"
provider = "local"
directory = "hostile"
access_key = "hostile"
secret_key = "secret-of-hostile"
"#;

/// What was asked for, and how long it took.
type Took = (&'static str, Duration);

struct Site {
    vault: Serving,
    client: Client,
    cookie: String,
}

impl Site {
    async fn open(test: &str, folder: &std::path::Path) -> Self {
        let vault = Serving::start(test, folder, CONFIGURATION);
        // Nobody honest waits longer for anything.
        let client = Client::builder().timeout(RECOVERY).build().unwrap();
        let mut site = Self { vault, client, cookie: String::new() };
        let form = site.request(Method::POST, "/api/fn/sign_in").body("username=root&password=a+password+for+tests");
        let form = form.header("content-type", "application/x-www-form-urlencoded");
        let answer = form.header("origin", format!("http://{}", site.vault.address)).send().await.unwrap();
        let cookie = answer.headers().get("set-cookie").expect("signed in").to_str().unwrap();
        site.cookie = cookie.split(';').next().unwrap().to_owned();
        site
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.vault.address))
    }

    fn upload(&self, keys: Keys, name: &str, bytes: Vec<u8>) -> RequestBuilder {
        let request = self.request(Method::POST, "/api/storage").header("x-kerberos-storage-accesskey", keys.0);
        let request = request.header("x-kerberos-storage-secretaccesskey", keys.1).header("content-type", "video/mp4");
        let device = name.split('-').next().unwrap_or_default();
        request.header("x-kerberos-storage-device", device).header("x-kerberos-storage-filename", name).body(bytes)
    }

    /// What one honest agent does in a round, and what the administrator does meanwhile. In the first one it says that its
    /// camera is alive: rounds take much less than the ten seconds between two of those.
    async fn honest_round(&self, agent: usize, round: usize, is_first: bool) -> Vec<Took> {
        let beat = format!(r#"{{"key":"camera{agent}"}}"#);
        let beat = self.request(Method::POST, "/api/devices/heartbeat").body(beat);
        let upload = self.upload(HONEST, &format!("camera{agent}-{round}.mp4"), vec![7; 300_000]);
        let mut took = vec![("an upload", self.succeeds(upload).await)];
        if is_first {
            took.push(("a heartbeat", self.succeeds(beat).await));
        }
        if agent == 0 {
            for page in ["/", "/media", "/cameras"] {
                let page = self.request(Method::GET, page).header("cookie", &self.cookie);
                took.push(("a page", self.succeeds(page).await));
            }
        }
        took
    }

    async fn succeeds(&self, request: RequestBuilder) -> Duration {
        let request = request.build().unwrap();
        let (what, begun) = (format!("{} {}", request.method(), request.url().path()), Instant::now());
        let answer = self.client.execute(request).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert_eq!(answer.status(), 200, "{what}: {}", answer.text().await.unwrap());
        answer.bytes().await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        begun.elapsed()
    }

    /// All honest ones' rounds; how long each request took, sorted.
    async fn honest(&self, agents: usize, rounds: std::ops::Range<usize>) -> Vec<Took> {
        let all = join_all((0..agents).map(async |agent| {
            let mut took = Vec::new();
            for round in rounds.clone() {
                took.extend(self.honest_round(agent, round, round == rounds.start).await);
            }
            took
        }));
        let mut took = all.await.concat();
        took.sort_unstable_by_key(|(_, took)| *took);
        took
    }

    /// Connections that are open, as the vault says itself.
    async fn connections(&self) -> f64 {
        let answer = self.request(Method::GET, "/metrics").send().await.unwrap();
        let (status, figures) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, 200, "{figures}");
        let line = figures.lines().find_map(|line| line.strip_prefix("http_connections "));
        line.expect("the figure is there").trim().parse().unwrap()
    }
}

/// The time that all but one in a hundred took at most.
fn p99(took: &[Took]) -> Duration {
    took[took.len() * 99 / 100].1
}

/// The same for each kind of request.
fn by_kind(took: &[Took]) -> Vec<(&'static str, Duration)> {
    let of = |kind| took.iter().filter(move |(what, _)| *what == kind).copied().collect::<Vec<_>>();
    ["an upload", "a heartbeat", "a page"].map(|kind| (kind, p99(&of(kind)))).to_vec()
}

#[test]
fn whoever_means_ill_holds_up_nobody_who_means_well() {
    Serving::here();
    vault::descriptors::raise();
    tokio::runtime::Runtime::new().unwrap().block_on(attacked());
}

async fn attacked() {
    let (hostile, agents, rounds) = if knobs::long() { (4000, 50, 20) } else { (140, 5, 4) };
    let dir = folder().unwrap();
    let site = Site::open("hostile::whoever_means_ill_holds_up_nobody_who_means_well", dir.path()).await;
    // Larger than what the system keeps for a reader that reads nothing.
    site.succeeds(site.upload(HOSTILE, "large.mp4", vec![7; 20_000_000])).await;
    let before = site.honest(agents, 0..rounds).await;
    let calm = p99(&before);

    let address = site.vault.address;
    let mut attack = JoinSet::new();
    for number in 0..hostile {
        let habit = Habit::ALL[number % Habit::ALL.len()];
        attack.spawn(hostile::be(habit, number, address, HOSTILE, "hostile/large.mp4"));
    }
    let most = Arc::new(AtomicU64::new(0));
    let at_war = async {
        // The attack has begun: half of its connections stay, the others come and go.
        until("the attack has begun", async || site.connections().await >= hostile as f64 / 3.0).await;
        site.honest(agents, rounds..2 * rounds).await
    };
    let watch = async {
        loop {
            most.fetch_max(site.vault.memory(), Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let took = tokio::select! {
        took = at_war => took,
        () = watch => unreachable!("it goes on"),
    };
    attack.shutdown().await;
    let (attacked, most) = (p99(&took), most.load(Ordering::Relaxed));
    eprintln!(
        "{hostile} hostile, {agents} honest: 99 of 100 requests within {calm:?} before and {attacked:?} meanwhile ({:.1} \
         times); at most {} MiB",
        attacked.as_secs_f64() / calm.as_secs_f64(),
        most >> 20,
    );
    eprintln!("before: {:?}; meanwhile: {:?}", by_kind(&before), by_kind(&took));
    assert!(most < MEMORY, "{most} bytes");

    // Their connections are gone, and with them their uploads.
    until("all is as before", async || site.connections().await <= 2.0 * agents as f64 + 10.0).await;
    site.honest(agents, 2 * rounds..3 * rounds).await;
    assert!(site.vault.memory() < MEMORY);
}

/// Waits until something holds, as long as a recovery may take.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(RECOVERY, wait).await.unwrap_or_else(|_| panic!("not within {RECOVERY:?}: {what}"));
}
