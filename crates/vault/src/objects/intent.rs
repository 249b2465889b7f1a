//! What an upload leaves behind before its bytes: the intent, by which whatever is cut off is found.

use crate::base::Result;
use crate::base::damaged::Damage;
use crate::base::db::Tx;
use crate::base::entity::upload;
use crate::connections;
use serde::{Deserialize, Serialize};

/// What is known of an upload besides its bytes; kept with the intent, so that recovery can finish
/// what a crash cut off.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Draft {
    pub(crate) account_id: i64,
    pub(crate) integrations: Vec<i64>,
    /// Providers that get a copy.
    pub(crate) secondaries: Vec<i64>,
    pub(crate) cloud_analysis: bool,
    pub(crate) device: String,
    pub(crate) capture: String,
    pub(crate) cloud_key: String,
    pub(crate) fps: String,
    pub(crate) duration: String,
    pub(crate) timestamp: String,
    pub(crate) path: String,
    /// Noted once the provider failed to say that it has this: recovery makes a recording of nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sent: Option<Sent>,
    /// When that was, in Unix milliseconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) failed_at: i64,
}

fn is_zero(ms: &i64) -> bool {
    *ms == 0
}

/// What was sent to a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sent {
    size: u64,
    sha256: String,
}

impl Draft {
    /// Without the connections that were deleted while the bytes arrived.
    pub(crate) async fn still_concerning(mut self, tx: &Tx) -> Result<Self> {
        let there = connections::hold(tx, self.concerned()).await?;
        self.integrations.retain(|id| there.contains(id));
        self.secondaries.retain(|id| there.contains(id));
        Ok(self)
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a draft serialises")
    }

    /// Of an intent. Without an account it is none.
    pub(crate) fn of(intent: &upload::Model) -> std::result::Result<Self, Damage> {
        let draft: Option<Self> = serde_json::from_str(&intent.draft).ok();
        draft.filter(|draft| draft.account_id > 0).ok_or_else(|| intent.bad_draft())
    }

    /// The same, with what its provider was sent in vain.
    pub(crate) fn having_sent(&self, size: u64, sha256: &str, now_ms: i64) -> Self {
        Self { sent: Some(Sent { size, sha256: sha256.to_owned() }), failed_at: now_ms, ..self.clone() }
    }

    /// Whether its provider failed to say that it has what it was sent.
    pub(crate) fn has_failed(&self) -> bool {
        self.sent.is_some()
    }

    /// When it did, in Unix milliseconds; 0 where that is not known.
    pub(crate) fn failed_at(&self) -> i64 {
        self.failed_at
    }

    /// Whether an object of this content may be what this upload stored.
    pub(crate) fn allows(&self, size: u64, sha256: &str) -> bool {
        self.sent.as_ref().is_none_or(|sent| (sent.size, sent.sha256.as_str()) == (size, sha256))
    }

    /// Whom the recording concerns besides its provider, for waking their workers.
    pub(crate) fn concerned(&self) -> Vec<i64> {
        [self.integrations.as_slice(), &self.secondaries].concat()
    }
}

/// Whether an upload is known to have failed half-way. Of one that cannot be read nobody knows.
pub(crate) fn has_failed(intent: &upload::Model) -> bool {
    Draft::of(intent).map_or(true, |draft| draft.has_failed())
}

/// Whether an intent can be read.
pub(crate) fn check(intent: &upload::Model) -> std::result::Result<(), Damage> {
    intent.read_key()?;
    Draft::of(intent).map(drop)
}
