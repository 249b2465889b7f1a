//! Uploads in several requests that come to nothing, or were meant as a part of one (docs/protocol.md §11).

use crate::resumable::{begin, creation, kept, metadata, piece, tus};
use crate::support::{NAME, TestVault, send};
use bytes::Bytes;
use reqwest::Method;
use sea_orm::{Database, EntityTrait as _};
use vault::entity::resumable;

const NOTHING: Bytes = Bytes::new();

#[tokio::test]
async fn an_empty_file_of_an_agent_is_sent_in_a_single_request() {
    let vault = TestVault::start().await;
    let agents = creation(&vault).header("upload-length", 0).header("user-agent", "Go-http-client/1.1");
    send(agents).await.refused_with(501, "tus_empty");
    vault.assert_nothing_stored().await;
}

#[tokio::test]
async fn an_empty_file_is_an_upload_that_is_finished_as_soon_as_it_is_begun() {
    let vault = TestVault::start().await;
    let begun = send(creation(&vault).header("upload-length", 0)).await;
    assert_eq!((begun.status, begun.header("upload-offset")), (201, "0"), "{begun:?}");
    let empty = begin(&vault, 0).await;
    is_finished(&vault, &empty).await;
    let tables = Database::connect(vault.database.clone()).await.unwrap();
    let rows = resumable::Entity::find().all(&tables).await.unwrap();
    assert!(
        rows.len() == 2 && rows.iter().all(|row| row.done),
        "none counts among those that are not finished: {rows:?}"
    );
    // With the creation there may come as many bytes as there are.
    let none = creation(&vault).header("upload-length", 0).header("content-type", "application/offset+octet-stream");
    assert_eq!(send(none.body(NOTHING)).await.status, 201);
    let one = creation(&vault).header("upload-length", 0).header("content-type", "application/offset+octet-stream");
    send(one.body("x")).await.refused_with(400, "tus_length_wrong");
    // What would be refused with one byte is refused without.
    let nameless = tus(&vault, Method::POST, "/api/storage/tus/").header("upload-length", 0);
    send(nameless).await.refused_with(400, "file_missing_name");
    // It can be given up, and is somebody's.
    let theirs = send(vault.other_agent(Method::HEAD, &empty).header("tus-resumable", "1.0.0")).await;
    assert_eq!(theirs.status, 404, "{theirs:?}");
    assert_eq!(send(tus(&vault, Method::DELETE, &empty)).await.status, 204);
    send(piece(&vault, &empty, 0, NOTHING)).await.refused_with(404, "tus_upload_not_found");
    vault.assert_nothing_stored().await;
}

async fn is_finished(vault: &TestVault, upload: &str) {
    let told = kept(vault, upload).await;
    assert_eq!((told.header("upload-offset"), told.header("upload-length")), ("0", "0"), "{told:?}");
    assert_eq!((told.header("upload-defer-length"), told.header("upload-metadata")), ("", metadata(NAME).as_str()));
    let answer = send(piece(vault, upload, 0, NOTHING)).await;
    assert_eq!((answer.status, answer.header("upload-offset")), (204, "0"), "{answer:?}");
    send(piece(vault, upload, 0, "x")).await.refused_with(400, "tus_length_wrong");
}

#[tokio::test]
async fn a_length_that_turns_out_to_be_nothing_ends_an_upload_as_well() {
    let vault = TestVault::start().await;
    let begun = send(creation(&vault).header("upload-defer-length", 1)).await;
    assert_eq!(begun.status, 201, "{begun:?}");
    let upload = format!("/api/storage/tus/{}", begun.header("location").rsplit('/').next().unwrap());
    assert_eq!(kept(&vault, &upload).await.header("upload-defer-length"), "1");
    let more = piece(&vault, &upload, 0, "x").header("upload-length", 0);
    send(more).await.refused_with(400, "tus_length_wrong");
    let unannounced = futures::stream::iter([Ok::<_, std::io::Error>("x")]);
    let more = piece(&vault, &upload, 0, NOTHING).header("upload-length", 0);
    send(more.body(reqwest::Body::wrap_stream(unannounced))).await.refused_with(400, "tus_length_wrong");
    assert_eq!(kept(&vault, &upload).await.header("upload-defer-length"), "1", "it is still to be said");
    let end = send(piece(&vault, &upload, 0, NOTHING).header("upload-length", 0)).await;
    assert_eq!((end.status, end.header("upload-offset")), (204, "0"), "{end:?}");
    is_finished(&vault, &upload).await;
    assert_eq!(send(tus(&vault, Method::DELETE, &upload)).await.status, 204);
    vault.assert_nothing_stored().await;
}

/// Stored as they are, parts would be recordings of their own.
#[tokio::test]
async fn parts_that_are_to_be_joined_are_refused_by_name() {
    let vault = TestVault::start().await;
    for wanted in ["partial", "final;/api/storage/tus/a /api/storage/tus/b", ""] {
        let part = creation(&vault).header("upload-length", 10).header("upload-concat", wanted);
        send(part).await.refused_with(501, "tus_concatenation");
    }
    let joined = creation(&vault).header("upload-concat", "final;/api/storage/tus/a");
    send(joined).await.refused_with(501, "tus_concatenation");
    let offered = send(vault.request(Method::OPTIONS, "/api/storage/tus")).await;
    assert!(!offered.header("tus-extension").contains("concatenation"), "{offered:?}");
    vault.assert_nothing_stored().await;
}
