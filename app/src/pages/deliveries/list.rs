//! The page.

use super::filters::filters;
use super::health::health;
use super::table::table;
use super::{Changes, deliveries_query};
use crate::api::deliveries::{LIST, list_deliveries, read_delivery_health};
use crate::components::{Done, Icon, Loading, PageHead, Problem, icon, loaded};
use crate::site::at;
use leptos::prelude::*;
use leptos_router::components::Outlet;
use std::time::Duration;
use web_sys::VisibilityState;

/// How often the figures are read again while someone looks at them.
const EVERY: Duration = Duration::from_secs(10);

/// How deliveries are going, one page of them, and the dialogs above.
#[component]
pub fn DeliveriesPage() -> impl IntoView {
    let query = deliveries_query();
    let changes = Changes {
        retry: ServerAction::new(),
        retry_parked: ServerAction::new(),
        retry_reason: ServerAction::new(),
        test: ServerAction::new(),
        stop: ServerAction::new(),
    };
    provide_context(changes);
    let Changes { retry, retry_parked, retry_reason, test, stop } = changes;
    let retried = move || (retry.version().get(), retry_parked.version().get(), retry_reason.version().get());
    let lines = Resource::new(move || (retried(), stop.version().get()), |_| read_delivery_health());
    let list = Resource::new(move || (query.get(), retried()), |(query, ..)| list_deliveries(query));
    provide_context(lines);
    Effect::new(move |_| {
        let tick = move || {
            if document().visibility_state() == VisibilityState::Visible {
                lines.refetch();
            }
        };
        if let Ok(handle) = set_interval_with_handle(tick, EVERY) {
            on_cleanup(move || handle.clear());
        }
    });
    let error = Signal::derive(move || {
        let retried = retry.value().get().and_then(Result::err);
        retried
            .or_else(|| retry_parked.value().get().and_then(Result::err))
            .or_else(|| retry_reason.value().get().and_then(Result::err))
            .or_else(|| test.value().get().and_then(Result::err))
            .or_else(|| stop.value().get().and_then(Result::err))
    });
    view! {
        <div class="full">
            <PageHead title="Deliveries" about="What your integrations are told, and how it is going.">
                <a class="button" href=move || at(&query.with(|q| q.address(LIST))) rel="external" on:click=move |event| {
                    event.prevent_default();
                    lines.refetch();
                    list.refetch();
                }>{icon(Icon::Refresh)} "Refresh"</a>
            </PageHead>
            <Done messages=&[
                ("retried", "It is being tried again."),
                ("retried-all", "They are being tried again."),
                ("tested", "The test event was delivered."),
                ("replaying", "The period's events are being sent again. Their progress is shown with the integration."),
                ("stopped", "The replay was stopped. What it had put into the outbox is still delivered."),
            ]/>
            <Problem error=error/>
            <Transition fallback=Loading>
                {move || Suspend::new(async move {
                    let back = query.get_untracked().address(LIST);
                    loaded(lines.await, |lines| health(lines, &back, changes))
                })}
            </Transition>
            {filters(query, lines)}
            <Transition fallback=Loading>
                {move || Suspend::new(async move {
                    loaded(list.await, |page| table(&query.get_untracked(), page, retry))
                })}
            </Transition>
        </div>
        <Outlet/>
    }
    .into_any()
}
