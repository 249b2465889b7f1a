//! Selecting rows. What is ticked is kept by recording, not by box: when the list is read again, its boxes are used for
//! other rows.

use super::FORWARD;
use crate::components::{Icon, icon};
use crate::site::at;
use crate::text::figures::count as figure;
use leptos::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is ticked. Belongs to the page, like all that its boxes and buttons look at: each reading of the list makes them
/// anew, and the old ones may still be told of a change when what they were made with is gone.
#[derive(Clone, Copy)]
pub(super) struct Ticked {
    /// Row ids.
    ids: RwSignal<BTreeSet<i64>>,
    /// Whether the page lives, so that boxes can be counted.
    live: RwSignal<bool>,
}

impl Ticked {
    pub(super) fn new() -> Self {
        let live = RwSignal::new(false);
        Effect::new(move |_| live.set(true));
        Self { ids: RwSignal::default(), live }
    }
}

/// A row's box.
pub(super) fn tick(id: i64, label: String, ticked: Ticked) -> AnyView {
    let toggle = move |event| {
        let on = event_target_checked(&event);
        ticked.ids.update(|ids| {
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
            prop:checked=move || ticked.ids.with(|ids| ids.contains(&id))
            on:change=toggle
        />
    }
    .into_any()
}

/// Ticks all rows of the page, or none. What is not on the page is not ticked any more.
pub(super) fn tick_all(page: BTreeSet<i64>, ticked: Ticked) -> AnyView {
    let page = Arc::new(page);
    let on_page = page.clone();
    Effect::new(move |_| {
        ticked.ids.maybe_update(|ids| {
            let before = ids.len();
            ids.retain(|id| on_page.contains(id));
            ids.len() != before
        });
    });
    let all = page.clone();
    let toggle = move |event| {
        ticked.ids.set(if event_target_checked(&event) { (*page).clone() } else { BTreeSet::new() });
    };
    view! {
        <input
            type="checkbox"
            class="needs-js"
            aria-label="Select all recordings of this page"
            prop:checked=move || ticked.ids.with(|ids| ids == &*all)
            on:change=toggle
        />
    }
    .into_any()
}

/// What can be done with the ticked rows. Without JavaScript the buttons are always there.
pub(super) fn bulk_bar(ticked: Ticked, forward_all: String) -> AnyView {
    let nothing = move || ticked.live.get() && ticked.ids.with(BTreeSet::is_empty);
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
            formaction=at(FORWARD)
            disabled=nothing
        >
            {icon(Icon::Send)}
            "Forward selected"
        </button>
        <a class="button small quiet" href=at(&forward_all) data-noscroll="">"Forward all…"</a>
        <span class="quiet" role="status">
            {move || match ticked.ids.with(BTreeSet::len) {
                0 => String::new(),
                n => format!("{} selected", figure(i64::try_from(n).unwrap_or(i64::MAX))),
            }}
        </span>
        <span class="grow"></span>
    }
    .into_any()
}
