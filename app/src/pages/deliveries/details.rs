//! One delivery, and the event as it is sent.

use super::{Changes, can_retry, deliveries_query, is_held_up, purpose, retry_form, state_of, tries};
use crate::api::deliveries::{LIST, RetryReason, get_delivery};
use crate::components::{CopyButton, Dialog, Loading, PostForm, Time, id_of, loaded};
use crate::site::at;
use crate::text::figures::count;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use model::delivery::{DeliveryDetails, DeliveryView};
use model::event::Event;

/// The dialog at `/deliveries/<id>`.
#[component]
pub fn DeliveryDialog() -> impl IntoView {
    let params = use_params_map();
    let query = deliveries_query();
    let back = Signal::derive(move || query.with(|q| q.address(LIST)));
    let Changes { retry, retry_reason, .. } = expect_context();
    let row = Resource::new(move || params.with(id_of), get_delivery);
    view! {
        <Title text="Delivery"/>
        <Dialog title="Delivery" close=back size="wide">
            <Suspense fallback=Loading>
                {move || Suspend::new(async move {
                    loaded(row.await, |details| {
                        let back = back.get_untracked();
                        let alike = is_held_up(&details.view).then(|| retry_alike(&details.view, back.clone(), retry_reason));
                        let again = can_retry(&details.view).then(|| retry_form(&details.view, back.clone(), retry, false));
                        view! {
                            <div class="dialog-body stack" tabindex="0">{body(details)}</div>
                            <footer class="dialog-foot">
                                <a class="button quiet" href=at(&back) data-noscroll="">"Close"</a>
                                <span class="grow"></span>
                                {alike}
                                {again}
                            </footer>
                        }
                            .into_any()
                    })
                })}
            </Suspense>
        </Dialog>
    }
    .into_any()
}

/// The button that retries all that failed for the same reason.
fn retry_alike(row: &DeliveryView, back: String, action: ServerAction<RetryReason>) -> AnyView {
    let (id, reason) = (row.connection_id.to_string(), row.last_error.clone());
    view! {
        <PostForm action=action attr:class="inline">
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="reason" value=reason/>
            <input type="hidden" name="back" value=back/>
            <button type="submit" class="button">"Retry all with this reason"</button>
        </PostForm>
    }
    .into_any()
}

fn body(details: DeliveryDetails) -> AnyView {
    let json = pretty(&details.event);
    let event = if json.is_empty() {
        view! { <p class="quiet">"The recording itself is what is delivered."</p> }.into_any()
    } else {
        view! {
            <section class="stack">
                <div class="section-head">
                    <h3>"Event"</h3>
                    <CopyButton text=json.clone() what="event"/>
                </div>
                <pre class="block json"><code>{json}</code></pre>
            </section>
        }
        .into_any()
    };
    view! { {facts(details.view)} {event} }.into_any()
}

fn facts(row: DeliveryView) -> AnyView {
    let fact = |label: &'static str, value: AnyView| view! { <div><dt>{label}</dt><dd>{value}</dd></div> };
    let or = |text: String, without: &'static str| if text.is_empty() { without.to_owned() } else { text };
    let made = match row.finished_at {
        0 => "not yet".into_any(),
        at => view! { <Time at=at/> }.into_any(),
    };
    let (state, made_for, tried) = (state_of(&row), purpose(&row), count(tries(&row)));
    let next = (row.due_at > 0).then(|| fact("Next try", view! { <Time at=row.due_at/> }.into_any()));
    let error = (!row.last_error.is_empty()).then(|| fact("Last error", row.last_error.clone().into_any()));
    view! {
        <dl class="facts">
            {fact("Status", state)}
            {fact("Integration", or(row.connection, "a deleted one").into_any())}
            {fact("Camera", or(row.camera, "unknown").into_any())}
            {fact("Purpose", made_for.into_any())}
            {fact("Waiting since", view! { <Time at=row.created_at/> }.into_any())}
            {fact("Delivered", made)}
            {fact("Tries", tried.into_any())}
            {next}
        </dl>
        <dl class="facts long">
            {fact("Recording", view! { <code class="mono break">{or(row.recording, "deleted meanwhile")}</code> }.into_any())}
            {fact("Event id", view! { <code class="mono break">{row.event_id}</code> }.into_any())}
            {error}
        </dl>
    }
    .into_any()
}

/// The event over several lines, its fields in their order; as it is when it is none of ours.
fn pretty(event: &str) -> String {
    serde_json::from_str::<Event>(event)
        .ok()
        .and_then(|event| serde_json::to_string_pretty(&event).ok())
        .unwrap_or_else(|| event.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_shown_in_its_own_order() {
        let shown = pretty(&Event::test("test-1".into(), 1_606_164_482).to_json());
        assert!(shown.starts_with("{\n  \"events\": [\n    \"monitor\",\n"), "{shown}");
        assert!(shown.find("\"payload\"") < shown.find("\"id\""));
        assert_eq!((pretty(""), pretty("{not ours}")), (String::new(), "{not ours}".to_owned()));
    }
}
