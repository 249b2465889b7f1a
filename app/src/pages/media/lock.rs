//! Lock one recording as evidence, or unlock it.

use super::{LIST, Shared, media_query};
use crate::api::media::{LockRecording, UnlockRecording, get_recording};
use crate::components::{Dialog, Icon, Loading, PostForm, Problem, Time, icon, loaded};
use crate::site::at;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use model::recording::{LockView, RecordingView};

/// The dialog at `<id>/lock`.
#[component]
pub fn LockDialog() -> impl IntoView {
    let Shared { lock, unlock, .. } = expect_context();
    on_cleanup(move || {
        lock.clear();
        unlock.clear();
    });
    let params = use_params_map();
    let query = media_query();
    let id = Memo::new(move |_| params.with(|p| p.get("id")).and_then(|id| id.parse::<i64>().ok()).unwrap_or_default());
    let back = Signal::derive(move || query.with(|q| q.address(&format!("{LIST}/{}/play", id.get()))));
    let recording = Resource::new(move || id.get(), get_recording);
    let error = Signal::derive(move || {
        lock.value().get().and_then(Result::err).or_else(|| unlock.value().get().and_then(Result::err))
    });
    view! {
        <Title text="Lock recording"/>
        <Dialog title="Lock recording" close=back size="narrow">
            <Transition fallback=Loading>
                {move || Suspend::new(async move {
                    loaded(recording.await, move |row: RecordingView| match row.lock {
                        Some(held) => locked(row.id, held, unlock, back, error),
                        None => free(row.id, lock, back, error),
                    })
                })}
            </Transition>
        </Dialog>
    }
    .into_any()
}

type Error = Signal<Option<crate::api::AppError>>;

fn free(id: i64, lock: ServerAction<LockRecording>, back: Signal<String>, error: Error) -> AnyView {
    let pending = lock.pending();
    view! {
        <PostForm action=lock attr:class="dialog-form">
            <div class="dialog-body stack">
                <Problem error=error/>
                <input type="hidden" name="id" value=id.to_string()/>
                <input type="hidden" name="back" value=back/>
                <p>
                    "Until it is unlocked, nothing deletes, replaces or moves this recording: no day limit, no administrator, no agent. Its assets stay with it."
                </p>
                <div class="field">
                    <label for="lock-reason">"Reason"</label>
                    <input id="lock-reason" class="input" name="reason" required=true maxlength="500" placeholder="Case 2026-117, theft at the gate"/>
                </div>
                <div class="field">
                    <label for="lock-end">"Unlock after"</label>
                    <input id="lock-end" class="input" type="date" name="ends_on"/>
                    <p class="field-help">"It is locked until this day ends, UTC. Without a day: until somebody unlocks it."</p>
                </div>
            </div>
            <footer class="dialog-foot">
                <a class="button" href=move || at(&back.get()) data-noscroll="">"Cancel"</a>
                <button type="submit" class="button primary" disabled=pending>{icon(Icon::Lock)} "Lock"</button>
            </footer>
        </PostForm>
    }
    .into_any()
}

fn locked(
    id: i64,
    held: LockView,
    unlock: ServerAction<UnlockRecording>,
    back: Signal<String>,
    error: Error,
) -> AnyView {
    let pending = unlock.pending();
    view! {
        <PostForm action=unlock attr:class="dialog-form">
            <div class="dialog-body stack">
                <Problem error=error/>
                <input type="hidden" name="id" value=id.to_string()/>
                <input type="hidden" name="back" value=back/>
                {facts(&held)}
                <p>"Unlock this recording? Then it can be deleted again, and goes when its time is over."</p>
            </div>
            <footer class="dialog-foot">
                <a class="button" href=move || at(&back.get()) data-noscroll="">"Keep it locked"</a>
                <button type="submit" class="button danger" disabled=pending>"Unlock"</button>
            </footer>
        </PostForm>
    }
    .into_any()
}

/// Why a recording is locked, by whom, and until when.
pub(super) fn facts(held: &LockView) -> AnyView {
    let end = held.ends_at.map(|end| view! { ", until " <Time at=end/> });
    view! {
        <div class="note" data-tone="info">
            {icon(Icon::Lock)}
            <span>
                <strong>"Locked: " {held.reason.clone()}</strong>
                " By " {held.locked_by.clone()} ", " <Time at=held.locked_at/> {end} "."
            </span>
        </div>
    }
    .into_any()
}
