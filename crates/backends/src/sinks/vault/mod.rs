//! Another vault, which gets the recordings themselves (docs/protocol.md §10): all of them, or, on demand, only those
//! somebody asks for.

mod answer;
mod bandwidth;
mod has_no_tus;
mod request;
mod resumable;
mod transfer;

use super::below;
use super::hub::HubQueue;
use super::refusal::Refusal;
use crate::http::{Outgoing, REQUEST_TIMEOUT};
use crate::net::{Target, find};
use crate::prober::Prober;
use answer::Taken;
use async_trait::async_trait;
use bandwidth::Bandwidth;
use has_no_tus::HasNoTus;
use model::error::{Cause, SinkError, SinkErrorKind, StoreError, StoreErrorKind};
use model::field::FieldError;
use model::integrations::{ForwardOrder, ForwardType, RemoteVault};
use model::ports::{EventSink, OpenRecording, OutgoingEvent, Purpose};
use model::probe::{ProbeEnded, ProbeFailure, ProbeReport};
use reqwest::{Body, Url};
use std::sync::Arc;
use std::time::Duration;

/// Longest a transfer may take. Stalls are limited much more tightly, see [`transfer`].
const LONGEST: Duration = Duration::from_secs(12 * 3600);

/// Another vault.
#[derive(Debug, Clone)]
pub(crate) struct VaultSink {
    url: Url,
    settings: Arc<RemoteVault>,
    bandwidth: Option<Arc<Bandwidth>>,
    /// On demand: the Hub that is told about recordings.
    hub: Option<HubQueue>,
    has_no_tus: HasNoTus,
    outgoing: Outgoing,
}

impl VaultSink {
    pub(crate) fn new(settings: RemoteVault, outgoing: &Outgoing) -> Result<Self, Vec<FieldError>> {
        let url = settings.vault_url.parse();
        let url = url.map_err(|_| vec![FieldError::new("vault_url", "Vault URL is not a valid address")])?;
        let told = settings.forward_type == ForwardType::OnDemand && !settings.url.is_empty();
        let hub = told.then(|| HubQueue::new(&settings.url, &settings.hub_key, outgoing)).transpose()?;
        let bandwidth = Bandwidth::of_kib(settings.bandwidth).map(Arc::new);
        Ok(Self {
            url,
            settings: Arc::new(settings),
            bandwidth,
            hub,
            has_no_tus: HasNoTus::default(),
            outgoing: outgoing.clone(),
        })
    }

    /// Sends the recording, unless it has been deleted meanwhile.
    async fn forward(&self, event: &OutgoingEvent) -> Result<(), Refusal> {
        match self.transfer(event).await? {
            Taken::Stored => {}
            Taken::Loop => tracing::info!(event = event.id, "a recording was not forwarded to where it came from"),
            Taken::Gone => tracing::info!(event = event.id, "a recording was deleted before it could be forwarded"),
        }
        Ok(())
    }

    async fn transfer(&self, event: &OutgoingEvent) -> Result<Taken, Refusal> {
        if let Some(taken) = self.go_on(event).await? {
            return Ok(taken);
        }
        let Some(recording) = self.open(event, 0).await? else { return Ok(Taken::Gone) };
        if !self.is_worth_resuming(recording.size) {
            return self.upload(recording).await;
        }
        if let Some(taken) = self.begin(event, recording).await? {
            return Ok(taken);
        }
        match self.open(event, 0).await? {
            Some(recording) => self.upload(recording).await,
            None => Ok(Taken::Gone),
        }
    }

    /// The recording, to be read from this byte on; `None` if it has been deleted.
    async fn open(&self, event: &OutgoingEvent, from: u64) -> Result<Option<OpenRecording>, Refusal> {
        match event.recording.open(from).await {
            Ok(recording) => Ok(Some(recording)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(unreadable(error.kind, error.message.clone(), error.into())),
        }
    }

    async fn upload(&self, recording: OpenRecording) -> Result<Taken, Refusal> {
        let url = below(&self.url, &["storage"]);
        let headers = request::upload(&self.settings, &recording);
        let (body, watch) = transfer::watched(recording.body, self.bandwidth.clone());
        let sent = watch.over(self.outgoing.post_for_answer(&url, headers, body, LONGEST)).await?;
        match sent {
            Ok(answer) => answer::to_recording(&answer),
            Err(cause) => Err(match find::<StoreError>(&*cause) {
                Some(store) => unreadable(store.kind, store.message.clone(), cause),
                None => Refusal::of_connection(&url, cause),
            }),
        }
    }

    /// Checks the credentials.
    async fn ping(&self) -> Result<(), Refusal> {
        let url = below(&self.url, &["ping"]);
        let headers = request::credentials(&self.settings);
        match self.outgoing.post_for_answer(&url, headers, Body::default(), REQUEST_TIMEOUT).await {
            Ok(answer) => answer::to_ping(&answer),
            Err(cause) => Err(Refusal::of_connection(&url, cause)),
        }
    }

    async fn steps(&self, prober: &mut Prober) -> Result<(), ProbeEnded> {
        let Some(server) = Target::of(&self.url) else {
            let failure = ProbeFailure::new("The vault's URL names no server.", "Enter it as https://host/api.");
            return prober.step("resolve", async { Err(failure) }).await;
        };
        server.reach(prober, &self.outgoing).await?;
        prober.step("authenticate", async { self.ping().await.map_err(|refusal| refusal.failure) }).await?;
        if let Some(hub) = &self.hub {
            prober.turn_to("Hub");
            hub.steps(prober).await?;
        }
        Ok(())
    }

    async fn deliver(&self, event: &OutgoingEvent) -> Result<(), Refusal> {
        match (event.purpose, self.settings.forward_type) {
            // There is no recording to send, so only check whether one would be accepted.
            (Purpose::Test, _) => self.ping().await?,
            (Purpose::Forward, _) | (_, ForwardType::Continuous) => return self.forward(event).await,
            // An asset is not news.
            (Purpose::Asset, ForwardType::OnDemand) => return Ok(()),
            (_, ForwardType::OnDemand) => {}
        }
        match &self.hub {
            Some(hub) => hub.send(event).await,
            None => Ok(()),
        }
    }
}

/// A damaged recording must not hold up the others; a store that does not answer has none of them to send.
fn unreadable(trouble: StoreErrorKind, reason: String, cause: Cause) -> Refusal {
    let kind = match trouble {
        StoreErrorKind::NotFound
        | StoreErrorKind::Corrupt
        | StoreErrorKind::Range
        | StoreErrorKind::Taken
        | StoreErrorKind::Clash
        | StoreErrorKind::Name => SinkErrorKind::Refused,
        StoreErrorKind::Unavailable
        | StoreErrorKind::Denied
        | StoreErrorKind::Full
        | StoreErrorKind::Interrupted
        | StoreErrorKind::Unconfirmed => SinkErrorKind::Down,
    };
    let reason = format!("The recording cannot be read here. {reason}");
    Refusal::new(kind, reason, "Validate its storage provider.").caused_by(cause)
}

#[async_trait]
impl EventSink for VaultSink {
    async fn probe(&self) -> ProbeReport {
        let sink = self.clone();
        Prober::run(|mut prober| async move {
            let _ = sink.steps(&mut prober).await;
            prober
        })
        .await
    }

    async fn send(&self, event: &OutgoingEvent) -> Result<(), SinkError> {
        self.deliver(event).await.map_err(Into::into)
    }

    fn concurrency(&self) -> usize {
        usize::try_from(self.settings.concurrency).unwrap_or(1)
    }

    fn send_timeout(&self) -> Duration {
        LONGEST
    }

    fn newest_first(&self) -> bool {
        self.settings.order == ForwardOrder::Newest
    }
}
