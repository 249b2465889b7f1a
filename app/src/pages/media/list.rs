//! The list.

use super::filters::filters;
use super::select::{Ticked, bulk_bar, tick, tick_all};
use super::{DELETE, LIST, Shared, camera, file_name, media_query};
use crate::api::media::{MediaQuery, list_recordings};
use crate::components::{
    Column, Done, Empty, Icon, Loading, PageHead, Pager, State, Table, Time, actions, clipped, column, icon, loaded,
    status,
};
use crate::site::{at, prefix};
use crate::text::figures::{bytes, duration};
use crate::text::query;
use leptos::form::form_data_from_event;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::Outlet;
use leptos_router::hooks::use_navigate;
use model::page::Page;
use model::recording::RecordingView;
use web_sys::{HtmlFormElement, SubmitEvent, UrlSearchParams};

/// One page of recordings, and the dialogs above it.
#[component]
pub fn MediaPage() -> impl IntoView {
    let query = media_query();
    let (delete, lock, unlock) = (ServerAction::new(), ServerAction::new(), ServerAction::new());
    let changes = move || (query.get(), delete.version().get(), lock.version().get(), unlock.version().get());
    let list = Resource::new(changes, |(query, ..)| list_recordings(query));
    provide_context(Shared { delete, lock, unlock, list });
    let ticked = Ticked::new();
    view! {
        <div class="full">
            <PageHead title="Media" about="Every recording, newest first.">
                <a class="button" href=move || at(&query.with(|q| q.address(LIST))) rel="external" on:click=move |event| {
                    event.prevent_default();
                    list.refetch();
                }>{icon(Icon::Refresh)} "Refresh"</a>
            </PageHead>
            <Done messages=&[("deleted", "Deleted."), ("locked", "Locked: it stays until it is unlocked."), ("unlocked", "Unlocked."), ("forwarded", "Queued for the other vault. Deliveries shows how far it has come.")]/>
            {filters(query)}
            <Transition fallback=Loading>
                {move || Suspend::new(async move {
                    loaded(list.await, |page| panel(&query.get_untracked(), page, ticked))
                })}
            </Transition>
        </div>
        <Outlet/>
    }
    .into_any()
}

fn panel(query: &MediaQuery, page: Page<RecordingView>, ticked: Ticked) -> AnyView {
    if page.items.is_empty() {
        return if query.is_filtered() || query != &query.at(None, None) {
            view! {
                <Empty picture=Icon::Search title="No recording matches">
                    <p>"Widen the times or choose another account, provider or camera."</p>
                    <a class="button" href=at(LIST)>"Clear filters"</a>
                </Empty>
            }
            .into_any()
        } else {
            view! {
                <Empty picture=Icon::Film title="No recording yet">
                    <p>"As soon as an agent uploads one, it is listed here."</p>
                    <a class="button" href=at("/help")>"How to connect an agent"</a>
                </Empty>
            }
            .into_any()
        };
    }
    let newer = page.newer.map(|c| query.at(None, Some(c)).address(LIST));
    let older = page.older.map(|c| query.at(Some(c), None).address(LIST));
    let forward_all = query.at(None, None).address(&format!("{LIST}/forward"));
    let forward_all = format!("{forward_all}{}id=all", if forward_all.contains('?') { "&" } else { "?" });
    let hidden = |(name, value)| view! { <input type="hidden" name=name value=value/> };
    let ids = page.items.iter().map(|row| row.id).collect();
    let columns = columns(query, tick_all(ids, ticked), ticked);
    let filter = query::pairs(query).into_iter().map(hidden).collect_view();
    let on_submit = open_dialog();
    view! {
        <form method="get" action=at(DELETE) class="stack" on:submit=on_submit>
            {filter}
            <div class="table-bar">
                {bulk_bar(ticked, forward_all)}
                <Pager newer=newer.clone() older=older.clone() label="Pages"/>
            </div>
            <div class="table-wrap">
                <Table
                    class="table media"
                    caption="Recordings, newest first"
                    columns=columns
                    rows=page.items
                />
            </div>
            <div class="table-bar"><span class="grow"></span> <Pager newer=newer older=older label="Pages, below the list"/></div>
        </form>
    }
    .into_any()
}

/// Opens the dialog of the button that was pressed for what is ticked.
fn open_dialog() -> impl Fn(SubmitEvent) {
    let (navigate, prefix) = (use_navigate(), prefix());
    move |event| {
        let form: HtmlFormElement = event_target(&event);
        let button = event.submitter().and_then(|button| button.get_attribute("formaction"));
        let dialog = button.or_else(|| form.get_attribute("action")).unwrap_or_default();
        let ticked = form_data_from_event(&event).ok();
        if let Some(ticked) = ticked.and_then(|data| UrlSearchParams::new_with_str_sequence_sequence(&data).ok()) {
            event.prevent_default();
            let options = NavigateOptions { scroll: false, ..Default::default() };
            navigate(&format!("{}?{}", prefix.inside(&dialog), String::from(ticked.to_string())), options);
        }
    }
}

fn columns(query: &MediaQuery, tick_all: AnyView, ticked: Ticked) -> Vec<Column<RecordingView>> {
    let (to_play, to_change) = (query.clone(), query.clone());
    vec![
        column("", move |row: &RecordingView| tick(row.id, format!("Select {}", file_name(&row.key)), ticked))
            .whole_class("tick")
            .head(tick_all),
        column("Status", |row: &RecordingView| match row.lock {
            Some(_) => status(State::Good, "Locked"),
            None => status(State::Good, "Stored"),
        })
        .spare("1"),
        column("Recorded", |row: &RecordingView| view! { <Time at=row.timestamp/> }),
        clipped("Account", |row: &RecordingView| row.account.clone()).spare("3"),
        clipped("Provider", |row: &RecordingView| row.provider.clone()).spare("2"),
        column("Camera", camera).class("clip").title(|row| row.device.clone()),
        column("File", move |row: &RecordingView| file(row, link(&to_play, row, "play")))
            .heading()
            .class("mono clip file"),
        column("Size", |row: &RecordingView| bytes(row.size)).whole_class("number"),
        column("Length", |row: &RecordingView| duration(row.duration_ms)).spare("3").whole_class("number"),
        actions(move |row: &RecordingView| {
            buttons(row, link(&to_change, row, "play"), link(&to_change, row, "delete"))
        }),
    ]
}

/// Address of what is done with a recording; closing it leads back to this page of the list.
fn link(query: &MediaQuery, row: &RecordingView, action: &str) -> String {
    query.address(&format!("{LIST}/{}/{action}", row.id))
}

fn file(row: &RecordingView, play: String) -> AnyView {
    let lock = row.lock.as_ref().map(|lock| {
        let why = format!("Locked: {}", lock.reason);
        let title = why.clone();
        view! { <span class="badge first" title=title>{icon(Icon::Lock)} <span class="sr-only">{why}</span></span> }
    });
    view! {
        {lock}
        <a class="row-link" href=at(&play) data-noscroll="" title=row.key.clone()>{file_name(&row.key)}</a>
    }
    .into_any()
}

fn buttons(row: &RecordingView, play: String, delete: String) -> AnyView {
    let file = file_name(&row.key);
    let download = format!("{LIST}/{}/file?download=1", row.id);
    view! {
        <a class="icon-button" href=at(&play) data-noscroll="" aria-label=format!("Play {file}")>{icon(Icon::Play)}</a>
        <a class="icon-button" href=at(&download) download="" rel="external" aria-label=format!("Download {file}")>
            {icon(Icon::Download)}
        </a>
        <a class="icon-button" href=at(&delete) data-noscroll="" aria-label=format!("Delete {file}")>{icon(Icon::Bin)}</a>
    }
    .into_any()
}
