use super::signed_url::SIGNED_URL;
use crate::amazon::{self, Keys};
use crate::field::{Field, FieldError, check_region};
use crate::kind::Definition;
use crate::secret::Secret;
use serde::Deserialize;

/// A queue of Amazon SQS, or of a service that speaks its protocol.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sqs {
    /// Queue's name; ends in `.fifo` for a FIFO queue.
    pub topic: String,
    /// Region the queue is in.
    pub region: String,
    /// Address of a compatible service; empty for Amazon's own.
    pub endpoint: String,
    /// Access key; empty for the role of the vault's machine, task or pod.
    pub access_key: String,
    /// Secret key; empty with the access key.
    pub secret_key: Secret,
    /// For how many hours the address in its events is valid; 0 for none.
    pub signed_url_hours: u64,
}

/// Longest name of a queue.
const MAX_NAME: usize = 80;

impl Sqs {
    /// Its keys; `None` for the role of the vault's machine, task or pod.
    pub fn keys(&self) -> Option<Keys> {
        Keys::given(&self.access_key, &self.secret_key)
    }

    /// Whether the queue keeps order and drops duplicates.
    pub fn is_fifo(&self) -> bool {
        self.topic.ends_with(".fifo")
    }
}

impl Definition for Sqs {
    const NAME: &'static str = "sqs";
    const LABEL: &'static str = "AWS SQS";
    const ABOUT: &'static str = "A queue at Amazon SQS and the keys of an IAM user that may look it up \
        (sqs:GetQueueUrl) and send to it (sqs:SendMessage). No keys are needed where the vault's machine, task or pod \
        has a role that may.";
    const FIELDS: &'static [Field] = &[
        Field::text("region", "Region").required().placeholder("eu-west-1").help("Where the queue was made.").target(),
        Field::text("topic", "Queue name")
            .required()
            .placeholder("recordings.fifo")
            .help("Must exist; the vault makes none. A name that ends in .fifo keeps each camera's order."),
        Field::url("endpoint", "Endpoint")
            .placeholder("https://sqs.example.com")
            .help("Only for a compatible service; leave empty for Amazon's own."),
        amazon::ACCESS_KEY,
        amazon::SECRET_KEY,
        SIGNED_URL,
    ];

    fn check(&self) -> Vec<FieldError> {
        let name = self.topic.strip_suffix(".fifo").unwrap_or(&self.topic);
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let mut errors = Vec::new();
        if self.topic.len() > MAX_NAME || name.is_empty() || !name.chars().all(allowed) {
            errors.push(FieldError::new(
                "topic",
                "Queue name must be up to 80 letters, digits, dashes or underscores, and may end in .fifo; \
                 it is not the queue's URL",
            ));
        }
        errors.extend(check_region(&self.region));
        errors.extend(Keys::check(&self.access_key, &self.secret_key));
        errors
    }
}
