//! Keys: `/` searches, `n` adds. Escape closes dialogs by itself.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Listens as long as the page lives.
pub(super) fn listen() {
    Effect::new(move |_| {
        let listener = window_event_listener(leptos::ev::keydown, |event| {
            let with_modifier = event.ctrl_key() || event.meta_key() || event.alt_key();
            let typing = event
                .target()
                .and_then(|t| t.dyn_into::<HtmlElement>().ok())
                .is_some_and(|e| matches!(e.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"));
            if with_modifier || typing || find("dialog[open]").is_some() {
                return;
            }
            match event.key().as_str() {
                "/" => {
                    if let Some(search) = find("[data-key='/']") {
                        event.prevent_default();
                        search.focus().ok();
                    }
                }
                "n" => {
                    if let Some(add) = find("[data-key='n']") {
                        add.click();
                    }
                }
                _ => {}
            }
        });
        on_cleanup(move || listener.remove());
    });
}

fn find(selector: &str) -> Option<HtmlElement> {
    document().query_selector(selector).ok()??.dyn_into().ok()
}
