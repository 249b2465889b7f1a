//! Pages that stay current.

use leptos::prelude::*;
use std::time::Duration;
use web_sys::VisibilityState;

/// How often a page is read again while someone looks at it.
const EVERY: Duration = Duration::from_secs(10);

/// Refreshes every ten seconds as long as the page is there and can be seen. Does nothing on the server.
pub fn while_watched(refresh: impl Fn() + Copy + 'static) {
    Effect::new(move |_| {
        let tick = move || {
            if document().visibility_state() == VisibilityState::Visible {
                refresh();
            }
        };
        if let Ok(handle) = set_interval_with_handle(tick, EVERY) {
            on_cleanup(move || handle.clear());
        }
    });
}
