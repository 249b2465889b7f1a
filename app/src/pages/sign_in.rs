//! Sign in.

use crate::api::session::SignIn;
use crate::components::{Done, FieldRow, PostForm, Problem, SecretInput, Submit, use_query};
use leptos::prelude::*;
use leptos_meta::Title;

/// The only page anyone can see.
#[component]
pub fn SignInPage() -> impl IntoView {
    let sign_in = ServerAction::<SignIn>::new();
    let query = use_query();
    let next = move || query.with(|q| q.get("next")).unwrap_or_default();
    let error = Signal::derive(move || sign_in.value().get().and_then(Result::err));
    let none = Signal::stored(Vec::new());
    view! {
        <Title text="Sign in"/>
        <main class="sign-in" id="content">
            <div class="sign-in-brand">
                {crate::components::mark()} <h1>"Kerberos Vault"</h1>
                <p>"Bring your own storage. Keep every recording."</p>
            </div>
            <Done messages=&[("out", "You are signed out.")]/>
            <PostForm action=sign_in attr:class="card stack">
                <Problem error=error/>
                <input type="hidden" name="next" value=next/>
                <FieldRow
                    name="username"
                    label="User name"
                    errors=none
                    control=|aria| {
                        view! {
                            <input
                                id=aria.id()
                                class="input"
                                name="username"
                                autocomplete="username"
                                autocapitalize="none"
                                spellcheck="false"
                                required
                                autofocus
                            />
                        }
                            .into_any()
                    }
                />
                <FieldRow
                    name="password"
                    label="Password"
                    errors=none
                    control=|aria| {
                        view! {
                            <SecretInput aria=aria name="password" autocomplete="current-password" what="password"/>
                        }
                            .into_any()
                    }
                />
                <Submit label="Sign in" working="Signing in…" pending=sign_in.pending()/>
            </PostForm>
        </main>
    }
    .into_any()
}
