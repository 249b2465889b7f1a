//! Delivery health: a row per connection.

use super::Changes;
use super::reasons::reasons;
use crate::api::deliveries::{DeliveriesQuery, LIST};
use crate::components::{Column, Empty, Icon, PostForm, State, Table, Time, actions, column, icon, status};
use crate::pages::connections::kind_icon;
use crate::site::at;
use crate::text::figures::capped;
use crate::text::time::age;
use leptos::prelude::*;
use model::connection::Family;
use model::delivery::{DeliveryHealth, DeliveryState, ReplayView};

/// Every line.
pub(super) fn health(lines: Vec<DeliveryHealth>, back: &str, changes: Changes) -> AnyView {
    if lines.is_empty() {
        return view! {
            <Empty picture=Icon::Plug title="No integration yet">
                <p>"Add one to tell your own systems about each recording."</p>
                <a class="button" href=at("/integrations/new")>"Add integration"</a>
            </Empty>
        }
        .into_any();
    }
    view! {
        <div class="table-wrap">
            <Table
                class="table health"
                caption="How deliveries to each integration are going"
                columns=columns(back, changes)
                rows=lines
                testid="health"
            />
        </div>
    }
    .into_any()
}

fn columns(back: &str, changes: Changes) -> Vec<Column<DeliveryHealth>> {
    // For cells with forms: these lead back to the list as it is filtered now.
    let leading_back = |cell: fn(&DeliveryHealth, &str, Changes) -> AnyView| {
        let back = back.to_owned();
        move |line: &DeliveryHealth| cell(line, &back, changes)
    };
    vec![
        column("Status", state),
        column("Integration", leading_back(name)).heading(),
        column("Last success", |line: &DeliveryHealth| match line.last_success {
            0 => view! { <span class="quiet">"none yet"</span> }.into_any(),
            at => view! { <Time at=at ago=true/> }.into_any(),
        }),
        column("Rate", rate),
        column("Waiting", waiting),
        column("Parked", leading_back(parked)),
        column("Last error", leading_back(error)).class("break last-error"),
        actions(leading_back(test_and_replay)),
    ]
}

fn name(line: &DeliveryHealth, back: &str, changes: Changes) -> AnyView {
    let edit = match line.family {
        Family::Provider => format!("/providers/{}", line.id),
        Family::Integration => format!("/integrations/{}", line.id),
    };
    let copies = (line.family == Family::Provider).then_some(" · copies");
    let replay = line.replay.clone().map(|replay| progress(replay, back.to_owned(), changes));
    view! {
        <a class="row-link kind" href=at(&edit)>{icon(kind_icon(&line.kind))} {line.name.clone()}</a>
        <span class="quiet">{copies}</span>
        {replay}
    }
    .into_any()
}

fn state(line: &DeliveryHealth) -> AnyView {
    match line {
        DeliveryHealth { enabled: false, .. } => status(State::Off, "Disabled"),
        DeliveryHealth { failing: true, .. } => status(State::Bad, "Failing"),
        DeliveryHealth { parked: 1.., .. } => status(State::Bad, "Needs attention"),
        DeliveryHealth { deferred: 1.., .. } => status(State::Warn, "Refuses some"),
        DeliveryHealth { waiting: 1.., .. } => status(State::Warn, "On the way"),
        DeliveryHealth { last_success: 0, .. } => status(State::Off, "Nothing sent yet"),
        _ => status(State::Good, "Up to date"),
    }
}

fn rate(line: &DeliveryHealth) -> AnyView {
    if line.last_hour == 0 {
        return view! { <span class="quiet">"0 / h"</span> }.into_any();
    }
    // It breaks after the comma, if it must.
    view! { {capped(line.last_minute)} "\u{a0}/\u{a0}min, " {capped(line.last_hour)} "\u{a0}/\u{a0}h" }.into_any()
}

fn waiting(line: &DeliveryHealth) -> AnyView {
    let oldest = (line.waiting > 0).then(|| format!(" oldest {}", age(line.oldest_waiting_ms).replace(' ', "\u{a0}")));
    let aside = (line.deferred > 0)
        .then(|| view! { <div>{count(line, DeliveryState::Deferred, line.deferred)} " set aside"</div> });
    view! { {count(line, DeliveryState::Waiting, line.waiting)} <span class="quiet">{oldest}</span> {aside} }.into_any()
}

/// A figure that leads to the list behind it.
fn count(line: &DeliveryHealth, state: DeliveryState, n: i64) -> AnyView {
    if n == 0 {
        return view! { <span class="quiet">"0"</span> }.into_any();
    }
    let address = DeliveriesQuery::of(line.id, state).address(LIST);
    let word = if state == DeliveryState::Deferred { "set aside" } else { state.as_str() };
    let label = format!("{} {word} of {}", capped(n), line.name);
    view! { <a href=at(&address) aria-label=label>{capped(n)}</a> }.into_any()
}

/// The last error, and why some events are held up; what is over is shown muted.
fn error(line: &DeliveryHealth, back: &str, changes: Changes) -> AnyView {
    let held_up = !line.reasons.is_empty();
    let among = line.reasons.iter().any(|of| of.reason == line.last_error);
    let last = (!line.last_error.is_empty() && !among).then(|| last_error(line));
    match (last, held_up) {
        (None, false) if line.last_error.is_empty() => view! { <span class="quiet">"none"</span> }.into_any(),
        (last, true) => view! { {last} {reasons(line, back, changes)} }.into_any(),
        (last, false) => last.into_any(),
    }
}

fn last_error(line: &DeliveryHealth) -> AnyView {
    let over = !line.failing && line.parked == 0;
    view! {
        <span class=over.then_some("quiet")>{line.last_error.clone()}</span>
        " "
        <span class="quiet"><Time at=line.failed_at ago=true/></span>
    }
    .into_any()
}

fn parked(line: &DeliveryHealth, back: &str, changes: Changes) -> AnyView {
    let retry = (line.parked + line.deferred > 0).then(|| retry_parked(line, back.to_owned(), changes));
    view! { <div class="cluster">{count(line, DeliveryState::Parked, line.parked)} {retry}</div> }.into_any()
}

fn retry_parked(line: &DeliveryHealth, back: String, changes: Changes) -> AnyView {
    let (id, label) = (line.id.to_string(), format!("Retry what was refused by {}", line.name));
    view! {
        <PostForm action=changes.retry_parked attr:class="inline">
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="back" value=back/>
            <button type="submit" class="button small" aria-label=label>{icon(Icon::Refresh)} "Retry"</button>
        </PostForm>
    }
    .into_any()
}

/// What can be sent to an integration.
fn test_and_replay(line: &DeliveryHealth, back: &str, changes: Changes) -> AnyView {
    if line.family == Family::Provider {
        return ().into_any();
    }
    let back = back.to_owned();
    let (id, replay) = (line.id.to_string(), format!("/integrations/{}/replay", line.id));
    let (send, again) = (format!("Send test event to {}", line.name), format!("Send events to {} again", line.name));
    view! {
        <PostForm action=changes.test attr:class="inline">
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="back" value=back/>
            <button type="submit" class="icon-button" aria-label=send title="Send test event">{icon(Icon::Send)}</button>
        </PostForm>
        <a class="icon-button" href=at(&replay) aria-label=again title="Send a period's events again">{icon(Icon::Replay)}</a>
    }
    .into_any()
}

/// How far a replay has come, and a way to stop it.
fn progress(replay: ReplayView, back: String, changes: Changes) -> AnyView {
    let percent = replay.percent();
    let words = format!("Replay {percent} %, {} sent to the outbox", capped(replay.enqueued));
    view! {
        <div class="replay">
            <progress max="100" value=percent.to_string() aria-label="Progress of the replay"></progress>
            <span>{words}</span>
            <PostForm action=changes.stop attr:class="inline">
                <input type="hidden" name="id" value=replay.id.to_string()/>
                <input type="hidden" name="back" value=back/>
                <button type="submit" class="button small quiet">"Stop"</button>
            </PostForm>
        </div>
    }
    .into_any()
}
