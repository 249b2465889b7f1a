//! What the other side refuses: set aside, tried again by itself, given up after a day, and let in when it is well again.
//!
//! Long because each way out of being set aside has its own test, and all of them share the same world.

use crate::support::{TestVault, actor, label, now_ms, until};
use model::connection::{ConnectionForm, Family};
use model::delivery::{DeliveryFilter, DeliveryHealth, DeliveryReason, DeliveryState, DeliveryView};
use model::recording::Position;
use sea_orm::EntityTrait as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use vault::VaultError;
use vault::clock::Clock;
use vault::deliveries::Backlog;
use vault::dispatcher::{Pace, Patience};
use vault::entity::lane;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const HOUR: Duration = Duration::from_secs(3600);
const MOMENT: Duration = Duration::from_millis(1);

/// The hands of a vault's clock.
#[derive(Clone)]
struct Hands(Arc<AtomicI64>);

impl Hands {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(now_ms())))
    }

    fn clock(&self) -> Clock {
        let hands = self.clone();
        Clock::new(move || hands.now())
    }

    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    fn turn(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

/// Looks often, since the clock is turned by hand; cameras wait for moments, what is set aside for an hour at first.
fn pace() -> Pace {
    let hour = Patience { first_wait: HOUR, longest_wait: HOUR, give_up_after: 24 * HOUR };
    Pace { poll: 5 * MOMENT, first_wait: MOMENT, longest_wait: MOMENT, refused: hour, denied: hour }
}

/// As a vault does it, but for looking often.
fn default_pace() -> Pace {
    Pace { poll: 5 * MOMENT, ..Pace::default() }
}

async fn upload_from(t: &TestVault, device: &str, name: &str) {
    let mut request = t.request(name).await;
    request.device = label(device);
    t.send(request, name.as_bytes()).await.unwrap();
}

async fn first(t: &TestVault) -> i64 {
    let all = t.vault.connections.list(Family::Integration).await.unwrap();
    all.into_iter().find(|i| i.name == "first").expect("there is such an integration").id
}

async fn in_state(t: &TestVault, state: DeliveryState) -> i64 {
    t.vault.deliveries.count_in(state, Some(first(t).await)).await.unwrap()
}

async fn until_set_aside(t: &TestVault, count: i64) {
    until("they are set aside", || async { in_state(t, DeliveryState::Deferred).await == count }).await;
}

async fn listed(t: &TestVault, state: DeliveryState) -> Vec<DeliveryView> {
    let filter = DeliveryFilter { connection: Some(first(t).await), state: Some(state) };
    t.vault.deliveries.list(filter, Position::Newest, 200).await.unwrap().items
}

async fn health(t: &TestVault) -> DeliveryHealth {
    let all = t.vault.deliveries.health().await.unwrap();
    all.into_iter().find(|line| line.name == "first").expect("there is a line for it")
}

fn names(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("dir/{n:02}.mp4")).collect()
}

/// A try that is due when the clock has been turned, and none before.
#[tokio::test]
async fn what_is_refused_is_tried_for_a_day_and_then_parked() {
    let hands = Hands::new();
    let t = TestVault::at_clock(default_pace(), hands.clock()).await;
    t.world.sink.refuses.lock().unwrap().push("odd".into());
    t.deliver();
    upload_from(&t, "fine", "0.mp4").await;
    t.world.sink.wait_for(1).await;
    upload_from(&t, "odd", "1.mp4").await;
    let start = hands.now();
    for tries in 1.. {
        assert!(tries < 100, "it is never given up");
        until("it was tried", || async { listed(&t, DeliveryState::Waiting).await.is_empty() }).await;
        let Some(row) = listed(&t, DeliveryState::Deferred).await.pop() else { break };
        assert_eq!(row.attempts, tries);
        let wait = row.due_at - hands.now();
        assert!((45_000..=HOUR_MS).contains(&wait), "{wait}");
        // Another camera's event tells that the worker has looked meanwhile.
        hands.turn(wait - 1);
        upload_from(&t, "fine", &format!("other-{tries}.mp4")).await;
        t.world.sink.wait_for(1 + tries as usize).await;
        assert_eq!(listed(&t, DeliveryState::Deferred).await[0].attempts, tries, "not before its time");
        hands.turn(1);
        until("it is its turn", || async {
            listed(&t, DeliveryState::Deferred).await.first().is_none_or(|row| row.attempts > tries)
        })
        .await;
    }
    let parked = listed(&t, DeliveryState::Parked).await.remove(0);
    let took = hands.now() - start;
    assert!((DAY_MS..DAY_MS + HOUR_MS).contains(&took), "{took}");
    assert!((25..50).contains(&parked.attempts), "{parked:?}");
    assert_eq!((parked.last_error.as_str(), parked.due_at), ("The sink does not want this.", 0));
}

/// Neither now nor each time that something is taken.
#[tokio::test]
async fn a_poisoned_event_does_not_stop_its_camera() {
    let hands = Hands::new();
    let t = TestVault::at_clock(default_pace(), hands.clock()).await;
    t.world.sink.refuses.lock().unwrap().push("dir/01.mp4".into());
    t.deliver();
    let wanted: Vec<String> = names(0..30).into_iter().filter(|name| name != "dir/01.mp4").collect();
    for n in 0..30 {
        upload_from(&t, "camera", &format!("{n:02}.mp4")).await;
        t.world.sink.wait_for(if n == 0 { 1 } else { n }).await;
    }
    t.world.sink.wait_for(wanted.len()).await;
    assert_eq!(t.world.sink.of("camera"), wanted);
    until_set_aside(&t, 1).await;
    let row = listed(&t, DeliveryState::Deferred).await.remove(0);
    assert_eq!((row.recording.as_str(), row.attempts), ("dir/01.mp4", 1), "what is taken says nothing about it");

    t.world.sink.refuses.lock().unwrap().clear();
    hands.turn(row.due_at - hands.now());
    t.world.sink.wait_for(30).await;
    assert_eq!(t.world.sink.of("camera").last().unwrap(), "dir/01.mp4");
}

/// The events of an outage are due in an hour; the first that is taken brings all of them, in their order.
#[tokio::test]
async fn after_a_maintenance_page_everything_comes_at_once() {
    let hands = Hands::new();
    let t = TestVault::at_clock(pace(), hands.clock()).await;
    t.world.sink.in_maintenance.store(true, Ordering::SeqCst);
    t.deliver();
    for n in 0..120 {
        upload_from(&t, &format!("camera-{}", n % 3), &format!("{:02}.mp4", n)).await;
    }
    until("all are set aside", || async {
        // Cameras wait a moment after each further refusal.
        hands.turn(1);
        in_state(&t, DeliveryState::Deferred).await == 120
    })
    .await;
    let before = hands.now();
    t.world.sink.in_maintenance.store(false, Ordering::SeqCst);
    upload_from(&t, "camera-0", "after.mp4").await;
    until("all came", || async {
        // The last refusal of a camera may have been a moment ago.
        hands.turn(1);
        t.world.sink.events.lock().unwrap().len() == 121
    })
    .await;
    assert!(hands.now() - before < HOUR_MS / 2, "nobody had to wait");
    let of = |camera: usize| -> Vec<String> { names(0..120).into_iter().skip(camera).step_by(3).collect() };
    assert_eq!(t.world.sink.of("camera-0"), [vec!["dir/after.mp4".to_owned()], of(0)].concat());
    assert_eq!((t.world.sink.of("camera-1"), t.world.sink.of("camera-2")), (of(1), of(2)));
    until("nothing is left", || async { t.vault.deliveries.count(None).await.unwrap() == (0, 0) }).await;
}

/// A camera that is refused again and again does not ask again and again, nor are all its events taken out of order.
#[tokio::test]
async fn in_an_outage_most_events_wait_in_their_order() {
    let hands = Hands::new();
    let t = TestVault::at_clock(default_pace(), hands.clock()).await;
    t.world.sink.in_maintenance.store(true, Ordering::SeqCst);
    for n in 0..50 {
        upload_from(&t, "camera", &format!("{n:02}.mp4")).await;
    }
    t.deliver();
    let tries = || *t.world.sink.attempts.lock().unwrap();
    let tables = t.tables().await;
    let start = hands.now();
    while hands.now() < start + 10 * 60_000 {
        let before = tries();
        // A lane is a camera of an account.
        let key = (first(&t).await, format!("{}/camera", t.account("site-a").await.id));
        let due =
            || async { lane::Entity::find_by_id(key.clone()).one(&tables).await.unwrap().unwrap().next_attempt_at };
        until("it waits", || async { due().await > hands.now() }).await;
        hands.turn(due().await - hands.now());
        until("it was tried again", || async { tries() > before }).await;
    }
    let set_aside = in_state(&t, DeliveryState::Deferred).await;
    assert!((10..25).contains(&tries()) && set_aside < 25, "{} tries, {set_aside} set aside", tries());
    t.world.sink.in_maintenance.store(false, Ordering::SeqCst);
    hands.turn(60_000);
    t.world.sink.wait_for(50).await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_wait_longer() {
    for back in [2 * HOUR_MS, HOUR_MS / 4] {
        let hands = Hands::new();
        let lanes = Pace { first_wait: HOUR, longest_wait: HOUR, ..pace() };
        let t = TestVault::at_clock(lanes, hands.clock()).await;
        t.world.sink.refuses.lock().unwrap().extend(["odd".into()]);
        t.world.second_sink.refuses.lock().unwrap().push("*".into());
        t.deliver();
        upload_from(&t, "odd", "1.mp4").await;
        until_set_aside(&t, 1).await;
        t.world.second_sink.wait_for_attempts(1).await;
        until("the failure is written down", || async {
            t.vault.deliveries.health().await.unwrap().iter().any(|line| line.name == "second" && line.failing)
        })
        .await;
        t.world.sink.refuses.lock().unwrap().clear();
        t.world.second_sink.refuses.lock().unwrap().clear();
        // What is before its time stays where it is.
        hands.turn(HOUR_MS / 8);
        upload_from(&t, "fine", "2.mp4").await;
        t.world.sink.wait_for(1).await;
        assert!(t.world.sink.of("odd").is_empty());

        hands.turn(-back);
        t.world.sink.wait_for(2).await;
        assert_eq!(t.world.sink.of("odd"), ["dir/1.mp4"]);
        t.world.second_sink.wait_for(2).await;
    }
}

#[tokio::test]
async fn what_was_set_aside_stays_so_over_a_restart() {
    let hands = Hands::new();
    let mut t = TestVault::at_clock(default_pace(), hands.clock()).await;
    t.world.sink.refuses.lock().unwrap().push("odd".into());
    t.deliver();
    upload_from(&t, "fine", "0.mp4").await;
    t.world.sink.wait_for(1).await;
    upload_from(&t, "odd", "1.mp4").await;
    until_set_aside(&t, 1).await;
    let before = listed(&t, DeliveryState::Deferred).await.remove(0);
    t.stop().await;
    t.restart().await;
    t.world.sink.refuses.lock().unwrap().clear();
    t.deliver();
    upload_from(&t, "fine", "2.mp4").await;
    t.world.sink.wait_for(2).await;
    assert_eq!(listed(&t, DeliveryState::Deferred).await, std::slice::from_ref(&before));
    hands.turn(before.due_at - hands.now());
    t.world.sink.wait_for(3).await;
    assert_eq!(t.world.sink.of("odd"), ["dir/1.mp4"]);
}

#[tokio::test]
async fn those_of_one_reason_are_retried_and_no_others() {
    let hands = Hands::new();
    let t = TestVault::at_clock(pace(), hands.clock()).await;
    t.deliver();
    let upload = async |device: &str, from: usize, count: usize| {
        for n in from..from + count {
            upload_from(&t, device, &format!("{n:02}.mp4")).await;
        }
    };
    t.world.sink.in_maintenance.store(true, Ordering::SeqCst);
    upload("camera", 0, 3).await;
    until("set aside", || async {
        hands.turn(1);
        in_state(&t, DeliveryState::Deferred).await == 3
    })
    .await;
    // What follows is refused for another reason, and by a sink that is in trouble all the time: nothing is let in.
    t.world.sink.refuses.lock().unwrap().extend(["odd".into(), "camera".into()]);
    t.world.sink.in_maintenance.store(false, Ordering::SeqCst);
    upload("odd", 3, 2).await;
    until_set_aside(&t, 5).await;
    t.world.sink.is_final.store(true, Ordering::SeqCst);
    upload("odd", 5, 2).await;
    until("parked", || async {
        hands.turn(1);
        in_state(&t, DeliveryState::Parked).await == 2
    })
    .await;
    let (mended, unwanted) = ("The sink is being mended.", "The sink does not want this.");
    let reason = |reason: &str, deferred, parked| DeliveryReason { reason: reason.into(), deferred, parked };
    assert_eq!(health(&t).await.reasons, [reason(unwanted, 2, 2), reason(mended, 3, 0)]);

    let id = first(&t).await;
    let retry = async |reason: &str| t.vault.deliveries.retry_reason(&actor(), id, reason.into()).await.unwrap();
    assert_eq!(retry("The sink is").await, 0, "only the whole reason");
    assert_eq!(health(&t).await.reasons.len(), 2);
    t.world.sink.is_final.store(false, Ordering::SeqCst);
    let attempts = *t.world.sink.attempts.lock().unwrap();
    assert_eq!(retry(mended).await, 3);
    until("they are refused again, for the other reason", || async {
        hands.turn(1);
        health(&t).await.reasons == [reason(unwanted, 5, 2)]
    })
    .await;
    assert_eq!(*t.world.sink.attempts.lock().unwrap(), attempts + 3, "those alone were tried");
    let audit = t.vault.audit.latest(1).await.unwrap().remove(0);
    assert_eq!((audit.action.as_str(), audit.subject), ("retried parked deliveries", format!("first: {mended}")));

    t.world.sink.refuses.lock().unwrap().clear();
    assert_eq!(retry(unwanted).await, 7);
    t.world.sink.wait_for(7).await;
    until("nothing is held up", || async { health(&t).await.reasons.is_empty() }).await;
    assert!(matches!(
        t.vault.deliveries.retry_reason(&actor(), i64::MAX, mended.into()).await,
        Err(VaultError::NotFound(_))
    ));
}

#[tokio::test]
async fn one_that_was_set_aside_is_retried_and_another_goes_on_waiting() {
    let hands = Hands::new();
    let t = TestVault::at_clock(pace(), hands.clock()).await;
    t.deliver();
    upload_from(&t, "fine", "0.mp4").await;
    t.world.sink.wait_for(1).await;
    t.world.sink.refuses.lock().unwrap().extend(["dir/1.mp4".into(), "dir/2.mp4".into()]);
    for n in 1..=4 {
        upload_from(&t, "odd", &format!("{n}.mp4")).await;
        match n {
            1 | 2 => until_set_aside(&t, n).await,
            _ => {
                until("the camera goes on", || async {
                    hands.turn(1);
                    t.world.sink.of("odd").len() as i64 == n - 2
                })
                .await
            }
        }
        upload_from(&t, "fine", &format!("fine-{n}.mp4")).await;
        until("the other one is taken", || async { t.world.sink.of("fine").len() as i64 == 1 + n }).await;
    }
    let rows = listed(&t, DeliveryState::Deferred).await;
    t.world.sink.refuses.lock().unwrap().clear();
    t.vault.deliveries.retry(&actor(), rows[0].id).await.unwrap();
    t.world.sink.wait_for(8).await;
    assert_eq!(t.world.sink.of("odd"), ["dir/3.mp4", "dir/4.mp4", "dir/2.mp4"]);
    assert_eq!(
        in_state(&t, DeliveryState::Deferred).await,
        1,
        "it was refused alone: the other one says nothing of it"
    );
}

#[tokio::test]
async fn saving_an_integration_lets_what_was_set_aside_try_at_once() {
    let hands = Hands::new();
    let t = TestVault::at_clock(pace(), hands.clock()).await;
    t.world.sink.refuses.lock().unwrap().push("odd".into());
    t.deliver();
    upload_from(&t, "odd", "1.mp4").await;
    until_set_aside(&t, 1).await;
    t.world.sink.refuses.lock().unwrap().clear();
    let view = t.vault.connections.get(first(&t).await).await.unwrap();
    let form = ConnectionForm {
        id: Some(view.id),
        family: view.family,
        kind: view.kind,
        name: view.name,
        enabled: true,
        settings: view.settings,
        cleared: Vec::new(),
    };
    hands.turn(1_000);
    t.vault.connections.save(&actor(), form).await.unwrap();
    t.world.sink.wait_for(1).await;
    assert_eq!(t.world.sink.of("odd"), ["dir/1.mp4"]);
}

#[tokio::test]
async fn an_integration_does_not_go_with_what_was_set_aside_unless_told_so() {
    let t = TestVault::new().await;
    t.world.sink.refuses.lock().unwrap().push("odd".into());
    t.deliver();
    upload_from(&t, "odd", "1.mp4").await;
    until_set_aside(&t, 1).await;
    for name in ["site-a", "site-b"] {
        let form = model::account::AccountForm {
            id: Some(t.account(name).await.id),
            integrations: vec!["second".into()],
            ..crate::support::account(name)
        };
        t.vault.accounts.save(&actor(), form).await.unwrap();
    }
    let id = first(&t).await;
    let kept = t.vault.connections.delete(&actor(), id, Backlog::Keep).await;
    assert!(matches!(kept, Err(VaultError::Conflict(_))), "{kept:?}");
    assert_eq!(listed(&t, DeliveryState::Deferred).await.len(), 1);
    t.vault.connections.delete(&actor(), id, Backlog::Drop).await.unwrap();
    assert_eq!(t.vault.audit.latest(1).await.unwrap()[0].subject, "first, with 1 waiting deliveries");
}

/// Beyond one batch, and each once though all are refused again.
#[tokio::test]
async fn many_that_were_set_aside_are_retried_once_each() {
    let hands = Hands::new();
    let t = TestVault::at_clock(pace(), hands.clock()).await;
    t.world.sink.in_maintenance.store(true, Ordering::SeqCst);
    for n in 0..620 {
        upload_from(&t, "camera", &format!("{n}.mp4")).await;
    }
    t.deliver();
    let id = first(&t).await;
    let all_set_aside = || async {
        hands.turn(1);
        in_state(&t, DeliveryState::Deferred).await == 620
    };
    until("set aside", all_set_aside).await;
    assert_eq!(t.vault.deliveries.retry_parked(&actor(), id).await.unwrap(), 620);
    until("set aside again", || async {
        hands.turn(1);
        *t.world.sink.attempts.lock().unwrap() >= 2 * 620 && in_state(&t, DeliveryState::Deferred).await == 620
    })
    .await;
    assert_eq!(*t.world.sink.attempts.lock().unwrap(), 2 * 620);
}

/// Until none is left; and again when more are, though it was put away.
#[tokio::test]
async fn what_was_given_up_is_told_to_administrators() {
    let t = TestVault::new().await;
    t.world.sink.refuses.lock().unwrap().push("odd".into());
    t.world.sink.is_final.store(true, Ordering::SeqCst);
    t.deliver();
    let told = || async {
        let notices = t.vault.notices.list().await.unwrap();
        let mine = notices.into_iter().filter(|n| n.code == "deliveries-given-up");
        mine.map(|n| (n.subject, n.text)).collect::<Vec<_>>()
    };
    let first_time =
        || async { told().await == [("first".into(), "A delivery to first failed until it was given up.".into())] };
    upload_from(&t, "odd", "1.mp4").await;
    until("it is told", first_time).await;
    t.vault.notices.dismiss(&actor(), "deliveries-given-up", "first").await.unwrap();
    assert!(told().await.is_empty());
    upload_from(&t, "odd", "2.mp4").await;
    let both = "2 deliveries to first failed until they were given up.";
    until("more are told", || async { told().await.first().is_some_and(|(_, text)| text == both) }).await;
    t.world.sink.refuses.lock().unwrap().clear();
    t.vault.deliveries.retry_parked(&actor(), first(&t).await).await.unwrap();
    until("it is over", || async { told().await.is_empty() }).await;
}
