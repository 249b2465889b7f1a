//! Where browser sessions are kept.

use crate::support::TestVault;
use sea_orm::{ConnectionTrait as _, Statement};
use std::collections::HashMap;
use time::{Duration, OffsetDateTime};
use tower_sessions_core::session::{Id, Record};
use tower_sessions_core::session_store::SessionStore as _;

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
    let ask = Statement::from_string(tables.get_database_backend(), "SELECT id FROM sessions".to_owned());
    let kept: Vec<String> =
        tables.query_all_raw(ask).await.unwrap().iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    assert_eq!(kept.len(), 1);
    assert!(!kept[0].contains(&record.id.to_string()), "{kept:?}");
}
