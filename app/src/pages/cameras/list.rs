//! The list.

use super::{Changes, LIST};
use crate::api::cameras::list_cameras;
use crate::components::{Done, Empty, Icon, Loading, PageHead, State, Time, icon, loaded, status, while_watched};
use crate::pages::search::{Found, Search, matches, needle};
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
            <a class="button" href=LIST rel="external" on:click=move |event| {
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
                <a class="button" href="/help">"How to connect an agent"</a>
            </Empty>
        }
        .into_any();
    }
    let texts = rows.iter().map(searched).collect();
    view! {
        <Found needle=needle texts=texts>
            <table class="table">
                <caption class="sr-only">"Cameras"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Status"</th>
                        <th scope="col">"Name"</th>
                        <th scope="col" data-spare="2">"Key"</th>
                        <th scope="col">"Identity"</th>
                        <th scope="col" data-spare="2">"Version"</th>
                        <th scope="col" data-spare="2">"Host"</th>
                        <th scope="col">"Last seen"</th>
                        <th scope="col">"Last recording"</th>
                        <th scope="col"><span class="sr-only">"Actions"</span></th>
                    </tr>
                </thead>
                <tbody>{rows.into_iter().map(|row| tr(row, needle)).collect_view()}</tbody>
            </table>
        </Found>
        <p class="field-help">
            <strong>"Verified"</strong>
            " cameras have uploaded with an account's keys. Heartbeats carry no keys, so anyone who can reach this vault could claim to be a camera: "
            <strong>"unverified"</strong> " ones have only claimed."
        </p>
    }
    .into_any()
}

/// What the search looks at.
fn searched(row: &DeviceView) -> String {
    format!("{} {} {} {} {} {}", row.name, row.key, row.capture, row.version, row.hostname, row.account)
}

fn tr(row: DeviceView, needle: RwSignal<String>) -> AnyView {
    let hay = searched(&row);
    let state = if row.online { status(State::Good, "Online") } else { status(State::Off, "Offline") };
    let name = if row.name.is_empty() { row.key.clone() } else { row.name.clone() };
    let identity = if row.verified { status(State::Good, "Verified") } else { status(State::Warn, "Unverified") };
    let media = query::address("/media", &[("camera", &row.key)]);
    let delete = query::address("/cameras/delete", &[("key", &row.key)]);
    let time = |at: i64| match at {
        0 => view! { <span class="quiet">"never"</span> }.into_any(),
        _ => view! { <Time at=at ago=true/> }.into_any(),
    };
    let or_dash = |text: String| if text.is_empty() { "–".to_owned() } else { text };
    view! {
        <tr hidden=move || !matches(needle, &hay)>
            <td data-label="Status">{state}</td>
            <th scope="row" data-label="Name">
                <a class="row-link" href=media>{name.clone()}</a>
                {(!row.capture.is_empty()).then(|| view! { " " <span class="quiet">"(" {row.capture} ")"</span> })}
            </th>
            <td data-label="Key" data-spare="2" class="mono clip">{row.key}</td>
            <td data-label="Identity">
                {identity} {(!row.account.is_empty()).then(|| view! { " " <span class="quiet break">{row.account}</span> })}
            </td>
            <td data-label="Version" data-spare="2">{or_dash(row.version)}</td>
            <td data-label="Host" data-spare="2" class="clip">{or_dash(row.hostname)}</td>
            <td data-label="Last seen">{time(row.last_seen)}</td>
            <td data-label="Last recording">{time(row.last_recording)}</td>
            <td class="actions">
                <a class="icon-button" href=delete data-noscroll="" aria-label=format!("Delete {name}")>{icon(Icon::Bin)}</a>
            </td>
        </tr>
    }
    .into_any()
}
