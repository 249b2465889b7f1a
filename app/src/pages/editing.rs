//! What the dialogs that add or change something share: it is read, checked here before it is sent, and what was said
//! of it is forgotten with the dialog.

use super::provisioned;
use crate::api::AppError;
use crate::components::{Dialog, Loading, Problem, Submit, focus_first_error};
use crate::site::at;
use leptos::form::FromFormData;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use model::field::FieldError;
use web_sys::{FormData, HtmlFormElement, SubmitEvent};

/// Reads what is edited, and shows its dialog or why there is none.
pub fn opened<E: Clone + Send + Sync + 'static>(
    title: &'static str,
    close: &'static str,
    editor: Resource<Result<E, AppError>>,
    dialog: impl Fn(E) -> Result<AnyView, AppError> + Copy + Send + 'static,
) -> AnyView {
    let refused = move |error| {
        view! {
            <Dialog title=title close=close size="narrow">
                <div class="dialog-body"><Problem error=Some(error)/></div>
            </Dialog>
        }
        .into_any()
    };
    view! {
        <Transition fallback=Loading>
            {move || Suspend::new(async move { editor.await.and_then(dialog).unwrap_or_else(refused) })}
        </Transition>
    }
    .into_any()
}

/// Counts what was saved: lists are read again then. After a save that was refused they are not: if the session has ended,
/// they would lead away from the form.
pub fn saved<S>(save: ServerAction<S>) -> Memo<usize>
where
    S: ServerFn<Output = (), Error = AppError> + Clone + Send + Sync + 'static,
{
    Memo::new(move |before: Option<&usize>| {
        let is_saved = save.value().with(|answer| matches!(answer, Some(Ok(()))));
        before.copied().unwrap_or_default() + usize::from(is_saved)
    })
}

/// What is wrong with the values of a form.
type Check = Box<dyn Fn(&FormData) -> Vec<FieldError> + Send + Sync>;

/// A form on its way to being saved.
#[derive(Clone, Copy)]
pub struct Editing {
    /// Whether it can only be looked at: the configuration file declares it.
    pub readonly: bool,
    saving: Memo<bool>,
    answered: Signal<Option<AppError>>,
    /// What is wrong, before anything was sent.
    found: RwSignal<Vec<FieldError>>,
    check: StoredValue<Check>,
}

impl Editing {
    /// `said` is what was wrong when it was submitted without JavaScript; `check` finds what the browser can tell.
    pub fn new<S>(
        save: ServerAction<S>,
        readonly: bool,
        said: Vec<FieldError>,
        check: impl Fn(S) -> Vec<FieldError> + Send + Sync + 'static,
    ) -> Self
    where
        S: ServerFn<Output = (), Error = AppError> + FromFormData + Clone + Send + Sync + 'static,
    {
        // The action outlives the dialog; what it said about this one must not show in the next.
        on_cleanup(move || save.clear());
        // The server will say what it cannot read.
        let check = move |data: &FormData| S::from_form_data(data).map(&check).unwrap_or_default();
        Self {
            readonly,
            saving: save.pending(),
            answered: Signal::derive(move || save.value().get().and_then(Result::err)),
            found: RwSignal::new(said),
            check: StoredValue::new(Box::new(check)),
        }
    }

    /// Whether what is in the form may be sent; marks what is wrong. Nobody has typed what can only be looked at.
    pub fn accepts(self, data: &FormData) -> bool {
        let found = if self.readonly { Vec::new() } else { self.check.with_value(|check| check(data)) };
        let accepted = found.is_empty();
        self.found.set(found);
        if !accepted {
            focus_first_error();
        }
        accepted
    }

    /// Lets a submission through that may be sent, unless one is under way.
    pub fn lets_through(self, event: &SubmitEvent) -> bool {
        let form = event_target::<HtmlFormElement>(event);
        let accepted = FormData::new_with_form(&form).is_ok_and(|data| self.accepts(&data));
        let goes = accepted && !self.saving.get_untracked();
        if !goes {
            event.prevent_default();
        }
        goes
    }

    /// What is wrong, found here or by the server.
    pub fn error(self) -> Option<AppError> {
        let found = self.found.get();
        if found.is_empty() { self.answered.get() } else { Some(AppError::Invalid(found)) }
    }

    /// Says that it cannot be changed.
    pub fn note(self) -> Option<AnyView> {
        self.readonly.then(provisioned::note)
    }

    /// What Enter presses: the first button of a form. To stand before all others.
    pub fn first_button(self) -> Option<AnyView> {
        let button =
            || view! { <button type="submit" class="sr-only" tabindex="-1" aria-hidden="true">"Save"</button> };
        (!self.readonly).then(|| button().into_any())
    }

    /// The way out.
    pub fn leave(self, close: &'static str) -> AnyView {
        let label = if self.readonly { "Close" } else { "Cancel" };
        view! { <a class="button quiet" href=at(close) data-noscroll="">{label}</a> }.into_any()
    }

    /// The button that saves.
    pub fn save_button(self, label: &'static str) -> Option<AnyView> {
        (!self.readonly).then(|| view! { <Submit label=label working="Saving…" pending=self.saving/> }.into_any())
    }
}
