//! The errors agents and readers see: one named table, one envelope.
//!
//! `{"error":"<code>","message":"<human text>","data":"<same text>"}`: agents log the whole body,
//! older ones read `data` (docs/protocol.md §1).

mod table;

pub use table::*;

use crate::telemetry::{Code, Failure};
use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use model::error::{StoreError, StoreErrorKind};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use vault::VaultError;

/// An occurrence of a [`Problem`].
#[derive(Debug)]
pub struct ApiError {
    /// The kind of problem.
    pub problem: &'static Problem,
    detail: String,
    retry_after_s: u32,
    source: Option<Failure>,
}

/// The envelope.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// Code for programs.
    #[schema(example = "storage_account_not_found")]
    pub error: String,
    /// Text for people.
    #[schema(example = "Access key or secret key is wrong. Copy both from the account in the vault's UI.")]
    pub message: String,
    /// The same text, where older agents look for it.
    #[schema(example = "Access key or secret key is wrong. Copy both from the account in the vault's UI.")]
    pub data: String,
}

impl ApiError {
    /// The error code, for the client and the metrics.
    pub fn code(&self) -> &'static str {
        self.problem.code
    }

    /// Adds what exactly is wrong, as a sentence without secrets.
    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// Adds the cause, which is logged but never shown.
    #[must_use]
    pub fn caused_by(self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { source: Some(Failure(Arc::new(source))), ..self }
    }

    /// Sets when to try again.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after_s: seconds.max(1), ..self }
    }

    /// The envelope as JSON, where no framework answers.
    pub(crate) fn json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.body()).unwrap_or_default()
    }

    fn body(&self) -> ErrorBody {
        let message = self.message();
        ErrorBody { error: self.problem.code.to_owned(), data: message.clone(), message }
    }

    fn message(&self) -> String {
        let Problem { sentence, cure, .. } = self.problem;
        match self.detail.as_str() {
            "" => format!("{sentence} {cure}"),
            detail => format!("{sentence} {detail} {cure}"),
        }
    }
}

impl From<&'static Problem> for ApiError {
    fn from(problem: &'static Problem) -> Self {
        Self { problem, detail: String::new(), retry_after_s: problem.retry_after_s, source: None }
    }
}

/// What agents and readers are told when the vault cannot.
impl From<VaultError> for ApiError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Store(e) => e.into(),
            VaultError::NotFound(_) => (&RECORDING_NOT_FOUND).into(),
            VaultError::Forbidden => (&NOT_YOUR_RECORDING).into(),
            VaultError::Database(_) | VaultError::CommitUnknown(_) | VaultError::Damaged { .. } => {
                ApiError::from(&DATABASE).caused_by(error)
            }
            VaultError::Full(_) => ApiError::from(&VAULT_FULL).caused_by(error),
            VaultError::Locked(_) => (&LOCKED).into(),
            VaultError::Replaced => ApiError::from(&PROVIDER_UNAVAILABLE).caused_by(error),
            VaultError::Sealed => ApiError::from(&INTERNAL).caused_by(error),
            VaultError::Invalid(_) => ApiError::from(&PROVIDER_REFUSES).caused_by(error),
            other => ApiError::from(&INTERNAL).caused_by(other),
        }
    }
}

/// What anyone is told when a storage provider fails.
impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let problem = match error.kind {
            StoreErrorKind::NotFound => {
                return ApiError::from(&RECORDING_NOT_FOUND)
                    .detail("Its file is missing at the storage provider.")
                    .caused_by(error);
            }
            StoreErrorKind::Range => &RANGE,
            StoreErrorKind::Unavailable => &PROVIDER_UNAVAILABLE,
            StoreErrorKind::Denied => &PROVIDER_REFUSES,
            StoreErrorKind::Full => &PROVIDER_FULL,
            StoreErrorKind::Interrupted => &FILE_INCOMPLETE,
            StoreErrorKind::Unconfirmed => &PROVIDER_MISMATCH,
            StoreErrorKind::Corrupt => &PROVIDER_REFUSES,
            StoreErrorKind::Taken => &KEY_FOREIGN,
            StoreErrorKind::Clash => &KEY_CLASH,
            StoreErrorKind::Name => &INVALID_NAME,
        };
        ApiError::from(problem).caused_by(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.problem.status, Json(self.body())).into_response();
        response.extensions_mut().insert(Code(self.problem.code));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.problem == &CONTENT_ENCODING {
            // As RFC 9110 §12.5.3 wants it: what would be taken instead.
            response.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        if self.retry_after_s > 0 {
            response.headers_mut().insert(header::RETRY_AFTER, self.retry_after_s.into());
        }
        if let Some(failure) = self.source {
            response.extensions_mut().insert(failure);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_every_problem_has_a_cure() {
        let codes: BTreeSet<_> = ALL.iter().map(|p| p.code).collect();
        assert_eq!(codes.len(), ALL.len());
        assert!(ALL.iter().all(|p| p.sentence.ends_with('.') && p.cure.ends_with('.')));
    }

    #[test]
    fn the_documentation_lists_them_in_the_same_words() {
        let page = include_str!("../../../docs/troubleshooting.md");
        let table = page.split("## Error codes").nth(1).expect("there is such a heading");
        let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| `")).collect();
        let wanted = |p: &&Problem| format!("| `{}` | {} | {} {} |", p.code, p.status.as_u16(), p.sentence, p.cure);
        assert_eq!(rows, ALL.iter().map(wanted).collect::<Vec<_>>());
    }

    #[test]
    fn says_when_to_come_back_where_it_makes_sense() {
        for problem in ALL {
            let again = matches!(problem.status.as_u16(), 429 | 502 | 503 | 507);
            assert_eq!(problem.retry_after_s > 0, again, "{}", problem.code);
        }
    }
}
