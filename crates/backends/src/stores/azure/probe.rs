//! Validate for a container.

use super::{AzureStore, error};
use crate::net::Target;
use crate::prober::Prober;
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use model::probe::{ProbeEnded, ProbeFailure, ProbeReport};

pub(super) async fn run(store: AzureStore) -> ProbeReport {
    let store = store.impatient();
    Prober::run(|mut prober| async move {
        let _ = steps(&mut prober, &store).await;
        prober
    })
    .await
}

async fn steps(prober: &mut Prober, store: &AzureStore) -> Result<(), ProbeEnded> {
    let Some(server) = Target::of(&store.base) else {
        let failure =
            ProbeFailure::new("The endpoint is not a valid address.", "Enter it as https://host or http://host:port.");
        return prober.step("resolve", async { Err(failure) }).await;
    };
    server.reach(prober, &store.outgoing).await?;
    prober.step("authenticate", authenticate(store)).await?;
    prober.objects(store, cure).await
}

/// Listing needs the right credential and container, and the answer shows which is wrong.
async fn authenticate(store: &AzureStore) -> Result<(), ProbeFailure> {
    match store.list_page(ObjectKey::for_probe("").as_str(), None).await {
        Ok(_) => Ok(()),
        Err(trouble) if trouble.kind == StoreErrorKind::NotFound => {
            Err(error::no_container(&store.names.container).failure)
        }
        Err(trouble) => Err(trouble.failure),
    }
}

fn cure(step: &str, error: &StoreError) -> String {
    let allow = |what: &str, letters: &str| format!("Make a SAS token that also allows to {what} ({letters}).");
    match (error.kind, step) {
        (StoreErrorKind::Full, _) => "Raise the storage account's quota.".into(),
        (StoreErrorKind::Denied, "write") => allow("create and write", "c, w"),
        (StoreErrorKind::Denied, "read" | "range") => allow("read", "r"),
        (StoreErrorKind::Denied, "delete") => allow("delete", "d"),
        (StoreErrorKind::Denied, _) => allow("list", "l"),
        _ => "Check the network, then try again.".into(),
    }
}
