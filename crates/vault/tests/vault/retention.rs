//! What housekeeping deletes: recordings older than their account's day limit, and no others.

use crate::support::{Fault, TestVault, account, actor, connection, now_ms, until};
use model::account::{AccountForm, Leavings};
use model::connection::{ConnectionForm, Family};
use model::field::Settings;
use model::notice::RETENTION_HELD;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, ExprTrait as _, PaginatorTrait as _,
    QueryFilter as _,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use vault::clock::{Clock, DAY_MS};
use vault::entity::{delivery, recording, removal};
use vault::preview::preview;

const HOUR_MS: i64 = DAY_MS / 24;

async fn limit(t: &TestVault, name: &str, day_limit: i32) {
    let form = AccountForm { id: Some(t.account(name).await.id), day_limit, ..account(name) };
    t.vault.accounts.save(&actor(), form).await.unwrap();
}

/// Stores a recording, and lets it have been recorded and stored that long ago.
async fn aged(t: &TestVault, account: &str, name: &str, recorded_ms: i64, stored_ms: i64) {
    let mut request = t.request(name).await;
    request.account = t.account(account).await;
    let stored = t.send(request, name.as_bytes()).await.unwrap();
    let earlier = recording::ActiveModel {
        timestamp: Set(now_ms() - recorded_ms),
        uploaded_at: Set(now_ms() - stored_ms),
        ..Default::default()
    };
    let this = recording::Entity::update_many().set(earlier).filter(recording::Column::Id.eq(stored.id));
    assert_eq!(this.exec(&t.tables().await).await.unwrap().rows_affected, 1);
}

async fn stored(t: &TestVault) -> Vec<String> {
    let mut keys: Vec<String> = t.listed().await.into_iter().map(|r| r.key).collect();
    keys.sort();
    assert_eq!(t.world.store.keys(), keys, "an object for each row, and no other");
    keys
}

#[tokio::test]
async fn recordings_older_than_their_accounts_limit_are_deleted() {
    let mut t = TestVault::new().await;
    limit(&t, "site-a", 30).await;
    let month = 30 * DAY_MS;
    aged(&t, "site-a", "old.mp4", month + HOUR_MS, month + HOUR_MS).await;
    aged(&t, "site-a", "young.mp4", month - HOUR_MS, month - HOUR_MS).await;
    aged(&t, "site-a", "came-late.mp4", 2 * month, HOUR_MS).await;
    aged(&t, "site-a", "clock-ahead.mp4", HOUR_MS, 2 * month).await;
    aged(&t, "site-b", "unlimited.mp4", 120 * month, 120 * month).await;
    t.come_round().await;
    let kept = ["dir/came-late.mp4", "dir/clock-ahead.mp4", "dir/unlimited.mp4", "dir/young.mp4"];
    assert_eq!(stored(&t).await, kept);
    assert_eq!(removal::Entity::find().count(&t.tables().await).await.unwrap(), 0, "nothing is left to be deleted");
    let audit = t.vault.audit.latest(1).await.unwrap().remove(0);
    assert_eq!(
        (audit.action.as_str(), audit.subject.as_str()),
        ("deleted recordings", "site-a: 1 recordings older than 30 days")
    );

    limit(&t, "site-a", 0).await;
    aged(&t, "site-a", "old.mp4", 120 * month, 120 * month).await;
    t.come_round().await;
    assert_eq!(stored(&t).await.len(), 5, "0 keeps them for ever");

    limit(&t, "site-a", 1).await;
    t.come_round().await;
    assert_eq!(stored(&t).await, ["dir/came-late.mp4", "dir/clock-ahead.mp4", "dir/unlimited.mp4"]);
}

/// Copies a recording's row many times over, as if as many cameras had sent it; there are no objects, which is no trouble to
/// whoever deletes them.
async fn many(t: &TestVault, id: i64, copies: u32) {
    let sql = format!(
        "INSERT INTO recordings (account_id, provider_id, key, device, instance_name, timestamp, uploaded_at, size, sha256, \
         duration_ms, codec, fragmented, facts, metadata, path, origin_id) \
         SELECT account_id, provider_id, 'dir/' || n || '.mp4', device, instance_name, timestamp + n, uploaded_at, size, sha256, \
         duration_ms, codec, fragmented, facts, metadata, path, origin_id FROM recordings, \
         (WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < {copies}) SELECT n FROM many) AS many \
         WHERE id = {id}"
    );
    t.tables().await.execute_unprepared(&sql).await.unwrap();
}

async fn id_of(t: &TestVault, name: &str) -> i64 {
    t.listed().await.into_iter().find(|row| row.key == format!("dir/{name}")).unwrap().id
}

#[tokio::test]
async fn all_that_is_due_goes_in_one_round() {
    let mut t = TestVault::new().await;
    limit(&t, "site-a", 1).await;
    aged(&t, "site-a", "old.mp4", 2 * DAY_MS, 2 * DAY_MS).await;
    many(&t, id_of(&t, "old.mp4").await, 2000).await;
    t.vault.restraint.confirm(&actor(), t.account("site-a").await.id).await.unwrap();
    t.come_round().await;
    assert_eq!(stored(&t).await, [""; 0]);
    assert_eq!(removal::Entity::find().count(&t.tables().await).await.unwrap(), 0);
    let audit = t.vault.audit.latest(100).await.unwrap().into_iter().filter_map(|row| {
        row.subject.strip_prefix("site-a: ")?.strip_suffix(" recordings older than 1 days")?.parse::<usize>().ok()
    });
    assert_eq!(audit.sum::<usize>(), 2001);
}

/// Who is told of a recording may want to read it.
#[tokio::test]
async fn what_somebody_is_yet_to_be_told_of_stays_until_it_was_said_or_given_up() {
    let t = TestVault::new().await;
    limit(&t, "site-a", 1).await;
    for name in ["told.mp4", "waits.mp4", "refused.mp4", "parked.mp4", "new.mp4"] {
        aged(&t, "site-a", name, 2 * DAY_MS, 2 * DAY_MS).await;
    }
    let tables = t.tables().await;
    for (name, integrations, state) in [
        ("told.mp4", &["first", "second"][..], "delivered"),
        ("waits.mp4", &["first"], "delivered"),
        ("refused.mp4", &["first", "second"], "deferred"),
        ("parked.mp4", &["first", "second"], "parked"),
    ] {
        for integration in integrations {
            let these = delivery::Column::RecordingId.eq(id_of(&t, name).await);
            let these = these.and(delivery::Column::IntegrationId.eq(integration_id(&t, integration).await));
            let now = delivery::ActiveModel { state: Set(state.into()), ..Default::default() };
            delivery::Entity::update_many().set(now).filter(these).exec(&tables).await.unwrap();
        }
    }
    t.vault.keep_house().await;
    assert_eq!(stored(&t).await, ["dir/new.mp4", "dir/refused.mp4", "dir/waits.mp4"]);

    let url = Settings::new().with("url", "http://127.0.0.1/second");
    let second = ConnectionForm {
        id: Some(integration_id(&t, "second").await),
        enabled: false,
        ..connection(Family::Integration, "webhook", "second", url)
    };
    t.vault.connections.save(&actor(), second).await.unwrap();
    t.vault.keep_house().await;
    assert_eq!(stored(&t).await, ["dir/new.mp4", "dir/refused.mp4"], "one that is disabled keeps nothing");
    let arrived = delivery::ActiveModel { state: Set("delivered".into()), ..Default::default() };
    delivery::Entity::update_many().set(arrived).exec(&tables).await.unwrap();
    t.vault.keep_house().await;
    assert!(stored(&t).await.is_empty());
}

async fn integration_id(t: &TestVault, name: &str) -> i64 {
    let all = t.vault.connections.list(Family::Integration).await.unwrap();
    all.into_iter().find(|row| row.name == name).unwrap().id
}

/// One that hangs, or is down, keeps only what it has.
#[tokio::test]
async fn a_provider_that_does_not_answer_keeps_only_its_own() {
    let t = TestVault::new().await;
    t.add_second_provider().await;
    for (account, provider) in [("site-a", "second"), ("site-b", "local")] {
        let form = AccountForm {
            id: Some(t.account(account).await.id),
            day_limit: 1,
            provider: provider.into(),
            integrations: Vec::new(),
            ..self::account(account)
        };
        t.vault.accounts.save(&actor(), form).await.unwrap();
        aged(&t, account, &format!("{account}.mp4"), 2 * DAY_MS, 2 * DAY_MS).await;
    }
    t.world.second_store.set(Fault::HoldsDelete);
    t.deliver();
    t.world.second_store.delete_begins().await;
    until("the other's object is gone", || async { t.world.store.keys().is_empty() }).await;
    assert_eq!((t.listed().await.len(), t.world.second_store.keys()), (0, vec!["dir/site-a.mp4".to_owned()]));
    t.world.second_store.set(None);
    t.world.second_store.let_go.notify_one();
    until("its own is gone, too", || async { t.world.second_store.keys().is_empty() }).await;
}

/// Whether administrators are asked.
async fn is_held(t: &TestVault) -> bool {
    t.vault.notices.list().await.unwrap().iter().any(|notice| notice.code == RETENTION_HELD)
}

async fn recordings(t: &TestVault) -> u64 {
    recording::Entity::find().count(&t.tables().await).await.unwrap()
}

/// A limit of 3 days, and somebody meant 30.
#[tokio::test]
async fn most_of_an_accounts_recordings_go_only_if_an_administrator_says_so() {
    let mut t = TestVault::new().await;
    aged(&t, "site-a", "old.mp4", 20 * DAY_MS, 20 * DAY_MS).await;
    many(&t, id_of(&t, "old.mp4").await, 11).await;
    aged(&t, "site-b", "other.mp4", 20 * DAY_MS, 20 * DAY_MS).await;
    for n in 0..11 {
        aged(&t, "site-a", &format!("new-{n}.mp4"), 0, 0).await;
    }
    limit(&t, "site-a", 3).await;
    limit(&t, "site-b", 3).await;
    t.come_round().await;
    assert_eq!(
        (recordings(&t).await, is_held(&t).await),
        (23, true),
        "12 of 23 are more than half; the other's only one goes"
    );
    let told = t.vault.notices.list().await.unwrap().remove(0);
    assert!(
        told.text.starts_with("site-a keeps recordings for 3 days, and 12 of its 23 are older and would go now."),
        "{}",
        told.text
    );
    assert!(t.vault.notices.dismiss(&actor(), &told.code, &told.subject).await.is_err());
    t.vault.keep_house().await;
    assert_eq!(recordings(&t).await, 23);

    limit(&t, "site-a", 30).await;
    t.vault.keep_house().await;
    assert_eq!((recordings(&t).await, is_held(&t).await), (23, false), "it was a mistake");
    limit(&t, "site-a", 3).await;
    t.vault.keep_house().await;
    assert!(is_held(&t).await);
    t.vault.restraint.confirm(&actor(), t.account("site-a").await.id).await.unwrap();
    assert!(!is_held(&t).await);
    t.vault.keep_house().await;
    assert_eq!(recordings(&t).await, 11, "it was meant");
    let audit = t.vault.audit.latest(2).await.unwrap().remove(1);
    assert_eq!((&*audit.action, &*audit.subject), ("confirmed retention", "site-a: recordings older than 3 days"));
}

/// An account whose cameras are gone ends without anybody's being asked; nor is anybody when a few of its recordings are all it has.
#[tokio::test]
async fn what_goes_minute_by_minute_goes_to_the_last() {
    let later = Arc::new(AtomicI64::new(0));
    let time = later.clone();
    let mut t = TestVault::with_clock(Clock::new(move || now_ms() + time.load(Ordering::SeqCst))).await;
    limit(&t, "site-a", 1).await;
    aged(&t, "site-a", "old.mp4", HOUR_MS, HOUR_MS).await;
    many(&t, id_of(&t, "old.mp4").await, 40).await;
    t.come_round().await;
    for _ in 0..23 * 2 {
        later.fetch_add(HOUR_MS / 2, Ordering::SeqCst);
        t.vault.keep_house().await;
    }
    assert_eq!((recordings(&t).await, is_held(&t).await), (0, false));
}

/// Less than what counts as a clock that jumped.
#[tokio::test]
async fn a_clock_that_is_wrong_by_hours_takes_little() {
    let later = Arc::new(AtomicI64::new(0));
    let time = later.clone();
    let mut t = TestVault::with_clock(Clock::new(move || now_ms() + time.load(Ordering::SeqCst))).await;
    limit(&t, "site-a", 1).await;
    aged(&t, "site-a", "old.mp4", 2 * HOUR_MS, 2 * HOUR_MS).await;
    many(&t, id_of(&t, "old.mp4").await, 40).await;
    t.come_round().await;
    later.store(23 * HOUR_MS, Ordering::SeqCst);
    t.vault.keep_house().await;
    assert_eq!((recordings(&t).await, is_held(&t).await), (41, true));
    later.store(0, Ordering::SeqCst);
    t.vault.keep_house().await;
    assert_eq!((recordings(&t).await, is_held(&t).await), (41, false));
}

/// What a deleted account's recordings are is asked when it is deleted.
#[tokio::test]
async fn what_an_account_leaves_behind_goes_as_was_said() {
    for (leavings, left) in [(Leavings::Keep, 3), (Leavings::Days(30), 2), (Leavings::Days(0), 0)] {
        let t = TestVault::new().await;
        limit(&t, "site-a", 1).await;
        for (name, days) in [("old.mp4", 40), ("young.mp4", 20), ("new.mp4", 0)] {
            aged(&t, "site-a", name, days * DAY_MS, days * DAY_MS).await;
        }
        let arrived = delivery::ActiveModel { state: Set("delivered".into()), ..Default::default() };
        delivery::Entity::update_many().set(arrived).exec(&t.tables().await).await.unwrap();
        t.vault.accounts.delete(&actor(), t.account("site-a").await.id, leavings).await.unwrap();
        let told = t.vault.accounts.leavings().await.unwrap();
        assert_eq!(
            told.first().map(|leaving| (&*leaving.name, leaving.recordings)),
            (leavings != Leavings::Keep).then_some(("site-a", 3))
        );
        t.vault.keep_house().await;
        assert_eq!(stored(&t).await.len(), left, "{leavings:?}");
        t.vault.keep_house().await;
        let told = t.vault.accounts.leavings().await.unwrap();
        assert_eq!(told.len(), usize::from(leavings == Leavings::Days(30)), "what is done is forgotten");
    }
}

/// What is said beforehand is what happens.
#[tokio::test]
async fn what_would_go_is_what_goes() {
    let t = TestVault::new().await;
    for (name, days) in [("old.mp4", 40), ("older.mp4", 50), ("locked.mp4", 60), ("waits.mp4", 45), ("new.mp4", 0)] {
        aged(&t, "site-a", name, days * DAY_MS, days * DAY_MS).await;
    }
    limit(&t, "site-a", 30).await;
    let tables = t.tables().await;
    let (waits, locked) = (id_of(&t, "waits.mp4").await, id_of(&t, "locked.mp4").await);
    let arrived = delivery::ActiveModel { state: Set("delivered".into()), ..Default::default() };
    let others = delivery::Entity::update_many().set(arrived).filter(delivery::Column::RecordingId.ne(waits));
    others.exec(&tables).await.unwrap();
    t.vault.recordings.lock(&actor(), locked, "case", None).await.unwrap();
    let said = preview(&t.database_url().await, now_ms()).await.unwrap();
    let [said] = &said[..] else { panic!("{said:?}") };
    assert_eq!(
        (&*said.account, said.days, said.recordings, said.locked, said.waiting, said.asks),
        ("site-a", 30, 2, 1, 1, false)
    );
    assert!(said.bytes > 0 && said.oldest.is_some_and(|oldest| oldest < now_ms() - 49 * DAY_MS), "{said:?}");
    t.vault.keep_house().await;
    assert_eq!(stored(&t).await, ["dir/locked.mp4", "dir/new.mp4", "dir/waits.mp4"]);
    assert_eq!(preview(&t.database_url().await, now_ms()).await.unwrap()[0].recordings, 0);
}
