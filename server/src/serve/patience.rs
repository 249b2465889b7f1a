//! How long a client may let the vault wait for its next request.

use super::Options;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// What a client was waited for in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaited {
    /// The head of its first request.
    First,
    /// The rest of a head that has begun.
    Head,
    /// Another request.
    Next,
}

/// Runs while a connection is between two requests.
pub(super) struct Patience {
    head: Duration,
    idle: Duration,
    /// What is waited for, and after how many requests; `None` right after something else has happened.
    awaited: Option<(Awaited, u64)>,
    timer: Pin<Box<Sleep>>,
}

impl Patience {
    /// For a new connection.
    pub(super) fn new(options: &Options) -> Self {
        let (head, idle) = (options.header_timeout, options.idle_timeout);
        Self { head, idle, awaited: Some((Awaited::First, 0)), timer: Box::pin(sleep(head)) }
    }

    /// Bytes came after so many requests, which belong to none of them.
    pub(super) fn bytes_came(&mut self, requests: u64) {
        if self.awaited != Some((Awaited::Head, requests)) {
            self.begin(Awaited::Head, requests);
        }
    }

    /// An answer is being taken: the time to be idle begins anew.
    pub(super) fn bytes_went(&mut self) {
        self.awaited = None;
    }

    /// No bytes have come after so many requests. Ready when it has lasted too long.
    pub(super) fn poll_over(&mut self, requests: u64, cx: &mut Context<'_>) -> Poll<Awaited> {
        let awaited = match self.awaited {
            Some((awaited, since)) if since == requests => awaited,
            _ => self.begin(if requests == 0 { Awaited::First } else { Awaited::Next }, requests),
        };
        self.timer.as_mut().poll(cx).map(|()| awaited)
    }

    fn begin(&mut self, awaited: Awaited, requests: u64) -> Awaited {
        let patience = if awaited == Awaited::Next { self.idle } else { self.head };
        self.timer.as_mut().reset(Instant::now() + patience);
        self.awaited = Some((awaited, requests));
        awaited
    }
}
