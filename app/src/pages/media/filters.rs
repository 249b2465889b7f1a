//! The filter: a GET form, so that every filtered list has an address.

use super::LIST;
use crate::api::media::{MediaChoices, MediaQuery, ROW_CHOICES, read_media_choices};
use crate::components::Icon;
use crate::components::{icon, offset_ms};
use crate::text::time;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use leptos_router::params::ParamsMap;
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
        <form class="filters" method="get" action=LIST role="search" aria-label="Filter recordings" on:submit=on_submit on:change=on_change>
            <Transition>
                {move || Suspend::new(async move {
                    let choices = choices.await.unwrap_or_default();
                    move || query.with(|query| selects(query, &choices))
                })}
            </Transition>
            {instant(query, local, "from", "From", |q| &q.from)} {instant(query, local, "until", "Until", |q| &q.until)}
            <div class="filter-buttons">
                <button type="submit" class="button">{icon(Icon::Search)} "Filter"</button>
                {move || {
                    query
                        .with(MediaQuery::is_filtered)
                        .then(|| view! { <a class="button quiet" href=LIST data-noscroll="">"Clear"</a> })
                }}
            </div>
        </form>
    }
    .into_any()
}

/// What the form holds, with times back in UTC.
fn read(data: &FormData) -> MediaQuery {
    let mut map = ParamsMap::new();
    for name in ["account", "provider", "camera", "from", "until", "rows"] {
        let value = data.get(name).as_string().unwrap_or_default();
        let value = match name {
            "from" | "until" => to_utc(&value),
            _ => value,
        };
        if !(name == "rows" && value == ROW_CHOICES[0].to_string()) {
            map.insert(name, crate::text::query::encode(&value));
        }
    }
    MediaQuery::from_map(&map)
}

fn to_utc(local: &str) -> String {
    // The offset at the UTC reading is right but within hours of a clock change.
    time::parse_minute(local).map(|ms| time::minute(ms + offset_ms(ms))).unwrap_or_default()
}

fn to_local(utc: &str) -> String {
    time::parse_minute(utc).map(|ms| time::minute(ms - offset_ms(ms))).unwrap_or_default()
}

fn instant(
    query: Memo<MediaQuery>,
    local: RwSignal<bool>,
    name: &'static str,
    label: &'static str,
    get: fn(&MediaQuery) -> &String,
) -> AnyView {
    let id = format!("filter-{name}");
    let start = query.with_untracked(|q| get(q).clone());
    let shown = move || query.with(|q| if local.get() { to_local(get(q)) } else { get(q).clone() });
    view! {
        <div class="filter">
            <label for=id.clone()>{label} {move || if local.get() { "" } else { " (UTC)" }}</label>
            <input id=id class="input" type="datetime-local" name=name value=start prop:value=shown/>
        </div>
    }
    .into_any()
}

fn selects(query: &MediaQuery, choices: &MediaChoices) -> AnyView {
    let plain = |names: &[String]| names.iter().map(|n| (n.clone(), n.clone())).collect::<Vec<_>>();
    let cameras = choices.cameras.iter().map(|(key, name)| {
        let label = if name.is_empty() || name == key { key.clone() } else { format!("{name} ({key})") };
        (key.clone(), label)
    });
    let rows = ROW_CHOICES.iter().map(|n| (n.to_string(), n.to_string())).collect();
    view! {
        {select("account", "Account", Some("All accounts"), plain(&choices.accounts), &query.account, true)}
        {select("provider", "Provider", Some("All providers"), plain(&choices.providers), &query.provider, false)}
        {select("camera", "Camera", Some("All cameras"), cameras.collect(), &query.camera, false)}
        {select("rows", "Rows", None, rows, &query.rows, false)}
    }
    .into_any()
}

fn select(
    name: &'static str,
    label: &'static str,
    all: Option<&'static str>,
    mut choices: Vec<(String, String)>,
    chosen: &str,
    key: bool,
) -> AnyView {
    // An address may name what no longer exists.
    if !chosen.is_empty() && !choices.iter().any(|(value, _)| value == chosen) {
        choices.push((chosen.to_owned(), chosen.to_owned()));
    }
    let id = format!("filter-{name}");
    let option = |(value, text): (String, String)| {
        let selected = value == chosen;
        view! { <option value=value selected=selected>{text}</option> }
    };
    view! {
        <div class="filter" data-name=name>
            <label for=id.clone()>{label}</label>
            <select id=id class="input" name=name data-key=key.then_some("/")>
                {all.map(|all| view! { <option value="">{all}</option> })}
                {choices.into_iter().map(option).collect_view()}
            </select>
        </div>
    }
    .into_any()
}
