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
    let secondaries = (providers.len() > 1).then(|| {
        let help = "Each recording is copied there as well, and read from there while the main provider is down.";
        choices(
            "secondary_providers",
            "Secondary providers",
            help,
            providers.clone(),
            &input.secondary_providers,
            readonly,
            errors,
        )
    });
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
            {secondaries}
            {choices(
                "integrations",
                "Integrations",
                if integrations.is_empty() { "None yet. Recordings are stored all the same." } else { "" },
                integrations,
                &input.integrations,
                readonly,
                errors,
            )}
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

/// Connections to tick.
fn choices(
    name: &'static str,
    legend: &'static str,
    help: &'static str,
    connections: Vec<Choice>,
    ticked: &[String],
    readonly: bool,
    errors: Errors,
) -> AnyView {
    let choice = |choice: Choice| {
        let checked = ticked.contains(&choice.name);
        let kind = format!("{}{}", choice.kind, if choice.enabled { "" } else { ", disabled" });
        view! {
            <label class="check">
                <input type="checkbox" name=format!("account[{name}][]") value=choice.name.clone() checked=checked disabled=readonly/>
                <span>{choice.name} " " <span class="quiet">{kind}</span></span>
            </label>
        }
    };
    let error = move || {
        let wrong = errors.with(|errors| errors.iter().find(|e| e.field == name).map(|e| e.message.clone()));
        wrong.map(|message| view! { <p class="field-error" role="alert">{message}</p> })
    };
    view! {
        <fieldset class="field">
            <legend>{legend} " " <span class="optional">"optional"</span></legend>
            {connections.into_iter().map(choice).collect_view()}
            {(!help.is_empty()).then(|| view! { <p class="field-help">{help}</p> })}
            {error}
        </fieldset>
    }
    .into_any()
}
