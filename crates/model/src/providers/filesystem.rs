use crate::field::{Field, FieldError};
use crate::kind::Definition;
use serde::Deserialize;

/// A folder on the vault's own machine.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filesystem {
    /// Folder of the recordings; created when missing.
    pub path: String,
}

impl Definition for Filesystem {
    const NAME: &'static str = "filesystem";
    const LABEL: &'static str = "Filesystem";
    const ABOUT: &'static str = "A folder on the machine the vault runs on, or a network share mounted there. \
        The vault's user must be allowed to write to it.";
    const FIELDS: &'static [Field] = &[Field::text("path", "Folder")
        .required()
        .placeholder("/var/lib/kerberos-vault/recordings")
        .help("Made when missing. Everything below it belongs to the vault.")];

    fn check(&self) -> Vec<FieldError> {
        if self.path.contains('\0') || self.path.split('/').any(|p| p == "..") {
            return vec![FieldError::new("path", "Folder must not hold '..'")];
        }
        Vec::new()
    }
}
