//! Answers to requests whose head cannot be read. hyper refuses them by itself, below the application, with a status and
//! nothing else; here that becomes what every other refusal is: the envelope, our headers, a line in the log, a count.

use crate::problem::{self, ApiError};
use crate::security;
use crate::telemetry::access;
use axum::body::Bytes;
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE};
use axum::http::{HeaderMap, HeaderValue};
use std::net::SocketAddr;

/// The whole answer in place of a head that hyper wrote by itself; `None` if it is no refusal that it makes.
pub(super) fn answer(written: &[u8], remote: SocketAddr) -> Option<Bytes> {
    let problem = match written.strip_prefix(b"HTTP/1.1 ").or_else(|| written.strip_prefix(b"HTTP/1.0 "))?.get(..3)? {
        b"400" => &problem::HEAD_INVALID,
        b"414" => &problem::ADDRESS_TOO_LONG,
        b"431" => &problem::HEAD_TOO_LARGE,
        _ => return None,
    };
    let id = access::unreadable(problem, remote.ip());
    Some(whole(&ApiError::from(problem), &id, date(written)))
}

/// What hyper says of the time.
fn date(written: &[u8]) -> Option<&str> {
    std::str::from_utf8(written).ok()?.lines().find_map(|line| line.strip_prefix("date: "))
}

fn whole(error: &ApiError, id: &str, date: Option<&str>) -> Bytes {
    let body = error.json();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_LENGTH, body.len().into());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    for (name, value) in [(DATE, date.unwrap_or_default()), (access::REQUEST_ID, id)] {
        if let Some(value) = HeaderValue::from_str(value).ok().filter(|value| !value.is_empty()) {
            headers.insert(name, value);
        }
    }
    security::add(&mut headers);
    let status = error.problem.status;
    let mut answer =
        format!("HTTP/1.1 {} {}\r\n", status.as_u16(), status.canonical_reason().unwrap_or("")).into_bytes();
    for (name, value) in &headers {
        answer.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    answer.extend(b"\r\n");
    answer.extend(body);
    answer.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_hyper_refuses_by_itself_is_replaced() {
        let remote = SocketAddr::from(([192, 0, 2, 7], 4711));
        for (written, status) in [
            ("HTTP/1.1 400 Bad Request\r\ndate: now\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"),
            (
                "HTTP/1.0 431 Request Header Fields Too Large\r\n\r\n",
                "HTTP/1.1 431 Request Header Fields Too Large\r\n",
            ),
            ("HTTP/1.1 414 URI Too Long\r\n\r\n", "HTTP/1.1 414 URI Too Long\r\n"),
        ] {
            let answer = answer(written.as_bytes(), remote).expect("replaced");
            let answer = String::from_utf8(answer.to_vec()).expect("text");
            let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
            assert_eq!(head.contains("\r\ndate: now"), written.contains("date: now"));
            assert!(
                answer.starts_with(status) && head.contains(&format!("content-length: {}", body.len())),
                "{answer}"
            );
        }
        for other in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 4", "", "\u{0}\u{0}ftyp"] {
            assert!(answer(other.as_bytes(), remote).is_none(), "{other:?}");
        }
    }
}
