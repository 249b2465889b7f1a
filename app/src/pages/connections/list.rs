//! The list.

use super::moves::MovesPanel;
use super::{Changes, kind_icon, words};
use crate::api::connections::{list_connections, list_path};
use crate::api::deliveries::{DeliveriesQuery, LIST as DELIVERIES, SendStoredTest};
use crate::api::moves::StartMove;
use crate::components::{Done, Empty, Icon, Loading, PageHead, Problem, State, icon, loaded, status};
use crate::pages::search::{Found, Search, matches, needle};
use crate::text::figures::capped;
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_router::components::Outlet;
use model::connection::{ConnectionView, Family};
use model::delivery::DeliveryState;

/// All connections of a family, and the dialogs above them.
#[component]
pub fn ConnectionsPage(
    /// Which side.
    family: Family,
) -> impl IntoView {
    let words = words(family);
    let changes = Changes {
        save: ServerAction::new(),
        delete: ServerAction::new(),
        test: ServerAction::new(),
        start: ServerAction::new(),
        stop: ServerAction::new(),
    };
    provide_context(changes);
    provide_context(ServerAction::<StartMove>::new());
    let Changes { save, delete, test, .. } = changes;
    let list = Resource::new(
        move || (save.version().get(), delete.version().get()),
        move |_| list_connections(family.as_str().to_owned()),
    );
    let needle = needle();
    let test_error = Signal::derive(move || test.value().get().and_then(Result::err));
    let add = format!("{}/new", list_path(family));
    view! {
        <PageHead title=words.title about=words.about>
            <a class="button primary" href=add data-noscroll="" data-key="n">{icon(Icon::Plus)} {words.add}</a>
        </PageHead>
        <Done messages=words.done/>
        <Problem error=test_error/>
        {(family == Family::Provider).then(|| view! { <MovesPanel/> })}
        <Search label=words.search needle=needle/>
        <Transition fallback=Loading>
            {move || Suspend::new(async move { loaded(list.await, |rows| table(family, rows, needle, test)) })}
        </Transition>
        <Outlet/>
    }
    .into_any()
}

fn table(
    family: Family,
    rows: Vec<ConnectionView>,
    needle: RwSignal<String>,
    test: ServerAction<SendStoredTest>,
) -> AnyView {
    let words = words(family);
    if rows.is_empty() {
        let add = format!("{}/new", list_path(family));
        return view! {
            <Empty picture=words.icon title=match family {
                Family::Provider => "No storage provider yet",
                Family::Integration => "No integration yet",
            }>
                <p>
                    {match family {
                        Family::Provider => "Recordings need somewhere to be kept. Add a folder on this machine, or a bucket you own.",
                        Family::Integration => "Recordings are stored without one. Add an integration to tell your own systems about each recording.",
                    }}
                </p>
                <a class="button" href=add data-noscroll="">{words.add}</a>
            </Empty>
        }
        .into_any();
    }
    let integrations = family == Family::Integration;
    let texts = rows.iter().map(searched).collect();
    let rows = rows.into_iter().map(|row| tr(row, needle, test)).collect_view();
    view! {
        <Found needle=needle texts=texts>
            <table class="table">
                <caption class="sr-only">{words.title}</caption>
                <thead>
                    <tr>
                        <th scope="col">"Status"</th>
                        <th scope="col">"Name"</th>
                        <th scope="col" data-spare=integrations.then_some("3")>"Kind"</th>
                        <th scope="col" data-spare="2">"Goes to"</th>
                        <th scope="col">"Used by"</th>
                        {integrations.then(|| view! { <th scope="col">"Deliveries"</th> })}
                        <th scope="col"><span class="sr-only">"Actions"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </Found>
    }
    .into_any()
}

/// The label of its kind, where things go, and who uses it.
fn facts(row: &ConnectionView) -> [String; 3] {
    let kind = row.family.kind(&row.kind);
    let label = kind.map_or_else(|| row.kind.clone(), |k| k.label.to_owned());
    // The first field of each kind says where things go: a bucket, a folder, an address.
    let target = kind.and_then(|k| k.fields.first()).map(|f| row.settings.get(f.name).to_owned()).unwrap_or_default();
    let used_by = if row.used_by.is_empty() { "no account".to_owned() } else { row.used_by.join(", ") };
    [label, target, used_by]
}

/// What the search looks at.
fn searched(row: &ConnectionView) -> String {
    format!("{} {}", row.name, facts(row).join(" "))
}

fn tr(row: ConnectionView, needle: RwSignal<String>, test: ServerAction<SendStoredTest>) -> AnyView {
    let list = list_path(row.family);
    let hay = searched(&row);
    let [label, target, used_by] = facts(&row);
    let state = if row.enabled { status(State::Good, "Enabled") } else { status(State::Off, "Disabled") };
    let edit = format!("{list}/{}", row.id);
    let movable = row.family == Family::Provider;
    let delete = format!("{edit}/delete");
    let edit_label = format!("{} {}", if row.provisioned { "View" } else { "Edit" }, row.name);
    let integration = row.family == Family::Integration;
    let deliveries = integration.then(|| deliveries(&row));
    let more = integration.then(|| more_actions(&row, test));
    view! {
        <tr hidden=move || !matches(needle, &hay)>
            <td data-label="Status">{state}</td>
            <th scope="row" data-label="Name">
                <a class="row-link" href=edit.clone() data-noscroll="">{row.name.clone()}</a>
                {row.provisioned.then(provisioned)}
            </th>
            <td data-label="Kind" data-spare=integration.then_some("3")><span class="kind">{icon(kind_icon(&row.kind))} {label}</span></td>
            <td data-label="Goes to" data-spare="2" class="mono clip">{target}</td>
            <td data-label="Used by" class="clip" data-quiet=row.used_by.is_empty().then_some("")>{used_by}</td>
            {deliveries}
            <td class="actions">
                {movable
                    .then(|| {
                        view! {
                            <a class="icon-button" href=format!("{edit}/move") data-noscroll="" aria-label=format!("Move recordings of {}", row.name)>
                                {icon(Icon::Arrow)}
                            </a>
                        }
                    })}
                {more}
                <a class="icon-button" href=edit data-noscroll="" aria-label=edit_label>
                    {icon(if row.provisioned { Icon::Eye } else { Icon::Pencil })}
                </a>
                {(!row.provisioned)
                    .then(|| {
                        view! {
                            <a class="icon-button" href=delete data-noscroll="" aria-label=format!("Delete {}", row.name)>
                                {icon(Icon::Bin)}
                            </a>
                        }
                    })}
            </td>
        </tr>
    }
    .into_any()
}

/// Marks what the configuration file declares.
pub(in crate::pages) fn provisioned() -> AnyView {
    view! { <span class="badge" title="Declared in the configuration file">{icon(Icon::Lock)} "provisioned"</span> }
        .into_any()
}

/// What can be done with an integration besides changing it.
fn more_actions(row: &ConnectionView, test: ServerAction<SendStoredTest>) -> AnyView {
    let replay = format!("{}/{}/replay", list_path(row.family), row.id);
    let send = format!("Send test event to {}", row.name);
    let again = format!("Send events to {} again", row.name);
    let (id, list) = (row.id.to_string(), list_path(row.family));
    view! {
        <ActionForm action=test attr:class="inline">
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="back" value=list/>
            <button type="submit" class="icon-button" aria-label=send title="Send test event">{icon(Icon::Send)}</button>
        </ActionForm>
        <a class="icon-button" href=replay data-noscroll="" aria-label=again title="Send a period's events again">
            {icon(Icon::Replay)}
        </a>
    }
    .into_any()
}

fn deliveries(row: &ConnectionView) -> AnyView {
    let link = |state: DeliveryState, tone: State, word: &'static str, n: i64| {
        let address = DeliveriesQuery::of(row.id, state).address(DELIVERIES);
        (n > 0).then(|| view! { <a class="row-link" href=address>{status(tone, word)} " " {capped(n)}</a> })
    };
    let waiting = link(DeliveryState::Waiting, State::Warn, "Waiting", row.waiting);
    let deferred = link(DeliveryState::Deferred, State::Warn, "Set aside", row.deferred);
    let parked = link(DeliveryState::Parked, State::Bad, "Parked", row.parked);
    let none =
        (row.waiting + row.deferred + row.parked == 0).then(|| view! { <span class="quiet">"none waiting"</span> });
    view! { <td data-label="Deliveries"><div class="cluster">{none} {waiting} {deferred} {parked}</div></td> }
        .into_any()
}
