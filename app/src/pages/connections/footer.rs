//! Validate and Save, and what Validate found.

use super::editor::FormState;
use super::words;
use crate::api::connections::{ValidateConnection, list_path};
use crate::components::{Icon, ReportBox, Submit, form_data, icon};
use leptos::form::FromFormData;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use model::probe::ProbeReport;

/// The bottom of the dialog.
pub(super) fn footer(state: FormState) -> AnyView {
    let (readonly, new, family) = state.editor.with_value(|e| (e.provisioned, e.id.is_none(), e.family));
    let validate = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        if let Some(data) = form_data(&event_target(&event))
            && (readonly || state.accepts(&data))
            && !state.validate.pending().get_untracked()
            && let Ok(args) = ValidateConnection::from_form_data(&data)
        {
            state.save.clear();
            state.validate.dispatch(args);
        }
    };
    let save = if new { words(family).add } else { "Save" };
    view! {
        <div class="report-slot" role="status">{move || outcome(state)}</div>
        <footer class="dialog-foot">
            // The first button is what Enter presses.
            {(!readonly)
                .then(|| view! { <button type="submit" class="sr-only" tabindex="-1" aria-hidden="true">"Save"</button> })}
            <a class="button quiet" href=list_path(family) data-noscroll="">{if readonly { "Close" } else { "Cancel" }}</a>
            <span class="grow"></span>
            <button
                type="submit"
                class="button good"
                formaction=ValidateConnection::url()
                aria-disabled=move || state.validate.pending().get().then_some("true")
                on:click=validate
            >
                {icon(Icon::Shield)}
                "Validate"
            </button>
            {(!readonly).then(|| view! { <Submit label=save working="Saving…" pending=state.save.pending()/> })}
        </footer>
    }
    .into_any()
}

/// Progress, or the report of the last Validate.
fn outcome(state: FormState) -> AnyView {
    if state.validate.pending().get() {
        return view! {
            <div class="note" data-tone="info">
                <span class="spinner" aria-hidden="true"></span>
                <span>"Validating: connecting, authenticating, writing and reading a small test object or event…"</span>
            </div>
        }
        .into_any();
    }
    let before = || state.editor.with_value(|e| e.report.clone());
    let report = match state.validate.value().get() {
        Some(answer) => answer.ok(),
        None => before(),
    };
    match report.filter(|report: &ProbeReport| !report.steps.is_empty()) {
        Some(report) => view! { <ReportBox report=report/> }.into_any(),
        None => ().into_any(),
    }
}
