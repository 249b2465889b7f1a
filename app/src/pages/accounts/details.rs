//! The left column of the dialog: what the account is.

use super::field::{form_name, row, switch};
use crate::api::accounts::{AccountInput, Choice};
use crate::components::{AriaIds, Errors, FieldRow, Icon, TextInput, icon};
use leptos::prelude::*;
use model::account::AccountField;
use model::account::fields::{
    DAY_LIMIT, DIRECTORY, ENABLED, EXCLUSIVE, INTEGRATIONS, NAME, OTHER_PROVIDERS, PROVIDER, SECONDARY_PROVIDERS,
};

/// Name, provider, limits, integrations, directory.
pub(super) fn details(
    input: AccountInput,
    providers: Vec<Choice>,
    integrations: Vec<Choice>,
    readonly: bool,
    errors: Errors,
) -> AnyView {
    let chosen = input.provider.clone();
    let secondaries = (providers.len() > 1)
        .then(|| choices(&SECONDARY_PROVIDERS, providers.clone(), &input.secondary_providers, readonly, errors));
    let others = (providers.len() > 1)
        .then(|| choices(&OTHER_PROVIDERS, providers.clone(), &input.other_providers, readonly, errors));
    let provider_help = PROVIDER.help_for(providers.is_empty());
    let options = providers.into_iter().map(move |p| {
        let selected = p.name == chosen;
        let label = format!("{} ({}{})", p.name, p.kind, if p.enabled { "" } else { ", disabled" });
        view! { <option value=p.name selected=selected>{label}</option> }
    });
    let options = options.collect_view();
    let (name, limit, directory) = (input.name, input.day_limit, input.directory);
    let provider = move |aria: AriaIds| {
        view! {
            <select
                id=aria.id()
                class="input"
                name=form_name(&PROVIDER)
                disabled=readonly
                aria-invalid=move || aria.invalid()
                aria-describedby=move || aria.described_by()
            >
                <option value="">"Choose a provider"</option>
                {options}
            </select>
        }
        .into_any()
    };
    view! {
        <section class="stack">
            <div class="section-head">
                <h3>{icon(Icon::Account)} "Details"</h3>
                {switch(&ENABLED, input.enabled, readonly)}
            </div>
            {row(
                &NAME,
                errors,
                move |aria, form_name| {
                    view! { <TextInput aria=aria name=form_name value=name placeholder=NAME.placeholder readonly=readonly autofocus=!readonly/> }
                        .into_any()
                },
            )}
            <FieldRow name=PROVIDER.name label=PROVIDER.label help=provider_help errors=errors control=provider/>
            {row(
                &DAY_LIMIT,
                errors,
                move |aria, form_name| {
                    view! { <TextInput aria=aria name=form_name value=limit kind="number" readonly=readonly/> }.into_any()
                },
            )}
            {secondaries} {others} {choices(&INTEGRATIONS, integrations, &input.integrations, readonly, errors)}
            <h3>{icon(Icon::Folder)} "Directory"</h3>
            {row(
                &DIRECTORY,
                errors,
                move |aria, form_name| {
                    view! { <TextInput aria=aria name=form_name value=directory placeholder=DIRECTORY.placeholder readonly=readonly mono=true/> }
                        .into_any()
                },
            )}
            {switch(&EXCLUSIVE, input.exclusive, readonly)}
        </section>
    }
    .into_any()
}

/// Connections to tick.
fn choices(
    field: &'static AccountField,
    connections: Vec<Choice>,
    ticked: &[String],
    readonly: bool,
    errors: Errors,
) -> AnyView {
    let help = field.help_for(connections.is_empty());
    let choice = |choice: Choice| {
        let checked = ticked.contains(&choice.name);
        let name = format!("{}[]", form_name(field));
        let kind = format!("{}{}", choice.kind, if choice.enabled { "" } else { ", disabled" });
        view! {
            <label class="check">
                <input type="checkbox" name=name value=choice.name.clone() checked=checked disabled=readonly/>
                <span>{choice.name} " " <span class="quiet">{kind}</span></span>
            </label>
        }
    };
    let error = move || {
        let wrong = errors.with(|errors| errors.iter().find(|e| e.field == field.name).map(|e| e.message.clone()));
        wrong.map(|message| view! { <p class="field-error" role="alert">{message}</p> })
    };
    view! {
        <fieldset class="field">
            <legend>{field.label} " " <span class="optional">"optional"</span></legend>
            {connections.into_iter().map(choice).collect_view()}
            {(!help.is_empty()).then(|| view! { <p class="field-help">{help}</p> })}
            {error}
        </fieldset>
    }
    .into_any()
}
