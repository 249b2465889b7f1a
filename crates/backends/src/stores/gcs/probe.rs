//! Validate for a bucket.

use super::{GcsStore, error};
use crate::net::Target;
use crate::prober::Prober;
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use model::probe::{ProbeEnded, ProbeFailure, ProbeReport};

pub(super) async fn run(store: GcsStore) -> ProbeReport {
    let store = GcsStore { api: store.api.impatient(), ..store };
    Prober::run(|mut prober| async move {
        let _ = steps(&mut prober, &store).await;
        prober
    })
    .await
}

async fn steps(prober: &mut Prober, store: &GcsStore) -> Result<(), ProbeEnded> {
    let Some(server) = Target::of(&store.api.base) else {
        let failure =
            ProbeFailure::new("The endpoint is not a valid address.", "Enter it as https://host or http://host:port.");
        return prober.step("resolve", async { Err(failure) }).await;
    };
    server.reach(prober, &store.api.outgoing).await?;
    prober.step("authenticate", async { store.api.token().await.map(drop).map_err(|t| t.failure) }).await?;
    prober.step("bucket", bucket(store)).await?;
    prober.objects(store, cure).await
}

/// Listing needs the right bucket and a permission that recovery needs too.
async fn bucket(store: &GcsStore) -> Result<(), ProbeFailure> {
    match store.list_page(ObjectKey::for_probe("").as_str(), None, 1).await {
        Ok(_) => Ok(()),
        Err(trouble) if trouble.kind == StoreErrorKind::NotFound => Err(error::no_bucket(&store.bucket).failure),
        Err(trouble) => Err(trouble.failure),
    }
}

fn cure(step: &str, error: &StoreError) -> String {
    let allow = |permission: &str| {
        format!("Grant the service account the role Storage Object User on the bucket; it lacks {permission}.")
    };
    match (error.kind, step) {
        (StoreErrorKind::Full, _) => "Raise the project's quota.".into(),
        (StoreErrorKind::Denied, "write") => allow("storage.objects.create"),
        (StoreErrorKind::Denied, "read" | "range") => allow("storage.objects.get"),
        (StoreErrorKind::Denied, "delete") => allow("storage.objects.delete"),
        (StoreErrorKind::Denied, _) => allow("storage.objects.list"),
        _ => "Check the network, then try again.".into(),
    }
}
