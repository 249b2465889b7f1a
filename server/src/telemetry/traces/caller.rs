//! The trace that a caller says its request belongs to: `traceparent` of W3C's Trace Context, level 1. What is not exactly that
//! is ignored, and so is `tracestate`, which may hold anything.

use axum::http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};

/// `00-<32 digits>-<16 digits>-<2 digits>`; later versions may go on after a dash.
const LENGTH: usize = 55;

/// The caller's span, as a parent.
pub(super) fn parent(headers: &HeaderMap) -> Option<Context> {
    let mut given = headers.get_all("traceparent").iter();
    let (Some(value), None) = (given.next(), given.next()) else { return None };
    read(value.as_bytes()).map(|caller| Context::new().with_remote_span_context(caller))
}

fn read(value: &[u8]) -> Option<SpanContext> {
    let (known, rest) = value.split_at_checked(LENGTH)?;
    let [v0, v1, b'-', trace @ .., b'-', f0, f1] = known else { return None };
    let (trace, span) = (trace.get(..32)?, trace.strip_prefix(trace.get(..32)?)?.strip_prefix(b"-")?);
    let (version, flags) = (number(&[*v0, *v1])?, number(&[*f0, *f1])?);
    let goes_on = version > 0 && rest.starts_with(b"-");
    if version == 0xff || !(rest.is_empty() || goes_on) {
        return None;
    }
    let (trace, span) = (TraceId::from(number(trace)?), SpanId::from(u64::try_from(number(span)?).ok()?));
    let flags = TraceFlags::new(u8::try_from(flags).ok()?) & TraceFlags::SAMPLED;
    let caller = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    caller.is_valid().then_some(caller)
}

/// Of lower-case hexadecimal digits and nothing else.
fn number(digits: &[u8]) -> Option<u128> {
    let plain = digits.iter().all(|d| matches!(d, b'0'..=b'9' | b'a'..=b'f'));
    let text = std::str::from_utf8(digits).ok().filter(|_| plain)?;
    u128::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    fn of(values: &[&str]) -> Option<SpanContext> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("traceparent", value.parse().expect("a header's value"));
        }
        parent(&headers).map(|context| context.span().span_context().clone())
    }

    #[test]
    fn a_caller_is_believed_who_says_it_as_the_standard_does() {
        for (given, sampled) in [
            (format!("00-{TRACE}-{SPAN}-01"), true),
            (format!("00-{TRACE}-{SPAN}-00"), false),
            (format!("00-{TRACE}-{SPAN}-fe"), false),
            (format!("cc-{TRACE}-{SPAN}-01-what-comes-later"), true),
        ] {
            let caller = of(&[&given]).expect(&given);
            assert_eq!((caller.trace_id().to_string(), caller.span_id().to_string()), (TRACE.into(), SPAN.into()));
            assert_eq!((caller.is_sampled(), caller.is_remote()), (sampled, true), "{given}");
        }
    }

    #[test]
    fn anything_else_is_ignored() {
        let good = format!("00-{TRACE}-{SPAN}-01");
        assert!(of(&[]).is_none() && of(&[&good, &good]).is_none());
        for bad in [
            String::new(),
            "-".repeat(LENGTH),
            format!("{good}-more"),
            format!("{good}0"),
            format!(" {good}"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{TRACE}{SPAN}--01-"),
            format!("00-{TRACE}-{SPAN}-+1"),
            format!("0é-{}-{SPAN}-01", &TRACE[1..]),
            good[..LENGTH - 1].to_owned(),
        ] {
            assert!(of(&[&bad]).is_none(), "{bad}");
        }
    }
}
