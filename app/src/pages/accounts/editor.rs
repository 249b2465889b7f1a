//! Add and edit.

use super::credentials::credentials;
use super::details::details;
use super::field::switch;
use super::revoke::signed_urls;
use super::{Changes, LIST};
use crate::api::AppError;
use crate::api::accounts::{AccountEditor, SaveAccount, edit_account};
use crate::components::{Dialog, Icon, PostForm, Problem, at_fields, icon, row_id, use_query};
use crate::pages::editing::{Editing, opened};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use model::account::fields::{CLOUD_ANALYSIS, EDGE_ANALYSIS};
use web_sys::SubmitEvent;

/// The dialog at `new` and `<id>`.
#[component]
pub fn AccountDialog() -> impl IntoView {
    let params = use_params_map();
    let query = use_query();
    let wanted = Memo::new(move |_| {
        let (draft, keys) = query.with(|q| (q.get("draft").is_some(), q.get("keys").is_some()));
        (params.with(row_id), draft, keys)
    });
    let editor = Resource::new(move || wanted.get(), |(id, draft, keys)| edit_account(id, draft, keys));
    opened("Account", LIST, editor, dialog)
}

fn dialog(editor: AccountEditor) -> Result<AnyView, AppError> {
    let title = match (editor.provisioned, editor.input.id.is_empty()) {
        (true, _) => "View account",
        (_, true) => "Add account",
        _ => "Edit account",
    };
    Ok(view! { <Title text=title/> <Dialog title=title close=LIST size="wide">{form(editor)}</Dialog> }.into_any())
}

fn form(editor: AccountEditor) -> AnyView {
    let Changes { save, .. } = expect_context();
    let AccountEditor { input, providers, integrations, provisioned: readonly, errors: said } = editor;
    let editing = Editing::new(save, readonly, said, |args: SaveAccount| args.account.check());
    let error = Memo::new(move |_| editing.error());
    let errors = at_fields(error);
    let on_submit = move |event: SubmitEvent| {
        editing.lets_through(&event);
    };
    let new = input.id.is_empty();
    let keys = credentials(&input, readonly, errors);
    let urls = (!new).then(|| signed_urls(&input.id));
    let (id, version) = (input.id.clone(), input.version.clone());
    let (cloud, edge) = (input.cloud_analysis, input.edge_analysis);
    view! {
        <PostForm action=save attr:class="dialog-form" attr:novalidate=true attr:autocomplete="off" on:submit:capture=on_submit>
            <div class="dialog-body">
                {editing.first_button()} {editing.note()} <Problem error=error/>
                <input type="hidden" name="account[id]" value=id/>
                <input type="hidden" name="account[version]" value=version/>
                <div class="columns">
                    {details(input, providers, integrations, readonly, errors)}
                    <section class="stack">
                        {keys} <h3>{icon(Icon::Cloud)} "Analysis"</h3>
                        {switch(&CLOUD_ANALYSIS, cloud, readonly)} {switch(&EDGE_ANALYSIS, edge, readonly)}
                        {urls}
                    </section>
                </div>
            </div>
            <footer class="dialog-foot">
                {editing.leave(LIST)} <span class="grow"></span>
                {editing.save_button(if new { "Add account" } else { "Save" })}
            </footer>
        </PostForm>
    }
    .into_any()
}
