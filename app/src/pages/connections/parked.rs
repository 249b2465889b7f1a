//! Deliveries that were given up, with the reason.

use super::{Changes, id_of};
use crate::api::deliveries::{ParkedDelivery, list_parked};
use crate::components::{Dialog, Icon, Loading, Time, icon, loaded};
use crate::text::figures::plural;
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

const LIST: &str = "/integrations";

/// The dialog at `/integrations/<id>/parked`.
#[component]
pub fn ParkedDialog() -> impl IntoView {
    let Changes { retry, .. } = expect_context();
    let params = use_params_map();
    let rows = Resource::new(move || params.with(id_of), list_parked);
    view! {
        <Title text="Parked deliveries"/>
        <Dialog title="Parked deliveries" close=LIST size="wide">
            <ActionForm action=retry attr:class="dialog-form">
                <div class="dialog-body stack" tabindex="0">
                    <p>"These were given up after many tries, or refused for good. Mend the cause, then let them try again."</p>
                    <input type="hidden" name="id" value=move || params.with(id_of).to_string()/>
                    <Suspense fallback=Loading>
                        {move || Suspend::new(async move { loaded(rows.await, table) })}
                    </Suspense>
                </div>
                <footer class="dialog-foot">
                    <a class="button quiet" href=LIST data-noscroll="">"Close"</a>
                    <span class="grow"></span>
                    <button type="submit" class="button primary">{icon(Icon::Refresh)} "Retry parked"</button>
                </footer>
            </ActionForm>
        </Dialog>
    }
    .into_any()
}

fn table(rows: Vec<ParkedDelivery>) -> AnyView {
    if rows.is_empty() {
        return view! { <p class="quiet">"Nothing is parked."</p> }.into_any();
    }
    let shown = plural(rows.len().try_into().unwrap_or(i64::MAX), "delivery").replace("deliverys", "deliveries");
    let tr = |row: ParkedDelivery| {
        view! {
            <tr>
                <td data-label="Stored"><Time at=row.created_at/></td>
                <td data-label="Recording" class="mono break">{row.recording}</td>
                <td data-label="Tries" class="number">{row.attempts}</td>
                <td data-label="Reason" class="break">{row.last_error}</td>
            </tr>
        }
    };
    view! {
        <div class="table-wrap">
            <table class="table">
                <caption class="sr-only">{shown} ", oldest first"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Stored"</th>
                        <th scope="col">"Recording"</th>
                        <th scope="col" class="number">"Tries"</th>
                        <th scope="col">"Reason"</th>
                    </tr>
                </thead>
                <tbody>{rows.into_iter().map(tr).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}
