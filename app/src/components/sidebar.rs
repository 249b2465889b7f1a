//! Where one can go, and who one is.

use super::{Icon, PostForm, icon};
use crate::api::session::{SignOut, who_am_i};
use crate::site::{at, use_path};
use leptos::prelude::*;

/// Version of this build.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The mark: a vault's wheel with three spokes, for the hound's three heads.
pub(crate) fn mark() -> AnyView {
    view! {
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <rect class="mark-door" x="1" y="1" width="30" height="30" rx="8"></rect>
            <circle class="mark-ring" cx="16" cy="16" r="8"></circle>
            <path class="mark-ring" d="M16 13V4.5M18.6 17.5l7.36 4.25M13.4 17.5l-7.36 4.25"></path>
            <circle class="mark-hub" cx="16" cy="16" r="3"></circle>
        </svg>
    }
    .into_any()
}

fn entry(href: &'static str, picture: Icon, label: &'static str) -> AnyView {
    let path = use_path();
    let current = move || {
        path.with(|path| {
            let below = path.strip_prefix(href).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            (if href == "/" { path == "/" } else { below }).then_some("page")
        })
    };
    view! { <li><a class="nav-link" href=at(href) aria-current=current>{icon(picture)} {label}</a></li> }.into_any()
}

/// The links, in three groups.
fn links() -> AnyView {
    view! {
        <p class="nav-title">"Monitoring"</p>
        <ul>
            {entry("/", Icon::Dashboard, "Dashboard")}
            {entry("/media", Icon::Film, "Media")}
            {entry("/cameras", Icon::Camera, "Cameras")}
            {entry("/deliveries", Icon::Send, "Deliveries")}
        </ul>
        <p class="nav-title">"Management"</p>
        <ul>
            {entry("/providers", Icon::Cloud, "Storage providers")}
            {entry("/integrations", Icon::Plug, "Integrations")}
            {entry("/accounts", Icon::Account, "Accounts")}
        </ul>
        <p class="nav-title">"Help"</p>
        <ul>
            <li><a class="nav-link" href=at("/swagger/index.html") rel="external">{icon(Icon::Swagger)} "Swagger API"</a></li>
            {entry("/help", Icon::Help, "Documentation")}
        </ul>
    }
    .into_any()
}

/// Who is signed in, and the way out.
#[component]
fn Profile() -> impl IntoView {
    let me = Resource::new(|| (), |()| who_am_i());
    let sign_out = ServerAction::<SignOut>::new();
    view! {
        <div class="profile">
            <a class="profile-name" href=at("/password") title="Change password">
                {icon(Icon::Account)}
                <span>
                    <Suspense fallback=|| "…">
                        {move || Suspend::new(async move { me.await.map(|me| me.username).unwrap_or_default() })}
                    </Suspense>
                    <small>"Change password"</small>
                </span>
            </a>
            <PostForm action=sign_out>
                <button type="submit" class="icon-button" aria-label="Sign out" title="Sign out">
                    {icon(Icon::SignOut)}
                </button>
            </PostForm>
        </div>
    }
    .into_any()
}

fn brand() -> AnyView {
    view! { <a class="brand" href=at("/")>{mark()} <span>"Kerberos Vault" <small>"v" {VERSION}</small></span></a> }
        .into_any()
}

/// The sidebar; on small screens a bar with a menu that needs no JavaScript.
#[component]
pub fn Sidebar() -> impl IntoView {
    let path = use_path();
    let menu = NodeRef::<leptos::html::Details>::new();
    Effect::new(move |_| {
        path.track();
        if let Some(menu) = menu.get() {
            menu.remove_attribute("open").ok();
        }
    });
    view! {
        <aside class="sidebar">
            {brand()}
            <nav class="nav nav-wide" aria-label="Main">{links()}</nav>
            <details class="menu" node_ref=menu>
                <summary class="icon-button" aria-label="Menu">{icon(Icon::Menu)}</summary>
                <nav class="nav" aria-label="Main">{links()}</nav>
            </details>
            <Profile/>
        </aside>
    }
    .into_any()
}
