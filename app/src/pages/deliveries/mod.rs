//! Deliveries: how they are going, what waits, what was made, what was given up.

pub mod details;
mod filters;
mod health;
pub mod list;
mod reasons;
mod table;

pub use details::DeliveryDialog;
pub use list::DeliveriesPage;

use crate::api::deliveries::{DeliveriesQuery, RetryDelivery, RetryParked, RetryReason, SendStoredTest};
use crate::api::replays::StopReplay;
use crate::components::{Icon, PostForm, State, icon, status, use_page_query};
use leptos::prelude::*;
use model::delivery::{DeliveryState, DeliveryView};
use model::ports::Purpose;

/// What changes the list; lives with the page, so that it reloads when a dialog is gone.
#[derive(Clone, Copy)]
struct Changes {
    retry: ServerAction<RetryDelivery>,
    retry_parked: ServerAction<RetryParked>,
    retry_reason: ServerAction<RetryReason>,
    test: ServerAction<SendStoredTest>,
    stop: ServerAction<StopReplay>,
}

/// Filter and position, as the address says; the same as long as only the dialog changes.
fn deliveries_query() -> Memo<DeliveriesQuery> {
    use_page_query()
}

/// What has become of a delivery.
fn state_of(row: &DeliveryView) -> AnyView {
    match (row.state, row.attempts) {
        (DeliveryState::Delivered, _) => status(State::Good, "Delivered"),
        (DeliveryState::Deferred, _) => status(State::Warn, "Set aside"),
        (DeliveryState::Parked, _) => status(State::Bad, "Parked"),
        (DeliveryState::Waiting, 0) => status(State::Warn, "Waiting"),
        (DeliveryState::Waiting, _) => status(State::Warn, "Retrying"),
    }
}

/// Why a delivery is made.
const fn purpose(of: &DeliveryView) -> &'static str {
    match of.purpose {
        Purpose::Stored => "Stored",
        Purpose::Forward => "Forward",
        Purpose::Asset => "Asset",
        Purpose::Copy => "Copy",
        Purpose::Replay => "Replay",
        Purpose::Test => "Test",
    }
}

/// How often it was tried: only failures are counted as they happen.
fn tries(row: &DeliveryView) -> i64 {
    i64::from(row.attempts) + i64::from(row.state == DeliveryState::Delivered)
}

/// Whether trying again is something to ask for.
fn can_retry(row: &DeliveryView) -> bool {
    is_held_up(row) || (row.state == DeliveryState::Waiting && row.attempts > 0)
}

/// Whether it was set aside or given up.
fn is_held_up(row: &DeliveryView) -> bool {
    matches!(row.state, DeliveryState::Deferred | DeliveryState::Parked)
}

/// The button that lets one delivery try again.
fn retry_form(row: &DeliveryView, back: String, action: ServerAction<RetryDelivery>, small: bool) -> AnyView {
    let (id, label) = (row.id.to_string(), format!("Retry {}", subject(row)));
    let button = if small {
        view! { <button type="submit" class="icon-button" aria-label=label title="Retry now">{icon(Icon::Refresh)}</button> }
            .into_any()
    } else {
        view! { <button type="submit" class="button primary">{icon(Icon::Refresh)} "Retry now"</button> }.into_any()
    };
    view! {
        <PostForm action=action attr:class="inline">
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="back" value=back/>
            {button}
        </PostForm>
    }
    .into_any()
}

/// The file a delivery is about, for people.
fn subject(row: &DeliveryView) -> String {
    match row.recording.rsplit('/').next() {
        Some(file) if !file.is_empty() => file.to_owned(),
        _ => format!("event {}", row.event_id),
    }
}
