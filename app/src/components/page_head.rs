//! The top of a page.

use leptos::prelude::*;
use leptos_meta::Title;

/// Title, a sentence, and what can be done here.
#[component]
pub fn PageHead(
    /// Title.
    title: &'static str,
    /// A sentence.
    about: &'static str,
    /// Buttons at the right.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <Title text=title/>
        <header class="page-head">
            <div>
                <h1>{title}</h1>
                <p>{about}</p>
            </div>
            <div class="page-actions">{children.map(|children| children())}</div>
        </header>
    }
    .into_any()
}
