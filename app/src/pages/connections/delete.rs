//! Delete, after asking.

use super::{Changes, words};
use crate::api::connections::{get_connection, list_path};
use crate::components::{Confirm, Dialog, Icon, Loading, PostForm, Problem, icon, id_of, loaded};
use crate::text::figures::capped;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use model::connection::{ConnectionView, Family};

/// The dialog at `<id>/delete`.
#[component]
pub fn DeleteDialog(
    /// Which side.
    family: Family,
) -> impl IntoView {
    let Changes { delete, .. } = expect_context();
    on_cleanup(move || delete.clear());
    let params = use_params_map();
    let row = Resource::new(move || params.with(id_of), get_connection);
    let words = words(family);
    let error = Signal::derive(move || delete.value().get().and_then(Result::err));
    view! {
        <Title text=words.delete/>
        <Dialog title=words.delete close=list_path(family) size="narrow">
            <PostForm action=delete attr:class="dialog-form">
                <Confirm close=list_path(family) action=words.delete pending=delete.pending()>
                    <Problem error=error/>
                    <input type="hidden" name="family" value=family.as_str()/>
                    <input type="hidden" name="id" value=move || params.with(id_of).to_string()/>
                    <Suspense fallback=Loading>
                        {move || Suspend::new(async move { loaded(row.await, |row| question(&row)) })}
                    </Suspense>
                </Confirm>
            </PostForm>
        </Dialog>
    }
    .into_any()
}

fn question(row: &ConnectionView) -> AnyView {
    let kept = match row.family {
        Family::Provider => "Objects in the store are not touched.",
        Family::Integration => "What was delivered stays delivered.",
    };
    let used = (!row.used_by.is_empty()).then(|| {
        let accounts = row.used_by.join(", ");
        view! { <p>"Used by " <strong>{accounts}</strong> ". Choose another there first."</p> }
    });
    let backlog = (row.waiting + row.deferred > 0).then(|| backlog(row.waiting + row.deferred));
    view! { <p>"Delete " <strong>{row.name.clone()}</strong> "? " {kept}</p> {used} {backlog} }.into_any()
}

/// Deliveries that would be lost, and the box that says so be it.
fn backlog(waiting: i64) -> AnyView {
    let one = waiting == 1;
    let (what, wait, them) = if one { ("delivery", "waits", "It is") } else { ("deliveries", "wait", "They are") };
    let label = format!("Delete it with its {} waiting {what}", capped(waiting));
    view! {
        <div class="note" data-tone="warn">
            {icon(Icon::Warning)}
            <span>
                <strong>{capped(waiting)} " " {what} " still " {wait} ". "</strong>
                {them} " lost with it. To keep what waits, let it drain first, or disable it instead."
            </span>
        </div>
        <label class="check">
            <input type="checkbox" name="with_waiting" value="true" required/>
            {label}
        </label>
    }
    .into_any()
}
