//! What the address asks for.

use crate::text::query;
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use leptos_router::params::ParamsMap;

/// Names and values of the address's query, each decoded once.
pub fn use_query() -> Memo<ParamsMap> {
    let search = use_location().search;
    Memo::new(move |_| search.with(|search| query::read(search)))
}
