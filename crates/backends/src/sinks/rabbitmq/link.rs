//! One connection to a broker, and the channels on it.

use super::Route;
use super::error::{Asked, failed, unroutable};
use crate::net::{Target, connection_failure, no_answer};
use crate::sinks::refusal::Refusal;
use crate::trust::name_the_authority;
use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::tcp::RustlsConnector;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::uri::AMQPUri;
use lapin::{AsyncTcpStream, BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, ExchangeKind};
use model::ports::OutgoingEvent;
use rustls::ClientConfig;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

/// How long it may take to connect and log in.
const OPENING: Duration = Duration::from_secs(6);
/// How long an address may take to accept a connection.
const CONNECTING: Duration = Duration::from_secs(3);
/// How long closing may take.
const CLOSING: Duration = Duration::from_secs(1);
/// Delivery mode of a message that survives the broker's restart.
const PERSISTENT: u8 = 2;

/// A broker and the credentials for it.
pub(super) struct Server {
    pub(super) target: Target,
    /// Virtual host and credentials; host and port are the target's.
    pub(super) uri: AMQPUri,
    /// Set for brokers that speak TLS.
    pub(super) tls: Option<Arc<ClientConfig>>,
}

/// A connection.
pub(super) struct Link {
    connection: Arc<Connection>,
    /// Channels with nothing in flight. Each event has one to itself until it is confirmed: the library gives a
    /// returned message to whichever confirmation comes next on its channel.
    idle: Mutex<Vec<Channel>>,
    server: String,
    socket: Option<HangUp>,
}

impl Link {
    /// Connects and logs in.
    pub(super) async fn open(server: &Server) -> Result<Self, Refusal> {
        let name = server.target.name();
        timeout(OPENING, Self::connect(server)).await.unwrap_or_else(|_| Err(no_answer(&name).into()))
    }

    async fn connect(server: &Server) -> Result<Self, Refusal> {
        let name = server.target.name();
        let runtime = lapin::runtime::default_runtime().map_err(|e| failed(e, &name, Asked::Login))?;
        let mut stream = None;
        let mut failure = no_answer(&name);
        for ip in server.target.resolve().await? {
            let address = SocketAddr::new(ip, server.target.port());
            match timeout(CONNECTING, AsyncTcpStream::connect(&runtime, address)).await {
                Ok(Ok(connected)) => {
                    stream = Some(connected);
                    break;
                }
                Ok(Err(error)) => failure = connection_failure(&error, &name),
                Err(_) => failure = no_answer(&name),
            }
        }
        let Some(mut stream) = stream else { return Err(failure.into()) };
        // Must exist before the library gets the stream: its thread lives as long as the broker keeps the connection,
        // and a broker that never answers keeps it for ever.
        let socket = match &stream {
            AsyncTcpStream::Plain(plain) => HangUp::of(plain.get_ref()).map_err(|e| connection_failure(&e, &name))?,
            _ => unreachable!("a fresh stream is a plain one"),
        };
        if let Some(tls) = &server.tls {
            let connector = RustlsConnector::from(tls.clone());
            let shaken = stream.into_rustls(&connector, server.target.bare_host()).await;
            stream =
                shaken.map_err(|e| Refusal::from(name_the_authority(connection_failure(&e, &name))).caused_by(e))?;
        }
        let stream = Mutex::new(Some(stream));
        let hand_over = async move |_, _| {
            let taken = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
            taken.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected).into())
        };
        let properties = ConnectionProperties::default().with_connection_name("kerberos-vault".into());
        let connection = Connection::connector(server.uri.clone(), runtime, hand_over, properties)
            .await
            .map_err(|e| failed(e, &name, Asked::Login))?;
        let idle = Mutex::default();
        Ok(Self { connection: Arc::new(connection), idle, server: name, socket: Some(socket) })
    }

    /// Whether it is usable, as far as is known.
    pub(super) fn is_open(&self) -> bool {
        self.connection.status().connected()
    }

    /// Whether the broker has blocked publishers.
    pub(super) fn is_blocked(&self) -> bool {
        self.connection.status().blocked()
    }

    /// Opens a channel.
    pub(super) async fn channel(&self) -> Result<Channel, Refusal> {
        self.connection.create_channel().await.map_err(|e| self.refused(e, Asked::Channel))
    }

    /// An error on this connection, in plain words.
    pub(super) fn refused(&self, error: lapin::Error, asked: Asked<'_>) -> Refusal {
        failed(error, &self.server, asked)
    }

    /// Looks for exchange and queue; declares a missing queue.
    pub(super) async fn declare(&self, route: &Route) -> Result<(), Refusal> {
        self.find_exchange(route).await?;
        if self.find_queue(route).await? {
            return Ok(());
        }
        let channel = self.channel().await?;
        let (queue, asked) = (short(&route.queue), Asked::Declare(&route.queue));
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let declared = channel.queue_declare(queue.clone(), durable, quorum()).await;
        declared.map_err(|e| self.refused(e, asked))?;
        if !route.exchange.is_empty() {
            // A new queue would otherwise get nothing from it. Bindings of older queues are up to their owner.
            let bound = channel.queue_bind(
                queue.clone(),
                short(&route.exchange),
                queue,
                QueueBindOptions::default(),
                FieldTable::default(),
            );
            bound.await.map_err(|e| self.refused(e, Asked::Bind(&route.queue, &route.exchange)))?;
        }
        Ok(())
    }

    /// Fails when an exchange is named but does not exist.
    pub(super) async fn find_exchange(&self, route: &Route) -> Result<(), Refusal> {
        if route.exchange.is_empty() {
            return Ok(());
        }
        let passive = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
        let (exchange, any) = (short(&route.exchange), ExchangeKind::Direct);
        let found = self.channel().await?.exchange_declare(exchange, any, passive, FieldTable::default()).await;
        found.map_err(|e| self.refused(e, Asked::Exchange(&route.exchange)))
    }

    /// Whether the queue exists.
    pub(super) async fn find_queue(&self, route: &Route) -> Result<bool, Refusal> {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        match self.channel().await?.queue_declare(short(&route.queue), passive, FieldTable::default()).await {
            Ok(_) => Ok(true),
            Err(error) if super::error::code(&error) == Some(404) => Ok(false),
            Err(error) => Err(self.refused(error, Asked::Queue(&route.queue))),
        }
    }

    /// Publishes an event and waits until the broker has it for good.
    pub(super) async fn publish(&self, route: &Route, event: &OutgoingEvent) -> Result<(), Refusal> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let channel = match idle {
            Some(channel) => channel,
            None => self.confirming_channel().await?,
        };
        let asked = Asked::Publish(route);
        let mandatory = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let mut properties =
            BasicProperties::default().with_content_type("application/json".into()).with_delivery_mode(PERSISTENT);
        if let Ok(id) = ShortString::try_new(event.id.as_str()) {
            properties = properties.with_message_id(id);
        }
        let (exchange, key) = (short(&route.exchange), short(&route.queue));
        let sent = channel.basic_publish(exchange, key, mandatory, &event.body, properties).await;
        let confirmation = sent.map_err(|e| self.refused(e, asked))?.await.map_err(|e| self.refused(e, asked))?;
        match confirmation {
            Confirmation::Ack(None) => {
                self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(channel);
                Ok(())
            }
            Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)) => Err(unroutable(route)),
            Confirmation::Nack(None) | Confirmation::NotRequested => Err(super::error::not_stored(&route.queue)),
        }
    }

    async fn confirming_channel(&self) -> Result<Channel, Refusal> {
        let channel = self.channel().await?;
        let confirming = channel.confirm_select(ConfirmSelectOptions::default()).await;
        confirming.map_err(|e| self.refused(e, Asked::Channel))?;
        Ok(channel)
    }
}

/// Closes in the background, so that the broker does not log an aborted connection.
impl Drop for Link {
    fn drop(&mut self) {
        let (connection, socket) = (self.connection.clone(), self.socket.take());
        let leave = async move {
            let _ = timeout(CLOSING, connection.close(200, "OK".into())).await;
            drop(socket);
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(leave);
        }
    }
}

/// A second handle to a connection's socket; closes it when dropped.
struct HangUp(std::net::TcpStream);

impl HangUp {
    fn of(stream: &tokio::net::TcpStream) -> io::Result<Self> {
        Ok(Self(stream.as_fd().try_clone_to_owned()?.into()))
    }
}

impl Drop for HangUp {
    fn drop(&mut self) {
        // Fails if the other side was faster.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// An AMQP short string; settings are checked to be short enough.
pub(super) fn short(name: &str) -> ShortString {
    ShortString::try_new(name).unwrap_or_default()
}

/// Arguments for a quorum queue, which survives the loss of a node.
pub(super) fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    arguments
}
