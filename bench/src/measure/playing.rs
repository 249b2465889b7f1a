//! What players and services that read wait for: a day's playlist with the first bytes to play, and signed addresses in bulk.

use super::{DISK, filesystem_provider};
use crate::http::{Connection, Pieces};
use crate::load::device;
use crate::report::{Goal, Section, Table};
use crate::say;
use crate::stage::{Scratch, Vault, Workshop};
use crate::stats::Samples;
use anyhow::{Context as _, Result};
use bytes::Bytes;
use hyper::header::RANGE;
use hyper::{Request, StatusCode};
use serde_json::json;
use std::time::Instant;

/// Recordings of a camera in a day.
const DAY: u64 = 1440;
/// When the day begins, Unix seconds.
const BEGINS: u64 = 1_700_000_000;
/// Addresses in one request.
const ADDRESSES: u64 = 10_000;
const REPEATS: usize = 20;

pub(super) async fn measure(workshop: &Workshop, quick: bool) -> Result<Section> {
    let (day, addresses, repeats) = if quick { (60, 100, 2) } else { (DAY, ADDRESSES, REPEATS) };
    let recording: Bytes = std::fs::read(workshop.repository.join("fixtures/fragmented.mp4"))?.into();
    let scratch = Scratch::new(recording.len() as u64 * day)?;
    let provider = filesystem_provider(&scratch.path().join("recordings"));
    let vault = Vault::start(workshop, scratch.path(), &format!("{}{}", provider.section(), DISK.section(""))).await?;
    let mut client = Client { connection: Connection::open(vault.address).await? };
    say(&format!("{day} recordings of one camera"));
    for minute in 0..day {
        client.upload(&device(0), minute, &recording).await?;
    }
    for minute in day..addresses {
        client.upload(&device(1), minute, &Bytes::new()).await?;
    }
    let (mut playlists, mut first, mut bulks, mut size) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for _ in 0..repeats {
        let start = Instant::now();
        let playlist = client.playlist(day).await?;
        playlists.push(milliseconds(start));
        client.first(&playlist).await?;
        first.push(milliseconds(start));
        size = playlist.len();
        let start = Instant::now();
        client.bulk(addresses).await?;
        bulks.push(milliseconds(start));
    }
    let rows = [
        ("a day's playlist, one camera, 1,440 recordings", "< 100 ms", 100.0, Samples::new(playlists)),
        ("the same, until the first segment is there to be played", "", f64::INFINITY, Samples::new(first)),
        ("10,000 signed addresses in one request", "< 500 ms", 500.0, Samples::new(bulks)),
    ];
    let mut table = Table::new(&["answer", "times", "median, ms", "p99, ms"]);
    let mut goals = Vec::new();
    for (what, goal, most, samples) in rows {
        let (median, p99) = (format!("{:.0}", samples.median()), format!("{:.0}", samples.quantile(0.99)));
        table.row([what, &samples.len().to_string(), &format!("**{median}**"), &p99]);
        if most.is_finite() {
            let measured = format!("median {median} ms, p99 {p99} ms");
            goals.push(Goal { what: what.into(), goal, measured, met: samples.quantile(0.99) < most });
        }
    }
    let body = format!(
        "SQLite, recordings in a folder, one client on a connection of its own. The playlist has {size} bytes. Until a player can \
         show something it asks for the playlist, the header and the first segment, one after the other.\n\n{}",
        table.finish()
    );
    Ok(Section { title: "Playing", goals, body })
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

struct Client {
    connection: Connection,
}

impl Client {
    async fn upload(&mut self, device: &str, minute: u64, recording: &Bytes) -> Result<()> {
        // No two are the same.
        let mut bytes = recording.to_vec();
        bytes.extend_from_slice(b"\0\0\0\x10free");
        bytes.extend_from_slice(&minute.to_be_bytes());
        let request = request("POST", "/api/storage").header("X-Kerberos-Storage-FileName", file(minute));
        let request = request.header("X-Kerberos-Storage-Directory", "day").header("X-Kerberos-Storage-Device", device);
        self.connection.expect(request.body(Pieces::whole(bytes.into()))?, StatusCode::OK).await?;
        Ok(())
    }

    async fn playlist(&mut self, day: u64) -> Result<String> {
        let asked = json!({"device": [device(0)], "start": BEGINS, "end": BEGINS + day * 60});
        self.ask("/api/hls", asked).await
    }

    /// What a player asks for before it shows anything.
    async fn first(&mut self, playlist: &str) -> Result<()> {
        let map = playlist.lines().find_map(|line| line.strip_prefix("#EXT-X-MAP:")).context("no EXT-X-MAP")?;
        self.part(quoted(map, "URI")?, quoted(map, "BYTERANGE")?).await?;
        let range = playlist.lines().find_map(|line| line.strip_prefix("#EXT-X-BYTERANGE:")).context("no segment")?;
        let url =
            playlist.lines().find(|line| line.starts_with("http") || line.starts_with('/')).context("no address")?;
        self.part(url, range).await
    }

    async fn part(&mut self, url: &str, range: &str) -> Result<()> {
        let (length, from) = range.split_once('@').context("a range without its beginning")?;
        let (length, from): (u64, u64) = (length.parse()?, from.parse()?);
        let path = url.find("/api/").map(|at| &url[at..]).context("not the vault's address")?;
        let request = Request::get(path).header(RANGE, format!("bytes={from}-{}", from + length - 1));
        self.connection.expect(request.body(Pieces::none())?, StatusCode::PARTIAL_CONTENT).await?;
        Ok(())
    }

    async fn bulk(&mut self, addresses: u64) -> Result<()> {
        let entries = (0..addresses).map(|n| json!({"filename": format!("day/{}", file(n)), "uriExpiryTime": "24h"}));
        self.ask("/api/storage/bulk", entries.collect()).await.map(drop)
    }

    async fn ask(&mut self, path: &str, body: serde_json::Value) -> Result<String> {
        let request = request("POST", path).header("Content-Type", "application/json");
        let answer =
            self.connection.expect(request.body(Pieces::whole(body.to_string().into()))?, StatusCode::OK).await?;
        Ok(String::from_utf8(answer.body)?)
    }
}

fn request(method: &str, path: &str) -> hyper::http::request::Builder {
    let request = Request::builder().method(method).uri(path);
    request
        .header("X-Kerberos-Storage-AccessKey", DISK.access_key())
        .header("X-Kerberos-Storage-SecretAccessKey", DISK.secret_key())
}

fn file(minute: u64) -> String {
    format!("{}_6-967003_Camera0_200-200-400-400_24_8000.mp4", BEGINS + minute * 60)
}

/// The value of an attribute.
fn quoted<'a>(line: &'a str, name: &str) -> Result<&'a str> {
    let rest = line.split_once(&format!("{name}=\"")).with_context(|| format!("no {name}"))?.1;
    Ok(rest.split_once('"').context("no end")?.0)
}
