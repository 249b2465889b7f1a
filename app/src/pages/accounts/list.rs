//! The list.

use super::{Changes, LIST};
use crate::api::accounts::{list_accounts, list_leavings};
use crate::components::{
    Column, CopyButton, Done, Empty, Icon, Loading, PageHead, State, Table, actions, clipped, column, icon, loaded,
    status, while_watched,
};
use crate::pages::editing::saved;
use crate::pages::provisioned;
use crate::pages::search::{Found, Search, needle, unmatched};
use crate::site::at;
use crate::text::figures::{capped, plural};
use leptos::prelude::*;
use leptos_router::components::Outlet;
use model::account::{AccountView, LeavingView};

const ADD: &str = "/accounts/new";

/// All accounts, and the dialogs above them.
#[component]
pub fn AccountsPage() -> impl IntoView {
    let changes = Changes { save: ServerAction::new(), delete: ServerAction::new(), revoke: ServerAction::new() };
    provide_context(changes);
    let Changes { save, delete, .. } = changes;
    let saved = saved(save);
    let list = Resource::new(move || (saved.get(), delete.version().get()), |_| list_accounts());
    let leavings = Resource::new(move || delete.version().get(), |_| list_leavings());
    while_watched(move || leavings.refetch());
    let needle = needle();
    view! {
        <PageHead title="Accounts" about="Whose keys agents use, where their recordings go, and who is told.">
            <a class="button primary" href=at(ADD) data-noscroll="" data-key="n">{icon(Icon::Plus)} "Add account"</a>
        </PageHead>
        <Done messages=&[
            ("saved", "Account saved."),
            ("deleted", "Account deleted."),
            ("revoked", "Signed URLs revoked."),
        ]/>
        <Search label="Search accounts" needle=needle/>
        <Transition fallback=Loading>
            {move || Suspend::new(async move { loaded(list.await, |rows| table(rows, needle)) })}
        </Transition>
        <Suspense>{move || Suspend::new(async move { leavings.await.ok().and_then(left_behind) })}</Suspense>
        <Outlet/>
    }
    .into_any()
}

/// What deleted accounts have left behind, and is going.
fn left_behind(leavings: Vec<LeavingView>) -> Option<AnyView> {
    let line = |leaving: LeavingView| {
        let when = match leaving.days {
            0 => "being deleted".to_owned(),
            days => format!("deleted when they are {} old", plural(days.into(), "day")),
        };
        let left = capped(leaving.recordings);
        view! { <li><strong>{leaving.name}</strong> ": " {left} " left, " {when}</li> }
    };
    (!leavings.is_empty()).then(|| {
        view! {
            <section class="stack" aria-label="Recordings of deleted accounts">
                <h2>"Recordings of deleted accounts"</h2>
                <ul>{leavings.into_iter().map(line).collect_view()}</ul>
            </section>
        }
        .into_any()
    })
}

fn table(rows: Vec<AccountView>, needle: RwSignal<String>) -> AnyView {
    if rows.is_empty() {
        return view! {
            <Empty picture=Icon::Account title="No account yet">
                <p>"Agents sign in with an account's keys. Add one; its keys are made for you."</p>
                <a class="button" href=at(ADD) data-noscroll="">"Add account"</a>
            </Empty>
        }
        .into_any();
    }
    let texts = rows.iter().map(searched).collect();
    let hidden = unmatched(needle, searched);
    view! {
        <Found needle=needle texts=texts>
            <Table caption="Accounts" columns=columns() rows=rows hidden=hidden/>
        </Found>
    }
    .into_any()
}

/// What the search looks at.
fn searched(row: &AccountView) -> String {
    format!("{} {} {} {} {}", row.name, row.directory, row.provider, row.integrations.join(", "), row.access_key)
}

fn columns() -> Vec<Column<AccountView>> {
    vec![
        column("Status", |row: &AccountView| match row.enabled {
            true => status(State::Good, "Enabled"),
            false => status(State::Off, "Disabled"),
        }),
        column("Account", name).heading(),
        clipped("Provider", |row: &AccountView| row.provider.clone()),
        column("Integrations", integrations).spare("2").class("clip"),
        column("Access key", access_key),
        column("Keeps", |row: &AccountView| match row.day_limit {
            0 => "for ever".to_owned(),
            days => plural(days.into(), "day"),
        })
        .spare("2"),
        actions(buttons),
    ]
}

fn edit(row: &AccountView) -> String {
    format!("{LIST}/{}", row.id)
}

fn name(row: &AccountView) -> AnyView {
    view! {
        <a class="row-link" href=at(&edit(row)) data-noscroll="">{row.name.clone()}</a>
        " "
        <span class="quiet mono">"(" {row.directory.clone()} ")"</span>
        {row.provisioned.then(provisioned::badge)}
    }
    .into_any()
}

fn integrations(row: &AccountView) -> AnyView {
    match row.integrations.as_slice() {
        [] => view! { <span class="quiet">"none"</span> }.into_any(),
        names => names.join(", ").into_any(),
    }
}

fn access_key(row: &AccountView) -> AnyView {
    let key = row.access_key.clone();
    view! {
        <span class="cluster tight">
            <code class="mono">{key.clone()}</code>
            <CopyButton text=key what=format!("access key of {}", row.name)/>
        </span>
    }
    .into_any()
}

fn buttons(row: &AccountView) -> AnyView {
    let edit = edit(row);
    let label = format!("Agent settings of {}", row.name);
    view! {
        <a class="icon-button" href=at(&format!("{edit}/keys")) data-noscroll="" aria-label=label>{icon(Icon::Key)}</a>
        {provisioned::buttons(&edit, &row.name, row.provisioned)}
    }
    .into_any()
}
