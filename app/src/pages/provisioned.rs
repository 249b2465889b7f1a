//! What the configuration declares can be looked at, and not be changed.

use crate::components::{Icon, icon};
use crate::site::at;
use leptos::prelude::*;

/// Marks it in a list.
pub fn badge() -> AnyView {
    view! { <span class="badge" title="Declared in the configuration">{icon(Icon::Lock)} "provisioned"</span> }
        .into_any()
}

/// Says so in its dialog.
pub fn note() -> AnyView {
    view! {
        <div class="note" data-tone="info">
            {icon(Icon::Lock)}
            <span>"Declared in the vault's configuration file or environment. To change it, edit that and restart the vault."</span>
        </div>
    }
    .into_any()
}

/// The buttons of a row that lead to the dialogs at `edit` and below it; of what is declared only the one that shows it.
pub fn buttons(edit: &str, name: &str, provisioned: bool) -> AnyView {
    let (verb, picture) = if provisioned { ("View", Icon::Eye) } else { ("Edit", Icon::Pencil) };
    let delete = (!provisioned).then(|| {
        view! {
            <a class="icon-button" href=at(&format!("{edit}/delete")) data-noscroll="" aria-label=format!("Delete {name}")>
                {icon(Icon::Bin)}
            </a>
        }
    });
    view! {
        <a class="icon-button" href=at(edit) data-noscroll="" aria-label=format!("{verb} {name}")>{icon(picture)}</a>
        {delete}
    }
    .into_any()
}
