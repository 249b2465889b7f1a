//! Drawing the fields that the model describes.

use crate::components::{AriaIds, Errors, FieldRow, Switch};
use leptos::prelude::*;
use model::account::AccountField;

/// A field's name in the form.
pub(super) fn form_name(field: &AccountField) -> String {
    format!("account[{}]", field.name)
}

/// A field's row around its control.
pub(super) fn row(
    field: &'static AccountField,
    errors: Errors,
    control: impl FnOnce(AriaIds, String) -> AnyView + 'static,
) -> AnyView {
    let control = move |aria| control(aria, form_name(field));
    view! { <FieldRow name=field.name label=field.label help=field.help errors=errors control=control/> }.into_any()
}

/// A field that is on or off.
pub(super) fn switch(field: &'static AccountField, checked: bool, readonly: bool) -> AnyView {
    let name = form_name(field);
    view! { <Switch name=name label=field.label help=field.help checked=checked disabled=readonly/> }.into_any()
}
