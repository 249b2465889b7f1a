//! The list.

use super::{Changes, LIST};
use crate::api::accounts::list_accounts;
use crate::components::{CopyButton, Done, Empty, Icon, Loading, PageHead, State, icon, loaded, status};
use crate::pages::connections::provisioned;
use crate::pages::search::{Found, Search, matches, needle};
use crate::text::figures::plural;
use leptos::prelude::*;
use leptos_router::components::Outlet;
use model::account::AccountView;

const ADD: &str = "/accounts/new";

/// All accounts, and the dialogs above them.
#[component]
pub fn AccountsPage() -> impl IntoView {
    let changes = Changes { save: ServerAction::new(), delete: ServerAction::new() };
    provide_context(changes);
    let Changes { save, delete } = changes;
    let list = Resource::new(move || (save.version().get(), delete.version().get()), |_| list_accounts());
    let needle = needle();
    view! {
        <PageHead title="Accounts" about="Whose keys agents use, where their recordings go, and who is told.">
            <a class="button primary" href=ADD data-noscroll="" data-key="n">{icon(Icon::Plus)} "Add account"</a>
        </PageHead>
        <Done messages=&[("saved", "Account saved."), ("deleted", "Account deleted. Its recordings are still there.")]/>
        <Search label="Search accounts" needle=needle/>
        <Transition fallback=Loading>
            {move || Suspend::new(async move { loaded(list.await, |rows| table(rows, needle)) })}
        </Transition>
        <Outlet/>
    }
    .into_any()
}

fn table(rows: Vec<AccountView>, needle: RwSignal<String>) -> AnyView {
    if rows.is_empty() {
        return view! {
            <Empty picture=Icon::Account title="No account yet">
                <p>"Agents sign in with an account's keys. Add one; its keys are made for you."</p>
                <a class="button" href=ADD data-noscroll="">"Add account"</a>
            </Empty>
        }
        .into_any();
    }
    let texts = rows.iter().map(searched).collect();
    view! {
        <Found needle=needle texts=texts>
            <table class="table">
                <caption class="sr-only">"Accounts"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Status"</th>
                        <th scope="col">"Account"</th>
                        <th scope="col">"Provider"</th>
                        <th scope="col" data-spare="2">"Integrations"</th>
                        <th scope="col">"Access key"</th>
                        <th scope="col" data-spare="2">"Keeps"</th>
                        <th scope="col"><span class="sr-only">"Actions"</span></th>
                    </tr>
                </thead>
                <tbody>{rows.into_iter().map(|row| tr(row, needle)).collect_view()}</tbody>
            </table>
        </Found>
    }
    .into_any()
}

/// What the search looks at.
fn searched(row: &AccountView) -> String {
    format!("{} {} {} {} {}", row.name, row.directory, row.provider, row.integrations.join(", "), row.access_key)
}

fn tr(row: AccountView, needle: RwSignal<String>) -> AnyView {
    let hay = searched(&row);
    let AccountView { id, name, directory, provider, access_key, .. } = row;
    let integrations = row.integrations.join(", ");
    let state = if row.enabled { status(State::Good, "Enabled") } else { status(State::Off, "Disabled") };
    let keeps = if row.day_limit == 0 { "for ever".to_owned() } else { plural(row.day_limit.into(), "day") };
    let edit = format!("{LIST}/{id}");
    view! {
        <tr hidden=move || !matches(needle, &hay)>
            <td data-label="Status">{state}</td>
            <th scope="row" data-label="Account">
                <a class="row-link" href=edit.clone() data-noscroll="">{name.clone()}</a>
                " "
                <span class="quiet mono">"(" {directory} ")"</span>
                {row.provisioned.then(provisioned)}
            </th>
            <td data-label="Provider" class="clip" title=provider.clone()>{provider.clone()}</td>
            <td data-label="Integrations" data-spare="2" class="clip">
                {if integrations.is_empty() {
                    view! { <span class="quiet">"none"</span> }.into_any()
                } else {
                    integrations.into_any()
                }}
            </td>
            <td data-label="Access key">
                <span class="cluster tight">
                    <code class="mono">{access_key.clone()}</code>
                    <CopyButton text=access_key what=format!("access key of {name}")/>
                </span>
            </td>
            <td data-label="Keeps" data-spare="2">{keeps}</td>
            <td class="actions">
                <a class="icon-button" href=format!("{edit}/keys") data-noscroll="" aria-label=format!("Agent settings of {name}")>
                    {icon(Icon::Key)}
                </a>
                <a class="icon-button" href=edit.clone() data-noscroll="" aria-label=format!("{} {name}", if row.provisioned { "View" } else { "Edit" })>
                    {icon(if row.provisioned { Icon::Eye } else { Icon::Pencil })}
                </a>
                {(!row.provisioned)
                    .then(|| {
                        view! {
                            <a class="icon-button" href=format!("{edit}/delete") data-noscroll="" aria-label=format!("Delete {name}")>
                                {icon(Icon::Bin)}
                            </a>
                        }
                    })}
            </td>
        </tr>
    }
    .into_any()
}
