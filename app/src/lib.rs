//! The administrators' web UI: pages, components, server functions.
//!
//! Pages are rendered by the server and work as plain HTML; hydration makes them live. A dialog is
//! an address below its list's.

#![recursion_limit = "256"]

pub mod api;
pub mod components;
pub mod pages;
pub mod text;

use components::Layout;
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::SsrMode::Async;
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::path;
use model::connection::Family::{Integration, Provider};
use pages::accounts::{AccountDialog, AccountsPage, DeleteAccountDialog, KeysDialog};
use pages::cameras::{CamerasPage, DeleteCameraDialog};
use pages::connections::{ChooseKind, ConnectionsPage, DeleteDialog, EditDialog, MoveDialog, ReplayDialog};
use pages::dashboard::DashboardPage;
use pages::deliveries::{DeliveriesPage, DeliveryDialog};
use pages::help::HelpPage;
use pages::media::{DeleteRecordingsDialog, ForwardDialog, MediaPage, PlayDialog};
use pages::not_found::NotFound;
use pages::password::PasswordPage;
use pages::sign_in::SignInPage;

#[cfg(feature = "ssr")]
pub use api::server::{BaseUrl, ClientIp};

/// The HTML around every page; also sets the page's security headers.
#[cfg(feature = "ssr")]
pub fn shell(options: LeptosOptions) -> impl IntoView + use<> {
    api::server::page_headers();
    let style = format!("/{}/{}.css", options.site_pkg_dir, options.output_name);
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="stylesheet" href=style/>
                <HydrationScripts options/>
                <leptos_meta::MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// Every page's address. Rendered in one piece: without JavaScript nothing could fill in what is
/// streamed later.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|title: String| format!("{title} · Kerberos Vault")/>
        <Router>
            <Routes fallback=NotFound>
                <Route path=path!("/sign-in") view=SignInPage ssr=Async/>
                <ParentRoute path=path!("") view=Layout ssr=Async>
                    <Route path=path!("") view=DashboardPage/>
                    <Route path=path!("password") view=PasswordPage/>
                    <Route path=path!("help") view=HelpPage/>
                    <ParentRoute path=path!("media") view=MediaPage>
                        <Route path=path!("") view=|| ()/>
                        <Route path=path!("delete") view=DeleteRecordingsDialog/>
                        <Route path=path!(":id/delete") view=DeleteRecordingsDialog/>
                        <Route path=path!("forward") view=ForwardDialog/>
                        <Route path=path!(":id/forward") view=ForwardDialog/>
                        <Route path=path!(":id/play") view=PlayDialog/>
                    </ParentRoute>
                    <ParentRoute path=path!("cameras") view=CamerasPage>
                        <Route path=path!("") view=|| ()/>
                        <Route path=path!("delete") view=DeleteCameraDialog/>
                    </ParentRoute>
                    <ParentRoute path=path!("deliveries") view=DeliveriesPage>
                        <Route path=path!("") view=|| ()/>
                        <Route path=path!(":id") view=DeliveryDialog/>
                    </ParentRoute>
                    <ParentRoute path=path!("providers") view=|| view! { <ConnectionsPage family=Provider/> }>
                        <Route path=path!("") view=|| ()/>
                        <Route path=path!("new") view=|| view! { <ChooseKind family=Provider/> }/>
                        <Route path=path!("new/:kind") view=|| view! { <EditDialog family=Provider/> }/>
                        <Route path=path!(":id") view=|| view! { <EditDialog family=Provider/> }/>
                        <Route path=path!(":id/delete") view=|| view! { <DeleteDialog family=Provider/> }/>
                        <Route path=path!(":id/move") view=MoveDialog/>
                    </ParentRoute>
                    <ParentRoute path=path!("integrations") view=|| view! { <ConnectionsPage family=Integration/> }>
                        <Route path=path!("") view=|| ()/>
                        <Route path=path!("new") view=|| view! { <ChooseKind family=Integration/> }/>
                        <Route path=path!("new/:kind") view=|| view! { <EditDialog family=Integration/> }/>
                        <Route path=path!(":id") view=|| view! { <EditDialog family=Integration/> }/>
                        <Route path=path!(":id/delete") view=|| view! { <DeleteDialog family=Integration/> }/>
                        <Route path=path!(":id/replay") view=ReplayDialog/>
                    </ParentRoute>
                    <ParentRoute path=path!("accounts") view=AccountsPage>
                        <Route path=path!("") view=|| ()/>
                        <Route path=path!("new") view=AccountDialog/>
                        <Route path=path!(":id") view=AccountDialog/>
                        <Route path=path!(":id/delete") view=DeleteAccountDialog/>
                        <Route path=path!(":id/keys") view=KeysDialog/>
                    </ParentRoute>
                </ParentRoute>
            </Routes>
        </Router>
    }
}
