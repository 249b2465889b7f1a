//! The upper right of the dialog: the keys.

use super::LIST;
use super::field::row;
use crate::api::accounts::{AccountInput, GenerateKeys};
use crate::components::{CopyButton, Errors, Icon, SecretInput, TextInput, icon, secret_placeholder};
use crate::site::at;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos::wasm_bindgen::JsCast;
use model::account::fields;
use web_sys::HtmlInputElement;

/// Ids of the two inputs, as `FieldRow` makes them.
const ACCESS_KEY: &str = "field-access_key";
const SECRET_KEY: &str = "field-secret_key";

/// The two keys, and what can be done with them.
pub(super) fn credentials(input: &AccountInput, readonly: bool, errors: Errors) -> AnyView {
    let AccountInput { id, access_key: access, secret_key: secret, .. } = input.clone();
    let new = id.is_empty();
    let generate = ServerAction::<GenerateKeys>::new();
    // Only ever runs in the browser: fills the two inputs when fresh keys arrive.
    Effect::new(move |_| {
        if let Some(Ok(pair)) = generate.value().get() {
            fill(ACCESS_KEY, &pair.access_key);
            fill(SECRET_KEY, &pair.secret_key);
        }
    });
    // A stored secret is not here to be copied: its button comes with fresh keys.
    let fresh = !secret.is_empty();
    let copyable = move || fresh || generate.value().with(|keys| matches!(keys, Some(Ok(_))));
    let reveal = (!new).then(|| {
        view! { <a class="button small" href=at(&format!("{LIST}/{id}/keys")) data-noscroll="">{icon(Icon::Eye)} "Agent settings and reveal"</a> }
    });
    let secret_set = !new && secret.is_empty();
    view! {
        <h3>{icon(Icon::Key)} "Credentials"</h3>
        <p class="about">"Agents and Kerberos Hub use these to send and read recordings."</p>
        {row(
            &fields::ACCESS_KEY,
            errors,
            move |aria, form_name| {
                view! { <TextInput aria=aria name=form_name value=access readonly=readonly mono=true/> }.into_any()
            },
        )}
        {row(
            &fields::SECRET_KEY,
            errors,
            move |aria, form_name| {
                let placeholder = secret_placeholder(secret_set, readonly, "");
                view! {
                    <SecretInput aria=aria name=form_name value=secret placeholder=placeholder what="secret key" readonly=readonly/>
                }
                    .into_any()
            },
        )}
        <div class="cluster">
            {(!readonly)
                .then(|| {
                    view! {
                        <button
                            type="submit"
                            class="button small good"
                            formaction=at(GenerateKeys::url())
                            on:click=move |event| {
                                event.prevent_default();
                                generate.dispatch(GenerateKeys { account: AccountInput::default() });
                            }
                        >
                            {icon(Icon::Refresh)}
                            "Generate keys"
                        </button>
                    }
                })}
            {move || {
                (new || copyable())
                    .then(|| {
                        view! {
                            <CopyButton input=ACCESS_KEY what="access key" shown="Access key"/>
                            <CopyButton input=SECRET_KEY what="secret key" shown="Secret key"/>
                        }
                    })
            }} {reveal}
        </div>
        {(!new && !readonly)
            .then(|| view! { <p class="field-help">"New keys lock out every agent that still has the old ones."</p> })}
    }
    .into_any()
}

fn fill(id: &str, value: &str) {
    let input = document().get_element_by_id(id).and_then(|e| e.dyn_into::<HtmlInputElement>().ok());
    if let Some(input) = input {
        input.set_value(value);
    }
}
