//! Forward one recording, the ticked ones, or all that the filter matches to another vault.

use super::{LIST, media_query};
use crate::api::forward::{ForwardChoice, ForwardRecordings, list_forward_choices};
use crate::api::media::MediaQuery;
use crate::components::{Dialog, Icon, Loading, PostForm, Problem, icon, loaded, use_query};
use crate::site::at;
use crate::text::figures::plural;
use crate::text::query;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

/// What stands for all that the filter matches.
const ALL: &str = "all";

/// The dialog at `<id>/forward`, at `forward?id=…&id=…` and at `forward?id=all`.
#[component]
pub fn ForwardDialog() -> impl IntoView {
    let forward = ServerAction::<ForwardRecordings>::new();
    let (params, query) = (use_params_map(), use_query());
    let media = media_query();
    let back = Signal::derive(move || media.with(|q| q.address(LIST)));
    let ids = Memo::new(move |_| match params.with(|p| p.get("id")) {
        Some(id) => vec![id],
        None => query.with(|q| q.get_all("id")),
    });
    let choices = Resource::new(|| (), |()| list_forward_choices());
    let error = Signal::derive(move || forward.value().get().and_then(Result::err));
    let question = move || {
        ids.with(|ids| match ids.as_slice() {
            [] => "No recording is selected. Go back and tick the ones to forward.".to_owned(),
            [one] if one == ALL => match media.with(MediaQuery::is_filtered) {
                true => "Forward every recording that the filter matches.".to_owned(),
                false => "Forward every recording there is. To narrow it down, go back and filter first.".to_owned(),
            },
            [_] => "Forward this recording.".to_owned(),
            more => format!("Forward {}.", plural(i64::try_from(more.len()).unwrap_or(i64::MAX), "recording")),
        })
    };
    let pending = forward.pending();
    let filter = move || {
        let pairs = media.with(query::pairs).into_iter();
        pairs
            .map(|(name, value)| view! { <input type="hidden" name=format!("query[{name}]") value=value/> })
            .collect_view()
    };
    view! {
        <Title text="Forward recordings"/>
        <Dialog title="Forward recordings" close=back size="narrow">
            <PostForm action=forward attr:class="dialog-form">
                <div class="dialog-body stack">
                    <Problem error=error/>
                    <p>{question} " What the other vault has already is not sent twice."</p>
                    <input type="hidden" name="ids" value=move || ids.with(|ids| ids.join(","))/>
                    <input type="hidden" name="back" value=back/>
                    {filter}
                    <Suspense fallback=Loading>
                        {move || Suspend::new(async move { loaded(choices.await, targets) })}
                    </Suspense>
                </div>
                <footer class="dialog-foot">
                    <a class="button" href=move || at(&back.get()) data-noscroll="">"Cancel"</a>
                    <Suspense>
                        {move || {
                            let chosen = !ids.with(Vec::is_empty);
                            Suspend::new(async move {
                                let vaults = choices.await.is_ok_and(|vaults| !vaults.is_empty());
                                (chosen && vaults).then(|| submit(pending))
                            })
                        }}
                    </Suspense>
                </footer>
            </PostForm>
        </Dialog>
    }
    .into_any()
}

fn submit(pending: Memo<bool>) -> AnyView {
    view! {
        <button type="submit" class="button primary" disabled=pending>
            {icon(Icon::Send)}
            {move || if pending.get() { "Queueing…" } else { "Forward" }}
        </button>
    }
    .into_any()
}

/// The vaults to choose from, or how to get one.
fn targets(choices: Vec<ForwardChoice>) -> AnyView {
    if choices.is_empty() {
        return view! {
            <div class="note" data-tone="info">
                {icon(Icon::Info)}
                <span>
                    "There is no vault to forward to yet. "
                    <a href=at("/integrations/new/vault") data-noscroll="">"Add an integration Kerberos Vault"</a>
                    ", or enable one in " <a href=at("/integrations")>"Integrations"</a> "."
                </span>
            </div>
        }
        .into_any();
    }
    let option = |choice: ForwardChoice| {
        let note = if choice.continuous { " (gets every new recording)" } else { "" };
        view! { <option value=choice.id.to_string()>{choice.name} {note}</option> }
    };
    view! {
        <div class="field">
            <label for="forward-to">"To"</label>
            <select id="forward-to" class="input" name="to" required=true>
                {choices.into_iter().map(option).collect_view()}
            </select>
            <p class="field-help">"Progress is shown in Deliveries."</p>
        </div>
    }
    .into_any()
}
