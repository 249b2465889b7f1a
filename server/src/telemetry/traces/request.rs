//! The span of a request, by OpenTelemetry's conventions for HTTP. Without its query (signatures), its headers and its body.

use super::caller;
use crate::telemetry::shortened;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use opentelemetry::trace::TraceContextExt as _;
use std::net::IpAddr;
use tracing::Span;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use vault::TRACED;

/// What a request's span says from its start.
pub(in crate::telemetry) struct Asked<'a> {
    pub(in crate::telemetry) id: &'a str,
    /// `None` where no route matches.
    pub(in crate::telemetry) route: Option<&'a str>,
    pub(in crate::telemetry) ip: IpAddr,
}

/// A span around a request, within the one for the log; none without traces.
pub(in crate::telemetry) fn open(request: &Request, asked: &Asked<'_>, log: &Span) -> Span {
    let method = method(request.method());
    let span = tracing::info_span!(
        target: TRACED, parent: log, "request",
        otel.name = %name(method, asked.route),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = asked.route,
        http.response.status_code = Empty,
        url.path = shortened(request.uri().path()),
        client.address = %asked.ip,
        vault.request_id = asked.id,
        vault.error = Empty,
        error.type = Empty,
    );
    if !span.is_disabled()
        && let Some(parent) = caller::parent(request.headers())
    {
        // Fails for a span that has begun or is not exported; this one is neither.
        let _ = span.set_parent(parent);
    }
    span
}

/// The trace's id, for the log; `None` without traces.
pub(in crate::telemetry) fn trace_id(span: &Span) -> Option<String> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_valid().then(|| context.trace_id().to_string())
}

/// How it ended; `None` if the client went away.
pub(in crate::telemetry) fn ended(span: &Span, status: Option<StatusCode>, code: Option<&'static str>) {
    let Some(status) = status else {
        span.record("vault.error", "client_went_away");
        return;
    };
    // As a number; an unsigned one would be exported as text.
    span.record("http.response.status_code", i64::from(status.as_u16()));
    if let Some(code) = code {
        span.record("vault.error", code);
    }
    if status.is_server_error() {
        span.record("error.type", code.unwrap_or_else(|| status.as_str()));
        span.record("otel.status_code", "ERROR");
    }
}

/// Few names: methods that nobody knows are one.
fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("_OTHER")
}

fn name(method: &str, route: Option<&str>) -> String {
    let method = if method == "_OTHER" { "HTTP" } else { method };
    route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_few() {
        assert_eq!(name(method(&Method::POST), Some("/api/storage")), "POST /api/storage");
        assert_eq!(name(method(&"MAKEUP".parse().expect("a method")), None), "HTTP");
    }
}
