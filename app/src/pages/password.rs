//! Change one's password.

use crate::api::session::{ChangePassword, who_am_i};
use crate::components::{Done, FieldRow, Icon, PageHead, PostForm, Problem, SecretInput, Submit, at_fields, icon};
use leptos::prelude::*;

/// The form.
#[component]
pub fn PasswordPage() -> impl IntoView {
    let change = ServerAction::<ChangePassword>::new();
    let me = Resource::new(|| (), |()| who_am_i());
    let error = Signal::derive(move || change.value().get().and_then(Result::err));
    let errors = at_fields(error);
    let row = move |name: &'static str, label: &'static str, help: &'static str, autocomplete: &'static str| {
        view! {
            <FieldRow
                name=name
                label=label
                help=help
                errors=errors
                control=move |aria| {
                    view! { <SecretInput aria=aria name=name autocomplete=autocomplete what="password"/> }.into_any()
                }
            />
        }
    };
    view! {
        <PageHead title="Change password" about="Signs you out everywhere else."/>
        <Done messages=&[("changed", "Password changed. Sessions elsewhere have ended.")]/>
        <Suspense>
            {move || Suspend::new(async move { me.await.is_ok_and(|me| me.configured).then(configured_note) })}
        </Suspense>
        <PostForm action=change attr:class="card stack narrow">
            <Problem error=error/>
            {row("current", "Current password", "", "current-password")}
            {row("new", "New password", "At least 12 characters, and not easy to guess; a few words are easier to remember than signs.", "new-password")}
            {row("repeat", "New password again", "", "new-password")}
            <div class="cluster end">
                <Submit label="Change password" working="Changing…" pending=change.pending()/>
            </div>
        </PostForm>
    }
    .into_any()
}

fn configured_note() -> AnyView {
    view! {
        <div class="note" data-tone="info">
            {icon(Icon::Info)}
            <span>
                "The vault's configuration names a password for you ("<code>"admin.password"</code>" or "
                <code>"KERBEROS_LOGIN_PASSWORD"</code>
                "). What you choose here stays until another one is configured there."
            </span>
        </div>
    }
    .into_any()
}
