//! The page as a browser gets it.

use super::Timing;
use super::questions::Question;
use crate::http::{Connection, Pieces};
use crate::stage::{PASSWORD, USERNAME, Vault};
use anyhow::{Context as _, Result, ensure};
use hyper::header::{COOKIE, SET_COOKIE};
use hyper::{Request, StatusCode};
use model::recording::Position;
use std::time::Instant;
use time::OffsetDateTime;
use time::macros::format_description;

/// Requests what was listed before, and checks that there are rows where there were some.
pub(super) async fn time(vault: &Vault, listed: &[Timing], repeat: usize) -> Result<Vec<Timing>> {
    let mut connection = Connection::open(vault.address).await?;
    let cookie = sign_in(&mut connection, vault).await?;
    let mut timings = Vec::new();
    for Timing { question, rows, .. } in listed {
        let address = address(question)?;
        let mut samples = Vec::new();
        for _ in 0..repeat.max(1) {
            let request =
                Request::get(&address).header(COOKIE, &cookie).header("Accept", "text/html").body(Pieces::none())?;
            let start = Instant::now();
            let page = connection.expect(request, StatusCode::OK).await?;
            samples.push(start.elapsed().as_secs_f64() * 1000.0);
            let shows_rows = page.body.windows(4).any(|window| window == b".mp4");
            ensure!(shows_rows == (*rows > 0), "{address} does not show what the query finds");
        }
        timings.push(Timing { question: question.clone(), rows: *rows, samples });
    }
    Ok(timings)
}

/// Like the sign-in form without JavaScript.
async fn sign_in(connection: &mut Connection, vault: &Vault) -> Result<String> {
    let form = format!("username={USERNAME}&password={PASSWORD}&next=%2Fmedia");
    let request = Request::post("/api/fn/sign_in")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("Accept", "text/html")
        .header("Origin", vault.url())
        .header("Referer", format!("{}/sign-in", vault.url()))
        .body(Pieces::whole(form.into()))?;
    let answer = connection.expect(request, StatusCode::FOUND).await?;
    let cookie = answer.headers.get(SET_COOKIE).context("signing in gave no session")?.to_str()?;
    Ok(cookie.split(';').next().unwrap_or_default().to_owned())
}

fn address(question: &Question) -> Result<String> {
    let filter = &question.filter;
    let minute = |ms: Option<i64>| -> Result<Option<String>> {
        let Some(ms) = ms else { return Ok(None) };
        let time = OffsetDateTime::from_unix_timestamp(ms / 1000)?;
        Ok(Some(time.format(format_description!("[year]-[month]-[day]T[hour]:[minute]"))?))
    };
    let (older, newer) = match question.position {
        Position::Newest => (None, None),
        Position::OlderThan(cursor) => (Some(cursor.to_string()), None),
        Position::NewerThan(cursor) => (None, Some(cursor.to_string())),
    };
    let all = [
        ("account", filter.account.clone()),
        ("provider", filter.provider.clone()),
        ("camera", filter.device.clone()),
        ("from", minute(filter.from)?),
        ("until", minute(filter.until)?),
        ("older", older),
        ("newer", newer),
    ];
    let set: Vec<String> = all.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?))).collect();
    Ok(if set.is_empty() { "/media".into() } else { format!("/media?{}", set.join("&")) })
}
