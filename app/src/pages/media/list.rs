//! The list.

use super::filters::filters;
use super::select::{bulk_bar, select_all};
use super::{LIST, Shared, camera, file_name, media_query};
use crate::api::media::{MediaQuery, list_recordings};
use crate::components::{Done, Empty, Icon, Loading, PageHead, Pager, State, Time, icon, loaded, status};
use crate::text::figures::{bytes, duration};
use crate::text::query;
use leptos::prelude::*;
use leptos_router::components::{Form, Outlet};
use model::page::Page;
use model::recording::RecordingView;

/// One page of recordings, and the dialogs above it.
#[component]
pub fn MediaPage() -> impl IntoView {
    let query = media_query();
    let delete = ServerAction::new();
    let list = Resource::new(move || (query.get(), delete.version().get()), |(query, _)| list_recordings(query));
    provide_context(Shared { delete, list });
    view! {
        <div class="full">
            <PageHead title="Media" about="Every recording, newest first.">
                <a class="button" href=move || query.with(|q| q.address(LIST)) rel="external" on:click=move |event| {
                    event.prevent_default();
                    list.refetch();
                }>{icon(Icon::Refresh)} "Refresh"</a>
            </PageHead>
            <Done messages=&[("deleted", "Deleted."), ("forwarded", "Queued for the other vault. Deliveries shows how far it has come.")]/>
            {filters(query)}
            <Transition fallback=Loading>
                {move || Suspend::new(async move {
                    loaded(list.await, |page| panel(&query.get_untracked(), page))
                })}
            </Transition>
        </div>
        <Outlet/>
    }
    .into_any()
}

fn panel(query: &MediaQuery, page: Page<RecordingView>) -> AnyView {
    if page.items.is_empty() {
        return if query.is_filtered() || query != &query.at(None, None) {
            view! {
                <Empty picture=Icon::Search title="No recording matches">
                    <p>"Widen the times or choose another account, provider or camera."</p>
                    <a class="button" href=LIST>"Clear filters"</a>
                </Empty>
            }
            .into_any()
        } else {
            view! {
                <Empty picture=Icon::Film title="No recording yet">
                    <p>"As soon as an agent uploads one, it is listed here."</p>
                    <a class="button" href="/help">"How to connect an agent"</a>
                </Empty>
            }
            .into_any()
        };
    }
    let newer = page.newer.map(|c| query.at(None, Some(c)).address(LIST));
    let older = page.older.map(|c| query.at(Some(c), None).address(LIST));
    let selected = RwSignal::new(0);
    let forward_all = query.at(None, None).address(&format!("{LIST}/forward"));
    let forward_all = format!("{forward_all}{}id=all", if forward_all.contains('?') { "&" } else { "?" });
    let kept = query::pairs(query).into_iter();
    let kept = kept.map(|(name, value)| view! { <input type="hidden" name=name value=value/> }).collect_view();
    let rows = page.items.into_iter().map(|row| tr(query, row)).collect_view();
    view! {
        <Form method="get" action="/media/delete" noscroll=true attr:class="stack">
            {kept}
            <div class="table-bar">
                {bulk_bar(selected, forward_all)}
                <Pager newer=newer.clone() older=older.clone() label="Pages"/>
            </div>
            <div class="table-wrap" on:change=move |_| selected.set(super::select::count())>
                <table class="table media">
                    <caption class="sr-only">"Recordings, newest first"</caption>
                    <thead>
                        <tr>
                            <th scope="col" class="tick">{select_all(selected)}</th>
                            <th scope="col" data-spare="1">"Status"</th>
                            <th scope="col">"Recorded"</th>
                            <th scope="col" data-spare="3">"Account"</th>
                            <th scope="col" data-spare="2">"Provider"</th>
                            <th scope="col">"Camera"</th>
                            <th scope="col">"File"</th>
                            <th scope="col" class="number">"Size"</th>
                            <th scope="col" class="number" data-spare="3">"Length"</th>
                            <th scope="col"><span class="sr-only">"Actions"</span></th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <div class="table-bar"><span class="grow"></span> <Pager newer=newer older=older label="Pages, below the list"/></div>
        </Form>
    }
    .into_any()
}

fn tr(query: &MediaQuery, row: RecordingView) -> AnyView {
    let file = file_name(&row.key);
    let camera = camera(&row);
    let link = |action: &str| query.address(&format!("{LIST}/{}/{action}", row.id));
    let (play, delete) = (link("play"), link("delete"));
    let download = format!("{LIST}/{}/file?download=1", row.id);
    view! {
        <tr>
            <td class="tick">
                <input type="checkbox" name="id" value=row.id.to_string() aria-label=format!("Select {file}")/>
            </td>
            <td data-label="Status" data-spare="1">{status(State::Good, "Stored")}</td>
            <td data-label="Recorded"><Time at=row.timestamp/></td>
            <td data-label="Account" data-spare="3" class="clip" title=row.account.clone()>{row.account.clone()}</td>
            <td data-label="Provider" data-spare="2" class="clip" title=row.provider.clone()>{row.provider.clone()}</td>
            <td data-label="Camera" class="clip" title=row.device>{camera}</td>
            <th scope="row" data-label="File" class="mono clip file">
                <a class="row-link" href=play.clone() data-noscroll="" title=row.key>{file.clone()}</a>
            </th>
            <td data-label="Size" class="number">{bytes(row.size)}</td>
            <td data-label="Length" data-spare="3" class="number">{duration(row.duration_ms)}</td>
            <td class="actions">
                <a class="icon-button" href=play data-noscroll="" aria-label=format!("Play {file}")>{icon(Icon::Play)}</a>
                <a class="icon-button" href=download download="" rel="external" aria-label=format!("Download {file}")>
                    {icon(Icon::Download)}
                </a>
                <a class="icon-button" href=delete data-noscroll="" aria-label=format!("Delete {file}")>{icon(Icon::Bin)}</a>
            </td>
        </tr>
    }
    .into_any()
}
