//! What the address asks for.

use crate::text::query::{self, Pairs};
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use leptos_router::params::ParamsMap;
use serde::de::DeserializeOwned;

/// The row in a dialog's address. An id that is no number is one that no row has.
pub fn row_id(params: &ParamsMap) -> Option<i64> {
    params.get("id").map(|id| id.parse().unwrap_or_default())
}

/// The same where there must be one; 0, which no row has, when there is none.
pub fn id_of(params: &ParamsMap) -> i64 {
    row_id(params).unwrap_or_default()
}

/// Names and values of the address's query, each decoded once.
pub fn use_query() -> Memo<Pairs> {
    let search = use_location().search;
    Memo::new(move |_| search.with(|search| Pairs::read(search)))
}

/// A page's query; the same as long as only a dialog's part of the address changes.
pub fn use_page_query<T: DeserializeOwned + Default + PartialEq + Send + Sync + 'static>() -> Memo<T> {
    let search = use_location().search;
    Memo::new(move |_| search.with(|search| query::parse(search)))
}
