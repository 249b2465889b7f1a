//! Headers of an owner's choice, which an agent adds to an upload (docs/protocol.md §2).

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Headers of an owner's choice, by name as the owner writes it. They may hold anything, so they are in no log.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CustomHeaders(BTreeMap<String, String>);

/// Some that were named are not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotKept;

/// What the owner's headers are not called: headers of connections, bodies, proxies, conditions and credentials, and the vault's
/// own. They are sent on to other vaults, whose proxies would believe them. Agents refuse most of them, too.
const NEVER: [&str; 58] = [
    "api-key",
    "authorization",
    "cf-connecting-ip",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "expect",
    "fastly-client-ip",
    "forwarded",
    "host",
    "http2-settings",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "ocp-apim-subscription-key",
    "origin",
    "private-token",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "referer",
    "set-cookie",
    "te",
    "trace-id",
    "trailer",
    "transfer-encoding",
    "true-client-ip",
    "tus-resumable",
    "upgrade",
    "via",
    "www-authenticate",
    "x-access-token",
    "x-amz-security-token",
    "x-api-key",
    "x-auth-token",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-csrf-token",
    "x-envoy-external-address",
    "x-goog-api-key",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-forwarded-for",
    "x-original-host",
    "x-original-url",
    "x-real-ip",
    "x-remote-user",
    "x-rewrite-url",
    "x-vault-account-accesskey",
    "x-vault-account-secretkey",
    "x-vault-token",
];
/// How the names of other headers begin that are not the owner's.
const NEVER_FIRST: [&str; 5] = ["x-kerberos-", "upload-", "x-forwarded-", "sec-", "proxy-"];

impl CustomHeaders {
    /// Most headers.
    pub const MOST: usize = 32;
    /// Longest name, in bytes.
    pub const LONGEST_NAME: usize = 128;
    /// Longest value, in bytes.
    pub const LONGEST_VALUE: usize = 4096;

    /// Takes the headers of these names: `said` answers the text under a name, empty where there is none. Whatever is none of
    /// the owner's, too long or too many is left out, and told.
    pub fn collect(names: Vec<String>, said: impl Fn(&str) -> String) -> (Self, Option<NotKept>) {
        let mut kept = BTreeMap::new();
        let mut not_kept = (names.len() > Self::MOST).then_some(NotKept);
        for name in names.into_iter().take(Self::MOST) {
            if !may_be_named(&name) || kept.keys().any(|other: &String| other.eq_ignore_ascii_case(&name)) {
                not_kept = Some(NotKept);
                continue;
            }
            let value = said(&name);
            if value.len() > Self::LONGEST_VALUE || value.chars().any(|c| c.is_control() && c != '\t') {
                not_kept = Some(NotKept);
            } else if !value.is_empty() {
                kept.insert(name, value);
            }
        }
        (Self(kept), not_kept)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Shows no value.
impl fmt::Debug for CustomHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CustomHeaders({})", self.0.len())
    }
}

/// Whether an owner may call a header so: a token of HTTP that means nothing to anybody else.
fn may_be_named(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let lower = name.to_ascii_lowercase();
    (1..=CustomHeaders::LONGEST_NAME).contains(&name.len())
        && name.bytes().all(is_token)
        && !NEVER.contains(&lower.as_str())
        && !NEVER_FIRST.iter().any(|start| lower.starts_with(start))
        && lower != super::header::VAULT_PATH.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::header;
    use proptest::prelude::*;

    fn collect(names: &[&str], value: &str) -> (Vec<String>, bool) {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let (kept, not_kept) = CustomHeaders::collect(names, |_| value.to_owned());
        (kept.iter().map(|(name, _)| name.to_owned()).collect(), not_kept.is_some())
    }

    #[test]
    fn an_owners_headers_are_kept_as_they_are_called() {
        let said = |name: &str| if name == "X-Site" { "Gent, 2nd floor".to_owned() } else { String::new() };
        let (kept, not_kept) = CustomHeaders::collect(vec!["X-Site".into(), "X-Absent".into()], said);
        assert_eq!(kept.iter().collect::<Vec<_>>(), [("X-Site", "Gent, 2nd floor")]);
        assert_eq!(not_kept, None, "an absent one is no mistake");
        assert_eq!(serde_json::to_string(&kept).expect("plain"), r#"{"X-Site":"Gent, 2nd floor"}"#);
    }

    #[test]
    fn none_of_the_vaults_none_of_the_connections_and_no_credentials() {
        for name in [
            header::SECRET_KEY,
            header::ACCESS_KEY,
            "x-kerberos-anything",
            header::VAULT_PATH,
            "Authorization",
            "COOKIE",
            "X-Vault-Account-SecretKey",
            "Proxy-Authorization",
            "X-Forwarded-Anything",
            "True-Client-IP",
            "X-HTTP-Method-Override",
            "X-Amz-Security-Token",
            "If-None-Match",
            "Host",
            "Upload-Metadata",
            "Transfer-Encoding",
            "",
            "a b",
            "a:b",
            "ä",
            &"x".repeat(129),
        ] {
            assert_eq!(collect(&[name, "X-Mine"], "v"), (vec!["X-Mine".to_owned()], true), "{name}");
        }
        assert_eq!(collect(&[&"x".repeat(128)], "v").0.len(), 1);
    }

    #[test]
    fn each_once_up_to_32_and_no_value_too_long() {
        assert_eq!(collect(&["X-A", "x-a"], "v"), (vec!["X-A".to_owned()], true));
        let many: Vec<String> = (0..33).map(|n| format!("X-{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let (kept, not_kept) = collect(&many, "v");
        assert_eq!((kept.len(), not_kept), (32, true));
        assert_eq!(collect(&many[..32], &"v".repeat(4096)), (collect(&many[..32], "v").0, false));
        assert_eq!(collect(&["X-A"], &"v".repeat(4097)), (Vec::new(), true));
        assert_eq!(collect(&["X-A"], "a\u{1}b"), (Vec::new(), true));
    }

    #[test]
    fn no_log_shows_them() {
        let (kept, _) = CustomHeaders::collect(vec!["X-Token".into()], |_| "hush".into());
        assert_eq!(format!("{kept:?}"), "CustomHeaders(1)");
    }

    proptest! {
        #[test]
        fn whatever_is_named_what_is_kept_is_bounded(names in prop::collection::vec("[\\PCa-zA-Z\\-]{0,20}", 0..40), value in "\\PC{0,20}") {
            let (kept, _) = CustomHeaders::collect(names, |_| value.clone());
            prop_assert!(kept.iter().count() <= CustomHeaders::MOST);
            prop_assert!(kept.iter().all(|(name, _)| may_be_named(name)));
        }
    }
}
