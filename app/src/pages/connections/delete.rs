//! Delete, after asking.

use super::{Changes, id_of, words};
use crate::api::connections::{get_connection, list_path};
use crate::components::{Confirm, Dialog, Loading, Problem, loaded};
use leptos::form::ActionForm;
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
            <ActionForm action=delete attr:class="dialog-form">
                <Confirm close=list_path(family) action=words.delete pending=delete.pending()>
                    <Problem error=error/>
                    <input type="hidden" name="family" value=family.as_str()/>
                    <input type="hidden" name="id" value=move || params.with(id_of).to_string()/>
                    <Suspense fallback=Loading>
                        {move || Suspend::new(async move { loaded(row.await, |row| question(&row)) })}
                    </Suspense>
                </Confirm>
            </ActionForm>
        </Dialog>
    }
    .into_any()
}

fn question(row: &ConnectionView) -> AnyView {
    let kept = match row.family {
        Family::Provider => "Objects in the store are not touched.",
        Family::Integration => "While deliveries still wait for it, it stays.",
    };
    let used = (!row.used_by.is_empty()).then(|| {
        let accounts = row.used_by.join(", ");
        view! { <p>"Used by " <strong>{accounts}</strong> ". Choose another there first."</p> }
    });
    view! { <p>"Delete " <strong>{row.name.clone()}</strong> "? " {kept}</p> {used} }.into_any()
}
