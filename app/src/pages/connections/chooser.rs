//! Which kind to add.

use super::{kind_icon, words};
use crate::api::connections::list_path;
use crate::components::{Dialog, icon};
use crate::site::at;
use leptos::prelude::*;
use leptos_meta::Title;
use model::connection::{Family, Kind};

/// The kinds of a family, each a link to its form.
#[component]
pub fn ChooseKind(
    /// Which side.
    family: Family,
) -> impl IntoView {
    let words = words(family);
    let list = list_path(family);
    let choice = move |kind: &'static Kind| {
        view! {
            <li>
                <a class="choice" href=at(&format!("{list}/new/{}", kind.name)) data-noscroll="">
                    <span class="choice-icon">{icon(kind_icon(kind.name))}</span>
                    <span><strong>{kind.label}</strong> <small>{kind.about}</small></span>
                </a>
            </li>
        }
    };
    view! {
        <Title text=words.add/>
        <Dialog title=words.add close=list size="wide">
            <div class="dialog-body">
                <ul class="choices">{family.kinds().iter().map(choice).collect_view()}</ul>
            </div>
        </Dialog>
    }
    .into_any()
}
