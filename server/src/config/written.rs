//! Values as written, and where.

use super::error::Origin;

/// A value and where it was written.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

impl Written {
    pub(super) fn in_variable(name: &str, value: Value) -> Self {
        Self { value, origin: Origin::Variable(name.to_owned()) }
    }
}

/// A value's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Text, number or boolean, as text.
    Scalar(String),
    /// A list of scalars.
    List(Vec<String>),
    /// Anything else; its name for messages.
    Other(&'static str),
}
