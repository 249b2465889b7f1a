//! The filter: a GET form, so that every filtered list has an address.

use super::LIST;
use crate::api::media::{MediaChoices, MediaQuery, ROW_CHOICES, read_media_choices};
use crate::components::{Icon, choice, icon, instant, to_utc};
use crate::site::at;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use web_sys::{FormData, HtmlFormElement, SubmitEvent};

/// Account, provider, camera, times; shows what the address says.
pub(super) fn filters(query: Memo<MediaQuery>) -> AnyView {
    let choices = Resource::new(|| (), |()| read_media_choices());
    let navigate = use_navigate();
    // Times are UTC in the address, the viewer's in the form, once the page lives.
    let local = RwSignal::new(false);
    Effect::new(move |_| local.set(true));
    let apply = move |form: &HtmlFormElement| {
        if let Ok(data) = FormData::new_with_form(form) {
            let options = NavigateOptions { scroll: false, ..Default::default() };
            navigate(&read(&data).address(LIST), options);
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
        // Typing a date fires a change for each part: these wait for Filter or Enter.
        if target.tag_name() == "SELECT"
            && let Ok(Some(form)) = target.closest("form")
        {
            apply(form.unchecked_ref());
        }
    };
    view! {
        <form class="filters" method="get" action=at(LIST) role="search" aria-label="Filter recordings" on:submit=on_submit on:change=on_change>
            <Transition>
                {move || Suspend::new(async move {
                    let choices = choices.await.unwrap_or_default();
                    move || query.with(|query| selects(query, &choices))
                })}
            </Transition>
            <div class="filter-pair">
                {instant(local, "from", "From", moment(query, |q| &q.from))}
                {instant(local, "until", "Until", moment(query, |q| &q.until))}
            </div>
            <div class="filter-buttons">
                <button type="submit" class="button">{icon(Icon::Search)} "Filter"</button>
                {move || {
                    query
                        .with(MediaQuery::is_filtered)
                        .then(|| view! { <a class="button quiet" href=at(LIST) data-noscroll="">"Clear"</a> })
                }}
            </div>
        </form>
    }
    .into_any()
}

fn moment(query: Memo<MediaQuery>, get: fn(&MediaQuery) -> &String) -> Signal<String> {
    Signal::derive(move || query.with(|q| get(q).clone()))
}

/// What the form holds, with times back in UTC.
fn read(data: &FormData) -> MediaQuery {
    let get = |name| data.get(name).as_string().unwrap_or_default();
    let rows = Some(get("rows")).filter(|rows| *rows != ROW_CHOICES[0].to_string());
    MediaQuery {
        account: get("account"),
        provider: get("provider"),
        camera: get("camera"),
        from: to_utc(&get("from")),
        until: to_utc(&get("until")),
        rows: rows.unwrap_or_default(),
        ..MediaQuery::default()
    }
}

fn selects(query: &MediaQuery, choices: &MediaChoices) -> AnyView {
    let plain = |names: &[String]| names.iter().map(|n| (n.clone(), n.clone())).collect::<Vec<_>>();
    let cameras = choices.cameras.iter().map(|(key, name)| {
        let label = if name.is_empty() || name == key { key.clone() } else { format!("{name} ({key})") };
        (key.clone(), label)
    });
    let rows = ROW_CHOICES.iter().map(|n| (n.to_string(), n.to_string())).collect();
    view! {
        {choice("account", "Account", Some("All accounts"), plain(&choices.accounts), &query.account, true)}
        {choice("provider", "Provider", Some("All providers"), plain(&choices.providers), &query.provider, false)}
        {choice("camera", "Camera", Some("All cameras"), cameras.collect(), &query.camera, false)}
        {choice("rows", "Rows", None, rows, &query.rows, false)}
    }
    .into_any()
}
