//! What headers and bodies look like, for the API's description. Each says what the vault accepts, no more and no less:
//! `scripts/try-api` sends what fits and what does not, and compares the answers.

use model::key::{MAX_KEY, MAX_SEGMENT};
use model::wire::Label;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AnyOfBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// A file name's or a directory's part, as `model::key` checks it, in ECMAScript's regular expressions.
const SEGMENT: &str = concat!(
    r"(?!(\.|%2[eE]){1,2}(/|$))(?!\.[vV][aA][uU][lL][tT]-)(?![^/]*%(2[fF]|5[cC]|0[0aAdD]))",
    r"[^/\\\u0000-\u001f\u007f-\u009f]+"
);
/// Longest key or name in a heartbeat, in characters.
pub(super) const MAX_TEXT: usize = 255;
/// Most slashes in a full key.
const SLASHES: usize = 15;

macro_rules! described {
    ($($(#[$doc:meta])* $name:ident = $schema:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(super) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        }

        impl ToSchema for $name {}
    )*};
}

described! {
    /// The name of a recording, without directory.
    FileName = text(1, MAX_SEGMENT, format!(r"^(?=.*\S){SEGMENT}$"));
    /// The full key of a recording, `directory/filename`.
    FullKey = text(3, MAX_KEY, format!(r"^{SEGMENT}(/{SEGMENT}){{1,{SLASHES}}}$"));
    /// A header without a form of its own.
    HeaderText = text(0, Label::MAX, r"^[^\u0000-\u001f\u007f-\u009f]*$".to_owned());
    /// The bytes of a file.
    FileBytes = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)));
    /// A provider's name; empty for none.
    ProviderName = ObjectBuilder::new().schema_type(Type::String);
    /// How long an address is to be valid: a duration as Go writes it, or whole seconds as number or text.
    Lifetime = lifetime();
    /// What an agent says about itself. There is more in it, which differs from version to version.
    Beat = beat();
}

fn text(shortest: usize, longest: usize, pattern: String) -> ObjectBuilder {
    let text = ObjectBuilder::new().schema_type(Type::String).max_length(Some(longest)).pattern(Some(pattern));
    if shortest > 0 { text.min_length(Some(shortest)) } else { text }
}

fn lifetime() -> AnyOfBuilder {
    const GO: &str = r"^([0-9]*|\+?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+|\+0)$";
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(GO));
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    AnyOfBuilder::new().item(text).item(number)
}

fn beat() -> ObjectBuilder {
    let plain = |pattern: &str| text(0, MAX_TEXT, pattern.to_owned());
    let number = || ObjectBuilder::new().schema_type(Type::Number);
    let key = AnyOfBuilder::new().item(plain(r"^(?=[\s\S]*[^\s\u0000])[^\u0001-\u001f\u007f-\u009f]*$")).item(number());
    let fields = ["cameraname", "version", "hostname", "cameratype"].into_iter();
    let beat = fields.fold(ObjectBuilder::new().schema_type(Type::Object), |beat, name| {
        let nothing = ObjectBuilder::new().schema_type(Type::Null);
        let told = AnyOfBuilder::new().item(plain(r"^[^\u0001-\u001f\u007f-\u009f]*$")).item(number()).item(nothing);
        beat.property(name, told)
    });
    beat.property("key", key).required("key")
}
