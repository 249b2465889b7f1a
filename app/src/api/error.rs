//! Errors of server functions.

use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use model::field::FieldError;
use serde::{Deserialize, Serialize};

/// An error that a page can show. It holds sentences for people, never what was submitted: without JavaScript it
/// travels in the URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AppError {
    /// Nobody is signed in. The answer also redirects to the sign-in page.
    Unauthorised,
    /// What was submitted is not valid; shown at the fields.
    Invalid(Vec<FieldError>),
    /// Anything else, as a sentence.
    Message(String),
}

impl AppError {
    /// A sentence.
    pub fn message(text: impl Into<String>) -> Self {
        Self::Message(text.into())
    }

    /// One invalid field.
    pub fn field(name: &str, text: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(name, text)])
    }

    /// A sentence for the top of a form or panel.
    pub fn sentence(&self) -> String {
        match self {
            Self::Unauthorised => "You are not signed in, or your session has ended. Sign in again.".into(),
            Self::Invalid(errors) => match errors.iter().find(|e| e.field.is_empty()) {
                Some(general) => general.message.clone(),
                None => "Some fields need your attention.".into(),
            },
            Self::Message(text) => text.clone(),
        }
    }

    /// The same with field errors joined into one sentence, for forms that cannot show them at the field.
    #[must_use]
    pub fn in_one(self) -> Self {
        match self {
            Self::Invalid(errors) => {
                let messages: Vec<_> = errors.into_iter().map(|e| e.message).collect();
                Self::Message(format!("{}.", messages.join(". ")))
            }
            other => other,
        }
    }

    /// As errors of fields; what belongs to none concerns the whole form.
    #[cfg(feature = "ssr")]
    pub(super) fn into_fields(self) -> Vec<FieldError> {
        match self {
            Self::Invalid(errors) => errors,
            other => vec![FieldError::new("", other.sentence())],
        }
    }

    /// The errors of single fields.
    pub fn fields(&self) -> &[FieldError] {
        match self {
            Self::Invalid(errors) => errors,
            _ => &[],
        }
    }
}

/// Transport errors. Their own texts can quote what was submitted, so none is passed on.
impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        Self::message(match error {
            ServerFnErrorErr::Request(_) => "The vault did not answer. Check the connection and try again.",
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Serialization(_) => {
                "The form could not be read. Reload the page and try again."
            }
            _ => "The vault's answer could not be understood. Reload the page and try again.",
        })
    }
}
