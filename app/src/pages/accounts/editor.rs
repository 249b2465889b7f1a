//! Add and edit.

use super::credentials::credentials;
use super::details::details;
use super::{Changes, LIST};
use crate::api::AppError;
use crate::api::accounts::{AccountEditor, SaveAccount, edit_account};
use crate::components::{Dialog, Icon, Loading, Problem, Submit, Switch, focus_first_error, icon, use_query};
use leptos::form::{ActionForm, FromFormData};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use model::field::FieldError;
use web_sys::{FormData, SubmitEvent};

/// The dialog at `new` and `<id>`.
#[component]
pub fn AccountDialog() -> impl IntoView {
    let params = use_params_map();
    let query = use_query();
    let wanted = Memo::new(move |_| {
        let id = params.with(|p| p.get("id")).map(|id| id.parse::<i64>().unwrap_or_default());
        let (draft, keys) = query.with(|q| (q.get("draft").is_some(), q.get("keys").is_some()));
        (id, draft, keys)
    });
    let editor = Resource::new(move || wanted.get(), |(id, draft, keys)| edit_account(id, draft, keys));
    view! {
        <Transition fallback=Loading>
            {move || Suspend::new(async move { dialog(editor.await) })}
        </Transition>
    }
    .into_any()
}

fn dialog(editor: Result<AccountEditor, AppError>) -> AnyView {
    match editor {
        Err(error) => view! {
            <Dialog title="Account" close=LIST size="narrow">
                <div class="dialog-body"><Problem error=Some(error)/></div>
            </Dialog>
        }
        .into_any(),
        Ok(editor) => {
            let title = match (editor.provisioned, editor.input.id.is_empty()) {
                (true, _) => "View account",
                (_, true) => "Add account",
                _ => "Edit account",
            };
            view! { <Title text=title/> <Dialog title=title close=LIST size="wide">{form(editor)}</Dialog> }.into_any()
        }
    }
}

fn form(editor: AccountEditor) -> AnyView {
    let Changes { save, .. } = expect_context();
    on_cleanup(move || save.clear());
    let local = RwSignal::new(editor.errors.clone());
    let error = Signal::derive(move || {
        let local = local.get();
        let answered = save.value().get().and_then(Result::err);
        if local.is_empty() { answered } else { Some(AppError::Invalid(local)) }
    });
    let errors = Signal::derive(move || error.get().map(|e| e.fields().to_vec()).unwrap_or_default());
    let on_submit = move |event: SubmitEvent| {
        let form = event_target::<web_sys::HtmlFormElement>(&event);
        let found = FormData::new_with_form(&form).ok().and_then(|data| check(&data)).unwrap_or_default();
        if !found.is_empty() || save.pending().get_untracked() {
            event.prevent_default();
            focus_first_error();
        }
        local.set(found);
    };
    let AccountEditor { input, providers, integrations, provisioned, .. } = editor;
    let new = input.id.is_empty();
    let keys = credentials(&input, provisioned, errors);
    let id = input.id.clone();
    let (cloud, edge) = (input.cloud_analysis, input.edge_analysis);
    let switch = move |name: &'static str, label: &'static str, help: &'static str, checked: bool| {
        view! { <Switch name=name label=label help=help checked=checked disabled=provisioned/> }
    };
    view! {
        <ActionForm action=save attr:class="dialog-form" attr:novalidate=true attr:autocomplete="off" on:submit:capture=on_submit>
            <div class="dialog-body">
                // The first button is what Enter presses.
                {(!provisioned)
                    .then(|| view! { <button type="submit" class="sr-only" tabindex="-1" aria-hidden="true">"Save"</button> })}
                {provisioned
                    .then(|| {
                        view! {
                            <div class="note" data-tone="info">
                                {icon(Icon::Lock)}
                                <span>"Declared in the vault's configuration file. To change it, edit that file and restart the vault."</span>
                            </div>
                        }
                    })} <Problem error=error/> <input type="hidden" name="account[id]" value=id/>
                <div class="columns">
                    {details(input, providers, integrations, provisioned, errors)}
                    <section class="stack">
                        {keys} <h3>{icon(Icon::Cloud)} "Analysis"</h3>
                        {switch(
                            "account[cloud_analysis]",
                            "Cloud analysis",
                            "Lets the Kerberos Hub pipeline analyse recordings: thumbnails, objects, colours. Recordings are then shared with the Hub.",
                            cloud,
                        )}
                        {switch(
                            "account[edge_analysis]",
                            "Edge analysis",
                            "Kept with the account for the Hub's sake. This vault does no analysis itself yet, so it changes nothing here.",
                            edge,
                        )}
                    </section>
                </div>
            </div>
            <footer class="dialog-foot">
                <a class="button quiet" href=LIST data-noscroll="">{if provisioned { "Close" } else { "Cancel" }}</a>
                <span class="grow"></span>
                {(!provisioned)
                    .then(|| {
                        let label = if new { "Add account" } else { "Save" };
                        view! { <Submit label=label working="Saving…" pending=save.pending()/> }
                    })}
            </footer>
        </ActionForm>
    }
    .into_any()
}

fn check(data: &FormData) -> Option<Vec<FieldError>> {
    Some(SaveAccount::from_form_data(data).ok()?.account.check())
}
