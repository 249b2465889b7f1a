//! Playing a recording.

use super::details::details;
use super::{LIST, Shared, file, media_query};
use crate::api::media::get_recording;
use crate::components::{Dialog, Icon, Loading, icon, loaded};
use crate::site::at;
use leptos::html;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use model::recording::RecordingView;

/// The dialog at `<id>/play`.
#[component]
pub fn PlayDialog() -> impl IntoView {
    let params = use_params_map();
    let query = media_query();
    let back = Signal::derive(move || query.with(|q| q.address(LIST)));
    let id = Memo::new(move |_| params.with(|p| p.get("id")).and_then(|id| id.parse::<i64>().ok()).unwrap_or_default());
    let recording = Resource::new(move || id.get(), get_recording);
    view! {
        <Title text="Play recording"/>
        <Dialog title="Recording" close=back size="video">
            <Transition fallback=Loading>
                {move || Suspend::new(async move { loaded(recording.await, player) })}
            </Transition>
            <footer class="dialog-foot">
                <Neighbours id=id/>
                <span class="grow"></span>
                <a
                    class="button"
                    href=move || at(&query.with(|q| q.address(&format!("{LIST}/{}/lock", id.get()))))
                    data-noscroll=""
                >
                    {icon(Icon::Lock)}
                    <Suspense fallback=|| "Lock">
                        {move || Suspend::new(async move {
                            let is_locked = recording.await.is_ok_and(|row| row.lock.is_some());
                            if is_locked { "Unlock" } else { "Lock" }
                        })}
                    </Suspense>
                </a>
                <a
                    class="button"
                    href=move || at(&query.with(|q| q.address(&format!("{LIST}/{}/forward", id.get()))))
                    data-noscroll=""
                >
                    {icon(Icon::Send)}
                    "Forward"
                </a>
                <a
                    class="button"
                    href=move || at(&query.with(|q| q.address(&format!("{LIST}/{}/delete", id.get()))))
                    data-noscroll=""
                >
                    {icon(Icon::Bin)}
                    "Delete"
                </a>
                <a class="button primary" href=move || at(&file(id.get(), true)) download="" rel="external">
                    {icon(Icon::Download)}
                    "Download"
                </a>
            </footer>
        </Dialog>
    }
    .into_any()
}

fn player(row: RecordingView) -> AnyView {
    let video = NodeRef::<html::Video>::new();
    let broken = RwSignal::new(false);
    // Sound without picture is how some browsers play a codec they do not know.
    let check = move |_| {
        if video.get_untracked().is_some_and(|v| v.video_width() == 0) {
            broken.set(true);
        }
    };
    let download = file(row.id, true);
    let cause = cause(&row.codec);
    let poster = row.thumbnail().map(|asset| at(&file(asset.id, false)));
    view! {
        <div class="dialog-body stack">
            <video
                class="video"
                node_ref=video
                src=at(&file(row.id, false))
                poster=poster
                controls
                autoplay
                muted
                playsinline
                preload="metadata"
                aria-label="Recording"
                on:error=move |_| broken.set(true)
                on:loadedmetadata=check
            ></video>
            <div role="alert">
                {move || {
                    broken
                        .get()
                        .then(|| {
                            view! {
                                <div class="note" data-tone="warn">
                                    {icon(Icon::Warning)}
                                    <span>{cause}</span>
                                    <a class="button small" href=at(&download) download="" rel="external">"Download"</a>
                                </div>
                            }
                        })
                }}
            </div>
            {details(row)}
        </div>
    }
    .into_any()
}

/// Why a browser most likely shows nothing.
fn cause(codec: &str) -> &'static str {
    match codec {
        "h264" => {
            "The recording could not be read. Its store may be out of reach, or the object gone: validate the provider."
        }
        "h265" => {
            "This browser cannot show H.265. Safari can, and browsers with hardware decoding. Download it and use a video player."
        }
        _ => "This browser cannot show the picture. Download it and use a video player.",
    }
}

/// The recordings before and after, as far as the page below lists them.
#[component]
fn Neighbours(
    /// The one that plays.
    id: Memo<i64>,
) -> impl IntoView {
    let Shared { list, .. } = expect_context();
    let query = media_query();
    let neighbour = move |step: isize| {
        list.with(|page| {
            let rows = &page.as_ref()?.as_ref().ok()?.items;
            let here = rows.iter().position(|r| r.id == id.get())?;
            rows.get(here.checked_add_signed(step)?).map(|r| r.id)
        })
    };
    let link = move |step: isize, label: &'static str, picture: Icon| {
        neighbour(step).map(|id| {
            let href = query.with(|q| q.address(&format!("{LIST}/{id}/play")));
            // An arrow is on the side it points to.
            let (before, after) = if step < 0 { (Some(icon(picture)), None) } else { (None, Some(icon(picture))) };
            view! { <a class="button quiet" href=at(&href) data-noscroll="" prop:replace=true>{before} {label} {after}</a> }
        })
    };
    view! {
        <Suspense>
            {move || link(-1, "Newer", Icon::Left)}
            {move || link(1, "Older", Icon::Right)}
        </Suspense>
    }
    .into_any()
}
