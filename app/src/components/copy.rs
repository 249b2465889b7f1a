//! Copying to the clipboard.

use super::{Icon, icon};
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use std::time::Duration;
use web_sys::{HtmlDocument, HtmlElement, HtmlInputElement, HtmlTextAreaElement};

/// A button that copies a text. Without JavaScript it does nothing, hence the text is always visible too.
#[component]
pub fn CopyButton(
    /// What is copied.
    #[prop(optional, into)]
    text: Signal<String>,
    /// Id of the input whose value is copied instead.
    #[prop(optional)]
    input: &'static str,
    /// What it is, for the button's label.
    #[prop(into)]
    what: String,
    /// What the button shows.
    #[prop(default = "Copy")]
    shown: &'static str,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let copy = move |event: leptos::ev::MouseEvent| {
        let typed = document().get_element_by_id(input).and_then(|e| e.dyn_into::<HtmlInputElement>().ok());
        let text = typed.map_or_else(|| text.get_untracked(), |input| input.value());
        let button = event.current_target().and_then(|t| t.dyn_into::<HtmlElement>().ok());
        if button.is_some_and(|button| put(&text, &button)) {
            copied.set(true);
            let reset = move || {
                copied.try_set(false);
            };
            set_timeout(reset, Duration::from_secs(2));
        }
    };
    let label = format!("Copy {what}");
    view! {
        <button type="button" class="button small quiet needs-js" on:click=copy aria-label=label>
            {move || if copied.get() { icon(Icon::Check) } else { icon(Icon::Copy) }}
            <span aria-live="polite">{move || if copied.get() { "Copied" } else { shown }}</span>
        </button>
    }
    .into_any()
}

/// Copies a text. Browsers have a clipboard only over HTTPS and on the machine itself; elsewhere, as on most local
/// networks, the older way remains: selecting a text in the page, near the button, because a modal dialog lets
/// nothing outside it be selected.
fn put(text: &str, button: &HtmlElement) -> bool {
    let clipboard = window().navigator().clipboard();
    if !clipboard.is_undefined() {
        // The promise is not waited for: nothing could be done if it failed.
        let _ = clipboard.write_text(text);
        return true;
    }
    let copied = || {
        let page = document().dyn_into::<HtmlDocument>().ok()?;
        let area = page.create_element("textarea").ok()?.dyn_into::<HtmlTextAreaElement>().ok()?;
        area.set_class_name("sr-only");
        area.set_value(text);
        button.parent_element()?.append_child(&area).ok()?;
        area.select();
        let copied = page.exec_command("copy").ok();
        area.remove();
        button.focus().ok();
        copied
    };
    copied().unwrap_or_default()
}

/// A name, a value in monospace, and a button that copies it.
#[component]
pub fn CopyRow(
    /// What it is.
    label: &'static str,
    /// The value.
    #[prop(into)]
    value: Signal<String>,
) -> impl IntoView {
    view! {
        <div class="copy-row">
            <dt>{label}</dt>
            <dd>
                <code class="mono">{value}</code>
                <CopyButton text=value what=label.to_lowercase()/>
            </dd>
        </div>
    }
    .into_any()
}
