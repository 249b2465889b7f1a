//! A webhook behind a maintenance page, which answers with whatever it likes between 300 and 499: nothing is lost, nobody
//! has to help, and nobody is sent where the page points.

use crate::support::{PATIENCE, SITE_A, Setup, TestVault, account};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures::stream;
use model::Secret;
use model::account::AccountForm;
use model::connection::{ConnectionForm, Family};
use model::delivery::DeliveryState;
use model::field::Settings;
use model::wire::header;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use vault::accounts::Account;
use vault::clock::Clock;
use vault::dispatcher::Pace;
use vault::ingest::UploadRequest;
use vault::{Principal, Task};

const STATUSES: std::ops::RangeInclusive<u16> = 300..=499;
/// Events of each camera; there is a camera for each status.
const EACH: usize = 3;
/// The clock goes on by so much at a time, in milliseconds.
const STEP_MS: i64 = 15_000;
/// Steps that an outage lasts at least: twenty minutes.
const OUTAGE_STEPS: usize = 80;
/// Steps within which everything must have come: ten minutes.
const DRAIN_STEPS: usize = 40;
/// How long nothing comes at the end of a step. A machine that is slow only makes an outage longer; what the vault may
/// need to drain is counted, so that the wait there is long enough for any machine.
const IN_OUTAGE: Duration = Duration::from_millis(50);
const IN_DRAIN: Duration = Duration::from_millis(500);

/// A webhook that may be in maintenance. What its page says depends on the camera.
#[derive(Default)]
struct Hook {
    in_maintenance: AtomicBool,
    answered: Mutex<BTreeSet<u16>>,
    /// Keys by camera, in the order they came.
    events: Mutex<BTreeMap<String, Vec<String>>>,
    requests: AtomicUsize,
    /// Whoever came to where the page points.
    strays: AtomicUsize,
}

impl Hook {
    async fn start() -> (Arc<Self>, String) {
        let hook = Arc::new(Self { in_maintenance: AtomicBool::new(true), ..Self::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().fallback(Self::take).with_state(hook.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (hook, url)
    }

    async fn take(State(hook): State<Arc<Self>>, uri: Uri, body: Bytes) -> Response {
        hook.requests.fetch_add(1, Ordering::SeqCst);
        if uri.path() != "/hook" {
            hook.strays.fetch_add(1, Ordering::SeqCst);
            return StatusCode::OK.into_response();
        }
        let event: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let device = text(&event["payload"]["metadata"]["productid"]);
        if hook.in_maintenance.load(Ordering::SeqCst) {
            let status = device.parse().unwrap();
            hook.answered.lock().unwrap().insert(status);
            return (StatusCode::from_u16(status).unwrap(), [("location", "/sorry")], "<html>").into_response();
        }
        hook.events.lock().unwrap().entry(device).or_default().push(text(&event["payload"]["key"]));
        StatusCode::NO_CONTENT.into_response()
    }

    /// How many events have come; one that came twice counts once.
    fn count(&self) -> usize {
        self.events.lock().unwrap().values().map(|keys| keys.iter().collect::<BTreeSet<_>>().len()).sum()
    }
}

fn file_name(status: u16, n: usize) -> String {
    format!("{status}-{n}.mp4")
}

async fn upload(vault: &TestVault, account: &Account, status: u16, n: usize) {
    let request = UploadRequest::read(account.clone(), None, |said| match said {
        header::FILE_NAME => file_name(status, n),
        header::DIRECTORY => "a".into(),
        header::DEVICE => status.to_string(),
        _ => String::new(),
    })
    .unwrap();
    let body = stream::iter([Ok::<_, Infallible>(Bytes::from(file_name(status, n)))]);
    vault.vault.ingest.store(request, body).await.unwrap();
}

/// A vault whose site-a tells the hook, and its clock.
async fn site(url: &str) -> (TestVault, Account, Arc<AtomicI64>) {
    let clock = Arc::new(AtomicI64::new(Clock::default().now_ms()));
    let hand = clock.clone();
    let pace = Pace { poll: Duration::from_millis(10), ..Pace::default() };
    let setup = Setup { clock: Clock::new(move || hand.load(Ordering::SeqCst)), pace, ..Setup::default() };
    let vault = TestVault::start_with(setup).await;
    let form = ConnectionForm {
        id: None,
        family: Family::Integration,
        kind: "webhook".into(),
        name: "hook".into(),
        enabled: true,
        settings: Settings::new().with("url", url),
        cleared: Vec::new(),
    };
    let actor = Principal::Vault(Task::Provisioning);
    vault.vault.connections.save(&actor, form).await.unwrap();
    let authenticate = async || {
        vault.vault.accounts.authenticate(SITE_A.0, &Secret::new(SITE_A.1)).await.unwrap().expect("known account")
    };
    let form = AccountForm {
        id: Some(authenticate().await.id),
        integrations: vec!["hook".into()],
        ..account("site-a", "*", SITE_A)
    };
    vault.vault.accounts.save(&actor, form).await.unwrap();
    let account = authenticate().await;
    (vault, account, clock)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maintenance_page_loses_nothing_whatever_it_answers() {
    let (hook, url) = Hook::start().await;
    let (vault, account, clock) = site(&url).await;
    drop(vault.vault.start(vault.stop.clone()));
    for status in STATUSES {
        for n in 0..EACH {
            upload(&vault, &account, status, n).await;
        }
    }
    let in_state = async |state| vault.vault.deliveries.count_in(state, None).await.unwrap();
    // The worker looks every few milliseconds: a step is over when nothing more comes of it for some time.
    let step = async |quiet| {
        clock.fetch_add(STEP_MS, Ordering::SeqCst);
        let (mut before, begun) = (usize::MAX, Instant::now());
        while before != hook.requests.load(Ordering::SeqCst) {
            before = hook.requests.load(Ordering::SeqCst);
            tokio::time::sleep(quiet).await;
            assert!(begun.elapsed() < PATIENCE, "requests go on although the clock stands: {before}");
        }
    };
    let mut steps = 0;
    while steps < OUTAGE_STEPS || hook.answered.lock().unwrap().len() < STATUSES.count() {
        step(IN_OUTAGE).await;
        steps += 1;
        assert!(steps < 10 * OUTAGE_STEPS, "only {:?} were asked for", hook.answered.lock().unwrap());
    }
    assert_eq!(in_state(DeliveryState::Delivered).await, 0, "no page is a success");
    assert_eq!(in_state(DeliveryState::Parked).await, 0, "none is final");
    assert!(in_state(DeliveryState::Deferred).await > 0);
    let asked = hook.requests.load(Ordering::SeqCst);
    assert!(asked < 200 * 40, "{asked} requests in {steps} steps");

    hook.in_maintenance.store(false, Ordering::SeqCst);
    let all = STATUSES.count() * EACH;
    let mut steps = 0;
    while hook.count() < all {
        step(IN_DRAIN).await;
        steps += 1;
        assert!(steps < DRAIN_STEPS, "{} of {all} came", hook.count());
    }
    assert_eq!(hook.strays.load(Ordering::SeqCst), 0, "nobody follows a page");
    for (device, mut keys) in hook.events.lock().unwrap().clone() {
        keys.dedup();
        let sent: Vec<String> = (0..EACH).map(|n| format!("a/{}", file_name(device.parse().unwrap(), n))).collect();
        if !["408", "425", "429"].contains(&device.as_str()) {
            // What was set aside may come after its camera's next.
            keys.sort();
            keys.dedup();
        }
        assert_eq!(keys, sent, "{device}");
    }
    while vault.vault.deliveries.count(None).await.unwrap() != (0, 0) {
        step(IN_DRAIN).await;
        steps += 1;
        assert!(steps < 2 * DRAIN_STEPS, "what came is not noted");
    }
    vault.stop.cancel();
}
