//! What the fields of a connection's form and the buttons below them share.

use crate::api::AppError;
use crate::api::connections::{ConnectionEditor, SaveConnection, SendTestEvent, ValidateConnection};
use crate::pages::editing::Editing;
use leptos::prelude::*;
use model::connection::Kind;

/// The form's state.
#[derive(Clone, Copy)]
pub(super) struct FormState {
    pub(super) editor: StoredValue<ConnectionEditor>,
    pub(super) kind: &'static Kind,
    pub(super) editing: Editing,
    pub(super) save: ServerAction<SaveConnection>,
    pub(super) validate: ServerAction<ValidateConnection>,
    pub(super) test: ServerAction<SendTestEvent>,
}

impl FormState {
    pub(super) fn new(editor: ConnectionEditor, kind: &'static Kind, save: ServerAction<SaveConnection>) -> Self {
        let (readonly, said) = (editor.provisioned, editor.errors.clone());
        let editor = StoredValue::new(editor);
        let check = move |args: SaveConnection| editor.with_value(|editor| args.connection.check(kind, editor));
        let editing = Editing::new(save, readonly, said, check);
        Self { editor, kind, editing, save, validate: ServerAction::new(), test: ServerAction::new() }
    }

    /// What is wrong, found here or by the server.
    pub(super) fn error(self) -> Option<AppError> {
        self.editing
            .error()
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
