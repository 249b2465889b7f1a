//! What an administrator must see, above every page.

use super::{Icon, Time, icon, while_watched};
use crate::api::notices::{DismissNotice, list_notices};
use crate::text::figures::count;
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use model::notice::NoticeView;

/// Most that are shown; what is behind the first ones is seen when those are gone.
const SHOWN: usize = 5;

/// All notices; nothing when there are none.
#[component]
pub fn Notices() -> impl IntoView {
    let path = use_location().pathname;
    let dismiss = ServerAction::<DismissNotice>::new();
    let notices = Resource::new(move || (path.get(), dismiss.version().get()), |_| list_notices());
    while_watched(move || notices.refetch());
    view! {
        <Transition>
            {move || Suspend::new(async move {
                // Pages say themselves that nobody is signed in, or that the vault does not answer.
                let notices = notices.await.unwrap_or_default();
                (!notices.is_empty()).then(|| list(notices, dismiss, path))
            })}
        </Transition>
    }
    .into_any()
}

fn list(notices: Vec<NoticeView>, dismiss: ServerAction<DismissNotice>, path: Memo<String>) -> AnyView {
    let more = notices.len().saturating_sub(SHOWN);
    let shown = notices.into_iter().take(SHOWN).map(|notice| one(notice, dismiss, path)).collect_view();
    view! {
        <section class="notices" aria-label="What needs attention">
            {shown}
            {(more > 0).then(|| view! { <p class="quiet">{format!("And {more} more.")}</p> })}
        </section>
    }
    .into_any()
}

fn one(notice: NoticeView, dismiss: ServerAction<DismissNotice>, path: Memo<String>) -> AnyView {
    let times = (notice.times > 1).then(|| format!("{} times, last ", count(notice.times)));
    let (code, subject) = (notice.code.clone(), notice.subject.clone());
    let about = format!(": {}", notice.text);
    let away = notice.dismissible.then(|| {
        view! {
            <ActionForm action=dismiss>
                <input type="hidden" name="code" value=code/>
                <input type="hidden" name="subject" value=subject/>
                <input type="hidden" name="back" value=path/>
                <button type="submit" class="button small">
                    "Dismiss" <span class="sr-only">{about}</span>
                </button>
            </ActionForm>
        }
    });
    view! {
        <div class="note notice" data-tone="bad" data-code=notice.code>
            {icon(Icon::Warning)}
            <span>
                <strong>{notice.text}</strong>
                " "
                {notice.cure}
                " "
                <small class="quiet">{times} <Time at=notice.last_at ago=true/></small>
            </span>
            {away}
        </div>
    }
    .into_any()
}
