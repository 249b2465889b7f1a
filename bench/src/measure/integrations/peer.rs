//! The other sides: real brokers and emulators, each with a consumer in this process.

use super::alone::Alone;
use crate::receive::{Hook, Inbox, Queue, read_queue, read_topic};
use crate::stage::{Cores, Declared, Service, Workshop};
use anyhow::Result;
use model::field::Settings;

/// Name of topic and queues.
const EVENTS: &str = "events";
const REGION: &str = "us-east-1";

/// An integration, and its consumer.
pub(super) struct Peer {
    pub(super) title: &'static str,
    pub(super) integration: Declared,
    pub(super) alone: Alone,
    pub(super) inbox: Inbox,
    _service: Option<Service>,
}

/// Kind of integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Webhook,
    Hub,
    Kafka,
    Sqs,
    Rabbitmq,
}

pub(super) const KINDS: [Kind; 5] = [Kind::Webhook, Kind::Hub, Kind::Kafka, Kind::Sqs, Kind::Rabbitmq];

impl Peer {
    pub(super) async fn open(kind: Kind, workshop: &Workshop) -> Result<Self> {
        match kind {
            Kind::Webhook => {
                let hook = Hook::start().await?;
                let settings = Settings::new().with("url", &hook.url).with("secret", "bench");
                Self::told("webhook", Declared::integration("peer", "webhook", settings), hook.inbox, None)
            }
            Kind::Hub => {
                let hook = Hook::start().await?;
                let settings = Settings::new().with("url", &hook.url).with("hub_key", "bench");
                Self::told("Kerberos Hub", Declared::integration("peer", "hub", settings), hook.inbox, None)
            }
            Kind::Kafka => kafka(workshop).await,
            Kind::Sqs => sqs(workshop).await,
            Kind::Rabbitmq => rabbitmq(workshop).await,
        }
    }

    fn told(title: &'static str, integration: Declared, inbox: Inbox, service: Option<Service>) -> Result<Self> {
        Ok(Self { title, alone: Alone::open(&integration)?, integration, inbox, _service: service })
    }
}

async fn kafka(workshop: &Workshop) -> Result<Peer> {
    let service = Service::start(workshop, "kafka", Cores::All)?;
    let broker = service.variable("PLAINTEXT")?;
    let settings = Settings::new().with("broker", &broker).with("topic", EVENTS);
    let integration = Declared::integration("peer", "kafka", settings);
    let alone = Alone::open(&integration)?;
    // the first event creates the topic
    let first = alone.send(0).await?;
    let mut inbox = read_topic(&broker, EVENTS).await?;
    inbox.expect(&first.key).await?;
    Ok(Peer { title: "Kafka", integration, alone, inbox, _service: Some(service) })
}

async fn rabbitmq(workshop: &Workshop) -> Result<Peer> {
    let service = Service::start(workshop, "rabbitmq", Cores::All)?;
    let (broker, username) = (service.variable("BROKER")?, service.variable("USERNAME")?);
    let password = service.variable("PASSWORD")?;
    let settings = Settings::new()
        .with("broker", &broker)
        .with("topic", EVENTS)
        .with("username", &username)
        .with("password", &password);
    let integration = Declared::integration("peer", "rabbitmq", settings);
    let alone = Alone::open(&integration)?;
    // the first event creates the queue
    let first = alone.send(0).await?;
    let mut inbox = read_queue(&format!("amqp://{username}:{password}@{broker}/%2f"), EVENTS).await?;
    inbox.expect(&first.key).await?;
    Ok(Peer { title: "RabbitMQ", integration, alone, inbox, _service: Some(service) })
}

async fn sqs(workshop: &Workshop) -> Result<Peer> {
    let service = Service::start(workshop, "sqs", Cores::All)?;
    let endpoint = service.variable("ENDPOINT")?;
    let (access_key, secret_key) = (service.variable("ACCESS_KEY")?, service.variable("SECRET_KEY")?);
    let queue = Queue::create(&endpoint, REGION, &access_key, &secret_key, EVENTS).await?;
    let settings = Settings::new()
        .with("topic", EVENTS)
        .with("region", REGION)
        .with("access_key", access_key)
        .with("secret_key", secret_key)
        .with("endpoint", endpoint);
    Peer::told("AWS SQS", Declared::integration("peer", "sqs", settings), queue.read(), Some(service))
}
