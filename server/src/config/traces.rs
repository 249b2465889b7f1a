//! `[traces]`. OpenTelemetry's own variables (`OTEL_…`) are not read: what is set for other programs of a machine does not
//! make a vault send anything.

use super::document::Document;
use super::reader::Reader;
use backends::{Backends, Collector};
use http::uri::{Scheme, Uri};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Where OTLP's specification puts traces below an endpoint.
const PATH: &str = "/v1/traces";
const ENDPOINT: &str =
    "http:// or https:// and a host, with or without a port and a path, such as http://collector:4318";
const HEADERS: &str = "headers, Name: value, one a line, in ASCII and none that belong to the connection";
/// Headers that belong to the connection or to us.
const RESERVED: [&str; 6] = ["content-length", "transfer-encoding", "connection", "host", "content-type", "expect"];

/// Where traces are sent, and how many.
#[derive(Debug, Clone)]
pub struct Traces {
    /// The whole address.
    pub endpoint: String,
    /// Sent with each batch. Marked as sensitive: nothing shows their values.
    pub headers: HeaderMap,
    /// The part of requests that is traced, unless their callers say; 0 to 1.
    pub sample_ratio: f64,
    /// What the vault is called.
    pub service_name: String,
}

impl Traces {
    /// Where they go. Opens no connection.
    pub fn collector(&self, backends: &Backends) -> Option<Collector> {
        backends.collector(&self.endpoint, self.headers.clone())
    }

    /// `None` without an endpoint; mistakes in the rest are reported all the same.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let endpoint = reader.parsed("traces.endpoint", None, ENDPOINT, |s| {
            if s.trim().is_empty() { Some(None) } else { Some(Some(endpoint(s)?)) }
        });
        let headers = reader.parsed("traces.headers", HeaderMap::new(), HEADERS, headers);
        let sample_ratio = reader.parsed("traces.sample_ratio", 1.0, "a number from 0 to 1", |s| {
            s.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio))
        });
        let service_name = reader.text("traces.service_name").unwrap_or_else(|| "kerberos-vault".to_owned());
        Some(Self { endpoint: endpoint?, headers, sample_ratio, service_name })
    }
}

/// That something is set here, but not where to send.
pub(super) fn unused(document: &Document, traces: Option<&Traces>) -> Option<String> {
    let key = document.keys.keys().find(|key| key.starts_with("traces.") && *key != "traces.endpoint")?;
    traces.is_none().then(|| format!("{key} is set, but not traces.endpoint: nothing is traced"))
}

/// With OTLP's path, whether or not it was written.
fn endpoint(text: &str) -> Option<String> {
    let uri: Uri = text.trim().parse().ok()?;
    let is_web = [Some(&Scheme::HTTP), Some(&Scheme::HTTPS)].contains(&uri.scheme());
    let host = uri.authority().filter(|authority| !authority.as_str().contains('@') && !authority.host().is_empty())?;
    if !is_web || uri.query().is_some() || text.contains('#') {
        return None;
    }
    let path = uri.path().trim_end_matches('/');
    Some(format!("{}://{host}{}{PATH}", uri.scheme_str()?, path.strip_suffix(PATH).unwrap_or(path)))
}

fn headers(text: &str) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (name, value) = line.split_once(':')?;
        let name: HeaderName = name.trim().parse().ok()?;
        let mut value: HeaderValue = value.trim().parse().ok().filter(|_| value.is_ascii())?;
        if RESERVED.contains(&name.as_str()) {
            return None;
        }
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Some(headers)
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn read(text: &str) -> Result<Config, String> {
        Config::read("vault.toml", text, std::iter::empty()).map_err(|e| e.to_string())
    }

    #[test]
    fn without_an_endpoint_there_are_no_traces() {
        for text in ["", "[traces]", "[traces]\nendpoint = \"\"\nsample_ratio = 0.5"] {
            assert!(read(text).expect("valid").traces.is_none(), "{text}");
        }
        for (text, warnings) in [
            ("traces.endpoint = \"\"", 0),
            ("traces.headers = \"A: b\"", 1),
            ("traces = {endpoint = \"http://c\", headers = \"A: b\"}", 0),
        ] {
            assert_eq!(read(text).expect("valid").warnings.len(), warnings, "{text}");
        }
        let otel = [("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), "http://collector:4318".to_owned())];
        assert!(Config::read("vault.toml", "", otel.into_iter()).expect("valid").traces.is_none());
    }

    #[test]
    fn an_endpoint_has_otlps_path_whether_or_not_it_is_written() {
        for (given, expected) in [
            ("http://collector:4318", "http://collector:4318/v1/traces"),
            ("http://collector:4318/", "http://collector:4318/v1/traces"),
            ("http://collector:4318/v1/traces", "http://collector:4318/v1/traces"),
            ("https://[2001:db8::1]/otlp/", "https://[2001:db8::1]/otlp/v1/traces"),
        ] {
            let traces = read(&format!("traces.endpoint = \"{given}\"")).expect(given).traces.expect(given);
            assert_eq!((traces.endpoint.as_str(), traces.sample_ratio), (expected, 1.0));
            assert_eq!(traces.service_name, "kerberos-vault");
        }
        for bad in
            ["collector:4318", "grpc://collector", "http://", "http://u:p@collector", "http://c/?k=v", "http://c/#f"]
        {
            let refused = read(&format!("traces.endpoint = \"{bad}\"")).expect_err(bad);
            assert!(refused.starts_with("vault.toml line 1: traces.endpoint must be http:// or https://"), "{refused}");
        }
    }

    #[test]
    fn headers_are_never_shown() {
        let file =
            "traces = { endpoint = \"http://c\", headers = \"Authorization: Bearer of-value\\nX-Scope: of-value\" }";
        let config = read(file).expect("valid");
        assert_eq!(config.traces.as_ref().expect("on").headers["authorization"], "Bearer of-value");
        assert!(!format!("{config:?}").contains("of-value"));
        for bad in ["of-value", "Host: of-value", "A B: of-value", "X: of-valué"] {
            let refused = read(&format!("traces.headers = \"{bad}\"")).expect_err(bad);
            assert!(refused.contains("traces.headers must be headers") && !refused.contains("of-val"), "{refused}");
        }
        for bad in ["1.1", "-0.1", "NaN", "half"] {
            let refused = read(&format!("traces.sample_ratio = \"{bad}\"")).expect_err(bad);
            assert!(refused.contains("traces.sample_ratio must be a number from 0 to 1"), "{refused}");
        }
    }
}
