//! Transactions that meet at the same rows. PostgreSQL runs them at once, and each statement sees what others have
//! committed by then.

use crate::support::{PATIENCE, TestVault, actor, first, until, waiting_for_locks, within};
use futures::{FutureExt as _, stream};
use model::moving::MoveState;
use sea_orm::TransactionTrait as _;
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, EntityTrait as _, PaginatorTrait as _};
use std::convert::Infallible;
use std::pin::pin;
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use vault::VaultError;
use vault::deliveries::Backlog;
use vault::entity::{copy, removal};

/// A transaction that has done this and has not ended.
async fn begun(tables: &DatabaseConnection, sql: &str) -> DatabaseTransaction {
    let transaction = tables.begin().await.unwrap();
    transaction.execute_unprepared(sql).await.unwrap();
    transaction
}

/// Nothing waits to be told, copied or deleted.
async fn comes_to_rest(t: &TestVault) {
    until("nothing waits", || t.vault.deliveries.count(None).map(|count| count.unwrap() == (0, 0))).await;
    t.vault.keep_house().await;
}

async fn is_moved(t: &TestVault) {
    until("it is moved", || async { t.vault.moves.list().await.unwrap()[0].state == MoveState::Done }).await;
}

/// A copy that has been made and is about to be noted: nobody may, until the transaction ends.
async fn copy_to_be_noted(t: &TestVault, tables: &DatabaseConnection) -> DatabaseTransaction {
    t.add_second_provider().await;
    t.copy_to_second().await;
    t.upload("a.mp4", b"old").await.unwrap();
    let nobody = begun(tables, "LOCK TABLE copies IN SHARE MODE").await;
    t.deliver();
    waiting_for_locks(tables, 1).await;
    nobody
}

#[tokio::test]
async fn a_copy_noted_while_its_recording_is_deleted_goes_with_it() {
    let t = TestVault::on_postgres().await;
    let tables = t.tables().await;
    let nobody = copy_to_be_noted(&t, &tables).await;
    let found = t.vault.recordings.find_by_id(&actor(), t.listed().await[0].id).await.unwrap();
    let vault = t.vault.clone();
    let deletion = tokio::spawn(async move { vault.recordings.delete(&actor(), &found).await });
    waiting_for_locks(&tables, 2).await;
    nobody.rollback().await.unwrap();
    within("the deletion ends", deletion).await.unwrap().unwrap();
    comes_to_rest(&t).await;
    assert_eq!(copy::Entity::find().count(&tables).await.unwrap(), 0);
    assert!(t.world.second_store.keys().is_empty(), "no object stays that nobody knows of");
}

#[tokio::test]
async fn a_copy_noted_while_its_recording_is_replaced_is_made_again() {
    let t = TestVault::on_postgres().await;
    let tables = t.tables().await;
    let nobody = copy_to_be_noted(&t, &tables).await;
    let noted = async {
        waiting_for_locks(&tables, 2).await;
        nobody.rollback().await.unwrap();
    };
    futures::future::join(t.upload("a.mp4", b"new content"), noted).await.0.unwrap();
    comes_to_rest(&t).await;
    assert_eq!(t.world.second_store.objects.lock().unwrap()["dir/a.mp4"], "new content");
}

/// What was moved is missing at its new provider, and deleted while that is found out.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_object_is_no_copy_of_a_recording_that_was_deleted_meanwhile() {
    let t = TestVault::new().await;
    let (from, to) = t.add_second_provider().await;
    let stored = t.upload("a.mp4", b"x").await.unwrap();
    t.deliver();
    t.vault.moves.start(&actor(), from, to).await.unwrap();
    is_moved(&t).await;
    t.world.second_store.objects.lock().unwrap().remove("dir/a.mp4").unwrap();
    let tables = t.tables().await;
    let due = removal::Entity::update_many().col_expr(removal::Column::RemovedAt, Expr::val(0));
    due.exec(&tables).await.unwrap();
    let found = t.vault.recordings.find_by_id(&actor(), stored.id).await.unwrap();
    let (vault, runtime) = (t.vault.clone(), Handle::current());
    *t.world.store.at_get.lock().unwrap() = Some(Box::new(move || {
        block_in_place(|| runtime.block_on(vault.recordings.delete(&actor(), &found)).unwrap());
    }));
    t.vault.keep_house().await;
    assert!(t.listed().await.is_empty(), "it was deleted");
    // A minute later.
    let due = removal::Entity::update_many().col_expr(removal::Column::DueAt, Expr::val(0));
    due.exec(&tables).await.unwrap();
    t.vault.keep_house().await;
    assert_eq!(copy::Entity::find().count(&tables).await.unwrap(), 0);
    assert!(t.world.store.keys().is_empty(), "no object stays that nobody knows of");
}

/// The turns of a move end with their connection, and it does not notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_recording_that_is_replaced_while_it_moves_keeps_its_content() {
    let t = TestVault::on_postgres().await;
    let (from, to) = t.add_second_provider().await;
    t.upload("a.mp4", b"old").await.unwrap();
    let (other, tables) = (t.replica().await, t.tables().await);
    let request = t.request_to(&other, "a.mp4").await;
    let runtime = Handle::current();
    *t.world.second_store.at_put.lock().unwrap() = Some(Box::new(move || {
        let replacing = async {
            let turns = "SELECT bool_and(pg_terminate_backend(pid)) FROM pg_locks
                         JOIN pg_database ON pg_database.oid = database
                         WHERE locktype = 'advisory' AND datname = current_database()";
            assert_eq!(first::<Option<bool>>(&tables, turns).await.flatten(), Some(true), "it had turns");
            let body = stream::iter([Ok::<_, Infallible>(b"new content".as_slice().into())]);
            other.ingest.store(request, body).await.unwrap()
        };
        block_in_place(|| runtime.block_on(replacing));
    }));
    t.deliver();
    t.vault.moves.start(&actor(), from, to).await.unwrap();
    is_moved(&t).await;
    assert_eq!(t.listed().await[0].provider, "second");
    assert_eq!(t.content("a.mp4").await.unwrap(), b"new content");
}

#[tokio::test]
async fn a_provider_is_not_deleted_while_a_recording_comes_to_it() {
    let t = TestVault::on_postgres().await;
    let (_, second) = t.add_second_provider().await;
    t.upload("a.mp4", b"x").await.unwrap();
    let tables = t.tables().await;
    // As a transaction does that brings a recording. Whoever looks for copies waits for it, too.
    let coming = format!(
        "SELECT id FROM connections WHERE id = {second} FOR KEY SHARE; LOCK TABLE copies IN ACCESS EXCLUSIVE MODE"
    );
    let coming = begun(&tables, &coming).await;
    let vault = t.vault.clone();
    let deletion = tokio::spawn(async move { vault.connections.delete(&actor(), second, Backlog::Keep).await });
    waiting_for_locks(&tables, 1).await;
    coming.execute_unprepared(&format!("UPDATE recordings SET provider_id = {second}")).await.unwrap();
    coming.commit().await.unwrap();
    let refused = within("the deletion ends", deletion).await.unwrap();
    assert!(matches!(refused, Err(VaultError::Conflict(_))), "{refused:?}");
    assert_eq!(t.listed().await[0].provider, "second");
}

#[tokio::test]
async fn a_recording_does_not_come_to_a_provider_that_is_being_deleted() {
    let t = TestVault::on_postgres().await;
    let (_, second) = t.add_second_provider().await;
    let tables = t.tables().await;
    let deletion = begun(&tables, &format!("DELETE FROM connections WHERE id = {second}")).await;
    let mut request = t.request("a.mp4").await;
    request.provider = Some("second".into());
    let mut upload = pin!(t.send(request, b"x"));
    tokio::select! {
        stored = upload.as_mut() => panic!("{stored:?} at a provider that goes"),
        () = waiting_for_locks(&tables, 1) => {}
    }
    deletion.commit().await.unwrap();
    within("the upload ends", upload).await.unwrap_err();
    assert!(t.listed().await.is_empty());
}

/// A move that was stopped may still have a recording on its way.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_recording_is_not_moved_to_a_provider_that_was_deleted() {
    let t = TestVault::new().await;
    let (from, to) = t.add_second_provider().await;
    t.upload("a.mp4", b"x").await.unwrap();
    let id = t.vault.moves.start(&actor(), from, to).await.unwrap();
    let (vault, runtime) = (t.vault.clone(), Handle::current());
    let (gone, is_gone) = std::sync::mpsc::channel();
    *t.world.second_store.at_put.lock().unwrap() = Some(Box::new(move || {
        let deleting = async {
            vault.moves.stop(&actor(), id).await.unwrap();
            vault.connections.delete(&actor(), to, Backlog::Keep).await.unwrap();
        };
        block_in_place(|| runtime.block_on(deleting));
        gone.send(()).unwrap();
    }));
    t.deliver();
    block_in_place(|| is_gone.recv_timeout(PATIENCE)).expect("the provider is deleted while the recording moves");
    // Whoever uploads waits for the move's turn to end.
    t.upload("a.mp4", b"x").await.unwrap();
    let rows = t.listed().await;
    assert_eq!((rows.len(), rows[0].provider.as_str()), (1, "local"));
}
