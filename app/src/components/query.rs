//! What the address asks for.

use crate::text::query;
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use leptos_router::params::ParamsMap;
use serde::de::DeserializeOwned;

/// Names and values of the address's query, each decoded once.
pub fn use_query() -> Memo<ParamsMap> {
    let search = use_location().search;
    Memo::new(move |_| search.with(|search| query::read(search)))
}

/// A page's query; the same as long as only a dialog's part of the address changes.
pub fn use_page_query<T: DeserializeOwned + Default + PartialEq + Send + Sync + 'static>() -> Memo<T> {
    let search = use_location().search;
    Memo::new(move |_| search.with(|search| query::parse(search)))
}
