//! The list.

use super::{can_retry, purpose, retry_form, state_of, subject, tries};
use crate::api::deliveries::{DeliveriesQuery, LIST, RetryDelivery};
use crate::components::{Column, Empty, Icon, Pager, Table, Time, actions, column, icon};
use crate::site::at;
use crate::text::figures::count;
use leptos::prelude::*;
use model::delivery::{DeliveryState, DeliveryView};
use model::page::Page;

/// One page of deliveries.
pub(super) fn table(query: &DeliveriesQuery, page: Page<DeliveryView>, retry: ServerAction<RetryDelivery>) -> AnyView {
    if page.items.is_empty() {
        return empty(query);
    }
    let newer = page.newer.map(|c| query.at(None, Some(c)).address(LIST));
    let older = page.older.map(|c| query.at(Some(c), None).address(LIST));
    view! {
        <div class="table-bar">
            <span class="grow"></span>
            <Pager newer=newer.clone() older=older.clone() label="Pages"/>
        </div>
        <div class="table-wrap">
            <Table
                class="table deliveries"
                caption="Deliveries, newest first"
                columns=columns(query, retry)
                rows=page.items
            />
        </div>
        <div class="table-bar"><span class="grow"></span> <Pager newer=newer older=older label="Pages, below the list"/></div>
    }
    .into_any()
}

fn empty(query: &DeliveriesQuery) -> AnyView {
    if query.is_filtered() || query != &query.at(None, None) {
        return view! {
            <Empty picture=Icon::Search title="No delivery matches">
                <p>"Delivered ones are remembered for seven days."</p>
                <a class="button" href=at(LIST)>"Clear filters"</a>
            </Empty>
        }
        .into_any();
    }
    view! {
        <Empty picture=Icon::Send title="No delivery yet">
            <p>"Each recording of an account that uses an integration makes one. Delivered ones are remembered for seven days."</p>
            <a class="button" href=at("/accounts")>"Accounts"</a>
        </Empty>
    }
    .into_any()
}

/// `1 try`, `12 tries`.
fn plural_tries(row: &DeliveryView) -> String {
    match tries(row) {
        1 => "1 try".into(),
        n => format!("{} tries", count(n)),
    }
}

fn columns(query: &DeliveriesQuery, retry: ServerAction<RetryDelivery>) -> Vec<Column<DeliveryView>> {
    let (to_show, to_change) = (query.clone(), query.clone());
    vec![
        column("Status", state_of),
        column("Since", |row: &DeliveryView| view! { <Time at=row.created_at/> }),
        column("Integration", |row: &DeliveryView| row.connection.clone()).class("clip"),
        column("Camera", |row: &DeliveryView| row.camera.clone())
            .class("clip")
            .title(|row| row.device.clone())
            .spare("1"),
        column("Recording", move |row: &DeliveryView| file(row, show(&to_show, row)))
            .heading()
            .class("mono clip file")
            .quiet(is_gone),
        column("Purpose", purpose).spare("1"),
        column("Outcome", outcome).class("clip outcome").title(|row| row.last_error.clone()),
        actions(move |row: &DeliveryView| buttons(row, &to_change, retry)),
    ]
}

/// Address of a delivery; closing it leads back to this page of the list.
fn show(query: &DeliveriesQuery, row: &DeliveryView) -> String {
    query.address(&format!("{LIST}/{}", row.id))
}

/// Whether its recording has been deleted.
fn is_gone(row: &DeliveryView) -> bool {
    row.recording.is_empty()
}

fn file(row: &DeliveryView, show: String) -> AnyView {
    let file = if is_gone(row) { "deleted recording".to_owned() } else { subject(row) };
    view! { <a class="row-link" href=at(&show) data-noscroll="" title=row.recording.clone()>{file}</a> }.into_any()
}

fn outcome(row: &DeliveryView) -> AnyView {
    match row.state {
        DeliveryState::Delivered => view! { <Time at=row.finished_at/> }.into_any(),
        _ if row.last_error.is_empty() => view! { <span class="quiet">"not tried yet"</span> }.into_any(),
        _ => format!("{}: {}", plural_tries(row), row.last_error).into_any(),
    }
}

fn buttons(row: &DeliveryView, query: &DeliveriesQuery, retry: ServerAction<RetryDelivery>) -> AnyView {
    let again = can_retry(row).then(|| retry_form(row, query.address(LIST), retry, true));
    let label = format!("Show the event of {}", subject(row));
    view! {
        {again}
        <a class="icon-button" href=at(&show(query, row)) data-noscroll="" aria-label=label>{icon(Icon::Eye)}</a>
    }
    .into_any()
}
