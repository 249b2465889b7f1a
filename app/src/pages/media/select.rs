//! Selecting rows. The rows' boxes are the state; these only count and set them.

use crate::components::{Icon, icon};
use crate::text::figures::count as figure;
use leptos::attr::custom::custom_attribute;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

const BOXES: &str = ".media tbody input[type='checkbox']";

fn boxes() -> Vec<HtmlInputElement> {
    let Ok(found) = document().query_selector_all(BOXES) else { return Vec::new() };
    (0..found.length()).filter_map(|i| found.get(i)?.dyn_into().ok()).collect()
}

/// How many are ticked.
pub(super) fn count() -> i64 {
    boxes().iter().map(|b| i64::from(b.checked())).sum()
}

/// Ticks all rows of the page, or none; `selected` counts them.
pub(super) fn select_all(selected: RwSignal<i64>) -> AnyView {
    let toggle = move |event| {
        let on = event_target_checked(&event);
        boxes().iter().for_each(|b| b.set_checked(on));
        selected.set(count());
    };
    view! { <input type="checkbox" class="needs-js" aria-label="Select all recordings of this page" on:change=toggle/> }
        .into_any()
}

/// What can be done with the ticked rows. Without JavaScript the buttons are always there.
pub(super) fn bulk_bar(selected: RwSignal<i64>, forward_all: String) -> AnyView {
    let live = RwSignal::new(false);
    Effect::new(move |_| live.set(true));
    // Of a button the router reads `action`, browsers read `formaction`.
    view! {
        <button type="submit" class="button small" name="with" value="selected" disabled=move || live.get() && selected.get() == 0>
            {icon(Icon::Bin)}
            "Delete selected"
        </button>
        <button
            type="submit"
            class="button small"
            name="with"
            value="selected"
            formaction="/media/forward"
            {..custom_attribute("action", "/media/forward")}
            disabled=move || live.get() && selected.get() == 0
        >
            {icon(Icon::Send)}
            "Forward selected"
        </button>
        <a class="button small quiet" href=forward_all data-noscroll="">"Forward all…"</a>
        <span class="quiet" role="status">
            {move || match selected.get() {
                0 => String::new(),
                n => format!("{} selected", figure(n)),
            }}
        </span>
        <span class="grow"></span>
    }
    .into_any()
}
