//! Controls: a line of text, a secret, a switch.

use super::field::AriaIds;
use super::{Icon, icon};
use leptos::prelude::*;

/// Shown in the place of a secret that has a stored value and may be typed anew.
pub(super) const SET_AND_KEPT: &str = "•••••••• set, leave empty to keep";

/// Shown in the place of a secret that is not here; `example` where none is stored.
pub fn secret_placeholder(set: bool, readonly: bool, example: &'static str) -> &'static str {
    match (set, readonly) {
        (true, true) => "•••••••• set",
        (true, false) => SET_AND_KEPT,
        _ => example,
    }
}

/// A line of text. The browser keeps the value; `value` is what it starts with.
#[component]
pub fn TextInput(
    /// From the row.
    aria: AriaIds,
    /// Name in the form.
    #[prop(into)]
    name: String,
    /// What it starts with.
    #[prop(into)]
    value: String,
    /// `text`, `number`, `url`…
    #[prop(default = "text")]
    kind: &'static str,
    /// Example while it is empty.
    #[prop(optional)]
    placeholder: &'static str,
    /// Whether it cannot be changed.
    #[prop(optional)]
    readonly: bool,
    /// Whether it is a key, shown in monospace.
    #[prop(optional)]
    mono: bool,
    /// Whether phones offer digits for it.
    #[prop(optional)]
    numeric: bool,
    /// Whether it gets the focus first.
    #[prop(optional)]
    autofocus: bool,
) -> impl IntoView {
    view! {
        <input
            id=aria.id()
            class=if mono { "input mono" } else { "input" }
            type=kind
            name=name
            value=value
            placeholder=placeholder
            readonly=readonly
            autofocus=autofocus
            inputmode=numeric.then_some("numeric")
            min=(kind == "number").then_some("0")
            autocomplete="off"
            autocapitalize="none"
            spellcheck="false"
            aria-invalid=move || aria.invalid()
            aria-describedby=move || aria.described_by()
        />
    }
    .into_any()
}

/// A password or key, hidden until asked for.
#[component]
pub fn SecretInput(
    /// From the row.
    aria: AriaIds,
    /// Name in the form.
    #[prop(into)]
    name: String,
    /// What it starts with.
    #[prop(optional, into)]
    value: String,
    /// Example while it is empty.
    #[prop(optional)]
    placeholder: &'static str,
    /// What browsers may fill in: `current-password`, `new-password`, `off`.
    #[prop(default = "new-password")]
    autocomplete: &'static str,
    /// What it is, for the button that shows it.
    #[prop(default = "secret")]
    what: &'static str,
    /// Whether it cannot be changed.
    #[prop(optional)]
    readonly: bool,
) -> impl IntoView {
    let shown = RwSignal::new(false);
    let label = move || if shown.get() { format!("Hide {what}") } else { format!("Show {what}") };
    view! {
        <div class="input-group">
            <input
                id=aria.id()
                class="input mono"
                type=move || if shown.get() { "text" } else { "password" }
                name=name
                value=value
                placeholder=placeholder
                readonly=readonly
                autocomplete=autocomplete
                autocapitalize="none"
                spellcheck="false"
                aria-invalid=move || aria.invalid()
                aria-describedby=move || aria.described_by()
            />
            <button
                type="button"
                class="icon-button needs-js"
                aria-label=label
                aria-pressed=move || shown.get().to_string()
                on:click=move |_| shown.update(|s| *s = !*s)
            >
                {icon(Icon::Eye)}
            </button>
        </div>
    }
    .into_any()
}

/// A switch that says what it stands at.
#[component]
pub fn Switch(
    /// Name in the form.
    #[prop(into)]
    name: String,
    /// Label; also says what is switched.
    label: &'static str,
    /// Sentence below.
    #[prop(optional)]
    help: &'static str,
    /// What it starts with.
    checked: bool,
    /// Whether it cannot be changed.
    #[prop(optional)]
    disabled: bool,
) -> impl IntoView {
    let is_enabled = label == "Enabled"; // then the word that changes says it all
    let help_id = format!("help-{}", name.replace(['[', ']'], "-"));
    view! {
        <div class="field">
            <label class="switch">
                <input
                    type="checkbox"
                    role="switch"
                    name=name
                    value="true"
                    checked=checked
                    disabled=disabled
                    aria-describedby=(!help.is_empty()).then(|| help_id.clone())
                />
                <span class="switch-track" aria-hidden="true"></span>
                <span class=if is_enabled { "sr-only" } else { "switch-label" }>{label}</span>
                <span class="switch-word" data-enabled=is_enabled.then_some("") aria-hidden="true"></span>
            </label>
            {(!help.is_empty()).then(|| view! { <p class="field-help" id=help_id>{help}</p> })}
        </div>
    }
    .into_any()
}
