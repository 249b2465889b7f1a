//! The filter: a GET form, so that every filtered list has an address.

use crate::api::AppError;
use crate::api::deliveries::{DeliveriesQuery, LIST};
use crate::components::{Icon, choice, icon};
use crate::site::at;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use model::delivery::{DeliveryHealth, DeliveryState};
use web_sys::{FormData, HtmlFormElement, SubmitEvent};

/// Connection and state; shows what the address says.
pub(super) fn filters(query: Memo<DeliveriesQuery>, lines: Resource<Result<Vec<DeliveryHealth>, AppError>>) -> AnyView {
    let navigate = use_navigate();
    let apply = move |form: &HtmlFormElement| {
        if let Ok(data) = FormData::new_with_form(form) {
            let text = |name| data.get(name).as_string().unwrap_or_default();
            let wanted =
                DeliveriesQuery { integration: text("integration"), state: text("state"), ..Default::default() };
            let options = NavigateOptions { scroll: false, ..Default::default() };
            navigate(&wanted.address(LIST), options);
        }
    };
    let on_submit = {
        let apply = apply.clone();
        move |event: SubmitEvent| {
            event.prevent_default();
            apply(&event_target(&event));
        }
    };
    let on_change = move |event: leptos::ev::Event| {
        let target: web_sys::HtmlElement = event_target(&event);
        if let Ok(Some(form)) = target.closest("form") {
            apply(form.unchecked_ref());
        }
    };
    view! {
        <form class="filters" method="get" action=at(LIST) role="search" aria-label="Filter deliveries" on:submit=on_submit on:change=on_change>
            <Transition>
                {move || Suspend::new(async move {
                    let names: Vec<_> =
                        lines.await.unwrap_or_default().into_iter().map(|line| (line.id.to_string(), line.name)).collect();
                    move || query.with(|query| selects(query, names.clone()))
                })}
            </Transition>
            <div class="filter-buttons">
                <button type="submit" class="button">{icon(Icon::Search)} "Filter"</button>
                {move || {
                    query
                        .with(DeliveriesQuery::is_filtered)
                        .then(|| view! { <a class="button quiet" href=at(LIST) data-noscroll="">"Clear"</a> })
                }}
            </div>
        </form>
    }
    .into_any()
}

fn selects(query: &DeliveriesQuery, names: Vec<(String, String)>) -> AnyView {
    let word = |state| match state {
        DeliveryState::Waiting => "Waiting",
        DeliveryState::Deferred => "Set aside",
        DeliveryState::Delivered => "Delivered",
        DeliveryState::Parked => "Parked",
    };
    let states = DeliveryState::ALL.map(|state| (state.as_str().to_owned(), word(state).to_owned())).to_vec();
    view! {
        {choice("integration", "Integration", Some("All integrations"), names, &query.integration, true)}
        {choice("state", "State", Some("Any state"), states, &query.state, false)}
    }
    .into_any()
}
