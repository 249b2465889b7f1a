//! The left column of the dialog: what the account is.

use crate::api::accounts::{AccountInput, Choice};
use crate::components::{Errors, FieldRow, Icon, Switch, TextInput, icon};
use leptos::prelude::*;

/// Name, provider, limits, integrations, directory.
pub(super) fn details(
    input: AccountInput,
    providers: Vec<Choice>,
    integrations: Vec<Choice>,
    readonly: bool,
    errors: Errors,
) -> AnyView {
    let chosen = input.provider.clone();
    let no_provider = providers.is_empty();
    let options = providers.into_iter().map(move |p| {
        let selected = p.name == chosen;
        let label = format!("{} ({}{})", p.name, p.kind, if p.enabled { "" } else { ", disabled" });
        view! { <option value=p.name selected=selected>{label}</option> }
    });
    let options = options.collect_view();
    let (name, limit, directory) = (input.name, input.day_limit, input.directory);
    view! {
        <section class="stack">
            <div class="section-head">
                <h3>{icon(Icon::Account)} "Details"</h3>
                <Switch name="account[enabled]" label="Enabled" checked=input.enabled disabled=readonly/>
            </div>
            <FieldRow
                name="name"
                label="Account name"
                errors=errors
                control=move |ties| {
                    view! {
                        <TextInput ties=ties name="account[name]" value=name placeholder="A site, a customer, a camera" readonly=readonly autofocus=!readonly/>
                    }
                        .into_any()
                }
            />
            <FieldRow
                name="provider"
                label="Main provider"
                help=if no_provider { "There is none yet: add a storage provider first." } else { "Where its recordings are kept." }
                errors=errors
                control=move |ties| {
                    view! {
                        <select
                            id=ties.id()
                            class="input"
                            name="account[provider]"
                            disabled=readonly
                            aria-invalid=move || ties.invalid()
                            aria-describedby=move || ties.described_by()
                        >
                            <option value="">"Choose a provider"</option>
                            {options}
                        </select>
                    }
                        .into_any()
                }
            />
            <FieldRow
                name="day_limit"
                label="Day limit"
                help="Days recordings are kept, then they are deleted from the store. 0 keeps them for ever."
                errors=errors
                control=move |ties| {
                    view! { <TextInput ties=ties name="account[day_limit]" value=limit kind="number" readonly=readonly/> }.into_any()
                }
            />
            {choices(integrations, &input.integrations, readonly)}
            <h3>{icon(Icon::Folder)} "Directory"</h3>
            <FieldRow
                name="directory"
                label="Directory"
                help="Recordings are stored below it, whatever an agent says. With * each agent names its own directory: Hub users give their Hub user name."
                errors=errors
                control=move |ties| {
                    view! { <TextInput ties=ties name="account[directory]" value=directory placeholder="*" readonly=readonly mono=true/> }.into_any()
                }
            />
        </section>
    }
    .into_any()
}

fn choices(integrations: Vec<Choice>, ticked: &[String], readonly: bool) -> AnyView {
    let none = integrations.is_empty();
    let choice = |choice: Choice| {
        let checked = ticked.contains(&choice.name);
        let kind = format!("{}{}", choice.kind, if choice.enabled { "" } else { ", disabled" });
        view! {
            <label class="check">
                <input type="checkbox" name="account[integrations][]" value=choice.name.clone() checked=checked disabled=readonly/>
                <span>{choice.name} " " <span class="quiet">{kind}</span></span>
            </label>
        }
    };
    view! {
        <fieldset class="field">
            <legend>"Integrations" <span class="optional">"optional"</span></legend>
            {integrations.into_iter().map(choice).collect_view()}
            {none.then(|| view! { <p class="field-help">"None yet. Recordings are stored all the same."</p> })}
        </fieldset>
    }
    .into_any()
}
