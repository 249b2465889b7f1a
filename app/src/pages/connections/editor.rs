//! Add and edit: one dialog, built from what the kind's fields say.

use super::footer::footer;
use super::form_state::FormState;
use super::{Changes, kind_icon, words};
use crate::api::AppError;
use crate::api::connections::{ConnectionEditor, edit_connection, list_path};
use crate::components::{Dialog, FieldRow, Icon, Loading, Problem, SettingField, Switch, TextInput, icon, use_query};
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_params_map};
use model::connection::{Family, Kind};
use model::field::{Column, Field, FieldError};
use web_sys::{FormData, HtmlFormElement, HtmlInputElement, HtmlSelectElement, SubmitEvent};

/// The dialog at `new/<kind>` and `<id>`.
#[component]
pub fn EditDialog(
    /// Which side.
    family: Family,
) -> impl IntoView {
    let params = use_params_map();
    let query = use_query();
    let wanted = Memo::new(move |_| {
        let (kind, id) = params.with(|p| (p.get("kind"), p.get("id")));
        let draft = query.with(|q| q.get("draft").is_some());
        // An id that is no number is one that no row has.
        (kind.unwrap_or_default(), id.map(|id| id.parse::<i64>().unwrap_or_default()), draft)
    });
    let editor = Resource::new(
        move || wanted.get(),
        move |(kind, id, draft)| edit_connection(family.as_str().to_owned(), kind, id, draft),
    );
    view! {
        <Transition fallback=Loading>
            {move || Suspend::new(async move { dialog(family, editor.await) })}
        </Transition>
    }
    .into_any()
}

fn dialog(family: Family, editor: Result<ConnectionEditor, AppError>) -> AnyView {
    let list = list_path(family);
    let missing = |error: AppError| {
        view! {
            <Dialog title=words(family).title close=list size="narrow">
                <div class="dialog-body"><Problem error=Some(error)/></div>
            </Dialog>
        }
        .into_any()
    };
    match editor {
        Err(error) => missing(error),
        Ok(editor) => match editor.kind() {
            None => missing(AppError::message("This vault does not know that kind.")),
            Some(kind) => {
                let verb = match (editor.provisioned, editor.id) {
                    (true, _) => "View",
                    (_, Some(_)) => "Edit",
                    _ => "Add",
                };
                // Not "Blob Storage storage provider".
                let noun = if kind.label.ends_with("Storage") { "provider" } else { words(family).one };
                let title = format!("{verb} {} {noun}", kind.label);
                view! {
                    <Title text=title.clone()/>
                    <Dialog title=title close=list size="wide">{form(editor, kind)}</Dialog>
                }
                .into_any()
            }
        },
    }
}

fn form(editor: ConnectionEditor, kind: &'static Kind) -> AnyView {
    let Changes { save, .. } = expect_context();
    let readonly = editor.provisioned;
    let family = editor.family;
    let state = FormState {
        editor: StoredValue::new(editor.clone()),
        kind,
        save,
        validate: ServerAction::new(),
        test: ServerAction::new(),
        local: RwSignal::new(None),
    };
    // The action outlives the dialog; what it said about this one must not show in the next.
    on_cleanup(move || save.clear());
    let error = Memo::new(move |_| state.error());
    let errors = Signal::derive(move || error.with(|e| e.as_ref().map(|e| e.fields().to_vec()).unwrap_or_default()));
    let on_submit = move |event: SubmitEvent| {
        let data = event_target::<HtmlFormElement>(&event);
        let accepted = FormData::new_with_form(&data).is_ok_and(|data| state.accepts(&data));
        if !accepted || save.pending().get_untracked() {
            event.prevent_default();
        } else {
            state.forget_tries();
        }
    };
    let bare = !kind.fields.iter().any(|f| f.column == Column::Credentials);
    let about = if bare { format!("About {}", kind.label) } else { format!("{} credentials", kind.label) };
    let column = move |column| fields(state, column, errors);
    let id = editor.id.map(|id| id.to_string()).unwrap_or_default();
    let name = editor.name.clone();
    view! {
        <ActionForm action=save attr:class="dialog-form" attr:novalidate=true attr:autocomplete="off" on:submit:capture=on_submit>
            <div class="dialog-body">
                {readonly.then(provisioned_note)} <Problem error=error/>
                <input type="hidden" name="connection[family]" value=family.as_str()/>
                <input type="hidden" name="connection[kind]" value=kind.name/>
                <input type="hidden" name="connection[id]" value=id/>
                <div class="columns">
                    <section class="stack">
                        {kind_row(family, kind, editor.id.is_none())}
                        <div class="section-head">
                            <h3>{icon(Icon::Link)} "Connection"</h3>
                            <Switch name="connection[enabled]" label="Enabled" checked=editor.enabled disabled=readonly/>
                        </div>
                        <FieldRow
                            name="name"
                            label="Name"
                            errors=errors
                            control=move |ties| {
                                view! {
                                    <TextInput
                                        ties=ties
                                        name="connection[name]"
                                        value=name
                                        placeholder="How people will know it"
                                        readonly=readonly
                                        autofocus=!readonly
                                    />
                                }
                                    .into_any()
                            }
                        />
                        {column(Column::Connection)}
                    </section>
                    <section class="stack">
                        <h3>{icon(if bare { Icon::Info } else { Icon::Key })} {about}</h3>
                        <p class="about">{kind.about}</p>
                        {column(Column::Credentials)}
                    </section>
                </div>
            </div>
            {footer(state)}
        </ActionForm>
    }
    .into_any()
}

/// The fields of one column.
fn fields(state: FormState, column: Column, errors: Signal<Vec<FieldError>>) -> AnyView {
    let field = move |field: &'static Field| {
        state.editor.with_value(|editor| {
            let value = field.value(&editor.settings).to_owned();
            let set = editor.secrets_set.iter().any(|s| s == field.name);
            let readonly = editor.provisioned;
            view! { <SettingField field=field value=value set=set errors=errors readonly=readonly/> }.into_any()
        })
    };
    state.kind.fields.iter().filter(|f| f.column == column).map(field).collect_view().into_any()
}

fn provisioned_note() -> AnyView {
    view! {
        <div class="note" data-tone="info">
            {icon(Icon::Lock)}
            <span>"Declared in the vault's configuration file. To change it, edit that file and restart the vault."</span>
        </div>
    }
    .into_any()
}

/// The kind: for a new connection a choice that leads to the other kind's form.
fn kind_row(family: Family, kind: &'static Kind, new: bool) -> AnyView {
    if !new {
        return view! {
            <div class="section-head">
                <h3>{icon(kind_icon(kind.name))} {kind.label}</h3>
            </div>
        }
        .into_any();
    }
    let list = list_path(family);
    let navigate = use_navigate();
    let options = family.kinds().iter().map(|k| {
        view! { <option value=k.name selected=k.name == kind.name>{k.label}</option> }
    });
    let choose = move |event: leptos::ev::Event| {
        let select: HtmlSelectElement = event_target(&event);
        let chosen = select.value();
        forget_typed(&select);
        let options = NavigateOptions { replace: true, scroll: false, ..Default::default() };
        navigate(&format!("{list}/new/{chosen}"), options);
    };
    view! {
        <div class="field">
            <label for="kind">{icon(kind_icon(kind.name))} "Kind"</label>
            <select id="kind" class="input needs-js" on:change=choose>
                {options.collect_view()}
            </select>
            <noscript>
                <p>{kind.label} " · " <a href=format!("{list}/new")>"choose another"</a></p>
            </noscript>
        </div>
    }
    .into_any()
}

/// Empties the form but for the name. The other kind's form uses the same elements again, and what was typed as a
/// host must not turn up as a region.
fn forget_typed(select: &HtmlSelectElement) {
    let Some(form) = select.form() else { return };
    let name = form.query_selector("#field-name").ok().flatten().and_then(|e| e.dyn_into::<HtmlInputElement>().ok());
    let typed = name.as_ref().map(HtmlInputElement::value);
    form.reset();
    if let (Some(name), Some(typed)) = (name, typed) {
        name.set_value(&typed);
    }
}
