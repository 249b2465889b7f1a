use super::*;
use crate::base::entity::audit;
use sea_orm::{ActiveValue::Set, ConnectionTrait as _, EntityTrait, PaginatorTrait};
use std::path::Path;

fn url(dir: &tempfile::TempDir) -> String {
    format!("sqlite://{}/t.db", dir.path().display())
}

async fn open(dir: &tempfile::TempDir) -> Db {
    Db::open(&url(dir), Clock::default(), PATIENCE).await.expect("opens")
}

fn row() -> audit::ActiveModel {
    audit::ActiveModel {
        at: Set(0),
        actor: Set("a".into()),
        action: Set("b".into()),
        subject: Set("c".into()),
        ..Default::default()
    }
}

async fn note(db: &Db, keep: bool) -> Result<()> {
    db.write(move |tx| {
        Box::pin(async move {
            audit::Entity::insert(row()).exec(tx).await?;
            if keep { Ok(()) } else { Err(VaultError::NotFound("thing")) }
        })
    })
    .await
}

/// The rows another process sees: committed ones only.
async fn committed(dir: &tempfile::TempDir) -> u64 {
    let other = Database::connect(options(&url(dir), 1)).await.expect("opens");
    let count = audit::Entity::find().count(&other).await.expect("counts");
    other.close().await.expect("closes");
    count
}

#[tokio::test]
async fn a_failed_write_leaves_the_others_of_its_group_alone() {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = open(&dir).await;
    let writes = (0..40).map(|i| note(&db, i % 4 != 0));
    let outcomes = futures::future::join_all(writes).await;
    assert_eq!(outcomes.iter().filter(|o| o.is_ok()).count(), 30);
    assert_eq!(committed(&dir).await, 30);
}

/// What sqlx's transaction count gets wrong. Here a job ends the group's transaction, in place of a failed COMMIT or of
/// a statement whose failure makes SQLite roll everything back.
#[tokio::test]
async fn after_a_transaction_was_lost_nothing_is_acknowledged_that_is_not_committed() {
    for statement in ["ROLLBACK", "COMMIT"] {
        let dir = tempfile::tempdir().expect("temp dir");
        let db = open(&dir).await;
        let lost = db.write(move |tx| {
            Box::pin(async move {
                tx.execute_unprepared(statement).await?;
                Ok(())
            })
        });
        let together = futures::future::join(lost, note(&db, true)).await;
        assert!(together.0.is_err(), "{statement}: its end was not confirmed");
        assert!(db.write_trouble().is_some() || together.1.is_ok());
        let before = committed(&dir).await;
        for n in 1..=20 {
            note(&db, true).await.expect("the next write finds a connection that is well");
            assert_eq!(committed(&dir).await, before + n, "{statement}: acknowledged, so committed");
        }
        assert_eq!(db.write_trouble(), None);
    }
}

#[tokio::test]
async fn a_write_that_goes_on_after_a_failed_statement_is_not_kept() {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = open(&dir).await;
    let swallowing = db.write(|tx| {
        Box::pin(async move {
            let _ = tx.execute_unprepared("INSERT INTO no_such_table VALUES (1)").await;
            let _ = audit::Entity::insert(row()).exec(tx).await;
            Ok(())
        })
    });
    assert!(swallowing.await.is_err());
    note(&db, true).await.expect("others go on");
    assert_eq!(committed(&dir).await, 1);
}

#[tokio::test]
async fn a_panic_is_an_error_of_its_own_write_alone() {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = open(&dir).await;
    let panicking = db.write::<(), _>(|_| Box::pin(async { panic!("a bug") }));
    let (panicked, noted) = futures::future::join(panicking, note(&db, true)).await;
    assert!(panicked.is_err());
    noted.expect("kept");
    assert_eq!(committed(&dir).await, 1);
}

#[tokio::test]
async fn closed_it_is_one_file_with_everything_in_it() {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = open(&dir).await;
    for _ in 0..50 {
        note(&db, true).await.expect("written");
    }
    db.close().await.expect("closes");
    assert!(note(&db, true).await.is_err(), "it is closed");
    let files = |dir: &Path| std::fs::read_dir(dir).expect("readable").count();
    assert_eq!(files(dir.path()), 1, "no -wal and no -shm");
    assert_eq!(committed(&dir).await, 50);
}
