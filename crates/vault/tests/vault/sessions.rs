//! Where browser sessions are kept.

use crate::support::{TestVault, now_ms};
use model::Secret;
use sea_orm::{ConnectionTrait as _, Statement};
use std::collections::HashMap;
use std::sync::Arc;
use time::{Duration, OffsetDateTime};
use tower_sessions_core::session::{Id, Record, Session};
use tower_sessions_core::session_store::SessionStore as _;
use vault::clock::DAY_MS;
use vault::sessions;

fn record() -> Record {
    let expiry_date = OffsetDateTime::now_utc() + Duration::hours(1);
    Record { id: Id(1_234_567), data: HashMap::from([("user_id".into(), 1.into())]), expiry_date }
}

#[tokio::test]
async fn a_session_that_has_ended_does_not_come_back_with_a_slow_request() {
    let t = TestVault::new().await;
    let (store, mut record) = (t.vault.session_store(), record());
    store.create(&mut record).await.unwrap();
    record.data.insert("seen".into(), 2.into());
    store.save(&record).await.unwrap();
    assert_eq!(store.load(&record.id).await.unwrap().expect("it goes on").data["seen"], 2);
    store.delete(&record.id).await.unwrap();
    store.save(&record).await.unwrap();
    assert!(store.load(&record.id).await.unwrap().is_none());
}

#[tokio::test]
async fn whoever_reads_the_database_can_use_no_session() {
    let t = TestVault::new().await;
    let mut record = record();
    t.vault.session_store().create(&mut record).await.unwrap();
    let tables = t.tables().await;
    let ask = Statement::from_string(tables.get_database_backend(), "SELECT id, data FROM sessions".to_owned());
    let rows = tables.query_all_raw(ask).await.unwrap();
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    let (id, data): (String, Vec<u8>) = (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap());
    assert!(!id.contains(&record.id.to_string()), "{id}");
    assert!(
        !String::from_utf8_lossy(&data).contains("user_id"),
        "what was typed into a refused form is kept there too"
    );
}

#[tokio::test]
async fn a_session_ends_a_month_after_it_began_however_much_it_is_used() {
    let t = TestVault::new().await;
    let password = Secret::new("a password of root");
    t.vault.users.ensure_admin(Some("root"), Some(&password)).await.unwrap();
    let user = t.vault.users.sign_in("root", &password, "127.0.0.1").await.unwrap();
    let session = Session::new(None, Arc::new(t.vault.session_store()), None);
    sessions::begin(&t.vault.users, &session, &user).await.unwrap();
    let signed_in = async || sessions::user(&t.vault.users, &session).await.unwrap().is_some();
    for (days, is_in) in [(0, true), (29, true), (31, false)] {
        session.insert("begun_at", now_ms() - days * DAY_MS).await.unwrap();
        assert_eq!(signed_in().await, is_in, "after {days} days");
    }
}
