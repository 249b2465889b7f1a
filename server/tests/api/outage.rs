//! An integration that is dead for an hour while cameras go on uploading ten times a second, on a clock that goes as
//! fast as the machine can follow. A healthy one beside it notices nothing.

use crate::support::{SITE_A, Setup, TestVault, account, on_postgres};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use futures::future::join_all;
use futures::stream;
use model::Secret;
use model::account::AccountForm;
use model::connection::{ConnectionForm, Family};
use model::field::Settings;
use model::wire::header;
use std::collections::HashSet;
use std::convert::Infallible;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use vault::accounts::Account;
use vault::clock::Clock;
use vault::ingest::UploadRequest;
use vault::{Principal, Task};

const OUTAGE_SECONDS: usize = 3600;
/// The clock goes on by so much at a time.
const STEP_SECONDS: usize = 60;
const CAMERAS: usize = 60;
/// Waits of 1 s, doubling, less a quarter of jitter at most: so many tries fit into an hour.
const MOST_TRIES: usize = 13;
/// And so many without any jitter, less two for what is noticed late.
const FEWEST_TRIES: usize = 10;
/// Longest wait between two tries.
const LONGEST_WAIT_SECONDS: usize = 3600;
/// Of the machine's own time, for whatever is waited for.
const PATIENCE: Duration = Duration::from_secs(600);
/// Of the machine's own time, without any event.
const LULL: Duration = Duration::from_secs(2);

/// Uploads of the hour: ten a second, 36,000 on SQLite. On PostgreSQL a tenth of them: more would take minutes.
fn uploads() -> usize {
    OUTAGE_SECONDS * if on_postgres() { 1 } else { 10 }
}

/// A webhook that can be dead.
#[derive(Default)]
struct Hook {
    dead: AtomicBool,
    tries: AtomicUsize,
    /// Cameras and keys, in the order they came.
    events: Mutex<Vec<(String, String)>>,
    came: Notify,
}

impl Hook {
    /// Answers its address too.
    async fn start(dead: bool) -> (Arc<Self>, String) {
        let hook = Arc::new(Self { dead: AtomicBool::new(dead), ..Self::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new().route("/", post(Self::take)).with_state(hook.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (hook, url)
    }

    async fn take(State(hook): State<Arc<Self>>, body: Bytes) -> StatusCode {
        hook.tries.fetch_add(1, Ordering::SeqCst);
        if hook.dead.load(Ordering::SeqCst) {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        let event: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let payload = &event["payload"];
        hook.events.lock().unwrap().push((text(&payload["metadata"]["productid"]), text(&payload["key"])));
        hook.came.notify_waiters();
        StatusCode::OK
    }

    fn count(&self) -> usize {
        self.events.lock().unwrap().len()
    }

    /// Waits for so many events. When none comes for a while, the clock goes on: a machine that is busy can make a delivery
    /// fail, and it is tried again later.
    async fn wait_for(&self, count: usize, clock: &AtomicI64) {
        let started = Instant::now();
        loop {
            let came = self.came.notified();
            if self.count() >= count {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{} of {count} events came", self.count());
            if tokio::time::timeout(LULL, came).await.is_err() {
                clock.fetch_add(1000, Ordering::SeqCst);
            }
        }
    }

    /// Every event that was due, each camera's in the order of its uploads. One may come twice.
    fn assert_complete(&self, uploads: usize) {
        let mut seen = HashSet::new();
        let mut of_camera = vec![Vec::new(); CAMERAS];
        for (device, key) in self.events.lock().unwrap().iter() {
            if seen.insert(key.clone()) {
                of_camera[(0..CAMERAS).find(|n| *device == camera(*n)).unwrap()].push(key.clone());
            }
        }
        for (n, keys) in of_camera.iter().enumerate() {
            let sent: Vec<_> = (n..uploads).step_by(CAMERAS).map(|upload| format!("a/{}", file_name(upload))).collect();
            assert!(*keys == sent, "{} of {} events of camera {n}, or not in order", keys.len(), sent.len());
        }
    }
}

/// Cameras take turns.
fn camera(upload: usize) -> String {
    format!("camera-{}", upload % CAMERAS)
}

fn file_name(upload: usize) -> String {
    format!("{upload:05}.mp4")
}

/// A vault with a healthy integration and one that is dead, and a clock.
struct Site {
    vault: TestVault,
    account: Account,
    clock: Arc<AtomicI64>,
    healthy: Arc<Hook>,
    dead: Arc<Hook>,
    uploads: usize,
}

impl Site {
    async fn start() -> Self {
        let clock = Arc::new(AtomicI64::new(Clock::default().now_ms()));
        let hand = clock.clone();
        let setup = Setup { clock: Clock::new(move || hand.load(Ordering::SeqCst)), ..Setup::default() };
        let vault = TestVault::start_with(setup).await;
        let ((healthy, healthy_url), (dead, dead_url)) = (Hook::start(false).await, Hook::start(true).await);
        for (name, url) in [("healthy", healthy_url), ("dead", dead_url)] {
            vault.vault.connections.save(&actor(), webhook(name, &url)).await.unwrap();
        }
        let account = authenticated(&vault).await;
        let form = AccountForm {
            id: Some(account.id),
            integrations: vec!["healthy".into(), "dead".into()],
            ..self::account("site-a", "*", SITE_A)
        };
        vault.vault.accounts.save(&actor(), form).await.unwrap();
        drop(vault.vault.start(vault.stop.clone()));
        Self { account: authenticated(&vault).await, vault, clock, healthy, dead, uploads: 0 }
    }

    /// Time passes: so many recordings are uploaded, by all cameras at once, and the healthy integration hears of
    /// all of them.
    async fn pass(&mut self, seconds: usize, uploads: usize) {
        self.clock.fetch_add(1000 * seconds as i64, Ordering::SeqCst);
        let new = self.uploads..self.uploads + uploads;
        join_all((0..CAMERAS).map(|camera| self.upload_from(camera, new.clone()))).await;
        self.uploads = new.end;
        self.healthy.wait_for(self.uploads, &self.clock).await;
    }

    /// One camera's share, one after the other.
    async fn upload_from(&self, camera: usize, uploads: Range<usize>) {
        for number in uploads.filter(|number| number % CAMERAS == camera) {
            self.upload(number).await;
        }
    }

    async fn upload(&self, number: usize) {
        let request = UploadRequest::read(self.account.clone(), None, |said| match said {
            header::FILE_NAME => file_name(number),
            header::DIRECTORY => "a".into(),
            header::DEVICE => camera(number),
            _ => String::new(),
        })
        .unwrap();
        let body = stream::iter([Ok::<_, Infallible>(Bytes::from(file_name(number)))]);
        self.vault.vault.ingest.store(request, body).await.unwrap();
    }
}

fn actor() -> Principal {
    Principal::Vault(Task::Provisioning)
}

fn webhook(name: &str, url: &str) -> ConnectionForm {
    ConnectionForm {
        id: None,
        family: Family::Integration,
        kind: "webhook".into(),
        name: name.into(),
        enabled: true,
        settings: Settings::new().with("url", url),
        cleared: Vec::new(),
    }
}

async fn authenticated(vault: &TestVault) -> Account {
    vault.vault.accounts.authenticate(SITE_A.0, &Secret::new(SITE_A.1)).await.unwrap().expect("known account")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_without_an_integration_loses_nothing_and_keeps_each_cameras_order() {
    let mut site = Site::start().await;
    let steps = OUTAGE_SECONDS / STEP_SECONDS;
    for _ in 0..steps {
        site.pass(STEP_SECONDS, uploads() / steps).await;
    }
    assert_eq!((site.uploads, site.dead.count()), (uploads(), 0));
    let tries = site.dead.tries.load(Ordering::SeqCst);
    assert!((CAMERAS * FEWEST_TRIES..=CAMERAS * MOST_TRIES).contains(&tries), "{tries} tries in an hour");

    site.dead.dead.store(false, Ordering::SeqCst);
    let mut waited = 0;
    while site.dead.count() == 0 {
        assert!(waited <= LONGEST_WAIT_SECONDS, "no try within {waited} s");
        site.pass(1, 1).await;
        waited += 1;
    }
    // The clock stands: the first success lets all cameras try at once.
    site.dead.wait_for(site.uploads, &site.clock).await;
    for hook in [&site.dead, &site.healthy] {
        hook.assert_complete(site.uploads);
    }
    site.vault.stop.cancel();
}
