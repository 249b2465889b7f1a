//! Sending the events of a period again: choose, see how many, then confirm.

use super::Changes;
use super::past_replays::past_replays;
use crate::api::AppError;
use crate::api::connections::list_path;
use crate::api::replays::{ReplayInput, count_replay, list_replays};
use crate::components::{
    Dialog, Icon, Loading, PostForm, Problem, Submit, Time, choice, icon, id_of, instant, loaded, to_utc,
    use_page_query,
};
use crate::site::at;
use crate::text::figures::capped;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_params_map};
use model::connection::Family::Integration;
use model::delivery::{COUNT_CAP, ReplayChoices};
use web_sys::{FormData, HtmlFormElement, SubmitEvent};

/// The dialog at `/integrations/<id>/replay`.
#[component]
pub fn ReplayDialog() -> impl IntoView {
    let Changes { start, stop, .. } = expect_context();
    on_cleanup(move || start.clear());
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(id_of));
    let input = use_page_query::<ReplayInput>();
    let choices = Resource::new(move || (id.get(), stop.version().get()), |(id, _)| list_replays(id));
    let count = Resource::new(move || (id.get(), input.get()), |(id, input)| count_replay(id, input));
    let error = Signal::derive(move || {
        start.value().get().and_then(Result::err).or_else(|| stop.value().get().and_then(Result::err))
    });
    let list = list_path(Integration);
    view! {
        <Title text="Send events again"/>
        <Dialog title="Send events again" close=list size="wide">
            <div class="dialog-body stack" tabindex="0">
                <Problem error=error/>
                <p>
                    "Sends the events of recordings that were stored in a period once more, in their order, under fresh ids: a consumer that drops repetitions by id takes them as new."
                </p>
                {period_form(id, choices, input)}
                <Transition fallback=Loading>
                    {move || Suspend::new(async move {
                        let (choices, count) = (choices.await, count.await);
                        loaded(choices, |choices| outcome(id, input, choices, count))
                    })}
                </Transition>
            </div>
        </Dialog>
    }
    .into_any()
}

/// From, until, account: a GET form, so that what is asked for has an address.
fn period_form(id: Memo<i64>, choices: Resource<Result<ReplayChoices, AppError>>, input: Memo<ReplayInput>) -> AnyView {
    let here = move || id.with(|id| format!("{}/{id}/replay", list_path(Integration)));
    let navigate = use_navigate();
    // Times are UTC in the address, the viewer's in the form, once the page lives.
    let local = RwSignal::new(false);
    Effect::new(move |_| local.set(true));
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let form: HtmlFormElement = event_target(&event);
        if let Ok(data) = FormData::new_with_form(&form) {
            let text = |name| data.get(name).as_string().unwrap_or_default();
            let asked =
                ReplayInput { from: to_utc(&text("from")), until: to_utc(&text("until")), account: text("account") };
            let options = NavigateOptions { replace: true, scroll: false, ..Default::default() };
            navigate(&asked.address(&here()), options);
        }
    };
    let from = Signal::derive(move || input.with(|input| input.from.clone()));
    let until = Signal::derive(move || input.with(|input| input.until.clone()));
    view! {
        <form class="filters" method="get" action=move || at(&here()) aria-label="Period" on:submit=on_submit>
            <div class="filter-pair">
                {instant(local, "from", "Stored from", from)}
                {instant(local, "until", "Until", until)}
            </div>
            <Transition>
                {move || Suspend::new(async move {
                    let names = choices.await.map(|c| c.accounts).unwrap_or_default();
                    let names: Vec<_> = names.into_iter().map(|name| (name.clone(), name)).collect();
                    move || input.with(|input| {
                        choice("account", "Account", Some("All that use it"), names.clone(), &input.account, false)
                    })
                })}
            </Transition>
            <div class="filter-buttons">
                <button type="submit" class="button">{icon(Icon::Search)} "Count events"</button>
            </div>
        </form>
    }
    .into_any()
}

/// How many there are, the button that sends them, and what was sent again before.
fn outcome(
    id: Memo<i64>,
    input: Memo<ReplayInput>,
    choices: ReplayChoices,
    count: Result<Option<i64>, AppError>,
) -> AnyView {
    let counted = match count {
        Ok(None) => ().into_any(),
        Ok(Some(n)) => confirm(id, input.get_untracked(), &choices, n),
        Err(error) => view! { <Problem error=Some(error)/> }.into_any(),
    };
    let replays = past_replays(choices.replays, format!("{}/{}/replay", list_path(Integration), id.get_untracked()));
    view! { {counted} {replays} }.into_any()
}

fn confirm(id: Memo<i64>, input: ReplayInput, choices: &ReplayChoices, n: i64) -> AnyView {
    let Changes { start, .. } = expect_context();
    let Some((from, until)) = input.period() else { return ().into_any() };
    let name = choices.integration.clone();
    if n == 0 {
        return view! {
            <div class="note" data-tone="info">
                {icon(Icon::Info)}
                <span>"No recording of these accounts was stored in this period."</span>
            </div>
        }
        .into_any();
    }
    let events = format!("{} event{}", capped(n), if n == 1 { "" } else { "s" });
    let more = (n >= COUNT_CAP).then_some(" Counting stops there; all of them are sent.");
    let whose = if input.account.is_empty() {
        "all accounts that use it".to_owned()
    } else {
        format!("account {}", input.account)
    };
    view! {
        <PostForm action=start attr:class="stack">
            <div class="note" data-tone="warn" data-testid="replay-question">
                {icon(Icon::Replay)}
                <span>
                    "Send " <strong>{events.clone()}</strong> " to " <strong>{name}</strong> " again? Stored from "
                    <Time at=from/> " until " <Time at=until/> ", " {whose} "." {more}
                </span>
            </div>
            <input type="hidden" name="id" value=id.get_untracked().to_string()/>
            <input type="hidden" name="replay[from]" value=input.from/>
            <input type="hidden" name="replay[until]" value=input.until/>
            <input type="hidden" name="replay[account]" value=input.account/>
            <div class="cluster end">
                <a class="button" href=at(list_path(Integration)) data-noscroll="">"Cancel"</a>
                <Submit label=format!("Send {events} again") working="Starting…" pending=start.pending()/>
            </div>
        </PostForm>
    }
    .into_any()
}
