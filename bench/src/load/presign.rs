//! Presigned URLs for PUT: AWS Signature Version 4 in the query, payload unsigned.

use crate::stage::S3;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::macros::format_description;

const REGION: &str = "us-east-1";
/// Seconds that a URL is valid.
const LIFETIME: u32 = 3600;

/// Path and query that store `key`, which needs no escaping.
pub(super) fn put(s3: &Credentials, key: &str, now: OffsetDateTime) -> String {
    s3.sign("PUT", &s3.host, &format!("/{}/{key}", s3.bucket), LIFETIME, now)
}

/// The signer.
#[derive(Debug, Clone)]
pub(super) struct Credentials {
    host: String,
    bucket: String,
    access_key: String,
    secret_key: String,
}

impl From<&S3> for Credentials {
    fn from(s3: &S3) -> Self {
        Self {
            host: s3.address.to_string(),
            bucket: s3.bucket.clone(),
            access_key: s3.access_key.clone(),
            secret_key: s3.secret_key.clone(),
        }
    }
}

impl Credentials {
    fn sign(&self, method: &str, host: &str, path: &str, lifetime: u32, now: OffsetDateTime) -> String {
        let seconds = now.format(format_description!("[year][month][day]T[hour][minute][second]Z"));
        let seconds = seconds.expect("every time of our clock can be written");
        let date = &seconds[..8];
        let scope = format!("{date}/{REGION}/s3/aws4_request");
        let query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}%2F{}&X-Amz-Date={seconds}&X-Amz-Expires={lifetime}\
             &X-Amz-SignedHeaders=host",
            self.access_key,
            scope.replace('/', "%2F")
        );
        let request = format!("{method}\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD");
        let to_sign = format!("AWS4-HMAC-SHA256\n{seconds}\n{scope}\n{}", hex::encode(Sha256::digest(request)));
        let first = format!("AWS4{}", self.secret_key).into_bytes();
        let key = [date, REGION, "s3", "aws4_request"].iter().fold(first, |key, part| mac(&key, part));
        format!("{path}?{query}&X-Amz-Signature={}", hex::encode(mac(&key, &to_sign)))
    }
}

fn mac(key: &[u8], message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    /// The example of AWS's own documentation, "Authenticating requests: using query parameters".
    #[test]
    fn signs_as_the_documentation_does() {
        let example = Credentials {
            host: String::new(),
            bucket: String::new(),
            access_key: "AKIAIOSFODNN7EXAMPLE".into(),
            secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
        };
        let now = datetime!(2013-05-24 00:00:00 UTC);
        let address = example.sign("GET", "examplebucket.s3.amazonaws.com", "/test.txt", 86_400, now);
        assert!(
            address.ends_with("X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"),
            "{address}"
        );
    }
}
