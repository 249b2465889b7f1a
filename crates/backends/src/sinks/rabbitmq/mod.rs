//! A queue of a RabbitMQ broker, over AMQP 0.9.1.
//!
//! Messages are persistent and mandatory. They count as sent when the broker confirms them; those that reach no queue
//! are failures. The message id is the event's id and stays the same when an event is sent again.

mod error;
mod link;
mod probe;

use super::kept::Kept;
use super::refusal::Refusal;
use crate::http::Outgoing;
use crate::net::{Target, no_answer};
use crate::prober::Prober;
use crate::trust::trusting;
use async_trait::async_trait;
use lapin::uri::{AMQPUri, AMQPUserInfo};
use link::{Link, Server};
use model::error::SinkError;
use model::field::FieldError;
use model::integrations::Rabbitmq;
use model::ports::{EventSink, OutgoingEvent};
use model::probe::ProbeReport;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long a broker may take to confirm an event.
const CONFIRMED: Duration = Duration::from_secs(10);
/// Seconds after which each side notices that the other is gone.
const HEARTBEAT: u16 = 15;

/// A queue.
#[derive(Clone)]
pub(crate) struct RabbitmqSink {
    server: Arc<Server>,
    route: Arc<Route>,
    link: Arc<Kept<Link>>,
}

/// How events are routed at the broker.
#[derive(Debug)]
struct Route {
    /// Empty for the default exchange.
    exchange: String,
    queue: String,
}

impl RabbitmqSink {
    pub(crate) fn new(settings: Rabbitmq, outgoing: &Outgoing) -> Result<Self, Vec<FieldError>> {
        let wrong = || vec![FieldError::new("broker", "Broker is not a valid address")];
        let address = settings.address().ok_or_else(wrong)?;
        let slash = if address.virtual_host.is_empty() { "" } else { "/" };
        // Only for its virtual host, which is percent-encoded in a URI.
        let mut uri: AMQPUri = format!("amqp://broker{slash}{}", address.virtual_host).parse().map_err(|_| wrong())?;
        uri.authority.userinfo =
            AMQPUserInfo { username: settings.username, password: settings.password.expose().to_owned() };
        uri.query.heartbeat = Some(HEARTBEAT);
        let target = Target::at(&address.host, address.port, address.tls);
        let tls = address.tls.then(|| trusting(&settings.ca_certificate, outgoing)).transpose()?;
        Ok(Self {
            server: Arc::new(Server { target, uri, tls }),
            route: Arc::new(Route { exchange: settings.exchange, queue: settings.topic }),
            link: Arc::new(Kept::new()),
        })
    }

    /// Connects, and makes sure the queue exists.
    async fn open(&self) -> Result<Link, Refusal> {
        let link = Link::open(&self.server).await?;
        link.declare(&self.route).await?;
        Ok(link)
    }

    async fn publish(&self, event: &OutgoingEvent) -> Result<(), Refusal> {
        let link = self.link.get(Link::is_open, self.open()).await?;
        let confirmed = timeout(CONFIRMED, link.publish(&self.route, event)).await.unwrap_or_else(|_| {
            Err(if link.is_blocked() { error::blocked() } else { no_answer(&self.server.target.name()).into() })
        });
        // A failure of the event alone says nothing against the connection.
        if confirmed.as_ref().is_err_and(|refusal| !refusal.is_about_the_event()) {
            self.link.forget(&link).await;
        }
        confirmed
    }
}

#[async_trait]
impl EventSink for RabbitmqSink {
    async fn probe(&self) -> ProbeReport {
        let sink = self.clone();
        Prober::run(|mut prober| async move {
            let _ = probe::steps(&sink.server, &sink.route, &mut prober).await;
            prober
        })
        .await
    }

    async fn send(&self, event: &OutgoingEvent) -> Result<(), SinkError> {
        self.publish(event).await.map_err(Into::into)
    }
}
