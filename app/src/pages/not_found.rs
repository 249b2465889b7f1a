//! No such page.

use crate::components::{Icon, icon};
use crate::site::at;
use leptos::prelude::*;
use leptos_meta::Title;

/// Answers 404 when the server renders it.
#[component]
pub fn NotFound() -> impl IntoView {
    #[cfg(feature = "ssr")]
    crate::api::server::page_not_found();
    view! {
        <Title text="Not found"/>
        <main class="sign-in" id="content">
            <section class="empty">
                <span class="empty-picture">{icon(Icon::Search)}</span>
                <h1>"There is no such page"</h1>
                <p>"The address may be mistyped, or what it showed has been deleted."</p>
                <a class="button" href=at("/")>"Go to the dashboard"</a>
            </section>
        </main>
    }
    .into_any()
}
