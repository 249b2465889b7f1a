//! What the vault says in an address. Without JavaScript, a form's error reaches the next page in its query; signed, so that
//! nobody puts words into the vault's mouth by a link.

use crate::base::keys::Keys;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// Signs such texts. All replicas know each other's.
#[derive(Clone)]
pub struct Said(Arc<Keys>);

impl Said {
    pub(crate) fn new(keys: Arc<Keys>) -> Self {
        Self(keys)
    }

    /// The proof that the vault said this.
    pub fn sign(&self, text: &str) -> String {
        hex::encode(self.0.sign_link(&format!("said {text}")))
    }

    /// Whether it did.
    pub fn is_ours(&self, text: &str, proof: &str) -> bool {
        self.sign(text).as_bytes().ct_eq(proof.as_bytes()).into()
    }
}
