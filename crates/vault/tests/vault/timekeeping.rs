//! A clock that is wrong deletes nothing, whatever it says and whenever it is put right.

use crate::support::{TestVault, account, actor, connection, until};
use model::account::AccountForm;
use model::connection::{ConnectionForm, Family};
use model::field::Settings;
use model::moving::MoveState;
use sea_orm::{ActiveValue::Set, EntityTrait as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use vault::clock::{Clock, DAY_MS};
use vault::entity::delivery;

const YEAR_MS: i64 = 365 * DAY_MS;
const MINUTE_MS: i64 = 60_000;
/// When the tests are: a year after the version that they test, so that nothing depends on the machine's clock.
const NOW_MS: i64 = 1_793_491_200_000 + YEAR_MS;

/// A wall clock and a stopwatch.
#[derive(Clone, Default)]
struct Hands {
    wall: Arc<AtomicI64>,
    elapsed: Arc<AtomicI64>,
}

impl Hands {
    fn clock(&self) -> Clock {
        let (wall, elapsed) = (self.wall.clone(), self.elapsed.clone());
        Clock::new(move || wall.load(Ordering::SeqCst))
            .with_elapsed(move || Duration::from_millis(elapsed.load(Ordering::SeqCst).try_into().unwrap()))
    }

    /// Time passes, and the clock runs with it.
    fn pass(&self, ms: i64) {
        self.wall.fetch_add(ms, Ordering::SeqCst);
        self.elapsed.fetch_add(ms, Ordering::SeqCst);
    }

    /// Somebody sets the clock.
    fn set(&self, ms: i64) {
        self.wall.store(ms, Ordering::SeqCst);
    }
}

/// A vault at a moment; its recordings expire after 30 days.
async fn vault_at(ms: i64) -> (TestVault, Hands) {
    let hands = Hands::default();
    hands.set(ms);
    let t = TestVault::with_clock(hands.clock()).await;
    let form = AccountForm { id: Some(t.account("site-a").await.id), day_limit: 30, ..account("site-a") };
    t.vault.accounts.save(&actor(), form).await.unwrap();
    (t, hands)
}

/// Lets all have been told of all: what somebody is yet to be told of stays.
async fn tell(t: &TestVault) {
    let arrived = delivery::ActiveModel { state: Set("delivered".into()), ..Default::default() };
    delivery::Entity::update_many().set(arrived).exec(&t.tables().await).await.unwrap();
}

/// One round of what happens every minute.
async fn round(t: &TestVault) {
    t.vault.keep_house().await;
}

async fn held(t: &TestVault) -> bool {
    t.vault.notices.list().await.unwrap().iter().any(|notice| notice.code == "clock-jumped")
}

async fn names(t: &TestVault) -> Vec<String> {
    let mut keys: Vec<String> = t.listed().await.into_iter().map(|r| r.key).collect();
    keys.sort();
    assert_eq!(t.world.store.keys(), keys, "an object for each row, and no other");
    keys
}

#[tokio::test]
async fn a_vault_that_starts_in_1970_stores_and_loses_nothing_when_the_clock_is_put_right() {
    let (mut t, hands) = vault_at(1_000).await;
    assert!(held(&t).await, "told at the start");
    t.upload("a.mp4", b"a").await.unwrap();
    t.upload("b.mp4", b"b").await.unwrap();
    round(&t).await;
    hands.set(NOW_MS);
    for _ in 0..3 {
        round(&t).await;
        hands.pass(MINUTE_MS);
    }
    t.restart().await;
    round(&t).await;
    assert!(held(&t).await, "an administrator has to say so");
    assert_eq!(names(&t).await.len(), 2);
    t.vault.timekeeping.confirm(&actor()).await.unwrap();
    round(&t).await;
    assert!(!held(&t).await);
    assert_eq!(names(&t).await.len(), 2, "as old as the confirmation, not as 1970");
    hands.pass(31 * DAY_MS);
    tell(&t).await;
    round(&t).await;
    assert_eq!(names(&t).await, [""; 0], "retention is at work again");
}

#[tokio::test]
async fn one_start_ten_years_ahead_deletes_nothing() {
    let (mut t, hands) = vault_at(NOW_MS).await;
    t.upload("a.mp4", b"a").await.unwrap();
    tell(&t).await;
    hands.set(NOW_MS + 10 * YEAR_MS);
    t.restart().await;
    round(&t).await;
    assert!(held(&t).await);
    t.upload("ahead.mp4", b"b").await.unwrap();
    tell(&t).await;
    hands.set(NOW_MS + MINUTE_MS);
    t.restart().await;
    round(&t).await;
    assert_eq!(names(&t).await.len(), 2);
    t.vault.timekeeping.confirm(&actor()).await.unwrap();
    round(&t).await;
    assert_eq!(names(&t).await.len(), 2);
    hands.pass(20 * DAY_MS);
    round(&t).await;
    assert_eq!(names(&t).await.len(), 2);
    hands.pass(11 * DAY_MS);
    round(&t).await;
    assert_eq!(names(&t).await, [""; 0], "what was stored ahead is no older and no younger than the rest");
}

/// It would be due only when that time comes.
#[tokio::test]
async fn what_was_to_be_removed_while_the_clock_was_ahead_goes_once_it_is_confirmed() {
    let (mut t, hands) = vault_at(NOW_MS).await;
    let (from, to) = t.add_second_provider().await;
    t.upload("a.mp4", b"a").await.unwrap();
    tell(&t).await;
    hands.set(NOW_MS + 10 * YEAR_MS);
    t.restart().await;
    t.deliver();
    t.vault.moves.start(&actor(), from, to).await.unwrap();
    until("moved", || async { t.vault.moves.list().await.unwrap()[0].state == MoveState::Done }).await;
    t.stop().await;
    hands.set(NOW_MS + MINUTE_MS);
    t.restart().await;
    round(&t).await;
    assert_eq!(t.world.store.keys(), ["dir/a.mp4"], "nothing is removed while the clock is not believed");
    t.vault.timekeeping.confirm(&actor()).await.unwrap();
    hands.pass(2 * MINUTE_MS);
    round(&t).await;
    assert_eq!(t.world.store.keys(), [""; 0]);
    assert_eq!(t.content("a.mp4").await.unwrap(), b"a");
}

/// An appliance without a clock stamps every change with the same moment.
#[tokio::test]
async fn a_connection_that_is_changed_twice_at_one_moment_is_taken_up_twice() {
    let (t, _) = vault_at(1_000).await;
    t.deliver();
    let id =
        t.vault.connections.list(Family::Integration).await.unwrap().iter().find(|one| one.name == "first").unwrap().id;
    for (n, path) in ["second", "first", "second"].into_iter().enumerate() {
        let url = Settings::new().with("url", format!("http://127.0.0.1/{path}"));
        let form = ConnectionForm { id: Some(id), ..connection(Family::Integration, "webhook", "first", url) };
        t.vault.connections.save(&actor(), form).await.unwrap();
        let sink = if path == "second" { &t.world.second_sink } else { &t.world.sink };
        // The account's other integration leads to the second one.
        let wanted = if path == "second" { 2 } else { 1 };
        // The first ones may still be sent by a worker with the old settings.
        let uploads = AtomicI64::new(0);
        let taken_up = || async {
            let name = format!("{n}-{}.mp4", uploads.fetch_add(1, Ordering::SeqCst));
            t.upload(&name, name.as_bytes()).await.unwrap();
            let mut came = sink.of("camera-1");
            came.retain(|key| key.starts_with(&format!("dir/{n}-")));
            came.iter().any(|key| came.iter().filter(|other| *other == key).count() == wanted)
        };
        until(&format!("events come to {path}"), taken_up).await;
    }
}

#[tokio::test]
async fn a_jump_while_it_runs_holds_what_expires_and_nothing_else() {
    for jump in [-2 * YEAR_MS, -2 * DAY_MS, 2 * DAY_MS, 40 * DAY_MS, 10 * YEAR_MS] {
        let (t, hands) = vault_at(NOW_MS).await;
        t.upload("a.mp4", b"a").await.unwrap();
        hands.pass(MINUTE_MS);
        round(&t).await;
        assert!(!held(&t).await);
        hands.set(NOW_MS + MINUTE_MS + jump);
        round(&t).await;
        assert!(held(&t).await, "{jump}");
        hands.pass(2 * 60 * MINUTE_MS);
        round(&t).await;
        assert!(held(&t).await, "{jump}: until an administrator says so");
        t.deliver();
        t.upload("b.mp4", b"b").await.unwrap();
        t.world.sink.wait_for(2).await;
        assert_eq!(names(&t).await.len(), 2, "{jump}");
    }
}

#[tokio::test]
async fn hours_and_leap_seconds_are_no_jump() {
    let (t, hands) = vault_at(NOW_MS).await;
    for jump in [1_000, -1_000, 2 * 60 * MINUTE_MS, -2 * 60 * MINUTE_MS] {
        hands.pass(MINUTE_MS);
        hands.set(hands.wall.load(Ordering::SeqCst) + jump);
        round(&t).await;
        assert!(!held(&t).await, "{jump}");
    }
}

/// A week's holiday is no wrong clock; an hour is time to say that it is one.
#[tokio::test]
async fn after_a_stop_of_weeks_it_waits_an_hour() {
    let (mut t, hands) = vault_at(NOW_MS).await;
    t.upload("a.mp4", b"a").await.unwrap();
    tell(&t).await;
    hands.pass(10 * DAY_MS);
    round(&t).await;
    hands.set(NOW_MS + 35 * DAY_MS);
    t.restart().await;
    round(&t).await;
    assert!(held(&t).await);
    assert_eq!(names(&t).await.len(), 1);
    hands.pass(59 * MINUTE_MS);
    round(&t).await;
    assert_eq!(names(&t).await.len(), 1);
    hands.pass(2 * MINUTE_MS);
    round(&t).await;
    assert!(!held(&t).await);
    assert_eq!(names(&t).await, [""; 0], "it was stopped, and the recording is 35 days old");
}
