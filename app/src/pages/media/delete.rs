//! Delete one recording, or the ticked ones, after asking.

use super::{LIST, Shared, media_query};
use crate::api::media::NO_ID;
use crate::components::{Confirm, Dialog, PostForm, Problem, use_query};
use crate::text::figures::plural;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

/// The dialog at `<id>/delete` and at `delete?id=…&id=…`.
#[component]
pub fn DeleteRecordingsDialog() -> impl IntoView {
    let Shared { delete, list, .. } = expect_context();
    on_cleanup(move || delete.clear());
    let (params, query) = (use_params_map(), use_query());
    let back = media_query();
    let back = Signal::derive(move || back.with(|q| q.address(LIST)));
    let ids = Memo::new(move |_| match params.with(|p| p.get("id")) {
        Some(id) => vec![id],
        None => query.with(|q| q.get_all("id")),
    });
    let error = Signal::derive(move || delete.value().get().and_then(Result::err));
    let unreadable = move || ids.with(|ids| ids.iter().any(|id| id.parse::<i64>().is_err()));
    let nothing = Signal::derive(move || ids.with(Vec::is_empty) || unreadable());
    let question = move || match ids.with(Vec::len) {
        _ if unreadable() => NO_ID.to_owned(),
        0 => "No recording is selected. Go back and tick the ones to delete.".to_owned(),
        1 => "Delete this recording? It is removed from the vault and from its store, for good.".to_owned(),
        n => format!(
            "Delete {}? They are removed from the vault and from their stores, for good.",
            plural(i64::try_from(n).unwrap_or(i64::MAX), "recording")
        ),
    };
    // The key of a single one, when the page below lists it.
    let key = move || {
        let id = ids.with(|ids| match ids.as_slice() {
            [id] => id.parse::<i64>().ok(),
            _ => None,
        })?;
        list.with(|page| page.as_ref()?.as_ref().ok()?.items.iter().find(|r| r.id == id).map(|r| r.key.clone()))
    };
    view! {
        <Title text="Delete recordings"/>
        <Dialog title="Delete recordings" close=back size="narrow">
            <PostForm action=delete attr:class="dialog-form">
                <Confirm close=back action="Delete" pending=delete.pending() nothing=nothing>
                    <Problem error=error/>
                    <input type="hidden" name="ids" value=move || ids.with(|ids| ids.join(","))/>
                    <input type="hidden" name="back" value=back/>
                    <p>{question}</p>
                    <Suspense>{move || key().map(|key| view! { <p class="mono break">{key}</p> })}</Suspense>
                </Confirm>
            </PostForm>
        </Dialog>
    }
    .into_any()
}
