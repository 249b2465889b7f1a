//! Delete, after asking.

use super::{Changes, LIST};
use crate::api::accounts::list_accounts;
use crate::components::{Confirm, Dialog, Loading, PostForm, Problem, id_of, loaded};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

/// The dialog at `<id>/delete`.
#[component]
pub fn DeleteAccountDialog() -> impl IntoView {
    let Changes { delete, .. } = expect_context();
    on_cleanup(move || delete.clear());
    let params = use_params_map();
    let accounts = Resource::new(|| (), |()| list_accounts());
    let error = Signal::derive(move || delete.value().get().and_then(Result::err));
    view! {
        <Title text="Delete account"/>
        <Dialog title="Delete account" close=LIST size="narrow">
            <PostForm action=delete attr:class="dialog-form">
                <Confirm close=LIST action="Delete account" pending=delete.pending()>
                    <Problem error=error/>
                    <input type="hidden" name="id" value=move || params.with(id_of).to_string()/>
                    <Suspense fallback=Loading>
                        {move || Suspend::new(async move {
                            let id = params.with_untracked(id_of);
                            loaded(accounts.await, |rows| {
                                let name = rows.into_iter().find(|a| a.id == id).map(|a| a.name).unwrap_or_default();
                                view! {
                                    <p>
                                        "Delete " <strong>{name}</strong>
                                        "? Its agents are refused from then on. Its recordings stay, and are kept for ever."
                                    </p>
                                }
                                    .into_any()
                            })
                        })}
                    </Suspense>
                </Confirm>
            </PostForm>
        </Dialog>
    }
    .into_any()
}
