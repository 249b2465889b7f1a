//! Telemetry: log, access lines, metrics, traces.

pub mod access;
pub(crate) mod connections;
pub mod metrics;
mod plain;
pub mod traces;

use crate::config;
use plain::{Format, Plain};
use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;
use traces::Traces;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use vault::TRACED;

/// The error code of a request that was refused, attached to its response for the access line.
#[derive(Debug, Clone, Copy)]
pub struct Code(pub &'static str);

/// Why a request failed, attached to its response: logged once, with the access line, and never shown to the client.
#[derive(Debug, Clone)]
pub struct Failure(pub Arc<dyn Error + Send + Sync>);

impl Failure {
    /// The error and its causes, joined by colons.
    pub fn chain(&self) -> String {
        chain(self.0.as_ref())
    }
}

/// An error and its causes, joined by colons. Causes already contained in a sentence are left out.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let told = cause.to_string();
        if !text.contains(&told) {
            let _ = write!(text, ": {told}");
        }
        source = cause.source();
    }
    text
}

/// Starts logging to standard error; standard output is for what a person reads who starts the vault. Notes traces if there
/// is a collector for them.
pub fn init(log: &config::Log, traces: Option<&config::Traces>) -> Option<Traces> {
    let filter = filter(&log.level);
    let format = if log.json { Format::Json } else { Format::Text };
    // A subscriber already set by a test stays.
    let Some(traces) = traces else {
        let _ = tracing_subscriber::registry().with(filter).with(lines(format, std::io::stderr)).try_init();
        return None;
    };
    let (noting, traces) = traces::noting(traces);
    let lines = lines(format, std::io::stderr).with_filter(filter);
    let _ = tracing_subscriber::registry().with(lines).with(noting).try_init();
    Some(traces)
}

/// What is logged. Spans for traces are not in it: they would stand before each line. Never what Amazon's credential providers say: of an answer that they cannot read they show all.
fn filter(level: &str) -> Targets {
    // A line for each step of a first start would hide the password that follows; whoever wants them names them.
    let level = &format!("sea_orm_migration=warn,{level}");
    let asked: Targets = level.parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    asked.with_target("aws_config", LevelFilter::OFF).with_target(TRACED, LevelFilter::OFF)
}

/// Writes each event as one line of plain text, whatever is in it. Without colours: they could not be told from a
/// client's.
fn lines<S, W>(format: Format, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Plain::new(writer, format));
    if format == Format::Json { lines.json().boxed() } else { lines.boxed() }
}

/// What a stranger chose, for a log or a trace: 512 bytes at most.
fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(512)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::Mutex;
    use tracing::subscriber::with_default;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("not poisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_strangers_choose_is_shortened() {
        assert_eq!(shortened("/a"), "/a");
        assert_eq!(shortened(&format!("/{}é", "a".repeat(510))).len(), 511);
    }

    #[test]
    fn what_may_show_credentials_is_not_logged_whatever_is_asked_for() {
        for level in ["trace", "info,aws_config=debug", "aws_config=trace", "nonsense="] {
            let filter = filter(level);
            assert!(!filter.would_enable("aws_config::web_identity_token", &tracing::Level::ERROR), "{level}");
        }
        assert!(filter("warn").would_enable("vault::start", &tracing::Level::WARN));
        assert!(!filter("warn").would_enable("vault::start", &tracing::Level::INFO));
    }

    /// In all that an event has: its message, values of each kind, an error, and the span around it.
    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        let hostile = "one\n\u{1b}[31mtwo\u{9b}2J\u{202e}three\u{2028}\r";
        let error = std::io::Error::other(hostile);
        for format in [Format::Text, Format::Json] {
            let kept = Kept::default();
            let writer = kept.clone();
            with_default(tracing_subscriber::registry().with(lines(format, move || writer.clone())), || {
                let span = tracing::info_span!("request", id = %hostile, other = hostile);
                let _in = span.enter();
                let cause = &error as &dyn Error;
                tracing::warn!(%hostile, debug = ?hostile, text = hostile, error = cause, %error, "said {hostile}");
            });
            let log = String::from_utf8(kept.0.lock().expect("not poisoned").clone()).expect("is text");
            assert_eq!(log.matches('\n').count(), 1, "{format:?}: {log:?}");
            assert!(log.ends_with('\n') && log.contains("three"), "{format:?}: {log:?}");
            for harmful in ["\u{1b}[31m", "\u{9b}", "\u{202e}", "\u{2028}", "\r"] {
                assert!(!log.contains(harmful), "{format:?}: {harmful:?} in {log:?}");
            }
        }
    }
}
