//! The field of a form that a connection kind describes.

use super::field::{AriaIds, Errors, FieldRow};
use super::from_file::FromFile;
use super::input::{SET_AND_KEPT, SecretInput, Switch, TextInput, secret_placeholder};
use leptos::prelude::*;
use model::field::{Field, FieldKind};

/// The field a connection kind describes.
#[component]
pub fn SettingField(
    /// Its description.
    field: &'static Field,
    /// What it starts with.
    value: String,
    /// Whether a secret has a stored value.
    set: bool,
    /// What is wrong.
    errors: Errors,
    /// Whether it cannot be changed.
    readonly: bool,
) -> impl IntoView {
    let name = format!("connection[settings][{}]", field.name);
    if matches!(field.kind, FieldKind::Toggle) {
        let checked = value == "true";
        return view! { <Switch name=name label=field.label help=field.help checked=checked disabled=readonly/> }
            .into_any();
    }
    let control = move |aria: AriaIds| match field.kind {
        FieldKind::Secret => {
            let placeholder = secret_placeholder(set, readonly, field.placeholder);
            view! { <SecretInput aria=aria name=name placeholder=placeholder readonly=readonly/> }.into_any()
        }
        FieldKind::Select(options) => {
            let option = |(option, label): &(&'static str, &'static str)| {
                view! { <option value=*option selected=*option == value>{*label}</option> }
            };
            let options = options.iter().map(option).collect_view();
            view! {
                <select
                    id=aria.id()
                    class="input"
                    name=name
                    disabled=readonly
                    aria-invalid=move || aria.invalid()
                    aria-describedby=move || aria.described_by()
                >
                    {options}
                </select>
            }
            .into_any()
        }
        FieldKind::Multiline | FieldKind::SecretLines => view! {
            <textarea
                id=aria.id()
                class="input mono"
                rows="4"
                name=name
                placeholder=if set { SET_AND_KEPT } else { field.placeholder }
                readonly=readonly
                spellcheck="false"
                aria-invalid=move || aria.invalid()
                aria-describedby=move || aria.described_by()
            >
                {value}
            </textarea>
            {field
                .file
                .filter(|_| !readonly)
                .map(|kind| view! { <FromFile area=aria.id() label=field.label kind=kind/> })}
        }
        .into_any(),
        kind => {
            let input_type = if matches!(kind, FieldKind::Url) { "url" } else { "text" };
            view! {
                <TextInput
                    aria=aria
                    name=name
                    value=value
                    kind=input_type
                    placeholder=field.placeholder
                    readonly=readonly
                    mono=field.name.ends_with("_key")
                    numeric=matches!(kind, FieldKind::Number { .. })
                />
            }
            .into_any()
        }
    };
    let removable = field.is_secret() && !field.required && set && !readonly;
    view! {
        <FieldRow
            name=field.name
            label=field.label
            help=field.help
            optional=!field.required && !matches!(field.kind, FieldKind::Select(_) | FieldKind::Number { .. })
            errors=errors
            control=control
        />
        {removable
            .then(|| {
                view! {
                    <label class="check">
                        <input type="checkbox" name=format!("connection[cleared][{}]", field.name) value="true"/>
                        {format!("Remove the stored {}", field.label.to_lowercase())}
                    </label>
                }
            })}
    }
    .into_any()
}
