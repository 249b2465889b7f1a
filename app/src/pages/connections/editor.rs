//! Add and edit: one dialog, built from what the kind's fields say.

use super::footer::footer;
use super::form_state::FormState;
use super::{Changes, kind_icon, words};
use crate::api::AppError;
use crate::api::connections::{ConnectionEditor, edit_connection, list_path};
use crate::components::{
    Dialog, Errors, FieldRow, Icon, PostForm, Problem, SettingField, Switch, TextInput, at_fields, icon, row_id,
    use_query,
};
use crate::pages::editing::opened;
use crate::site::at;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_params_map};
use model::connection::{Family, Kind};
use model::field::{Column, Field};
use web_sys::{HtmlInputElement, HtmlSelectElement, SubmitEvent};

/// The dialog at `new/<kind>` and `<id>`.
#[component]
pub fn EditDialog(
    /// Which side.
    family: Family,
) -> impl IntoView {
    let (params, query) = (use_params_map(), use_query());
    let wanted = Memo::new(move |_| {
        let kind = params.with(|p| p.get("kind")).unwrap_or_default();
        (kind, params.with(row_id), query.with(|q| q.get("draft").is_some()))
    });
    let editor = Resource::new(
        move || wanted.get(),
        move |(kind, id, draft)| edit_connection(family.as_str().to_owned(), kind, id, draft),
    );
    opened(words(family).title, list_path(family), editor, dialog)
}

fn dialog(editor: ConnectionEditor) -> Result<AnyView, AppError> {
    let kind = editor.kind().ok_or_else(|| AppError::message("This vault does not know that kind."))?;
    let family = editor.family;
    let verb = match (editor.provisioned, editor.id) {
        (true, _) => "View",
        (_, Some(_)) => "Edit",
        _ => "Add",
    };
    // Not "Blob Storage storage provider".
    let noun = if kind.label.ends_with("Storage") { "provider" } else { words(family).one };
    let title = format!("{verb} {} {noun}", kind.label);
    let dialog = view! {
        <Title text=title.clone()/>
        <Dialog title=title close=list_path(family) size="wide">{form(editor, kind)}</Dialog>
    };
    Ok(dialog.into_any())
}

fn form(editor: ConnectionEditor, kind: &'static Kind) -> AnyView {
    let Changes { save, .. } = expect_context();
    let family = editor.family;
    let state = FormState::new(editor.clone(), kind, save);
    let readonly = state.editing.readonly;
    let error = Memo::new(move |_| state.error());
    let errors = at_fields(error);
    let on_submit = move |event: SubmitEvent| {
        if state.editing.lets_through(&event) {
            state.forget_tries();
        }
    };
    let bare = !kind.fields.iter().any(|f| f.column == Column::Credentials);
    let about = if bare { format!("About {}", kind.label) } else { format!("{} credentials", kind.label) };
    let column = move |column| fields(state, column, errors);
    let id = editor.id.map(|id| id.to_string()).unwrap_or_default();
    let version = editor.id.map(|_| editor.version.to_string()).unwrap_or_default();
    let name = editor.name.clone();
    let former = (!editor.former_names.is_empty()).then(|| {
        let names = editor.former_names.join(", ");
        view! { <p class="field-help">"Cameras and readers may still call it " {names} "."</p> }
    });
    view! {
        <PostForm action=save attr:class="dialog-form" attr:novalidate=true attr:autocomplete="off" on:submit:capture=on_submit>
            <div class="dialog-body">
                {state.editing.note()} <Problem error=error/>
                <input type="hidden" name="connection[family]" value=family.as_str()/>
                <input type="hidden" name="connection[kind]" value=kind.name/>
                <input type="hidden" name="connection[id]" value=id/>
                <input type="hidden" name="connection[version]" value=version/>
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
                            control=move |aria| {
                                view! {
                                    <TextInput
                                        aria=aria
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
                        {former} {column(Column::Connection)}
                    </section>
                    <section class="stack">
                        <h3>{icon(if bare { Icon::Info } else { Icon::Key })} {about}</h3>
                        <p class="about">{kind.about}</p>
                        {column(Column::Credentials)}
                    </section>
                </div>
            </div>
            {footer(state)}
        </PostForm>
    }
    .into_any()
}

/// The fields of one column.
fn fields(state: FormState, column: Column, errors: Errors) -> AnyView {
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
                <p>{kind.label} " · " <a href=at(&format!("{list}/new"))>"choose another"</a></p>
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
