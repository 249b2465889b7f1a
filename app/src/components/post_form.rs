//! Forms that change something.

use crate::api::AppError;
use crate::site::at;
use leptos::form::FromFormData as _;
use leptos::prelude::*;
use leptos::server_fn::codec::PostUrl;
use leptos::server_fn::error::ServerFnErrorErr;
use leptos::server_fn::{Http, ServerFn};
use serde::de::DeserializeOwned;
use web_sys::SubmitEvent;

/// A form that calls a server function; without JavaScript, the browser posts it. As Leptos's `ActionForm`, which
/// does not know of a site below a path.
#[component]
pub fn PostForm<F, Output>(
    /// What it calls.
    action: ServerAction<F>,
    /// Its content.
    children: Children,
) -> impl IntoView
where
    F: ServerFn<Protocol = Http<PostUrl, Output>, Error = AppError> + DeserializeOwned + Clone + Send + Sync + 'static,
    F::Output: Send + Sync + 'static,
{
    let (value, version) = (action.value(), action.version());
    let on_submit = move |event: SubmitEvent| {
        if event.default_prevented() {
            return;
        }
        event.prevent_default();
        match F::from_event(&event) {
            Ok(input) => {
                action.dispatch(input);
            }
            Err(error) => {
                let error = ServerFnErrorErr::Serialization(error.to_string());
                value.set(Some(Err(AppError::from_server_fn_error(error))));
                version.update(|n| *n += 1);
            }
        }
    };
    view! { <form action=at(F::url()) method="post" on:submit=on_submit>{children()}</form> }
}
