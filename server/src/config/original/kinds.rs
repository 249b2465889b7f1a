//! The kinds of connections that the original vault has, and how it calls their settings.

use super::super::error::suggest;

/// Keys that are called otherwise: (there, here).
pub(super) type Renamed = &'static [(&'static str, &'static str)];

/// A kind of connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// Its name here.
    pub(super) ours: &'static str,
    pub(super) renamed: Renamed,
    /// Settings that may be there and change nothing: what they say is so anyway, or has no meaning here.
    pub(super) idle: &'static [&'static str],
}

/// By its name in the original's `provider`; this vault's kinds are taken as well.
pub(super) fn provider(name: &str) -> Result<Kind, String> {
    let kind = |ours, renamed, idle| Ok(Kind { ours, renamed, idle });
    match name {
        "aws" => kind("s3", &[("secret", "secret_key"), ("signing", "signed_urls")], &["use_ssl"]),
        "gcp" => kind("gcs", &[("serviceKey", "service_key"), ("signing", "signed_urls")], &["use_ssl"]),
        "minio" => kind("minio", &[("secret", "secret_key"), ("use_ssl", "ssl"), ("signing", "signed_urls")], &[]),
        "storj" => kind("storj", &[("secret", "secret_key"), ("signing", "signed_urls")], &["use_ssl", "region"]),
        "azure" => kind(
            "azure",
            &[
                ("account_name", "account"),
                ("account_key", "key"),
                ("container_name", "container"),
                ("signing", "signed_urls"),
            ],
            &["use_ssl"],
        ),
        _ => ours(name, model::providers::KINDS, &["aws", "gcp", "minio", "storj", "azure"]),
    }
}

/// By its name in the original's `queue`; this vault's kinds are taken as well.
pub(super) fn integration(name: &str) -> Result<Kind, String> {
    let kind = |ours, renamed, idle| Ok(Kind { ours, renamed, idle });
    match name {
        "sqs" => kind("sqs", &[("secret", "secret_key")], &[]),
        "kafka" => kind("kafka", &[], &[]),
        "rabbitmq" => kind("rabbitmq", &[], &[]),
        "kerberoscloud" => kind("hub", &[("cloudkey", "hub_key")], &[]),
        "kerberosvault" => kind("vault", &[("secret", "secret_key"), ("cloudkey", "hub_key")], &[]),
        _ => ours(name, model::integrations::KINDS, &["sqs", "kafka", "rabbitmq", "kerberoscloud", "kerberosvault"]),
    }
}

/// What an account's settings are called.
pub(super) const ACCOUNT: Renamed =
    &[("account", "name"), ("queues", "integrations"), ("secret_access_key", "secret_key"), ("limit", "day_limit")];

/// A kind that the original does not have, with this vault's own keys.
fn ours(name: &str, kinds: &'static [model::kind::Kind], theirs: &[&'static str]) -> Result<Kind, String> {
    match kinds.iter().find(|kind| kind.name == name) {
        Some(kind) => Ok(Kind { ours: kind.name, renamed: &[], idle: &[] }),
        None => Err(format!("is '{name}', which is none of the known{}", suggest(name, theirs.iter().copied()))),
    }
}
