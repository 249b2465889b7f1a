//! Uploads in several requests: their cameras go on after failures, and come back after a kill.

use crate::invariants;
use crate::workload;
use crate::world::{PLAIN, World, said};
use bytes::Bytes;
use futures::stream;
use sha2::{Digest as _, Sha256};
use std::convert::Infallible;
use vault::ingest::resumable::{Piece, ResumeError};

/// Bytes of a request.
const PIECE: usize = 300_000;
/// How often a camera goes on before it waits for better times.
const TRIES: usize = 3;

impl World {
    /// Uploads from one of the account's cameras in several requests; returns whether it was told that the recording is stored.
    pub async fn upload_in_pieces(&self, account: &str, name: &str, bytes: &[u8]) -> bool {
        let request = self.request(account, name, Some(bytes.len() as u64));
        match self.vault.resumables.create(request, said(account, name)).await {
            Ok(begun) => self.go_on(account, name, &begun.id, bytes).await,
            Err(error) => {
                tracing::debug!(name, error = &error as &dyn std::error::Error, "not begun");
                false
            }
        }
    }

    /// Cameras go on with what they had begun. One that was told how much there is must not have to begin anew.
    pub(crate) async fn come_back(&self) {
        for row in invariants::unfinished(self.root()).await.unwrap_or_default() {
            let (account, name) = row.key.split_once('/').expect("the harness names its recordings well");
            assert_eq!(account, PLAIN, "its uploads only come in pieces");
            let length = row.length.and_then(|length| usize::try_from(length).ok()).expect("it was announced");
            self.go_on(account, name, &row.id, &workload::again(name, length)).await;
        }
    }

    async fn go_on(&self, account: &str, name: &str, id: &str, bytes: &[u8]) -> bool {
        let (key, held) = (format!("{account}/{name}"), Some(hex::encode(Sha256::digest(bytes))));
        self.ledger.asks(&key, &held);
        for _ in 0..TRIES {
            match self.send_pieces(account, id, bytes).await {
                Ok(()) => {
                    self.ledger.told(&key, &held, Some(bytes.len() as u64));
                    return true;
                }
                Err(error) => tracing::debug!(name, error = &error as &dyn std::error::Error, "not all is sent"),
            }
        }
        false
    }

    async fn send_pieces(&self, account: &str, id: &str, bytes: &[u8]) -> Result<(), ResumeError> {
        let (account, resumables) = (self.account(account), &self.vault.resumables);
        let mut at = resumables.look(account, id).await?.received;
        while at < bytes.len() as u64 {
            let from = usize::try_from(at).expect("it fits into memory");
            let piece = &bytes[from..(from + PIECE).min(bytes.len())];
            let chunks: Vec<_> =
                piece.chunks(64 * 1024).map(|chunk| Ok::<_, Infallible>(Bytes::copy_from_slice(chunk))).collect();
            let about = Piece { at, length: None, size: Some(piece.len() as u64), only_whole: false };
            let sent = resumables.append(account.clone(), id, about, stream::iter(chunks)).await;
            assert!(!matches!(sent, Err(ResumeError::NotFound)), "it has {at} bytes, and then it has to begin anew");
            at = sent?.received;
        }
        Ok(())
    }
}
