//! What Validate found: a green or a red box with the steps.

use super::{Icon, icon};
use leptos::prelude::*;
use model::probe::{ProbeReport, ProbeStep};

/// The outcome of a probe, step by step.
#[component]
pub fn ReportBox(
    /// What Validate found.
    report: ProbeReport,
    /// Whether it is about a test event that was sent.
    #[prop(optional)]
    test: bool,
) -> impl IntoView {
    let passed = report.passed();
    let title = match (report.failure(), test) {
        (Some(_), true) => "The test event was not delivered".to_owned(),
        (None, true) => "The test event was delivered".to_owned(),
        (Some((step, _)), false) => format!("Validation failed at “{step}”"),
        (None, false) => "Validation passed".to_owned(),
    };
    let steps = report.steps.into_iter().map(step).collect_view();
    view! {
        <section class="report" data-tone=if passed { "good" } else { "bad" } data-testid="report">
            <h3>{icon(if passed { Icon::Check } else { Icon::Warning })} {title}</h3>
            <ol>{steps}</ol>
        </section>
    }
    .into_any()
}

fn step(step: ProbeStep) -> AnyView {
    let passed = step.failure.is_none();
    let failure = step.failure.map(|failure| {
        view! {
            <p class="report-reason">{failure.reason}</p>
            <p class="report-cure"><strong>"Try: "</strong>{failure.cure}</p>
        }
    });
    view! {
        <li data-tone=if passed { "good" } else { "bad" }>
            <p class="report-step">
                {icon(if passed { Icon::Check } else { Icon::Cross })}
                <span>{step.name}</span>
                <span class="sr-only">{if passed { "passed" } else { "failed" }}</span>
            </p>
            {failure}
        </li>
    }
    .into_any()
}
