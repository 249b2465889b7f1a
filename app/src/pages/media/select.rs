//! Selecting rows. What is ticked is kept by recording, not by box: when the list is read again, its boxes are used for
//! other rows.

use crate::components::{Icon, icon};
use crate::text::figures::count as figure;
use leptos::attr::custom::custom_attribute;
use leptos::prelude::*;
use std::collections::BTreeSet;

/// Row ids of the ticked recordings.
pub(super) type Ticked = RwSignal<BTreeSet<i64>>;

/// A row's box.
pub(super) fn tick(id: i64, label: String, ticked: Ticked) -> AnyView {
    let toggle = move |event| {
        let on = event_target_checked(&event);
        ticked.update(|ids| {
            if on {
                ids.insert(id)
            } else {
                ids.remove(&id)
            };
        });
    };
    view! {
        <input
            type="checkbox"
            name="id"
            value=id.to_string()
            aria-label=label
            prop:checked=move || ticked.with(|ids| ids.contains(&id))
            on:change=toggle
        />
    }
    .into_any()
}

/// Ticks all rows of the page, or none. What is not on the page is not ticked any more.
pub(super) fn tick_all(page: BTreeSet<i64>, ticked: Ticked) -> AnyView {
    let page = StoredValue::new(page);
    Effect::new(move |_| {
        ticked.maybe_update(|ids| {
            let before = ids.len();
            page.with_value(|page| ids.retain(|id| page.contains(id)));
            ids.len() != before
        });
    });
    let toggle = move |event| ticked.set(if event_target_checked(&event) { page.get_value() } else { BTreeSet::new() });
    view! {
        <input
            type="checkbox"
            class="needs-js"
            aria-label="Select all recordings of this page"
            prop:checked=move || page.with_value(|page| ticked.with(|ids| ids == page))
            on:change=toggle
        />
    }
    .into_any()
}

/// What can be done with the ticked rows. Without JavaScript the buttons are always there.
pub(super) fn bulk_bar(ticked: Ticked, forward_all: String) -> AnyView {
    let live = RwSignal::new(false);
    Effect::new(move |_| live.set(true));
    let nothing = move || live.get() && ticked.with(BTreeSet::is_empty);
    // Leptos's router reads a button's `action`, browsers its `formaction`: set both.
    view! {
        <button type="submit" class="button small" name="with" value="selected" disabled=nothing>
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
            disabled=nothing
        >
            {icon(Icon::Send)}
            "Forward selected"
        </button>
        <a class="button small quiet" href=forward_all data-noscroll="">"Forward all…"</a>
        <span class="quiet" role="status">
            {move || match ticked.with(BTreeSet::len) {
                0 => String::new(),
                n => format!("{} selected", figure(i64::try_from(n).unwrap_or(i64::MAX))),
            }}
        </span>
        <span class="grow"></span>
    }
    .into_any()
}
