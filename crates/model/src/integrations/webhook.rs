use super::signed_url::SIGNED_URL;
use crate::field::{Field, FieldError};
use crate::kind::Definition;
use crate::secret::Secret;
use serde::Deserialize;

/// A user's own HTTP endpoint.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where events are POSTed.
    pub url: String,
    /// Signing key; without one, no signature is sent.
    pub secret: Secret,
    /// The previous signing key, while endpoints change over: both sign. Empty otherwise.
    pub previous_secret: Secret,
    /// Additional headers, `Name: value`, one per line. May hold credentials, hence a secret.
    pub headers: Secret,
    /// For how many hours the address in its events is valid; 0 for none.
    pub signed_url_hours: u64,
}

impl Webhook {
    /// The additional headers.
    pub fn header_pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.expose().lines().filter_map(|line| line.split_once(':')).map(|(n, v)| (n.trim(), v.trim()))
    }
}

impl Definition for Webhook {
    const NAME: &'static str = "webhook";
    const LABEL: &'static str = "Webhook";
    const ABOUT: &'static str = "Your own HTTP endpoint. It gets one POST per recording and must answer 2xx. \
        Anything else is tried again for a day at least; redirects are not followed.";
    const FIELDS: &'static [Field] = &[
        Field::url("url", "URL").required().placeholder("https://example.com/recordings"),
        Field::secret("secret", "Signing secret").help(
            "Signs each event (HMAC-SHA256 over timestamp and body), so that your endpoint can tell ours from others'.",
        ),
        Field::secret("previous_secret", "Previous secret").help(
            "While you change the secret: the old one. Events are signed with both, until every endpoint knows the new one.",
        ),
        Field::secret_lines("headers", "Headers")
            .placeholder("Authorization: Bearer token")
            .help("More headers, one Name: value a line."),
        SIGNED_URL,
    ];

    fn check(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if self.secret.is_empty() && !self.previous_secret.is_empty() {
            errors.push(FieldError::new("secret", "Signing secret is required while a previous one is in use"));
        }
        let token =
            |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c));
        let lines = self.headers.expose().lines().filter(|l| !l.trim().is_empty());
        let bad =
            lines.filter(|l| !l.split_once(':').is_some_and(|(n, v)| token(n.trim()) && v.trim().is_ascii())).count();
        if bad > 0 {
            errors.push(FieldError::new("headers", "Headers must read Name: value, one a line, in ASCII"));
        }
        errors
    }
}
