//! Newer and older.

use super::{Icon, icon};
use crate::site::at;
use leptos::prelude::*;

/// Links to the neighbouring pages of a list; `None` where it ends.
#[component]
pub fn Pager(
    /// Newer rows.
    newer: Option<String>,
    /// Older rows.
    older: Option<String>,
    /// Tells one pager from another of the same page.
    label: &'static str,
) -> impl IntoView {
    let link = |to: Option<String>, label: &'static str, forward: bool| {
        let content = if forward {
            view! { {label} {icon(Icon::Right)} }.into_any()
        } else {
            view! { {icon(Icon::Left)} {label} }.into_any()
        };
        match to {
            Some(to) => view! { <a class="button small" href=at(&to)>{content}</a> }.into_any(),
            None => view! { <span class="button small" aria-disabled="true">{content}</span> }.into_any(),
        }
    };
    view! { <nav class="pager" aria-label=label>{link(newer, "Newer", false)} {link(older, "Older", true)}</nav> }
        .into_any()
}
