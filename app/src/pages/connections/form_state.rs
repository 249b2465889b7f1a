//! What the fields of a connection's form and the buttons below them share.

use crate::api::AppError;
use crate::api::connections::{ConnectionEditor, SaveConnection, SendTestEvent, ValidateConnection};
use crate::components::focus_first_error;
use leptos::form::FromFormData;
use leptos::prelude::*;
use model::connection::Kind;
use model::field::FieldError;
use web_sys::FormData;

/// The form's state.
#[derive(Clone, Copy)]
pub(super) struct FormState {
    pub(super) editor: StoredValue<ConnectionEditor>,
    pub(super) kind: &'static Kind,
    pub(super) save: ServerAction<SaveConnection>,
    pub(super) validate: ServerAction<ValidateConnection>,
    pub(super) test: ServerAction<SendTestEvent>,
    /// What the browser found wrong with the last try; `None` once it was sent.
    pub(super) local: RwSignal<Option<Vec<FieldError>>>,
}

impl FormState {
    /// Whether what is in the form may be sent; marks what is wrong.
    pub(super) fn accepts(self, data: &FormData) -> bool {
        let errors = match SaveConnection::from_form_data(data) {
            Ok(args) => self.editor.with_value(|editor| args.connection.check(self.kind, editor)),
            Err(_) => Vec::new(), // the server will say what it cannot read
        };
        let accepted = errors.is_empty();
        self.local.set(if accepted { Some(Vec::new()) } else { Some(errors) });
        if !accepted {
            focus_first_error();
        }
        accepted
    }

    /// What is wrong, found here or by the server.
    pub(super) fn error(self) -> Option<AppError> {
        let local = self.local.get();
        match local {
            Some(errors) if !errors.is_empty() => Some(AppError::Invalid(errors)),
            None => {
                let errors = self.editor.with_value(|e| e.errors.clone());
                let before = (!errors.is_empty()).then_some(AppError::Invalid(errors));
                self.answered().or(before)
            }
            Some(_) => self.answered(),
        }
    }

    fn answered(self) -> Option<AppError> {
        let saved = self.save.value().get().and_then(Result::err);
        saved
            .or_else(|| self.validate.value().get().and_then(Result::err))
            .or_else(|| self.test.value().get().and_then(Result::err))
    }

    /// Whether something is being tried out.
    pub(super) fn is_trying(self) -> bool {
        self.validate.pending().get_untracked() || self.test.pending().get_untracked()
    }

    /// Forgets what was said of the last try.
    pub(super) fn forget_tries(self) {
        self.validate.clear();
        self.test.clear();
    }
}
