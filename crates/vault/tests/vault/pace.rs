//! When deliveries leave: at once, again after a failure, and not any more.

use crate::support::{TestVault, actor, connection, label, now_ms, until};
use model::connection::Family;
use model::delivery::{DeliveryFilter, DeliveryState, DeliveryView};
use model::field::Settings;
use model::recording::Position;
use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use std::time::Duration;
use vault::Provisioning;
use vault::dispatcher::Pace;
use vault::entity::lane;

const HOUR: Duration = Duration::from_secs(3600);
const HOUR_MS: i64 = 3_600_000;
/// Tries before a delivery is parked, as `docs/deliveries.md` means it by "about three days".
const TRIES: i32 = 80;

async fn upload_from(t: &TestVault, device: &str, name: &str) {
    let mut request = t.request(name).await;
    request.device = label(device);
    t.send(request, name.as_bytes()).await.unwrap();
}

async fn first(t: &TestVault) -> i64 {
    let all = t.vault.connections.list(Family::Integration).await.unwrap();
    all.into_iter().find(|i| i.name == "first").expect("there is such an integration").id
}

/// The deliveries to the first integration, the newest first.
async fn deliveries(t: &TestVault) -> Vec<DeliveryView> {
    let filter = DeliveryFilter { connection: Some(first(t).await), state: None };
    t.vault.deliveries.list(filter, Position::Newest, 10).await.unwrap().items
}

/// A lane is a camera of an account.
async fn lane_text(t: &TestVault, device: &str) -> String {
    format!("{}/{device}", t.account("site-a").await.id)
}

/// What the first integration's lane of a camera remembers.
async fn lane_of(t: &TestVault, device: &str) -> lane::Model {
    let key = (first(t).await, lane_text(t, device).await);
    lane::Entity::find_by_id(key).one(&t.tables().await).await.unwrap().expect("there is such a lane")
}

/// Lets the wait of a lane be over.
async fn wait_is_over(t: &TestVault, device: &str) {
    let over = lane::ActiveModel { next_attempt_at: Set(now_ms()), ..Default::default() };
    let this = lane::Column::IntegrationId.eq(first(t).await);
    let this =
        lane::Entity::update_many().set(over).filter(this).filter(lane::Column::Device.eq(lane_text(t, device).await));
    assert_eq!(this.exec(&t.tables().await).await.unwrap().rows_affected, 1);
}

/// Nobody looks for hours: what leaves was woken.
#[tokio::test]
async fn a_delivery_leaves_at_once_after_its_commit() {
    let t = TestVault::at(Pace { poll: 10 * HOUR, ..Pace::default() }).await;
    t.add_second_provider().await;
    t.copy_to_second().await;
    t.deliver();
    let tables = t.tables().await;
    for n in 1..=8 {
        t.upload(&format!("{n}.mp4"), b"x").await.unwrap();
        t.world.sink.wait_for(n).await;
        t.world.second_sink.wait_for(n).await;
        until("it is copied", || async { t.world.second_store.keys().len() == n }).await;
        // Only a worker that sleeps can miss the next one.
        let busy = lane::Entity::find().filter(lane::Column::Idle.eq(false));
        until("every lane rests", || async { busy.clone().count(&tables).await.unwrap() == 0 }).await;
    }
}

#[tokio::test]
async fn what_fails_to_the_last_try_is_parked_and_the_camera_goes_on() {
    let moment = Duration::from_millis(1);
    let t = TestVault::at(Pace { first_wait: moment, longest_wait: moment, ..Pace::default() }).await;
    t.world.sink.refuses.lock().unwrap().push("*".into());
    for name in ["1.mp4", "2.mp4"] {
        upload_from(&t, "camera", name).await;
    }
    t.deliver();
    let id = first(&t).await;
    until("both are parked", || async { t.vault.deliveries.count(Some(id)).await.unwrap() == (0, 2) }).await;
    assert_eq!(*t.world.sink.attempts.lock().unwrap(), 2 * TRIES as u32);
    for parked in deliveries(&t).await {
        assert_eq!((parked.state, parked.attempts), (DeliveryState::Parked, TRIES));
        assert_eq!(parked.last_error, "The sink is down.");
    }

    t.world.sink.refuses.lock().unwrap().clear();
    upload_from(&t, "camera", "3.mp4").await;
    t.world.sink.wait_for(1).await;
    assert_eq!(t.world.sink.of("camera"), ["dir/3.mp4"], "what is parked is not tried again by itself");
    assert_eq!(t.vault.deliveries.retry_parked(&actor(), id).await.unwrap(), 2);
    t.world.sink.wait_for(3).await;
    assert_eq!(t.world.sink.of("camera"), ["dir/3.mp4", "dir/1.mp4", "dir/2.mp4"]);
}

#[tokio::test]
async fn the_wait_after_a_failure_survives_a_restart() {
    let mut t = TestVault::at(Pace { first_wait: HOUR, longest_wait: 4 * HOUR, ..Pace::default() }).await;
    t.world.sink.refuses.lock().unwrap().push("*".into());
    t.deliver();
    upload_from(&t, "waiting", "1.mp4").await;
    until("the failure is written down", || async { deliveries(&t).await[0].attempts == 1 }).await;
    t.stop().await;
    let before = lane_of(&t, "waiting").await;
    let wait = before.next_attempt_at - now_ms();
    assert!(before.attempts == 1 && (HOUR_MS / 2..=HOUR_MS).contains(&wait), "{before:?}");

    t.restart().await;
    t.world.sink.refuses.lock().unwrap().clear();
    t.deliver();
    // Another camera's event tells that the worker has looked for what is due.
    upload_from(&t, "other", "2.mp4").await;
    t.world.sink.wait_for(1).await;
    assert_eq!(t.world.sink.of("other"), ["dir/2.mp4"]);
    assert_eq!(*t.world.sink.attempts.lock().unwrap(), 2, "the first camera was left alone");
    assert_eq!(lane_of(&t, "waiting").await, before);

    t.stop().await;
    t.world.sink.refuses.lock().unwrap().push("*".into());
    wait_is_over(&t, "waiting").await;
    t.restart().await;
    t.deliver();
    until("it was tried again", || async { *t.world.sink.attempts.lock().unwrap() == 3 }).await;
    until("failures are counted on", || async { lane_of(&t, "waiting").await.attempts == 2 }).await;
    let after = lane_of(&t, "waiting").await;
    let wait = after.next_attempt_at - now_ms();
    assert!((HOUR_MS..=2 * HOUR_MS).contains(&wait), "the wait doubles: {wait}");
    assert_eq!(deliveries(&t).await.last().unwrap().attempts, 2);
}

/// A start applies the configuration file again; where that changes nothing, nobody is let off waiting.
#[tokio::test]
async fn a_declared_integration_goes_on_waiting_after_a_restart() {
    let mut t = TestVault::at(Pace { first_wait: HOUR, longest_wait: HOUR, ..Pace::default() }).await;
    let declared = |secret: &str| {
        let settings = Settings::new().with("url", "http://127.0.0.1/first").with("secret", secret);
        let connections = vec![connection(Family::Integration, "webhook", "first", settings)];
        Provisioning { connections, ..Default::default() }
    };
    t.vault.provision(declared("a")).await.unwrap();
    t.world.sink.refuses.lock().unwrap().push("*".into());
    t.deliver();
    upload_from(&t, "waiting", "1.mp4").await;
    until("the failure is written down", || async { deliveries(&t).await[0].attempts == 1 }).await;
    t.stop().await;
    t.restart().await;
    let (lane, audited) = (lane_of(&t, "waiting").await, t.vault.audit.latest(100).await.unwrap());
    t.vault.provision(declared("a")).await.unwrap();
    assert_eq!(lane_of(&t, "waiting").await, lane);
    assert_eq!(t.vault.audit.latest(100).await.unwrap(), audited, "nothing was changed");
    assert!(t.vault.connections.get(first(&t).await).await.unwrap().provisioned);

    t.vault.provision(declared("b")).await.unwrap();
    assert_eq!(lane_of(&t, "waiting").await.next_attempt_at, 0, "it may be mended");
}

/// Its camera's lane does not go to rest with it.
#[tokio::test]
async fn what_comes_in_while_another_is_sent_needs_no_look_either() {
    let t = TestVault::at(Pace { poll: 10 * HOUR, ..Pace::default() }).await;
    *t.world.sink.holds.lock().unwrap() = Some("camera-1".into());
    t.deliver();
    t.upload("a.mp4", b"x").await.unwrap();
    t.world.sink.wait_for_attempts(1).await;
    t.upload("b.mp4", b"x").await.unwrap();
    *t.world.sink.holds.lock().unwrap() = None;
    t.world.sink.let_go.notify_waiters();
    t.world.sink.wait_for(2).await;
    assert_eq!(t.world.sink.of("camera-1"), ["dir/a.mp4", "dir/b.mp4"]);
}
