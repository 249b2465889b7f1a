//! What is kept of a request's bytes while more of them come: the parts at the provider.

use super::append::{Work, json};
use super::rows::Kept;
use crate::flows::ingest::arriving::{Arriving, may_have_begun};
use crate::flows::ingest::digest::Digest;
use crate::flows::ingest::multipart::{AtProvider, Multipart};
use crate::flows::ingest::{Intent, UploadError};

impl Work {
    /// Begins parts at the provider. Until the row names them an intent does, so that they are freed whatever happens.
    pub(super) async fn begin_parts(&self) -> std::result::Result<Multipart, UploadError> {
        let (ingest, target) = (&self.resumables.ingest, &self.target);
        let draft = target.draft.having_sent_nothing(ingest.db.now_ms());
        let mut intent = Intent::declare(ingest.db.clone(), ingest.replicas.me(), target, &draft);
        let begun = match ingest.begin_parts(target, Some(&mut intent)).await {
            Ok(begun) => begun.outliving(),
            Err(error) => {
                ingest.give_up(target, intent, !may_have_begun(&error)).await;
                return Err(error);
            }
        };
        let intent_id = intent.written().await?;
        let noted = self.resumables.rows.begin_parts(self.expected.clone(), json(&begun.arrived()), intent_id);
        noted.await?;
        Ok(begun)
    }

    /// Keeps the parts that have arrived at the provider since the last time.
    pub(super) async fn keep_parts(&mut self, arriving: &mut Arriving) -> std::result::Result<(), UploadError> {
        let Some((parts, digest)) = arriving.checkpoint() else { return Ok(()) };
        self.keep(&parts, &digest).await
    }

    pub(super) async fn keep(&mut self, parts: &AtProvider, digest: &Digest) -> std::result::Result<(), UploadError> {
        self.resumables.rows.keep_parts(self.expected.clone(), self.kept(Some(parts), digest)).await?;
        self.expected.received = digest.size();
        self.tail = 0;
        Ok(())
    }

    pub(super) fn kept(&self, parts: Option<&AtProvider>, digest: &Digest) -> Kept {
        Kept {
            received: digest.size(),
            length: self.length,
            at_provider: parts.map(json),
            digest: digest.save(),
            expires_at: self.resumables.expiry(),
        }
    }
}
