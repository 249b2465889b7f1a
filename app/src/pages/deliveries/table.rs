//! The list.

use super::{can_retry, purpose, retry_form, state_of, subject, tries};
use crate::api::deliveries::{DeliveriesQuery, LIST, RetryDelivery};
use crate::components::{Empty, Icon, Pager, Time, icon};
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
    let rows = page.items.into_iter().map(|row| tr(query, row, retry)).collect_view();
    view! {
        <div class="table-bar">
            <span class="grow"></span>
            <Pager newer=newer.clone() older=older.clone() label="Pages"/>
        </div>
        <div class="table-wrap">
            <table class="table deliveries">
                <caption class="sr-only">"Deliveries, newest first"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Status"</th>
                        <th scope="col">"Since"</th>
                        <th scope="col">"Integration"</th>
                        <th scope="col" data-spare="1">"Camera"</th>
                        <th scope="col">"Recording"</th>
                        <th scope="col" data-spare="1">"Purpose"</th>
                        <th scope="col">"Outcome"</th>
                        <th scope="col"><span class="sr-only">"Actions"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
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
                <a class="button" href=LIST>"Clear filters"</a>
            </Empty>
        }
        .into_any();
    }
    view! {
        <Empty picture=Icon::Send title="No delivery yet">
            <p>"Each recording of an account that uses an integration makes one. Delivered ones are remembered for seven days."</p>
            <a class="button" href="/accounts">"Accounts"</a>
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

fn tr(query: &DeliveriesQuery, row: DeliveryView, retry: ServerAction<RetryDelivery>) -> AnyView {
    let show = query.address(&format!("{LIST}/{}", row.id));
    let label = format!("Show the event of {}", subject(&row));
    let again = can_retry(&row).then(|| retry_form(&row, query.address(LIST), retry, true));
    let gone = row.recording.is_empty();
    let outcome = match row.state {
        DeliveryState::Delivered => view! { <Time at=row.finished_at/> }.into_any(),
        _ if row.last_error.is_empty() => view! { <span class="quiet">"not tried yet"</span> }.into_any(),
        _ => format!("{}: {}", plural_tries(&row), row.last_error).into_any(),
    };
    let title = row.recording.clone();
    let file = if gone { "deleted recording".to_owned() } else { subject(&row) };
    view! {
        <tr>
            <td data-label="Status">{state_of(&row)}</td>
            <td data-label="Since"><Time at=row.created_at/></td>
            <td data-label="Integration" class="clip">{row.connection.clone()}</td>
            <td data-label="Camera" data-spare="1" class="clip" title=row.device.clone()>{row.device.clone()}</td>
            <th scope="row" data-label="Recording" class="mono clip file" data-quiet=gone.then_some("")>
                <a class="row-link" href=show.clone() data-noscroll="" title=title>{file}</a>
            </th>
            <td data-label="Purpose" data-spare="1">{purpose(&row)}</td>
            <td data-label="Outcome" class="clip outcome" title=row.last_error.clone()>{outcome}</td>
            <td class="actions">
                {again}
                <a class="icon-button" href=show data-noscroll="" aria-label=label>{icon(Icon::Eye)}</a>
            </td>
        </tr>
    }
    .into_any()
}
