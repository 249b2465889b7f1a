//! Times: UTC in the page as it is sent, the viewer's zone once the page lives.

use crate::text::time;
use leptos::prelude::*;
use web_sys::js_sys::Date;
use web_sys::wasm_bindgen::JsValue;

/// A moment, given in Unix milliseconds.
#[component]
pub fn Time(
    /// Unix milliseconds.
    at: i64,
    /// Shows how long ago instead of when, once the page lives.
    #[prop(optional)]
    ago: bool,
) -> impl IntoView {
    let text = RwSignal::new(time::utc(at));
    Effect::new(move |_| text.set(if ago { time::ago(now(), at) } else { local(at) }));
    view! {
        <time class="time" datetime=time::iso(at) title=time::utc(at)>
            {text}
        </time>
    }
    .into_any()
}

/// The browser's clock, Unix milliseconds. Not for rendering: see [`Time`].
#[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit for 280,000 years")]
pub(crate) fn now() -> i64 {
    Date::now() as i64
}

/// `2026-07-27 12:15:00` in the browser's zone.
pub(crate) fn local(ms: i64) -> String {
    let date = date(ms);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        date.get_full_year(),
        date.get_month() + 1,
        date.get_date(),
        date.get_hours(),
        date.get_minutes(),
        date.get_seconds()
    )
}

/// Minutes to subtract from local time to get UTC, at that moment.
#[expect(clippy::cast_possible_truncation, reason = "less than a day")]
pub fn offset_ms(ms: i64) -> i64 {
    date(ms).get_timezone_offset() as i64 * 60_000
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are exact in f64")]
fn date(ms: i64) -> Date {
    Date::new(&JsValue::from_f64(ms as f64))
}
