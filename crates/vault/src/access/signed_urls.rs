//! URLs signed by the vault: each reads one recording without credentials until it expires.

use crate::base::Principal;
use crate::base::clock::Clock;
use crate::base::keys::Keys;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// Signs and verifies such URLs.
#[derive(Clone)]
pub struct SignedUrls {
    keys: Arc<Keys>,
    clock: Clock,
}

impl SignedUrls {
    pub(crate) fn new(keys: Arc<Keys>, clock: Clock) -> Self {
        Self { keys, clock }
    }

    /// The query string that gives access to a recording until `expires_at_s` (Unix seconds).
    pub fn sign(&self, recording_id: i64, expires_at_s: i64) -> String {
        let signature = hex::encode(self.keys.sign_link(&text(recording_id, expires_at_s)));
        format!("id={recording_id}&expires={expires_at_s}&signature={signature}")
    }

    /// Whether this moment (Unix seconds) has passed.
    pub fn has_expired(&self, expires_at_s: i64) -> bool {
        self.clock.now_ms() / 1000 > expires_at_s
    }

    /// Whoever has this URL, if the signature is ours and still valid. Takes the same time for every signature.
    pub fn verify(&self, recording_id: i64, expires_at_s: i64, signature: &str) -> Option<Principal> {
        let expected = hex::encode(self.keys.sign_link(&text(recording_id, expires_at_s)));
        let genuine: bool = expected.as_bytes().ct_eq(signature.as_bytes()).into();
        (genuine && !self.has_expired(expires_at_s)).then_some(Principal::SignedUrl { recording_id })
    }
}

fn text(recording_id: i64, expires_at_s: i64) -> String {
    format!("recording {recording_id} until {expires_at_s}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_other_recordings_and_expired_urls() {
        let dir = tempfile::tempdir().expect("temp dir");
        let urls = SignedUrls::new(Arc::new(Keys::load(None, &dir.path().join("k")).expect("key")), Clock::default());
        let soon = urls.clock.now_ms() / 1000 + 60;
        let signature = |id, at| urls.sign(id, at).rsplit_once('=').expect("has a signature").1.to_owned();
        let verified = Some(Principal::SignedUrl { recording_id: 7 });
        assert_eq!(urls.verify(7, soon, &signature(7, soon)), verified);
        assert_eq!(urls.verify(8, soon, &signature(7, soon)), None);
        assert_eq!(urls.verify(7, soon + 1, &signature(7, soon)), None);
        assert_eq!(urls.verify(7, soon - 120, &signature(7, soon - 120)), None);
        assert_eq!(urls.verify(7, soon, ""), None);
    }
}
