//! The last replays to an integration.

use super::Changes;
use crate::components::{State, Time, status};
use crate::text::figures::count;
use leptos::form::ActionForm;
use leptos::prelude::*;
use model::delivery::{ReplayState, ReplayView};

/// Newest first; nothing when there was none.
pub(super) fn past_replays(replays: Vec<ReplayView>, back: String) -> AnyView {
    if replays.is_empty() {
        return ().into_any();
    }
    let rows = replays.into_iter().map(|replay| tr(replay, back.clone())).collect_view();
    view! {
        <section class="stack">
            <h3>"Sent again before"</h3>
            <div class="table-wrap">
                <table class="table replays">
                    <caption class="sr-only">"The last replays, newest first"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Status"</th>
                            <th scope="col">"Stored from"</th>
                            <th scope="col">"Until"</th>
                            <th scope="col">"Account"</th>
                            <th scope="col" class="number">"Events"</th>
                            <th scope="col"><span class="sr-only">"Actions"</span></th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

fn tr(replay: ReplayView, back: String) -> AnyView {
    let state = match replay.state {
        ReplayState::Running => {
            let percent = format!(" {} %", replay.percent());
            view! { {status(State::Warn, "Running")} {percent} }.into_any()
        }
        ReplayState::Done => status(State::Good, "Done"),
        ReplayState::Stopped => status(State::Off, "Stopped"),
    };
    let stop = (replay.state == ReplayState::Running).then(|| stop_form(replay.id, back));
    let account = if replay.account.is_empty() { "all".to_owned() } else { replay.account };
    view! {
        <tr>
            <td data-label="Status">{state}</td>
            <td data-label="Stored from"><Time at=replay.from/></td>
            <td data-label="Until"><Time at=replay.until/></td>
            <td data-label="Account" class="clip">{account}</td>
            <td data-label="Events" class="number">{count(replay.enqueued)}</td>
            <td class="actions">{stop}</td>
        </tr>
    }
    .into_any()
}

fn stop_form(id: i64, back: String) -> AnyView {
    let Changes { stop, .. } = expect_context();
    view! {
        <ActionForm action=stop attr:class="inline">
            <input type="hidden" name="id" value=id.to_string()/>
            <input type="hidden" name="back" value=back/>
            <button type="submit" class="button small">"Stop"</button>
        </ActionForm>
    }
    .into_any()
}
