//! The steps of Validate. Nothing is published, and no queue declared.

use super::Route;
use super::error::{Asked, code, may_not_write};
use super::link::{Link, Server, quorum, short};
use crate::prober::Prober;
use crate::sinks::refusal::Refusal;
use crate::trust::name_the_authority;
use lapin::options::{BasicPublishOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::AMQPValue;
use lapin::{BasicProperties, ErrorKind};
use model::probe::{ProbeEnded, ProbeFailure};

pub(super) async fn steps(server: &Server, route: &Route, prober: &mut Prober) -> Result<(), ProbeEnded> {
    let addresses = prober.step("resolve", server.target.resolve()).await?;
    let stream = prober.step("connect", server.target.connect(&addresses)).await?;
    if let Some(tls) = &server.tls {
        let shaken = async { server.target.handshake(stream, tls.clone()).await.map_err(name_the_authority) };
        prober.step("TLS", shaken).await?;
    }
    let link = prober.step("authenticate", async { Link::open(server).await.map_err(ProbeFailure::from) }).await?;
    if !route.exchange.is_empty() {
        let found = async { link.find_exchange(route).await.map_err(ProbeFailure::from) };
        prober.step("exchange", found).await?;
    }
    prober.step("queue", async { queue(&link, route).await.map_err(ProbeFailure::from) }).await?;
    prober.step("write", async { write(&link, route).await.map_err(ProbeFailure::from) }).await
}

/// Whether the queue exists or could be declared.
async fn queue(link: &Link, route: &Route) -> Result<(), Refusal> {
    if link.find_queue(route).await? {
        return Ok(());
    }
    // Declares it with an argument no broker accepts. Permissions are checked before arguments, so the answer shows
    // whether it could be declared, and it is not.
    let mut arguments = quorum();
    arguments.insert("x-message-ttl".into(), AMQPValue::LongInt(-1));
    let channel = link.channel().await?;
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    match channel.queue_declare(short(&route.queue), durable, arguments).await {
        Err(error) if code(&error) == Some(406) => Ok(()),
        Err(error) => Err(link.refused(error, Asked::Declare(&route.queue))),
        Ok(_) => {
            let deleted = channel.queue_delete(short(&route.queue), QueueDeleteOptions::default()).await;
            deleted.map(drop).map_err(|e| link.refused(e, Asked::Declare(&route.queue)))
        }
    }
}

/// Whether the user may publish: does so in a transaction that is rolled back.
async fn write(link: &Link, route: &Route) -> Result<(), Refusal> {
    let refused = |e| link.refused(e, Asked::Publish(route));
    let channel = link.channel().await?;
    channel.tx_select().await.map_err(refused)?;
    let (exchange, key) = (short(&route.exchange), short(&route.queue));
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    channel.basic_publish(exchange, key, options, b"{}", properties).await.map_err(refused)?;
    match channel.tx_rollback().await {
        Ok(()) => Ok(()),
        // The broker has closed the channel and the library hides why. The exchange exists, so the permission to write
        // is missing.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidChannelState(..)) && link.is_open() => {
            Err(may_not_write(route).caused_by(error))
        }
        Err(error) => Err(refused(error)),
    }
}
