//! Uploads to a vault that is not running.

use super::DIRECTORY;
use super::agent::{Account, device, file_name};
use crate::stage::MASTER_KEY;
use anyhow::{Context as _, Result};
use backends::Backends;
use bytes::Bytes;
use futures::future::try_join_all;
use futures::stream;
use model::Secret;
use model::wire::header;
use std::collections::HashSet;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use vault::ingest::{Ingest, UploadRequest};
use vault::{Options, Vault};

/// Stores recordings as the vault of this folder would, so that their events wait in its outbox when it starts; returns
/// the full keys. Each camera uploads the same number.
pub(crate) async fn backlog(
    folder: &Path,
    database_url: &str,
    account: Account,
    cameras: usize,
    uploads: usize,
    recording: &Bytes,
) -> Result<HashSet<String>> {
    let options = Options {
        database_url: database_url.to_owned(),
        data_dir: folder.join("data"),
        master_key: Some(Secret::new(MASTER_KEY)),
        ..Options::default()
    };
    let vault = Vault::open(options, Arc::new(Backends::new())).await?;
    let secret = Secret::new(account.secret_key());
    let account = vault.accounts.authenticate(&account.access_key(), &secret).await?;
    let account = account.context("the vault does not know the account")?;
    let each = uploads / cameras;
    let keys =
        try_join_all((0..cameras).map(|camera| record(&vault.ingest, &account, camera, each, recording))).await?;
    Ok(keys.into_iter().flatten().collect())
}

/// One camera's uploads, one after the other.
async fn record(
    ingest: &Ingest,
    account: &vault::accounts::Account,
    camera: usize,
    uploads: usize,
    recording: &Bytes,
) -> Result<Vec<String>> {
    let mut keys = Vec::with_capacity(uploads);
    for _ in 0..uploads {
        let file_name = file_name(camera);
        let request = UploadRequest::read(account.clone(), None, |said| match said {
            header::FILE_NAME => file_name.clone(),
            header::DIRECTORY => DIRECTORY.into(),
            header::DEVICE => device(camera),
            header::CAPTURE => "IPCamera".into(),
            _ => String::new(),
        })?;
        ingest.store(request, stream::iter([Ok::<_, Infallible>(recording.clone())])).await?;
        keys.push(format!("{DIRECTORY}/{file_name}"));
    }
    Ok(keys)
}
