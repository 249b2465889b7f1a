//! What an administrator must see, above every page.

use super::{Icon, PostForm, Time, icon, while_watched};
use crate::api::notices::{ConfirmClock, ConfirmRetention, DismissNotice, list_notices};
use crate::site::use_path;
use crate::text::figures::count;
use leptos::prelude::*;
use model::notice::{CLOCK_JUMPED, NoticeView, RETENTION_HELD};

/// Most that are shown; what is behind the first ones is seen when those are gone.
const SHOWN: usize = 5;

/// What can be done about a notice. Each leads back to the page it was on, also without JavaScript.
#[derive(Clone, Copy)]
struct Actions {
    dismiss: ServerAction<DismissNotice>,
    confirm: ServerAction<ConfirmClock>,
    retire: ServerAction<ConfirmRetention>,
    path: Memo<String>,
}

/// All notices; nothing when there are none.
#[component]
pub fn Notices() -> impl IntoView {
    let path = use_path();
    let (dismiss, confirm, retire) = (ServerAction::new(), ServerAction::new(), ServerAction::new());
    let actions = Actions { dismiss, confirm, retire, path };
    let changes = move || (path.get(), dismiss.version().get(), confirm.version().get(), retire.version().get());
    let notices = Resource::new(changes, |_| list_notices());
    while_watched(move || notices.refetch());
    view! {
        <Transition>
            {move || Suspend::new(async move {
                // Pages say themselves that nobody is signed in, or that the vault does not answer.
                let notices = notices.await.unwrap_or_default();
                (!notices.is_empty()).then(|| list(notices, actions))
            })}
        </Transition>
    }
    .into_any()
}

fn list(notices: Vec<NoticeView>, actions: Actions) -> AnyView {
    let more = notices.len().saturating_sub(SHOWN);
    let shown = notices.into_iter().take(SHOWN).map(|notice| one(notice, actions)).collect_view();
    view! {
        <section class="notices" aria-label="What needs attention">
            {shown}
            {(more > 0).then(|| view! { <p class="quiet">{format!("And {more} more.")}</p> })}
        </section>
    }
    .into_any()
}

fn one(notice: NoticeView, actions: Actions) -> AnyView {
    let times = (notice.times > 1).then(|| format!("{} times, last ", count(notice.times)));
    let action = action(&notice, actions);
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
            {action}
        </div>
    }
    .into_any()
}

fn action(notice: &NoticeView, Actions { dismiss, confirm, retire, path }: Actions) -> Option<AnyView> {
    if notice.code == RETENTION_HELD {
        let account_id = notice.subject.clone();
        let form = view! {
            <PostForm action=retire>
                <input type="hidden" name="account_id" value=account_id/>
                <input type="hidden" name="back" value=path/>
                <button type="submit" class="button small danger">"Delete them"</button>
            </PostForm>
        };
        return Some(form.into_any());
    }
    if notice.code == CLOCK_JUMPED {
        let form = view! {
            <PostForm action=confirm>
                <input type="hidden" name="back" value=path/>
                <button type="submit" class="button small">"The clock is right"</button>
            </PostForm>
        };
        return Some(form.into_any());
    }
    let (code, subject, about) = (notice.code.clone(), notice.subject.clone(), format!(": {}", notice.text));
    notice.dismissible.then(|| {
        view! {
            <PostForm action=dismiss>
                <input type="hidden" name="code" value=code/>
                <input type="hidden" name="subject" value=subject/>
                <input type="hidden" name="back" value=path/>
                <button type="submit" class="button small">
                    "Dismiss" <span class="sr-only">{about}</span>
                </button>
            </PostForm>
        }
        .into_any()
    })
}
