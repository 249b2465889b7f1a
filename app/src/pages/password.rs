//! Change one's password.

use crate::api::session::ChangePassword;
use crate::components::{Done, FieldRow, PageHead, Problem, SecretInput, Submit};
use leptos::form::ActionForm;
use leptos::prelude::*;

/// The form.
#[component]
pub fn PasswordPage() -> impl IntoView {
    let change = ServerAction::<ChangePassword>::new();
    let error = Signal::derive(move || change.value().get().and_then(Result::err));
    let errors = Signal::derive(move || error.get().map(|e| e.fields().to_vec()).unwrap_or_default());
    let row = move |name: &'static str, label: &'static str, help: &'static str, autocomplete: &'static str| {
        view! {
            <FieldRow
                name=name
                label=label
                help=help
                errors=errors
                control=move |ties| {
                    view! { <SecretInput ties=ties name=name autocomplete=autocomplete what="password"/> }.into_any()
                }
            />
        }
    };
    view! {
        <PageHead title="Change password" about="Signs you out everywhere else."/>
        <Done messages=&[("changed", "Password changed. Sessions elsewhere have ended.")]/>
        <ActionForm action=change attr:class="card stack narrow">
            <Problem error=error/>
            {row("current", "Current password", "", "current-password")}
            {row("new", "New password", "At least 12 characters; a few words are easier to remember than signs.", "new-password")}
            {row("repeat", "New password again", "", "new-password")}
            <div class="cluster end">
                <Submit label="Change password" working="Changing…" pending=change.pending()/>
            </div>
        </ActionForm>
    }
    .into_any()
}
