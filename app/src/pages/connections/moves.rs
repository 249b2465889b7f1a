//! Moving recordings between providers: the dialog that starts it, and the panel that shows it.

use crate::api::moves::{ChangeMove, MoveQuestion, StartMove, ask_about_move, list_moves};
use crate::components::{Dialog, Icon, Loading, PostForm, Problem, State, icon, id_of, loaded, status};
use crate::site::at;
use crate::text::figures::{bytes, count, plural};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use model::moving::{MoveState, MoveView};
use std::time::Duration;

/// How often a running move is looked at.
const EVERY: Duration = Duration::from_secs(2);
const CLOSE: &str = "/providers";

/// The dialog at `<id>/move`.
#[component]
pub fn MoveDialog() -> impl IntoView {
    let start = expect_context::<ServerAction<StartMove>>();
    on_cleanup(move || start.clear());
    let params = use_params_map();
    let question = Resource::new(move || params.with(id_of), ask_about_move);
    let error = Signal::derive(move || start.value().get().and_then(Result::err));
    let pending = start.pending();
    view! {
        <Title text="Move recordings"/>
        <Dialog title="Move recordings" close=CLOSE size="narrow">
            <PostForm action=start attr:class="dialog-form">
                <div class="dialog-body stack">
                    <Problem error=error/>
                    <Suspense fallback=Loading>
                        {move || Suspend::new(async move { loaded(question.await, form_body) })}
                    </Suspense>
                </div>
                <footer class="dialog-foot">
                    <a class="button" href=at(CLOSE) data-noscroll="">"Cancel"</a>
                    <Suspense>
                        {move || Suspend::new(async move {
                            question.await.is_ok_and(|q| !q.targets.is_empty()).then(|| submit(pending))
                        })}
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
            {icon(Icon::Arrow)}
            "Move recordings"
        </button>
    }
    .into_any()
}

fn form_body(question: MoveQuestion) -> AnyView {
    let MoveQuestion { from, name, recordings, accounts, targets } = question;
    if targets.is_empty() {
        return view! {
            <div class="note" data-tone="info">
                {icon(Icon::Info)}
                <span>
                    "There is no other provider to move the recordings of " <strong>{name}</strong> " to. "
                    <a href=at("/providers/new") data-noscroll="">"Add a storage provider"</a> ", or enable one."
                </span>
            </div>
        }
        .into_any();
    }
    let still = (!accounts.is_empty()).then(|| {
        view! {
            <div class="note" data-tone="warn">
                {icon(Icon::Info)}
                <span>
                    "New recordings of " <strong>{accounts.join(", ")}</strong> " still go to " {name.clone()}
                    ". Give these accounts another main provider first, if it is to be emptied for good."
                </span>
            </div>
        }
    });
    let options = targets.into_iter().map(|(id, name)| view! { <option value=id.to_string()>{name}</option> });
    view! {
        <p>
            {plural(recordings, "recording")} " of " <strong>{name.clone()}</strong>
            " will be copied, read back, compared with their hashes, and only then removed here. They can be read all the while."
        </p>
        {still}
        <input type="hidden" name="id" value=from.to_string()/>
        <div class="field">
            <label for="move-to">"Move to"</label>
            <select id="move-to" class="input" name="to" required=true>{options.collect_view()}</select>
        </div>
    }
    .into_any()
}

/// Moves that have not ended, and the last that has.
#[component]
pub fn MovesPanel() -> impl IntoView {
    let start = expect_context::<ServerAction<StartMove>>();
    let change = ServerAction::<ChangeMove>::new();
    let moves = Resource::new(move || (start.version().get(), change.version().get()), |_| list_moves());
    let error = Signal::derive(move || change.value().get().and_then(Result::err));
    view! {
        <Problem error=error/>
        <Transition>
            {move || Suspend::new(async move {
                loaded(moves.await, |all| {
                    if all.iter().any(|m| m.state == MoveState::Running) {
                        look_again(move || moves.refetch());
                    }
                    panel(all, change)
                })
            })}
        </Transition>
    }
    .into_any()
}

/// Once the page lives, does something in a moment, unless what is shown has changed by then.
fn look_again(work: impl Fn() + Clone + 'static) {
    Effect::new(move |_| {
        if let Ok(handle) = set_timeout_with_handle(work.clone(), EVERY) {
            on_cleanup(move || handle.clear());
        }
    });
}

fn panel(moves: Vec<MoveView>, change: ServerAction<ChangeMove>) -> AnyView {
    let (open, ended): (Vec<_>, Vec<_>) = moves.into_iter().partition(|m| m.state.is_open());
    let shown = open.into_iter().chain(ended.into_iter().take(1)).map(|m| move_row(m, change)).collect_view();
    view! { <div class="moves" aria-live="polite">{shown}</div> }.into_any()
}

fn move_row(row: MoveView, change: ServerAction<ChangeMove>) -> AnyView {
    let (tone, state) = match row.state {
        MoveState::Running => ("info", status(State::Warn, "Moving")),
        MoveState::Paused => ("warn", status(State::Off, "Paused")),
        MoveState::Done => ("good", status(State::Good, "Moved")),
        MoveState::Stopped => ("info", status(State::Off, "Stopped")),
    };
    let so_far = row.moved + row.failed;
    let total = row.total.max(so_far);
    let figures = format!("{} of {} recordings, {}", count(row.moved), count(total), bytes(row.moved_bytes));
    let trouble = (!row.last_error.is_empty()).then(|| {
        let failed = if row.failed > 0 { format!("{} could not be moved. ", count(row.failed)) } else { String::new() };
        view! { <p class="field-error">{failed} {row.last_error.clone()}</p> }
    });
    let button = |action: &'static str, label: &'static str| {
        let id = row.id.to_string();
        view! {
            <PostForm action=change>
                <input type="hidden" name="id" value=id/>
                <input type="hidden" name="action" value=action/>
                <button type="submit" class="button small">{label}</button>
            </PostForm>
        }
        .into_any()
    };
    let buttons = match row.state {
        MoveState::Running => vec![button("pause", "Pause")],
        MoveState::Paused => vec![button("resume", "Resume"), button("stop", "Stop here")],
        MoveState::Done | MoveState::Stopped => Vec::new(),
    };
    let label = format!("{} to {}", row.from, row.to);
    let name = format!("Move from {label}");
    view! {
        <section class="note move" data-tone=tone aria-label=name>
            <span class="stack">
                <span class="cluster">{state} <strong>{row.from}</strong> {icon(Icon::Arrow)} <strong>{row.to}</strong> <span class="quiet">{figures}</span></span>
                <progress max=total.max(1).to_string() value=so_far.to_string() aria-label=label>{count(so_far)}</progress>
                {trouble}
            </span>
            {buttons}
        </section>
    }
    .into_any()
}
