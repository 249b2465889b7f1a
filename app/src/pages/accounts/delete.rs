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
                                        "? Its agents are refused from then on."
                                    </p>
                                }
                                    .into_any()
                            })
                        })}
                    </Suspense>
                    {leavings()}
                </Confirm>
            </PostForm>
        </Dialog>
    }
    .into_any()
}

/// What becomes of its recordings.
fn leavings() -> AnyView {
    view! {
        <fieldset class="radios">
            <legend>"Its recordings"</legend>
            <label><input type="radio" name="leavings" value="keep" checked=true/> "stay for ever"</label>
            <label>
                <input type="radio" name="leavings" value="days"/>
                "go when they are "
                <input class="input short" type="number" name="days" min="1" max="36500" value="30" aria-label="Days"/>
                " days old"
            </label>
            <label><input type="radio" name="leavings" value="now"/> "go now, for good, but for what is locked"</label>
        </fieldset>
    }
    .into_any()
}
