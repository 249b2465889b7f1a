//! What forms share.

use super::{Icon, icon};
use crate::api::AppError;
use crate::site::at;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::{FormData, HtmlElement, HtmlFormElement};

/// The error of a form or panel, as a sentence.
#[component]
pub fn Problem(
    /// The error, if there is one.
    #[prop(into)]
    error: Signal<Option<AppError>>,
) -> impl IntoView {
    let slot = NodeRef::<leptos::html::Div>::new();
    Effect::new(move |_| {
        if error.with(Option::is_some) {
            request_animation_frame(move || into_view(slot));
        }
    });
    view! {
        <div class="problem-slot" role="alert" node_ref=slot>
            {move || {
                error
                    .get()
                    .map(|error| {
                        view! {
                            <div class="note" data-tone="bad">
                                {icon(Icon::Warning)}
                                <span>{said(&error)}</span>
                            </div>
                        }
                    })
            }}
        </div>
    }
    .into_any()
}

/// A form's error stands at its top, which may be out of sight. One at a field has the focus, see [`focus_first_error`].
fn into_view(slot: NodeRef<leptos::html::Div>) {
    let at_a_field = matches!(document().query_selector("[aria-invalid='true']"), Ok(Some(_)));
    if let Some(slot) = slot.try_get_untracked().flatten().filter(|_| !at_a_field) {
        slot.scroll_into_view_with_bool(false);
    }
}

/// A session that has ended takes nothing of what was typed with it.
fn said(error: &AppError) -> AnyView {
    if *error != AppError::Unauthorised {
        return error.sentence().into_any();
    }
    view! {
        "Your session has ended, so nothing was saved. " <a href=at("/sign-in") target="_blank">"Sign in in another tab"</a>
        ", then save again."
    }
    .into_any()
}

/// The one primary button of a form; says so while it works.
#[component]
pub fn Submit(
    /// What it does: `Save`.
    #[prop(into)]
    label: String,
    /// What it says meanwhile: `Saving…`.
    working: &'static str,
    /// Whether it is under way.
    #[prop(into)]
    pending: Signal<bool>,
) -> impl IntoView {
    view! {
        <button type="submit" class="button primary" aria-disabled=move || pending.get().then_some("true")>
            {move || if pending.get() { working.to_owned() } else { label.clone() }}
        </button>
    }
    .into_any()
}

/// What the form around an element holds now.
pub fn form_data(inside: &HtmlElement) -> Option<FormData> {
    let form = inside.closest("form").ok()??.dyn_into::<HtmlFormElement>().ok()?;
    FormData::new_with_form(&form).ok()
}

/// Puts the focus on the first field with an error, once it is marked.
pub fn focus_first_error() {
    request_animation_frame(|| {
        let found = document().query_selector("[aria-invalid='true']").ok().flatten();
        if let Some(field) = found.and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
            field.focus().ok();
        }
    });
}
