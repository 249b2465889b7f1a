//! The last replays to an integration.

use super::Changes;
use crate::components::{Column, PostForm, State, Table, Time, actions, column, status};
use crate::text::figures::count;
use leptos::prelude::*;
use model::delivery::{ReplayState, ReplayView};

/// Newest first; nothing when there was none.
pub(super) fn past_replays(replays: Vec<ReplayView>, back: String) -> AnyView {
    if replays.is_empty() {
        return ().into_any();
    }
    view! {
        <section class="stack">
            <h3>"Sent again before"</h3>
            <div class="table-wrap">
                <Table
                    class="table replays"
                    caption="The last replays, newest first"
                    columns=columns(back)
                    rows=replays
                />
            </div>
        </section>
    }
    .into_any()
}

fn columns(back: String) -> Vec<Column<ReplayView>> {
    vec![
        column("Status", state),
        column("Stored from", |replay: &ReplayView| view! { <Time at=replay.from/> }),
        column("Until", |replay: &ReplayView| view! { <Time at=replay.until/> }),
        column("Account", |replay: &ReplayView| match replay.account.as_str() {
            "" => "all".to_owned(),
            one => one.to_owned(),
        })
        .class("clip"),
        column("Events", |replay: &ReplayView| count(replay.enqueued)).whole_class("number"),
        actions(move |replay: &ReplayView| {
            (replay.state == ReplayState::Running).then(|| stop_form(replay.id, back.clone()))
        }),
    ]
}

fn state(replay: &ReplayView) -> AnyView {
    match replay.state {
        ReplayState::Running => {
            let percent = format!(" {} %", replay.percent());
            view! { {status(State::Warn, "Running")} {percent} }.into_any()
        }
        ReplayState::Done => status(State::Good, "Done"),
        ReplayState::Stopped => status(State::Off, "Stopped"),
    }
}

fn stop_form(id: i64, back: String) -> AnyView {
    let Changes { stop, .. } = expect_context();
    view! {
        <PostForm action=stop attr:class="inline">
            <input type="hidden" name="id" value=id.to_string()/>
            <input type="hidden" name="back" value=back/>
            <button type="submit" class="button small">"Stop"</button>
        </PostForm>
    }
    .into_any()
}
