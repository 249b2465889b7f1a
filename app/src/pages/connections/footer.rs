//! Validate and Save, and what Validate found.

use super::form_state::FormState;
use super::words;
use crate::api::connections::{SendTestEvent, ValidateConnection, list_path};
use crate::components::{Icon, ReportBox, form_data, icon};
use crate::site::at;
use leptos::ev::MouseEvent;
use leptos::form::FromFormData;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use model::connection::Family;
use model::probe::ProbeReport;

/// The bottom of the dialog.
pub(super) fn footer(state: FormState) -> AnyView {
    let editing = state.editing;
    let (new, family) = state.editor.with_value(|e| (e.id.is_none(), e.family));
    let validate = move |event: MouseEvent| {
        if let Some(args) = accepted::<ValidateConnection>(state, &event) {
            state.validate.dispatch(args);
        }
    };
    let test = move |event: MouseEvent| {
        if let Some(args) = accepted::<SendTestEvent>(state, &event) {
            state.test.dispatch(args);
        }
    };
    let send_test = (family == Family::Integration).then(|| {
        view! {
            <button
                type="submit"
                class="button"
                formaction=at(SendTestEvent::url())
                aria-disabled=move || state.test.pending().get().then_some("true")
                on:click=test
            >
                {icon(Icon::Send)}
                "Send test event"
            </button>
        }
    });
    view! {
        <div class="report-slot" role="status">{move || outcome(state)}</div>
        <footer class="dialog-foot">
            {editing.first_button()}
            {editing.leave(list_path(family))}
            <span class="grow"></span>
            {(!editing.readonly).then_some(send_test)}
            <button
                type="submit"
                class="button good"
                formaction=at(ValidateConnection::url())
                aria-disabled=move || state.validate.pending().get().then_some("true")
                on:click=validate
            >
                {icon(Icon::Shield)}
                "Validate"
            </button>
            {editing.save_button(if new { words(family).add } else { "Save" })}
        </footer>
    }
    .into_any()
}

/// What is in the form, if it may be sent and nothing is under way.
fn accepted<T: FromFormData>(state: FormState, event: &MouseEvent) -> Option<T> {
    event.prevent_default();
    let data = form_data(&event_target(event))?;
    if !state.editing.accepts(&data) || state.is_trying() {
        return None;
    }
    let args = T::from_form_data(&data).ok()?;
    state.save.clear();
    state.forget_tries();
    Some(args)
}

/// Progress, or the report of the last try.
fn outcome(state: FormState) -> AnyView {
    if state.validate.pending().get() {
        return working("Validating: connecting, authenticating, writing and reading a small test object or event…");
    }
    if state.test.pending().get() {
        return working("Sending a test event…");
    }
    let (validated, tested) = (state.validate.value().get(), state.test.value().get());
    let (report, test) = match (validated, tested) {
        (Some(answer), _) => (answer.ok(), false),
        (None, Some(answer)) => (answer.ok(), true),
        (None, None) => state.editor.with_value(|e| match &e.test {
            Some(test) => (Some(test.clone()), true),
            None => (e.report.clone(), false),
        }),
    };
    match report.filter(|report: &ProbeReport| !report.steps.is_empty()) {
        Some(report) => view! { <ReportBox report=report test=test/> }.into_any(),
        None => ().into_any(),
    }
}

fn working(what: &'static str) -> AnyView {
    view! {
        <div class="note" data-tone="info">
            <span class="spinner" aria-hidden="true"></span>
            <span>{what}</span>
        </div>
    }
    .into_any()
}
