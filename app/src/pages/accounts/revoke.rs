//! Signed URLs of an account: what they are, and ending all of them, after asking.

use super::{Changes, LIST};
use crate::api::accounts::list_accounts;
use crate::components::{Confirm, Dialog, Icon, Loading, PostForm, Problem, icon, id_of, loaded};
use crate::site::at;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

/// The part of an account's dialog that leads to the question.
pub(super) fn signed_urls(id: &str) -> AnyView {
    view! {
        <h3>{icon(Icon::Link)} "Signed URLs"</h3>
        <p class="about">"Whoever has one plays its recording without keys, until it expires."</p>
        <div class="cluster">
            <a class="button small" href=at(&format!("{LIST}/{id}/revoke")) data-noscroll="">"Revoke signed URLs"</a>
        </div>
    }
    .into_any()
}

/// The dialog at `<id>/revoke`.
#[component]
pub fn RevokeUrlsDialog() -> impl IntoView {
    let Changes { revoke, .. } = expect_context();
    on_cleanup(move || revoke.clear());
    let params = use_params_map();
    let accounts = Resource::new(|| (), |()| list_accounts());
    let error = Signal::derive(move || revoke.value().get().and_then(Result::err));
    view! {
        <Title text="Revoke signed URLs"/>
        <Dialog title="Revoke signed URLs" close=LIST size="narrow">
            <PostForm action=revoke attr:class="dialog-form">
                <Confirm close=LIST action="Revoke signed URLs" pending=revoke.pending()>
                    <Problem error=error/>
                    <input type="hidden" name="id" value=move || params.with(id_of).to_string()/>
                    <Suspense fallback=Loading>
                        {move || Suspend::new(async move {
                            let id = params.with_untracked(id_of);
                            loaded(accounts.await, |rows| {
                                let name = rows.into_iter().find(|a| a.id == id).map(|a| a.name).unwrap_or_default();
                                view! {
                                    <p>
                                        "Revoke every URL that the vault has signed for " <strong>{name}</strong>
                                        "? Whoever has one can no longer play its recording. New ones are signed as before."
                                    </p>
                                    <p class="quiet">
                                        "Those that lead straight to a store work on until they expire."
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
