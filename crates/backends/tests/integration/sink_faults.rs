//! What every sink must do when the network or the server at the other end fails it.

use crate::line::{Line, Mode};
use crate::relay::{closed, mute};
use crate::{failure, send_until_taken};
use model::error::SinkErrorKind;
use model::ports::{EventSink, OutgoingEvent};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A sink whose server can be replaced.
pub(crate) struct Faulty<'a> {
    /// Opens the sink as if its server were at `host:port`.
    pub(crate) at: &'a dyn Fn(&str) -> Arc<dyn EventSink>,
    /// An event of this id.
    pub(crate) event: &'a dyn Fn(&str) -> OutgoingEvent,
    /// The first step of Validate that waits for an answer.
    pub(crate) first_answer: &'static str,
}

/// Servers that are none: Validate names step and reason, an event fails with the same words and can be sent again.
pub(crate) async fn without_a_server(faulty: &Faulty<'_>) {
    out_of_reach(faulty).await;
    faulty.never_answers().await;
}

/// The same, of servers that no connection leads to.
pub(crate) async fn out_of_reach(faulty: &Faulty<'_>) {
    let address = closed().await;
    faulty.fails_alike(&address, "connect", &format!("{address} refuses connections.")).await;
    faulty.fails_alike("nobody.invalid:9", "resolve", "The name nobody.invalid cannot be resolved.").await;
    faulty.metadata_services().await;
}

impl Faulty<'_> {
    async fn fails_alike(&self, address: &str, step: &str, words: &str) {
        let sink = (self.at)(address);
        let report = sink.probe().await;
        assert_eq!((failure(&report).0, failure(&report).1), (step, words));
        let error = sink.send(&(self.event)("1")).await.unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (SinkErrorKind::Down, words));
    }

    /// Validate has ten seconds, also while an event waits for the same server.
    async fn never_answers(&self) {
        let (address, event) = (mute().await, (self.event)("1"));
        let sink = (self.at)(&address);
        let started = Instant::now();
        let probed = async {
            let report = sink.probe().await;
            (report, started.elapsed())
        };
        let ((report, took), sent) = tokio::join!(probed, sink.send(&event));
        assert_eq!(failure(&report).0, self.first_answer, "{report:?}");
        assert!(took < Duration::from_secs(10), "{took:?}");
        let error = sent.unwrap_err();
        assert_eq!((error.kind, error.message), (SinkErrorKind::Down, format!("{address} does not answer.")));
        assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    }

    /// Where clouds tell machines their secrets: refused before anything is tried.
    async fn metadata_services(&self) {
        for address in ["169.254.169.254:80", "[fe80::1]:80", "metadata.google.internal:80", "0xa9fea9fe:80"] {
            let sink = (self.at)(address);
            let started = Instant::now();
            let error = sink.send(&(self.event)("1")).await.unwrap_err();
            let told =
                error.message.contains("never connects to those") || error.message.contains("cannot be resolved");
            assert!(told && error.kind == SinkErrorKind::Down, "{address}: {error}");
            assert!(started.elapsed() < Duration::from_secs(4), "{address}: {:?}", started.elapsed());
            assert_eq!(failure(&sink.probe().await).0, "resolve", "{address}");
        }
    }
}

/// A server that is lost before, during and after an event: each failure can be tried again and names the server; the sink
/// finds back by itself. Answers the ids that must have arrived, in their order, each once or more.
pub(crate) async fn while_the_line_is_cut(faulty: &Faulty<'_>, line: &Line) -> [&'static str; 6] {
    let sink = (faulty.at)(&line.address);
    let send = async |id| sink.send(&(faulty.event)(id)).await;

    // before
    line.set(Mode::Down).await;
    let error = send("1").await.unwrap_err();
    assert_eq!((error.kind, error.message), (SinkErrorKind::Down, format!("{} refuses connections.", line.address)));
    line.set(Mode::Up).await;
    send_until_taken(&*sink, &(faulty.event)("1")).await;

    // after
    line.set(Mode::Down).await;
    let error = send("2").await.unwrap_err();
    assert!(error.kind == SinkErrorKind::Down && error.message.contains(&line.address), "{error}");
    line.set(Mode::Up).await;
    send_until_taken(&*sink, &(faulty.event)("2")).await;
    send("3").await.unwrap();

    // during: the server has the event, but its answer is lost with the connection
    line.set(Mode::LosesAnswer).await;
    if let Err(error) = send("4").await {
        assert!(error.kind == SinkErrorKind::Down && error.message.contains(&line.address), "{error}");
        send_until_taken(&*sink, &(faulty.event)("4")).await;
    }
    assert_eq!(line.mode(), Mode::Up, "an answer was lost");

    // during: the server falls silent
    line.set(Mode::Silent).await;
    let started = Instant::now();
    let error = send("5").await.unwrap_err();
    assert_eq!((error.kind, error.message), (SinkErrorKind::Down, format!("{} does not answer.", line.address)));
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    line.set(Mode::Up).await;
    send_until_taken(&*sink, &(faulty.event)("5")).await;
    send("6").await.unwrap();
    ["1", "2", "3", "4", "5", "6"]
}

/// At least once and in order: what came twice came one after the other.
pub(crate) fn assert_arrived(received: &[String], sent: &[&str]) {
    let mut once = received.to_vec();
    once.dedup();
    assert_eq!(once, sent, "of {received:?}");
}
