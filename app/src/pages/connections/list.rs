//! The list.

use super::moves::MovesPanel;
use super::{Changes, kind_icon, words};
use crate::api::connections::{list_connections, list_path};
use crate::api::deliveries::{DeliveriesQuery, LIST as DELIVERIES, SendStoredTest};
use crate::api::moves::StartMove;
use crate::components::{
    Column, Done, Empty, Icon, Loading, PageHead, PostForm, Problem, State, Table, Time, actions, column, icon, loaded,
    status,
};
use crate::pages::editing::saved;
use crate::pages::provisioned;
use crate::pages::search::{Found, Search, needle, unmatched};
use crate::site::at;
use crate::text::figures::capped;
use leptos::prelude::*;
use leptos_router::components::Outlet;
use model::connection::{ConnectionView, Family, Refused};
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
    let saved = saved(save);
    let list = Resource::new(
        move || (saved.get(), delete.version().get()),
        move |_| list_connections(family.as_str().to_owned()),
    );
    let needle = needle();
    let test_error = Signal::derive(move || test.value().get().and_then(Result::err));
    let add = format!("{}/new", list_path(family));
    view! {
        <PageHead title=words.title about=words.about>
            <a class="button primary" href=at(&add) data-noscroll="" data-key="n">{icon(Icon::Plus)} {words.add}</a>
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
                <a class="button" href=at(&add) data-noscroll="">{words.add}</a>
            </Empty>
        }
        .into_any();
    }
    let texts = rows.iter().map(searched).collect();
    let (columns, hidden) = (columns(family, test), unmatched(needle, searched));
    view! {
        <Found needle=needle texts=texts>
            <Table caption=words.title columns=columns rows=rows hidden=hidden/>
        </Found>
    }
    .into_any()
}

/// The label of its kind.
fn kind_label(row: &ConnectionView) -> String {
    row.family.kind(&row.kind).map_or_else(|| row.kind.clone(), |kind| kind.label.to_owned())
}

/// Where things go, as the first field of each kind says: a bucket, a folder, an address.
fn target(row: &ConnectionView) -> String {
    let first = row.family.kind(&row.kind).and_then(|kind| kind.fields.first());
    first.map(|field| row.settings.get(field.name).to_owned()).unwrap_or_default()
}

fn used_by(row: &ConnectionView) -> String {
    if row.used_by.is_empty() { "no account".to_owned() } else { row.used_by.join(", ") }
}

/// What the search looks at.
fn searched(row: &ConnectionView) -> String {
    format!("{} {} {} {}", row.name, kind_label(row), target(row), used_by(row))
}

fn columns(family: Family, test: ServerAction<SendStoredTest>) -> Vec<Column<ConnectionView>> {
    let mut columns = vec![
        column("Status", |row: &ConnectionView| match row.enabled {
            true => status(State::Good, "Enabled"),
            false => status(State::Off, "Disabled"),
        }),
        column("Name", name).heading(),
        match family {
            Family::Provider => column("Kind", kind),
            Family::Integration => column("Kind", kind).spare("3"),
        },
        column("Goes to", target).spare("2").class("mono clip"),
        column("Used by", used_by).class("clip").quiet(|row| row.used_by.is_empty()),
    ];
    match family {
        Family::Provider => columns.push(actions(move_and_change)),
        Family::Integration => {
            columns.push(column("Deliveries", deliveries));
            columns.push(actions(move |row: &ConnectionView| test_and_change(row, test)));
        }
    }
    columns
}

fn edit(row: &ConnectionView) -> String {
    format!("{}/{}", list_path(row.family), row.id)
}

fn name(row: &ConnectionView) -> AnyView {
    view! {
        <a class="row-link" href=at(&edit(row)) data-noscroll="">{row.name.clone()}</a>
        {row.provisioned.then(provisioned::badge)}
        {row.refused.as_ref().map(refused)}
    }
    .into_any()
}

/// What a provider does not delete, and why.
fn refused(refused: &Refused) -> AnyView {
    let objects = match refused.objects {
        1 => "1 object".to_owned(),
        many => format!("{} objects", capped(many)),
    };
    let (text, next_at) =
        (format!("Keeps {objects} that should be gone: {} Next try ", refused.reason), refused.next_at);
    view! { <small class="refused">{text} <Time at=next_at/></small> }.into_any()
}

fn kind(row: &ConnectionView) -> AnyView {
    view! { <span class="kind">{icon(kind_icon(&row.kind))} {kind_label(row)}</span> }.into_any()
}

fn move_and_change(row: &ConnectionView) -> AnyView {
    let label = format!("Move recordings of {}", row.name);
    view! {
        <a class="icon-button" href=at(&format!("{}/move", edit(row))) data-noscroll="" aria-label=label>{icon(Icon::Arrow)}</a>
        {provisioned::buttons(&edit(row), &row.name, row.provisioned)}
    }
    .into_any()
}

fn test_and_change(row: &ConnectionView, test: ServerAction<SendStoredTest>) -> AnyView {
    view! { {more_actions(row, test)} {provisioned::buttons(&edit(row), &row.name, row.provisioned)} }.into_any()
}

/// What can be done with an integration besides changing it.
fn more_actions(row: &ConnectionView, test: ServerAction<SendStoredTest>) -> AnyView {
    let replay = format!("{}/{}/replay", list_path(row.family), row.id);
    let send = format!("Send test event to {}", row.name);
    let again = format!("Send events to {} again", row.name);
    let (id, list) = (row.id.to_string(), list_path(row.family));
    view! {
        <PostForm action=test attr:class="inline">
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="back" value=list/>
            <button type="submit" class="icon-button" aria-label=send title="Send test event">{icon(Icon::Send)}</button>
        </PostForm>
        <a class="icon-button" href=at(&replay) data-noscroll="" aria-label=again title="Send a period's events again">
            {icon(Icon::Replay)}
        </a>
    }
    .into_any()
}

fn deliveries(row: &ConnectionView) -> AnyView {
    let link = |state: DeliveryState, tone: State, word: &'static str, n: i64| {
        let address = DeliveriesQuery::of(row.id, state).address(DELIVERIES);
        (n > 0).then(|| view! { <a class="row-link" href=at(&address)>{status(tone, word)} " " {capped(n)}</a> })
    };
    let waiting = link(DeliveryState::Waiting, State::Warn, "Waiting", row.waiting);
    let deferred = link(DeliveryState::Deferred, State::Warn, "Set aside", row.deferred);
    let parked = link(DeliveryState::Parked, State::Bad, "Parked", row.parked);
    let none =
        (row.waiting + row.deferred + row.parked == 0).then(|| view! { <span class="quiet">"none waiting"</span> });
    view! { <div class="cluster">{none} {waiting} {deferred} {parked}</div> }.into_any()
}
