//! Controls of a filter: a choice, a moment.

use super::offset_ms;
use crate::text::time;
use leptos::prelude::*;

/// What `<input type="datetime-local">` holds, in UTC.
pub fn to_utc(local: &str) -> String {
    // The offset at the UTC reading is right but within hours of a clock change.
    time::parse_minute(local).map(|ms| time::minute(ms + offset_ms(ms))).unwrap_or_default()
}

fn to_local(utc: &str) -> String {
    time::parse_minute(utc).map(|ms| time::minute(ms - offset_ms(ms))).unwrap_or_default()
}

/// A moment, given as `2026-07-27T10:15` in UTC. `local` says whether the page lives and shows the viewer's time.
pub fn instant(local: RwSignal<bool>, name: &'static str, label: &'static str, utc: Signal<String>) -> AnyView {
    let id = format!("filter-{name}");
    let start = utc.get_untracked();
    let shown = move || utc.with(|utc| if local.get() { to_local(utc) } else { utc.clone() });
    view! {
        <div class="filter">
            <label for=id.clone()>{label} {move || if local.get() { "" } else { " (UTC)" }}</label>
            <input id=id class="input" type="datetime-local" name=name value=start prop:value=shown/>
        </div>
    }
    .into_any()
}

/// A choice of a filter: values and what is shown for them. `all` stands for no filter; `key` makes `/` lead here.
pub fn choice(
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
