//! Sidebar and content, around every page but sign-in.

use super::Notices;
use super::shortcuts;
use super::sidebar::Sidebar;
use leptos::prelude::*;
use leptos_router::components::Outlet;

/// The frame of every page.
#[component]
pub fn Layout() -> impl IntoView {
    shortcuts::listen();
    view! {
        <a class="skip" href="#content" rel="external">"Skip to content"</a>
        <div class="frame">
            <Sidebar/>
            <main id="content" class="content" tabindex="-1">
                <Notices/>
                <Outlet/>
            </main>
        </div>
    }
    .into_any()
}
