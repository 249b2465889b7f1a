//! URLs that play recordings without credentials for a while: signed by the provider if its settings ask for that, else by
//! the vault.

use super::{RecordingRef, Recordings};
use crate::access::signed_urls::{Signed, Signer};
use crate::base::{Result, VaultError};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// A recording whose URL is wanted.
#[derive(Debug, Clone)]
pub struct Signing {
    /// The recording.
    pub found: RecordingRef,
    /// For how long.
    pub ttl: Duration,
    /// Whether the URL is to lead to the recording as a fragmented file ([`fragmented`](Recordings::fragmented)), which the vault
    /// alone has.
    pub remuxed: bool,
}

impl Recordings {
    /// A URL for one recording; the vault's own are below `base_url`.
    ///
    /// # Errors
    /// `Store` if the provider is to sign and cannot.
    pub async fn sign(&self, found: &RecordingRef, base_url: &str, ttl: Duration) -> Result<String> {
        if let Some(address) = self.signed_by_provider(found, ttl).await? {
            return Ok(address);
        }
        let provider = self.connections.store(found.provider_id).await?.name;
        let signer = self.signed_urls.signer(found.account_id).await?;
        Ok(self.signed_by_vault(&signer, found, &provider, base_url, ttl))
    }

    /// URLs for many recordings, in their order. Where a provider is to sign and cannot, the vault does.
    pub async fn sign_many(&self, wanted: &[Signing], base_url: &str) -> Result<Vec<String>> {
        let mut signers: HashMap<i64, Signer> = HashMap::new();
        // Providers for which the vault signs: whoever does so for one recording does for all.
        let mut by_vault: HashSet<i64> = HashSet::new();
        let mut names: HashMap<i64, String> = HashMap::new();
        let mut urls = Vec::with_capacity(wanted.len());
        for Signing { found, ttl, remuxed } in wanted {
            if !remuxed && !by_vault.contains(&found.provider_id) {
                match self.signed_by_provider(found, *ttl).await {
                    Ok(Some(address)) => {
                        urls.push(address);
                        // A signature takes time and waits for nothing; others have their turn.
                        tokio::task::yield_now().await;
                        continue;
                    }
                    Ok(None) => {}
                    Err(error @ (VaultError::Database(_) | VaultError::Full(_))) => return Err(error),
                    Err(error) => {
                        let (provider_id, error) = (found.provider_id, &error as &dyn std::error::Error);
                        tracing::warn!(provider_id, error, "the provider does not sign; the vault signs instead");
                    }
                }
                by_vault.insert(found.provider_id);
            }
            if let Entry::Vacant(unknown) = names.entry(found.provider_id) {
                unknown.insert(self.connections.row(found.provider_id).await?.name);
            }
            if let Entry::Vacant(unknown) = signers.entry(found.account_id) {
                unknown.insert(self.signed_urls.signer(found.account_id).await?);
            }
            let (signer, provider) = (&signers[&found.account_id], &names[&found.provider_id]);
            let url = self.signed_by_vault(signer, found, provider, base_url, *ttl);
            urls.push(if *remuxed { url + "&fragmented=true" } else { url });
        }
        Ok(urls)
    }

    async fn signed_by_provider(&self, found: &RecordingRef, ttl: Duration) -> Result<Option<String>> {
        // While the provider is down, only the vault's own URL leads to a copy.
        if self.down.contains(found.provider_id) {
            return Ok(None);
        }
        let provider = self.connections.store(found.provider_id).await?;
        Ok(provider.store.sign(&found.key, ttl).await?)
    }

    fn signed_by_vault(
        &self,
        signer: &Signer,
        found: &RecordingRef,
        provider: &str,
        base_url: &str,
        ttl: Duration,
    ) -> String {
        let ttl = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX / 2);
        let (id, stored_at) = (found.id, found.uploaded_at);
        let recording = Signed { id, key: found.key.as_str(), sha256: &found.sha256, stored_at };
        let query = signer.query(recording, provider, self.db.now_ms() / 1000 + ttl);
        format!("{}/api/storage/signed?{query}", base_url.trim_end_matches('/'))
    }
}
