//! The administrators' web UI: pages, components, server functions.
//!
//! Pages are rendered by the server and work as plain HTML; hydration makes them live. A dialog is
//! an address below its list's.

#![recursion_limit = "256"]

#[cfg(feature = "ssr")]
mod announce;
pub mod api;
pub mod components;
mod lazy;
pub mod pages;
pub mod site;
pub mod text;

use components::Layout;
#[cfg(feature = "ssr")]
use leptos::attr::custom::custom_attribute;
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::SsrMode::Async;
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::path;
use model::connection::Family::{Integration, Provider};
use pages::not_found::NotFound;
use pages::sign_in::SignInPage;
use pages::{AccountDialogs, ConnectionDialogs, DeliveryDialogs, MediaDialogs};
use pages::{Accounts, Cameras, Connections, Dashboard, Deliveries, Help, Media, Password};

#[cfg(feature = "ssr")]
pub use announce::PageFiles;
#[cfg(feature = "ssr")]
pub use api::server::{BaseUrl, ClientIp};

/// The HTML around every page; also sets the page's security headers.
#[cfg(feature = "ssr")]
pub fn shell(options: LeptosOptions) -> impl IntoView + use<> {
    api::server::page_headers();
    let style = format!("/{}/{}.css", options.site_pkg_dir, options.output_name);
    let prefix = site::prefix();
    let (root, below) = (prefix.path().to_owned(), (!prefix.path().is_empty()).then(|| prefix.path().to_owned()));
    view! {
        <!DOCTYPE html>
        <html lang="en" {..custom_attribute(site::ATTRIBUTE, below)}>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href=site::at("/favicon.svg") type="image/svg+xml"/>
                <link rel="stylesheet" href=site::at(&style)/>
                <HydrationScripts options root/>
                <leptos_meta::MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// All routes. Rendered in one piece: without JavaScript, nothing could fill in content streamed later.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    #[cfg(not(feature = "ssr"))]
    site::adopt();
    view! {
        <Title formatter=|title: String| format!("{title} · Kerberos Vault")/>
        <Router base=site::router_base()>
            <Routes fallback=NotFound>
                <Route path=path!("/sign-in") view=SignInPage ssr=Async/>
                <ParentRoute path=path!("") view=Layout ssr=Async>
                    <Route path=path!("") view=Dashboard::Figures/>
                    <Route path=path!("password") view=Password::Change/>
                    <Route path=path!("help") view=Help::Contents/>
                    <ParentRoute path=path!("media") view=Media::List>
                        <Route path=path!("") view=|| ()/>
                        <Route path=path!("delete") view=MediaDialogs::Delete/>
                        <Route path=path!(":id/delete") view=MediaDialogs::Delete/>
                        <Route path=path!("forward") view=MediaDialogs::Forward/>
                        <Route path=path!(":id/forward") view=MediaDialogs::Forward/>
                        <Route path=path!(":id/lock") view=MediaDialogs::Lock/>
                        <Route path=path!(":id/play") view=MediaDialogs::Play/>
                    </ParentRoute>
                    <ParentRoute path=path!("cameras") view=Cameras::List>
                        <Route path=path!("") view=|| ()/>
                        <Route path=path!("delete") view=Cameras::Delete/>
                    </ParentRoute>
                    <ParentRoute path=path!("deliveries") view=Deliveries::List>
                        <Route path=path!("") view=|| ()/>
                        <Route path=path!(":id") view=DeliveryDialogs::Details/>
                    </ParentRoute>
                    <ParentRoute path=path!("providers") view=Connections::List(Provider)>
                        <Route path=path!("") view=|| ()/>
                        <Route path=path!("new") view=ConnectionDialogs::Choose(Provider)/>
                        <Route path=path!("new/:kind") view=ConnectionDialogs::Edit(Provider)/>
                        <Route path=path!(":id") view=ConnectionDialogs::Edit(Provider)/>
                        <Route path=path!(":id/delete") view=ConnectionDialogs::Delete(Provider)/>
                        <Route path=path!(":id/move") view=ConnectionDialogs::Move/>
                    </ParentRoute>
                    <ParentRoute path=path!("integrations") view=Connections::List(Integration)>
                        <Route path=path!("") view=|| ()/>
                        <Route path=path!("new") view=ConnectionDialogs::Choose(Integration)/>
                        <Route path=path!("new/:kind") view=ConnectionDialogs::Edit(Integration)/>
                        <Route path=path!(":id") view=ConnectionDialogs::Edit(Integration)/>
                        <Route path=path!(":id/delete") view=ConnectionDialogs::Delete(Integration)/>
                        <Route path=path!(":id/replay") view=ConnectionDialogs::Replay/>
                    </ParentRoute>
                    <ParentRoute path=path!("accounts") view=Accounts::List>
                        <Route path=path!("") view=|| ()/>
                        <Route path=path!("new") view=AccountDialogs::Edit/>
                        <Route path=path!(":id") view=AccountDialogs::Edit/>
                        <Route path=path!(":id/delete") view=AccountDialogs::Delete/>
                        <Route path=path!(":id/keys") view=AccountDialogs::Keys/>
                        <Route path=path!(":id/revoke") view=AccountDialogs::Revoke/>
                    </ParentRoute>
                </ParentRoute>
            </Routes>
        </Router>
    }
}
