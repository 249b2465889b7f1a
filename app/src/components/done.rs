//! What was just done, as the address says after a redirect: `?done=saved`.

use super::{Icon, icon, use_query};
use crate::site::{at, use_path};
use leptos::prelude::*;

/// Shows the message for the address's `done`, if it is one of `messages`.
#[component]
pub fn Done(
    /// Codes and sentences.
    messages: &'static [(&'static str, &'static str)],
) -> impl IntoView {
    let query = use_query();
    let path = use_path();
    let message = move || {
        let code = query.with(|q| q.get("done"))?;
        messages.iter().find(|(known, _)| *known == code).map(|(_, message)| *message)
    };
    view! {
        <div class="done-slot" role="status">
            {move || {
                message()
                    .map(|message| {
                        view! {
                            <div class="note" data-tone="good">
                                {icon(Icon::Check)}
                                <span>{message}</span>
                                <a class="icon-button" href=move || at(&path.get()) data-noscroll="" aria-label="Dismiss">
                                    {icon(Icon::Close)}
                                </a>
                            </div>
                        }
                    })
            }}
        </div>
    }
    .into_any()
}
