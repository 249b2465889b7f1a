//! What signs requests to Amazon: a connection's keys, or without any what the vault's machine, task or pod may use.
//!
//! The latter is Amazon's default credential chain: the environment's `AWS_…`, a profile, a web identity (pods), a
//! container's credentials, an instance's role. It is made when a connection without keys first signs something. Until
//! then nothing of it is read, and no metadata service is asked.

use crate::clock::Clock;
use crate::http::Outgoing;
use crate::net::find;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::identity::IdentityCache;
use aws_config::meta::region::RegionProviderChain;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_sqs::config::{Region, SharedIdentityCache};
use aws_smithy_async::rt::sleep::TokioSleep;
use model::amazon::Keys;
use model::probe::ProbeFailure;
use std::error::Error;
use std::fmt;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::timeout;

/// How long fetching a role's credentials may take: less than Validate has for all of its steps.
const PATIENCE: Duration = Duration::from_secs(7);

/// What signs a connection's requests. Clones share what was fetched.
#[derive(Debug, Clone)]
pub(crate) struct Signing {
    /// Where the SDK's clients take credentials from.
    pub(crate) provider: SharedCredentialsProvider,
    /// Where they keep them, so that several clients of a connection fetch them once.
    pub(crate) cache: SharedIdentityCache,
}

impl Signing {
    /// By these keys, or by a role. Amazon's token service is asked in the region that the environment names, else in this.
    pub(crate) fn by(keys: Option<&Keys>, region: &str, outgoing: &Outgoing, clock: &Clock) -> Self {
        let provider = match keys {
            Some(Keys { access_key, secret_key }) => SharedCredentialsProvider::new(Credentials::new(
                access_key,
                secret_key.expose(),
                None,
                None,
                "settings",
            )),
            None => SharedCredentialsProvider::new(Role {
                outgoing: outgoing.clone(),
                clock: clock.clone(),
                region: Region::new(region.to_owned()),
                chain: OnceCell::new(),
            }),
        };
        Self { provider, cache: IdentityCache::lazy().build() }
    }
}

/// The default chain, made when it is first needed.
struct Role {
    outgoing: Outgoing,
    clock: Clock,
    region: Region,
    chain: OnceCell<DefaultCredentialsChain>,
}

impl Role {
    async fn credentials(&self) -> provider::Result {
        let fetched = timeout(PATIENCE, async { self.chain().await.provide_credentials().await }).await;
        let fetched = fetched.unwrap_or_else(|_| Err(CredentialsError::provider_timed_out(PATIENCE)));
        match &fetched {
            Ok(_) | Err(CredentialsError::CredentialsNotLoaded(_)) => {}
            Err(error) => {
                // The SDK would show the answer, too.
                let error = error as &(dyn Error + 'static);
                tracing::warn!(error, "the credentials of the vault's role cannot be fetched");
            }
        }
        fetched
    }

    async fn chain(&self) -> &DefaultCredentialsChain {
        let make = || async {
            let config = ProviderConfig::empty()
                .with_http_client(self.outgoing.for_credentials())
                .with_time_source(self.clock.clone())
                .with_sleep_impl(TokioSleep::new());
            // Otherwise the region, too, would be asked of a metadata service.
            let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new());
            let region = region.or_else(self.region.clone());
            DefaultCredentialsChain::builder().configure(config).region(region).build().await
        };
        self.chain.get_or_init(make).await
    }
}

impl ProvideCredentials for Role {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

impl fmt::Debug for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Role")
    }
}

/// Why a request could not be signed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unsigned {
    /// There are no keys, and there is no role.
    NoRole,
    /// There is a role, but its credentials could not be fetched.
    NotFetched,
}

impl Unsigned {
    /// Whether that is why a request failed.
    pub(crate) fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        find::<CredentialsError>(error).map(|error| match error {
            CredentialsError::CredentialsNotLoaded(_) => Self::NoRole,
            _ => Self::NotFetched,
        })
    }

    /// In plain words.
    pub(crate) fn words(&self) -> ProbeFailure {
        match self {
            Self::NoRole => ProbeFailure::new(
                "There are no keys, and the vault's machine, task or pod has no role.",
                "Enter an access key and a secret key, or give the machine, task or pod a role that may do this.",
            ),
            Self::NotFetched => ProbeFailure::new(
                "The credentials of the vault's role cannot be fetched.",
                "Check the role's trust policy and the AWS_… of the vault's environment; the vault's log says what Amazon \
                 answered.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn tells_no_role_from_one_that_fails() {
        let nested = |error: CredentialsError| io::Error::other(error);
        assert_eq!(Unsigned::of(&nested(CredentialsError::not_loaded("none"))), Some(Unsigned::NoRole));
        assert_eq!(Unsigned::of(&nested(CredentialsError::provider_error("denied"))), Some(Unsigned::NotFetched));
        assert_eq!(Unsigned::of(&nested(CredentialsError::provider_timed_out(PATIENCE))), Some(Unsigned::NotFetched));
        assert_eq!(Unsigned::of(&io::Error::from(io::ErrorKind::ConnectionRefused)), None);
    }
}
