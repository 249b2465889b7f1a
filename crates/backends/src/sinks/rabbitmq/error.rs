//! What a broker says, in plain words, depending on what it was asked.

use super::Route;
use crate::net::{connection_failure, no_answer};
use crate::sinks::refusal::Refusal;
use lapin::{Error, ErrorKind};
use std::io;

/// What the broker was asked to do.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked<'a> {
    /// To log in.
    Login,
    /// To open a channel.
    Channel,
    /// Whether this exchange exists.
    Exchange(&'a str),
    /// Whether this queue exists.
    Queue(&'a str),
    /// To declare this queue.
    Declare(&'a str),
    /// To bind this queue to this exchange.
    Bind(&'a str, &'a str),
    /// To take an event.
    Publish(&'a Route),
}

/// The AMQP reply code, if there is one.
pub(super) fn code(error: &Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(told) => Some(told.get_id()),
        _ => None,
    }
}

pub(super) fn failed(error: Error, server: &str, asked: Asked<'_>) -> Refusal {
    let refusal = match error.kind() {
        ErrorKind::IOError(io) if matches!(asked, Asked::Login) && hung_up(io) => no_broker(server),
        ErrorKind::IOError(io) => connection_failure(&**io, server).into(),
        ErrorKind::MissingHeartbeatError => no_answer(server).into(),
        ErrorKind::ProtocolError(told) => refused(told.get_id(), told.get_message().as_str(), asked),
        ErrorKind::ParsingError(_) | ErrorKind::InvalidProtocolVersion(_) => no_broker(server),
        ErrorKind::ChannelsLimitReached => Refusal::down(
            "The broker gives the vault no more channels.",
            "Raise channel_max in the broker's settings to 32 or more.",
        ),
        _ => Refusal::down(
            format!("The connection to {server} broke off."),
            "Check the network and the broker's log, then try again.",
        ),
    };
    refusal.caused_by(error)
}

/// The server does not speak AMQP, or only over TLS; some say so, some close the connection.
fn no_broker(server: &str) -> Refusal {
    Refusal::down(
        format!("{server} ended the connection before the login."),
        "Check host and port: RabbitMQ's own is 5672, or 5671 with TLS (amqps://).",
    )
}

fn hung_up(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | UnexpectedEof)
}

/// By AMQP reply code. `words` are matched, never passed on.
fn refused(code: u16, words: &str, asked: Asked<'_>) -> Refusal {
    match (code, asked) {
        (403, Asked::Login) => Refusal::down(
            "The broker does not accept the user name and password.",
            "Check both. The user guest may only log in from the broker's own machine.",
        ),
        (530, Asked::Login) if words.contains("not found") => Refusal::down(
            "The broker has no such virtual host.",
            "Check what follows the host in Broker; the default virtual host is used when nothing does.",
        ),
        (530, Asked::Login) => Refusal::down(
            "The user may not use this virtual host.",
            "Give the user permissions in it: rabbitmqctl set_permissions.",
        ),
        (404, Asked::Exchange(name)) => Refusal::down(
            format!("There is no exchange '{name}'."),
            "Make it, or leave Exchange empty for the default one.",
        ),
        (404, Asked::Publish(route)) => Refusal::down(
            format!("There is no exchange '{}'.", route.exchange),
            "Make it, or leave Exchange empty for the default one.",
        ),
        (403, Asked::Declare(queue)) => Refusal::down(
            format!("There is no queue '{queue}', and the user may not make it."),
            "Make the queue, or give the user the permission to configure it.",
        ),
        (403, Asked::Bind(queue, exchange)) => Refusal::down(
            format!("The user may not bind the queue '{queue}' to the exchange '{exchange}'."),
            "Bind it, with the queue's name as routing key.",
        ),
        (403, Asked::Publish(route)) => may_not_write(route),
        (403, Asked::Exchange(name) | Asked::Queue(name)) => Refusal::down(
            format!("The user may not use '{name}'."),
            "Give the user permissions in this virtual host: rabbitmqctl set_permissions.",
        ),
        (405, _) => {
            Refusal::down("The queue belongs to another connection alone.", "Use a queue that is not exclusive.")
        }
        (406, Asked::Publish(_)) if words.contains("larger than") => too_large(),
        (311, _) => too_large(),
        (406, Asked::Declare(queue)) => Refusal::down(
            format!("The broker does not make the queue '{queue}' as a durable quorum queue."),
            "Make the queue yourself; see the broker's log for what it does not like.",
        ),
        (320, _) => Refusal::down("The broker has closed the connection.", "Check that the broker is running."),
        (506, _) => Refusal::down("The broker is short of something.", "See the broker's log, and its limits."),
        _ => Refusal::down(
            format!("The broker refuses the request (AMQP code {code})."),
            "See the broker's log for what it does not like.",
        ),
    }
}

/// The user may not write to the exchange.
pub(super) fn may_not_write(route: &Route) -> Refusal {
    Refusal::down(
        format!("The user may not write to {}.", route.exchange_name()),
        "Give the user the permission to write to it; the default exchange's name in permissions is amq.default.",
    )
}

fn too_large() -> Refusal {
    Refusal::refused("The event is larger than the broker takes.", "Raise max_message_size in the broker's settings.")
}

/// No queue got the event.
pub(super) fn unroutable(route: &Route) -> Refusal {
    if route.exchange.is_empty() {
        return Refusal::down(format!("There is no queue '{}' any more.", route.queue), "Wait: it is made again.");
    }
    Refusal::down(
        format!("The exchange '{}' leads events with the routing key '{}' to no queue.", route.exchange, route.queue),
        "Bind a queue to the exchange with this routing key.",
    )
}

/// The broker refuses without a reason; a full queue does that.
pub(super) fn not_stored(queue: &str) -> Refusal {
    Refusal::down(
        format!("The queue '{queue}' does not take the event."),
        "Check whether the queue is full (x-max-length), and the broker's log.",
    )
}

/// The broker holds back all publishers.
pub(super) fn blocked() -> Refusal {
    Refusal::down(
        "The broker takes no messages at the moment: it is short of memory or disk.",
        "Free memory or disk on the broker.",
    )
}

impl Route {
    fn exchange_name(&self) -> String {
        match self.exchange.as_str() {
            "" => "the default exchange".into(),
            name => format!("the exchange '{name}'"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::error::SinkErrorKind;

    #[test]
    fn only_what_the_event_is_to_blame_for_is_set_aside() {
        let route = Route { exchange: "site".into(), queue: "recordings".into() };
        let publish = Asked::Publish(&route);
        for (code, words, asked, wanted) in [
            (311, "", publish, SinkErrorKind::Refused),
            (406, "message size 20 larger than max size 10", publish, SinkErrorKind::Refused),
            (406, "inequivalent arg", Asked::Declare("recordings"), SinkErrorKind::Down),
            (403, "", Asked::Login, SinkErrorKind::Down),
            (530, "vhost not found", Asked::Login, SinkErrorKind::Down),
            (403, "", publish, SinkErrorKind::Down),
            (404, "", publish, SinkErrorKind::Down),
            (405, "", publish, SinkErrorKind::Down),
            (320, "", publish, SinkErrorKind::Down),
            (506, "", publish, SinkErrorKind::Down),
            (541, "", publish, SinkErrorKind::Down),
        ] {
            assert_eq!(refused(code, words, asked).kind, wanted, "{code} {words}");
        }
        for refusal in [unroutable(&route), not_stored("recordings"), blocked()] {
            assert_eq!(refusal.kind, SinkErrorKind::Down, "{refusal:?}");
        }
    }
}
