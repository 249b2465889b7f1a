//! A service account's key: it authenticates the vault and signs URLs.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use model::providers::ServiceKey;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use std::fmt;
use std::sync::Arc;

/// What tokens allow: reading, writing and deleting objects.
const SCOPE: &str = "https://www.googleapis.com/auth/devstorage.read_write";
/// How long a request for a token is valid, in seconds; Google's own limit.
const LIFETIME: i64 = 3600;

/// A key that signs.
#[derive(Clone)]
pub(super) struct Signing {
    pub(super) account: ServiceKey,
    pair: Arc<KeyPair>,
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signing").field(&self.account.client_email).finish()
    }
}

impl Signing {
    /// Reads the private key; the error is a sentence for the user.
    pub(super) fn new(account: ServiceKey) -> Result<Self, String> {
        let unreadable =
            "Service account key holds a private_key that cannot be read: download a new key in JSON format";
        let der = PrivateKeyDer::from_pem_slice(account.private_key.expose().as_bytes());
        let pair = der.ok().and_then(|der| KeyPair::from_pkcs8(der.secret_der()).ok());
        pair.map(|pair| Self { account, pair: Arc::new(pair) }).ok_or_else(|| unreadable.to_owned())
    }

    /// RSA (PKCS #1 v1.5) over the SHA-256 of a message.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .expect("a key that was read signs, into a buffer of its own length");
        signature
    }

    /// A signed request for a token (RFC 7523), to be used at once.
    pub(super) fn assertion(&self, now: i64) -> String {
        let encode = |json: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
        let header = encode(json!({"alg": "RS256", "typ": "JWT", "kid": self.account.private_key_id}));
        let claims = encode(json!({
            "iss": self.account.client_email,
            "scope": SCOPE,
            "aud": self.account.token_uri,
            "iat": now,
            "exp": now + LIFETIME,
        }));
        let signed = format!("{header}.{claims}");
        let signature = BASE64_URL_SAFE_NO_PAD.encode(self.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}
