//! What housekeeping deletes: recordings older than their account's day limit, and no others.

use crate::support::{TestVault, account, actor, now_ms, until};
use model::account::AccountForm;
use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use vault::clock::DAY_MS;
use vault::entity::{recording, removal, session};

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

/// Lets housekeeping come round once: what it tidies up last is gone.
async fn housekeeping(t: &mut TestVault) {
    let tables = t.tables().await;
    let ended = session::ActiveModel { id: Set("ended".into()), data: Set(Vec::new()), expires_at: Set(1) };
    session::Entity::insert(ended).exec_without_returning(&tables).await.unwrap();
    t.deliver();
    let gone = || async { session::Entity::find().count(&tables).await.unwrap() == 0 };
    until("housekeeping has come round", gone).await;
    t.stop().await;
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
    housekeeping(&mut t).await;
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
    housekeeping(&mut t).await;
    assert_eq!(stored(&t).await.len(), 5, "0 keeps them for ever");

    limit(&t, "site-a", 1).await;
    housekeeping(&mut t).await;
    assert_eq!(stored(&t).await, ["dir/came-late.mp4", "dir/clock-ahead.mp4", "dir/unlimited.mp4"]);
}
