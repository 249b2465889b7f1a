//! How long an upload in several requests is kept, and how many an account may begin (docs/protocol.md §11).

use crate::resumable::{begin, creation, piece, tus};
use crate::support::{TestVault, send};
use reqwest::Method;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait as _, ConnectionTrait as _, Database, EntityTrait as _, QueryFilter as _};
use vault::entity::resumable;
use vault::ingest::resumable::MAX_OPEN;

/// Whether or not it has been cleared away already.
#[tokio::test]
async fn an_upload_that_has_expired_is_told_from_one_that_never_was() {
    let vault = TestVault::start().await;
    let (upload, other) = (begin(&vault, 10).await, begin(&vault, 10).await);
    assert_eq!(send(piece(&vault, &upload, 0, "12345")).await.status, 204);
    let tables = Database::connect(vault.database.clone()).await.unwrap();
    let this = resumable::Column::Id.eq(upload.rsplit('/').next().unwrap());
    let past = resumable::ActiveModel { expires_at: Set(1), ..Default::default() };
    resumable::Entity::update_many().set(past).filter(this).exec(&tables).await.unwrap();
    assert_eq!(send(tus(&vault, Method::HEAD, &upload)).await.status, 410);
    send(piece(&vault, &upload, 5, "67890")).await.refused_with(410, "tus_upload_expired");
    send(tus(&vault, Method::DELETE, &upload)).await.refused_with(410, "tus_upload_expired");
    send(piece(&vault, "/api/storage/tus/none", 0, "x")).await.refused_with(404, "tus_upload_not_found");
    assert_eq!(send(tus(&vault, Method::HEAD, &other)).await.status, 200);
    assert_eq!(vault.keys().await, [""; 0]);
}

#[tokio::test]
async fn an_account_has_only_so_many_that_are_not_finished() {
    let vault = TestVault::start().await;
    let upload = begin(&vault, 1).await;
    let tables = Database::connect(vault.database.clone()).await.unwrap();
    let more = format!(
        "INSERT INTO resumables (id, account_id, provider_id, key, said, length, received, at_provider, digest, done, holder, \
         held_until, expires_at) SELECT id || n, account_id, provider_id, key, said, length, received, at_provider, digest, done, \
         holder, held_until, expires_at FROM resumables, (WITH RECURSIVE many(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM many \
         WHERE n < {MAX_OPEN}) SELECT n FROM many) AS many"
    );
    tables.execute_unprepared(&more).await.unwrap();
    let refused = send(creation(&vault).header("upload-length", 1)).await;
    refused.refused_with(429, "too_many_requests");
    assert!(refused.json()["message"].as_str().unwrap().contains("1000 uploads that are not finished"), "{refused:?}");
    let another = vault.other_agent(Method::POST, "/api/storage/tus").header("tus-resumable", "1.0.0");
    let another = another.header("upload-metadata", "filename YS5tcDQ=").header("upload-length", 1);
    assert_eq!(send(another).await.status, 201, "another account's are its own");
    // One that is finished makes room.
    assert_eq!(send(piece(&vault, &upload, 0, "x")).await.status, 204);
    assert_eq!(send(creation(&vault).header("upload-length", 1)).await.status, 201);
    send(creation(&vault).header("upload-length", 1)).await.refused_with(429, "too_many_requests");
    let done = resumable::Entity::update_many().col_expr(resumable::Column::Done, Expr::val(true));
    done.exec(&tables).await.unwrap();
    assert_eq!(send(creation(&vault).header("upload-length", 1)).await.status, 201);
}
