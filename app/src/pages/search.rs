//! The search box above a list: a plain GET form, live once the page lives.

use crate::components::{Empty, Hidden, Icon, OfRow, icon, use_query};
use leptos::prelude::*;

/// What is searched for; starts with what the address says.
pub fn needle() -> RwSignal<String> {
    RwSignal::new(use_query().with_untracked(|q| q.get("q")).unwrap_or_default())
}

/// Whether every word searched for is in the text.
fn matches(needle: RwSignal<String>, text: &str) -> bool {
    needle.with(|needle| holds(text, needle))
}

/// Tells of a row whether it is not found; `searched` is what the search looks at.
pub fn unmatched<T: 'static>(needle: RwSignal<String>, searched: fn(&T) -> String) -> OfRow<T, Hidden> {
    Box::new(move |row| {
        let text = searched(row);
        Box::new(move || !matches(needle, &text))
    })
}

fn holds(text: &str, needle: &str) -> bool {
    let text = text.to_lowercase();
    needle.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

/// The box.
#[component]
pub fn Search(
    /// What is searched.
    label: &'static str,
    /// Where the text goes.
    needle: RwSignal<String>,
) -> impl IntoView {
    view! {
        <form class="search" method="get" role="search" on:submit=|event| event.prevent_default()>
            {icon(Icon::Search)}
            <input
                class="input"
                type="search"
                name="q"
                placeholder=format!("{label}…")
                aria-label=label
                aria-keyshortcuts="/"
                data-key="/"
                autocomplete="off"
                value=needle.get_untracked()
                on:input=move |event| needle.set(event_target_value(&event))
            />
            <kbd aria-hidden="true">"/"</kbd>
        </form>
    }
    .into_any()
}

/// A table of which a search finds some rows; says so when it finds none.
#[component]
pub fn Found(
    /// What is searched for.
    needle: RwSignal<String>,
    /// What the search looks at, by row.
    texts: Vec<String>,
    /// The table.
    children: Children,
) -> impl IntoView {
    let none = Memo::new(move |_| !texts.iter().any(|text| matches(needle, text)));
    let empty = || {
        view! {
            <Empty picture=Icon::Search title="Nothing matches">
                <p>"No row of this list has every word that is searched for."</p>
            </Empty>
        }
    };
    view! {
        <div class="table-wrap" hidden=move || none.get()>{children()}</div>
        <div role="status" hidden=move || !none.get()>{move || none.get().then(empty)}</div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::holds;

    #[test]
    fn finds_words_in_any_order_and_case() {
        assert!(holds("Front Door IPCamera 3.0", "camera front"));
        assert!(holds("Front Door", ""));
        assert!(!holds("Front Door", "front garden"));
    }
}
