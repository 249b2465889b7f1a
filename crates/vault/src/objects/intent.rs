//! Intents: what an upload records before its bytes are visible, by which interrupted ones are found.

use crate::base::Result;
use crate::base::damaged::Damage;
use crate::base::db::Tx;
use crate::base::entity::upload;
use crate::connections;
use model::wire::{CustomHeaders, Facts};
use serde::{Deserialize, Serialize};

/// What is known of an upload besides its bytes; stored with the intent, so that recovery can finish what a crash cut
/// off.
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
    #[serde(flatten)]
    pub(crate) facts: Facts,
    #[serde(skip_serializing_if = "CustomHeaders::is_empty")]
    pub(crate) custom_headers: CustomHeaders,
    pub(crate) path: String,
    /// The upload in several requests that ends with this, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resumable: Option<String>,
    /// Set once the provider failed to confirm it: then recovery makes a recording of nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sent: Option<SentContent>,
    /// Whether the provider said that it had stored it, and then told of something else. Then what lies there is this
    /// upload's, and not what was sent.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) is_lie: bool,
    /// When that happened, Unix milliseconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) failed_at: i64,
}

fn is_false(told: &bool) -> bool {
    !*told
}

fn is_zero(ms: &i64) -> bool {
    *ms == 0
}

/// What was sent to a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SentContent {
    size: u64,
    sha256: String,
}

impl Draft {
    /// Drops connections that were deleted while the bytes arrived.
    pub(crate) async fn still_concerning(mut self, tx: &Tx) -> Result<Self> {
        let there = connections::lock_rows(tx, self.concerned()).await?;
        self.integrations.retain(|id| there.contains(id));
        self.secondaries.retain(|id| there.contains(id));
        Ok(self)
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a draft serialises")
    }

    /// An intent's draft. One without an account is damaged.
    pub(crate) fn of(intent: &upload::Model) -> std::result::Result<Self, Damage> {
        let draft: Option<Self> = serde_json::from_str(&intent.draft).ok();
        draft.filter(|draft| draft.account_id > 0).ok_or_else(|| intent.bad_draft())
    }

    /// Adds what the provider was sent but did not confirm.
    pub(crate) fn having_sent(&self, size: u64, sha256: &str, is_lie: bool, now_ms: i64) -> Self {
        Self { sent: Some(SentContent { size, sha256: sha256.to_owned() }), is_lie, failed_at: now_ms, ..self.clone() }
    }

    /// Notes that nothing of the upload became an object, so that nothing that lies at its key is its own.
    pub(crate) fn having_sent_nothing(&self, now_ms: i64) -> Self {
        self.having_sent(0, "", false, now_ms)
    }

    /// Whether its provider failed to confirm what it was sent. No upload is of nothing.
    pub(crate) fn has_failed(&self) -> bool {
        self.sent.as_ref().is_some_and(|sent| sent.size > 0)
    }

    /// Whether it said that it had stored it, and then told of something else.
    pub(crate) fn is_lie(&self) -> bool {
        self.is_lie
    }

    /// When that happened, Unix milliseconds; 0 if unknown.
    pub(crate) fn failed_at(&self) -> i64 {
        self.failed_at
    }

    /// Whether an object with this content may be what this upload stored.
    pub(crate) fn allows(&self, size: u64, sha256: &str) -> bool {
        self.sent.as_ref().is_none_or(|sent| (sent.size, sent.sha256.as_str()) == (size, sha256))
    }

    /// The connections, besides its provider, whose workers to wake.
    pub(crate) fn concerned(&self) -> Vec<i64> {
        [self.integrations.as_slice(), &self.secondaries].concat()
    }
}

/// Whether an upload failed half-way, or may have: its draft cannot be read.
pub(crate) fn has_failed(intent: &upload::Model) -> bool {
    Draft::of(intent).map_or(true, |draft| draft.has_failed())
}

/// Whether an intent can be read.
pub(crate) fn check(intent: &upload::Model) -> std::result::Result<(), Damage> {
    intent.read_key()?;
    Draft::of(intent).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was cut off before an upgrade is finished after it.
    #[test]
    fn a_draft_of_an_older_vault_is_read() {
        let draft = r#"{"account_id":1,"integrations":[2],"secondaries":[],"cloud_analysis":true,"device":"camera-1",
            "capture":"","cloud_key":"","fps":"25","duration":"19967","timestamp":"1606164482818","path":""}"#;
        let draft: Draft = serde_json::from_str(draft).expect("a draft");
        assert_eq!((draft.facts.fps.as_str(), draft.facts.duration_ms()), ("25", Some(19_967)));
        assert_eq!((draft.facts.timestamp_ms(), draft.device.as_str()), (Some(1_606_164_482_818), "camera-1"));
        let again: Draft = serde_json::from_str(&draft.to_json()).expect("a draft");
        assert_eq!(again.facts, draft.facts);
    }
}
