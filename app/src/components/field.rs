//! Form fields: label, control, help, error.

use crate::api::AppError;
use leptos::prelude::*;
use model::field::FieldError;

/// What is wrong with a form, by field.
pub type Errors = Signal<Vec<FieldError>>;

/// What of a form's error belongs to its fields.
pub fn at_fields(error: impl Into<Signal<Option<AppError>>>) -> Errors {
    let error = error.into();
    Signal::derive(move || error.with(|error| error.as_ref().map(|e| e.fields().to_vec()).unwrap_or_default()))
}

fn error_of(errors: Errors, name: &'static str) -> Memo<Option<String>> {
    Memo::new(move |_| errors.with(|all| all.iter().find(|e| e.field == name).map(|e| e.message.clone())))
}

/// What aria a control to its help and error.
#[derive(Clone, Copy)]
pub struct AriaIds {
    id: StoredValue<String>,
    error: Memo<Option<String>>,
    has_help: bool,
}

impl AriaIds {
    fn new(name: &'static str, errors: Errors, help: &str) -> Self {
        Self {
            id: StoredValue::new(format!("field-{name}")),
            error: error_of(errors, name),
            has_help: !help.is_empty(),
        }
    }

    /// Id of the control.
    pub fn id(self) -> String {
        self.id.get_value()
    }

    /// Value of `aria-invalid`.
    pub fn invalid(self) -> Option<&'static str> {
        self.error.with(Option::is_some).then_some("true")
    }

    /// Value of `aria-describedby`.
    pub fn described_by(self) -> Option<String> {
        let id = self.id();
        match (self.has_help, self.error.with(Option::is_some)) {
            (false, false) => None,
            (true, false) => Some(format!("{id}-help")),
            (false, true) => Some(format!("{id}-error")),
            (true, true) => Some(format!("{id}-error {id}-help")),
        }
    }
}

/// Label, control, help and error of one field.
#[component]
pub fn FieldRow<F>(
    /// Name the errors use.
    name: &'static str,
    /// Label.
    label: &'static str,
    /// Sentence below.
    #[prop(optional)]
    help: &'static str,
    /// Whether it may stay empty.
    #[prop(optional)]
    optional: bool,
    /// What is wrong.
    errors: Errors,
    /// Draws the control.
    control: F,
) -> impl IntoView
where
    F: FnOnce(AriaIds) -> AnyView,
{
    let aria = AriaIds::new(name, errors, help);
    let id = aria.id();
    row(aria, id, label, help, optional, control(aria))
}

fn row(
    aria: AriaIds,
    id: String,
    label: &'static str,
    help: &'static str,
    optional: bool,
    control: AnyView,
) -> AnyView {
    let error_id = format!("{id}-error");
    view! {
        <div class="field">
            <label for=id.clone()>
                {label}
                {optional.then(|| view! { <span class="optional">"optional"</span> })}
            </label>
            {control}
            {move || {
                aria.error.get().map(|message| view! { <p class="field-error" id=error_id.clone()>{message}</p> })
            }}
            {(!help.is_empty()).then(|| view! { <p class="field-help" id=format!("{id}-help")>{help}</p> })}
        </div>
    }
    .into_any()
}
