//! Panels whose content is still to come, missing, or broken.

use super::{Icon, icon};
use crate::api::AppError;
use crate::site::{at, use_path};
use crate::text::query;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate};

/// Shown while a panel's content is on its way.
#[component]
pub fn Loading() -> impl IntoView {
    view! { <div class="loading" role="status"><span class="spinner" aria-hidden="true"></span>"Loading…"</div> }
        .into_any()
}

/// A panel's content, or why there is none.
pub fn loaded<T>(result: Result<T, AppError>, view: impl FnOnce(T) -> AnyView) -> AnyView {
    match result {
        Ok(value) => view(value),
        Err(error) => broken(&error),
    }
}

fn broken(error: &AppError) -> AnyView {
    let sign_in = (*error == AppError::Unauthorised).then(sign_in);
    view! {
        <div class="note" data-tone="bad" role="alert">
            {icon(Icon::Warning)}
            <span>{error.sentence()}</span>
            {sign_in}
        </div>
    }
    .into_any()
}

/// Goes to the sign-in page and comes back. A page that the server renders is redirected instead.
fn sign_in() -> AnyView {
    let (path, search, navigate) = (use_path(), use_location().search, use_navigate());
    let here = (path.get_untracked(), search.get_untracked());
    let here = if here.1.is_empty() { here.0 } else { format!("{}?{}", here.0, here.1) };
    let address = query::address("/sign-in", &[("next", &here)]);
    let to = address.clone();
    Effect::new(move |_| navigate(&to, NavigateOptions { replace: true, ..Default::default() }));
    view! { <a class="button small" href=at(&address)>"Sign in"</a> }.into_any()
}

/// An empty list: what it will show, and what to do next.
#[component]
pub fn Empty(
    /// Its picture.
    picture: Icon,
    /// What is missing.
    title: &'static str,
    /// What to do, and perhaps a link.
    children: Children,
) -> impl IntoView {
    view! {
        <section class="empty">
            <span class="empty-picture">{icon(picture)}</span>
            <h2>{title}</h2>
            {children()}
        </section>
    }
    .into_any()
}
