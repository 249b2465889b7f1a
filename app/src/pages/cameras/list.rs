//! The list.

use super::{Changes, LIST};
use crate::api::cameras::list_cameras;
use crate::components::{
    Column, Done, Empty, Icon, Loading, PageHead, State, Table, Time, actions, column, icon, loaded, status,
    while_watched,
};
use crate::pages::search::{Found, Search, needle, unmatched};
use crate::site::at;
use crate::text::query;
use leptos::prelude::*;
use leptos_router::components::Outlet;
use model::device::DeviceView;

/// Every camera the vault has heard of.
#[component]
pub fn CamerasPage() -> impl IntoView {
    let changes = Changes { delete: ServerAction::new() };
    provide_context(changes);
    let list = Resource::new(move || changes.delete.version().get(), |_| list_cameras());
    let needle = needle();
    while_watched(move || list.refetch());
    view! {
        <PageHead title="Cameras" about="Agents that reported in, or sent a recording.">
            <a class="button" href=at(LIST) rel="external" on:click=move |event| {
                event.prevent_default();
                list.refetch();
            }>{icon(Icon::Refresh)} "Refresh"</a>
        </PageHead>
        <Done messages=&[("deleted", "Camera removed from the list. It comes back when it reports in again.")]/>
        <Search label="Search cameras" needle=needle/>
        <Transition fallback=Loading>
            {move || Suspend::new(async move { loaded(list.await, |rows| table(rows, needle)) })}
        </Transition>
        <Outlet/>
    }
    .into_any()
}

fn table(rows: Vec<DeviceView>, needle: RwSignal<String>) -> AnyView {
    if rows.is_empty() {
        return view! {
            <Empty picture=Icon::Camera title="No camera yet">
                <p>"Enter an account's keys in a Kerberos Agent. It appears here within seconds."</p>
                <a class="button" href=at("/help")>"How to connect an agent"</a>
            </Empty>
        }
        .into_any();
    }
    let texts = rows.iter().map(searched).collect();
    let hidden = unmatched(needle, searched);
    view! {
        <Found needle=needle texts=texts>
            <Table caption="Cameras" columns=columns() rows=rows hidden=hidden/>
        </Found>
        <p class="field-help">
            <strong>"Verified"</strong>
            " cameras have uploaded with an account's keys. Heartbeats carry no keys, so anyone who can reach this vault could claim to be a camera: "
            <strong>"unverified"</strong>
            " ones have only claimed. Version, host and whether it is online are what heartbeats say, of verified ones too."
        </p>
    }
    .into_any()
}

/// What the search looks at.
fn searched(row: &DeviceView) -> String {
    format!("{} {} {} {} {} {}", row.name, row.key, row.capture, row.version, row.hostname, row.account)
}

fn columns() -> Vec<Column<DeviceView>> {
    vec![
        column("Status", |row: &DeviceView| match row.online {
            true => status(State::Good, "Online"),
            false => status(State::Off, "Offline"),
        }),
        column("Name", name).heading(),
        column("Key", |row: &DeviceView| row.key.clone()).spare("2").class("mono clip"),
        column("Identity", identity),
        column("Version", |row: &DeviceView| or_dash(&row.version)).spare("2"),
        column("Host", |row: &DeviceView| or_dash(&row.hostname)).spare("2").class("clip"),
        column("Last seen", |row: &DeviceView| since(row.last_seen)),
        column("Last recording", |row: &DeviceView| since(row.last_recording)),
        actions(delete),
    ]
}

/// What people call it.
fn called(row: &DeviceView) -> String {
    if row.name.is_empty() { row.key.clone() } else { row.name.clone() }
}

fn name(row: &DeviceView) -> AnyView {
    let (name, capture) = (called(row), row.capture.clone());
    let account = Some(("account", &row.account)).filter(|(_, name)| !name.is_empty());
    let which: Vec<_> = [("camera", &row.key)].into_iter().chain(account).collect();
    let media = query::address("/media", &which);
    view! {
        <a class="row-link" href=at(&media)>{name}</a>
        {(!capture.is_empty()).then(|| view! { " " <span class="quiet">"(" {capture} ")"</span> })}
    }
    .into_any()
}

fn identity(row: &DeviceView) -> AnyView {
    let identity = if row.verified { status(State::Good, "Verified") } else { status(State::Warn, "Unverified") };
    let account = row.account.clone();
    view! { {identity} {(!account.is_empty()).then(|| view! { " " <span class="quiet break">{account}</span> })} }
        .into_any()
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "–".to_owned() } else { text.to_owned() }
}

fn since(at: i64) -> AnyView {
    match at {
        0 => view! { <span class="quiet">"never"</span> }.into_any(),
        _ => view! { <Time at=at ago=true/> }.into_any(),
    }
}

fn delete(row: &DeviceView) -> AnyView {
    let account = row.account_id.map(|id| ("account", id.to_string()));
    let which: Vec<_> = [("key", row.key.clone())].into_iter().chain(account).collect();
    let delete = query::address("/cameras/delete", &which);
    let label = format!("Delete {}", called(row));
    view! { <a class="icon-button" href=at(&delete) data-noscroll="" aria-label=label>{icon(Icon::Bin)}</a> }.into_any()
}
