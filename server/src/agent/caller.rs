//! Authentication, as an extractor: no handler starts before its caller is known.

use super::wire::Credentials;
use crate::limits::{group, seconds};
use crate::peer::Peer;
use crate::problem::{self, ApiError};
use crate::state::AppState;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::net::{IpAddr, Ipv4Addr};
use vault::accounts::Account;

/// The account whose credentials a request carries.
#[derive(Debug)]
pub struct Caller(pub Account);

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let Credentials { access_key, secret_key } = Credentials::parse(&parts.headers)?;
        let ip = parts.extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip);
        let guess = (group(ip), access_key);
        let (guesses, now) = (&state.limits.wrong_credentials, state.vault.clock().elapsed());
        let too_many = |wait| ApiError::from(&problem::TOO_MANY).retry_after(seconds(wait));
        // Somebody else's wrong attempts from the same address must not lock out credentials that were right before.
        let fingerprint = state.vault.accounts.fingerprint(&secret_key);
        if !state.limits.proven.contains(&guess, &fingerprint) {
            guesses.check(&guess, now).map_err(too_many)?;
        }

        let found = state.vault.accounts.authenticate(&guess.1, &secret_key).await;
        match found.map_err(|e| ApiError::from(&problem::DATABASE).caused_by(e))? {
            Some(account) if account.enabled => {
                state.limits.proven.insert(guess, fingerprint);
                Ok(Self(account))
            }
            Some(_) => Err((&problem::ACCOUNT_DISABLED).into()),
            None => {
                guesses.take(guess, now).map_err(too_many)?;
                Err((&problem::WRONG_CREDENTIALS).into())
            }
        }
    }
}
