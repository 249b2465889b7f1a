//! A small bar chart.

use leptos::prelude::*;

/// One bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// Its day, for people.
    pub label: String,
    /// The same, short, for below the bar.
    pub short: String,
    /// Its height.
    pub value: i64,
    /// The value, for people.
    pub text: String,
}

/// Height of the drawing in its own units.
const HEIGHT: i64 = 100;
/// Width of a bar and its gap.
const STEP: usize = 10;

/// Bars side by side; a table says the same to those who cannot see them.
#[component]
pub fn BarChart(
    /// What it shows.
    title: &'static str,
    /// Name of the table's first column.
    of: &'static str,
    /// Left to right.
    bars: Vec<Bar>,
) -> impl IntoView {
    let highest = bars.iter().map(|b| b.value).max().unwrap_or_default().max(1);
    let top =
        bars.iter().max_by_key(|b| b.value).filter(|b| b.value > 0).map_or_else(|| "0".into(), |b| b.text.clone());
    let width = bars.len() * STEP;
    let last = bars.len().saturating_sub(1);
    let rects = bars.iter().enumerate().map(|(i, bar)| {
        // A day with anything at all shows at least a sliver.
        let scaled = i64::try_from(i128::from(bar.value) * i128::from(HEIGHT) / i128::from(highest)).unwrap_or(HEIGHT);
        let height = if bar.value > 0 { scaled.max(2) } else { 0 };
        view! {
            <g>
                <title>{format!("{}: {}", bar.label, bar.text)}</title>
                <rect class="chart-hit" x=i * STEP y="0" width=STEP height=HEIGHT></rect>
                <rect
                    class="chart-bar"
                    data-now=(i == last).then_some("")
                    x=i * STEP + 1
                    y=HEIGHT - height
                    width=STEP - 2
                    height=height
                ></rect>
            </g>
        }
    });
    let rects = rects.collect_view();
    let span = match bars.as_slice() {
        [first, .., last] => format!("{} – {}", first.label, last.label),
        _ => String::new(),
    };
    let labels = bars.iter().map(|bar| view! { <span>{bar.short.clone()}</span> }).collect_view();
    let rows =
        bars.iter().map(|bar| view! { <tr><th scope="row">{bar.label.clone()}</th><td>{bar.text.clone()}</td></tr> });
    let rows = rows.collect_view();
    view! {
        <figure class="chart">
            <figcaption>
                <span>{title}</span>
                <span class="chart-top">{span} " · peak " {top}</span>
            </figcaption>
            <svg viewBox=format!("0 0 {width} {HEIGHT}") preserveAspectRatio="none" aria-hidden="true" focusable="false">
                {rects}
            </svg>
            <div class="chart-labels" aria-hidden="true">{labels}</div>
            <table class="sr-only">
                <caption>{title}</caption>
                <thead><tr><th scope="col">"Day"</th><th scope="col">{of}</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </figure>
    }
    .into_any()
}
