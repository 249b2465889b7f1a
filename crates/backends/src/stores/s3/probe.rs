//! Validate for a bucket.

use super::S3Store;
use super::client::Clients;
use crate::net::Target;
use crate::prober::Prober;
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use model::probe::{ProbeEnded, ProbeFailure, ProbeReport};

pub(super) async fn run(store: S3Store) -> ProbeReport {
    let clients = Clients::impatient(&store.target, &store.signing, &store.outgoing, &store.clock);
    let store = S3Store { clients, ..store };
    Prober::run(|mut prober| async move {
        let _ = steps(&mut prober, &store).await;
        prober
    })
    .await
}

async fn steps(prober: &mut Prober, store: &S3Store) -> Result<(), ProbeEnded> {
    let server = store.url().as_ref().and_then(Target::of);
    let Some(server) = server else {
        let failure =
            ProbeFailure::new("The endpoint is not a valid address.", "Enter it as https://host or http://host:port.");
        return prober.step("resolve", async { Err(failure) }).await;
    };
    server.reach(prober, &store.outgoing).await?;
    prober.step("authenticate", authenticate(store)).await?;
    prober.objects(store, cure).await
}

/// Listing needs the right keys, bucket, region and time, and unlike HEAD its answer shows which is wrong.
async fn authenticate(store: &S3Store) -> Result<(), ProbeFailure> {
    let prefix = ObjectKey::for_probe("");
    let request = store.quick().list_objects_v2().bucket(&store.target.bucket).prefix(prefix.as_str()).max_keys(1);
    match request.send().await.map_err(|e| store.trouble(e)) {
        Ok(_) => Ok(()),
        Err(trouble) if trouble.kind == StoreErrorKind::NotFound => Err(ProbeFailure::new(
            "There is no S3 service at this address.",
            "Check host, port and endpoint: there must be no path in it.",
        )),
        Err(trouble) => Err(trouble.failure),
    }
}

fn cure(step: &str, error: &StoreError) -> String {
    let allow = |action: &str| format!("Allow these keys {action} in this bucket.");
    match (error.kind, step) {
        (StoreErrorKind::Full, _) => "Free some space in the store, or raise the bucket's quota.".into(),
        (StoreErrorKind::Denied, "write") => allow("to write (s3:PutObject)"),
        (StoreErrorKind::Denied, "read" | "range") => allow("to read (s3:GetObject)"),
        (StoreErrorKind::Denied, "delete") => allow("to delete (s3:DeleteObject)"),
        (StoreErrorKind::Denied, _) => {
            allow("to list and abort multipart uploads (s3:ListBucketMultipartUploads, s3:AbortMultipartUpload)")
        }
        _ => "Check the network and the store's log, then try again.".into(),
    }
}
