//! Forget a camera, after asking.

use super::{Changes, LIST};
use crate::components::{Confirm, Dialog, PostForm, Problem, use_query};
use leptos::prelude::*;
use leptos_meta::Title;

/// The dialog at `delete?key=…`: device keys may hold anything, a path segment may not.
#[component]
pub fn DeleteCameraDialog() -> impl IntoView {
    let Changes { delete } = expect_context();
    on_cleanup(move || delete.clear());
    let query = use_query();
    let key = move || query.with(|q| q.get("key")).unwrap_or_default();
    let account = move || query.with(|q| q.get("account")).unwrap_or_default();
    let error = Signal::derive(move || delete.value().get().and_then(Result::err));
    view! {
        <Title text="Delete camera"/>
        <Dialog title="Delete camera" close=LIST size="narrow">
            <PostForm action=delete attr:class="dialog-form">
                <Confirm close=LIST action="Delete camera" pending=delete.pending()>
                    <Problem error=error/>
                    <input type="hidden" name="key" value=key/>
                    <input type="hidden" name="account_id" value=account/>
                    <p>
                        "Forget the camera with the key " <strong class="mono break">{key}</strong>
                        "? Its recordings stay. If it still runs, it comes back with its next heartbeat."
                    </p>
                </Confirm>
            </PostForm>
        </Dialog>
    }
    .into_any()
}
