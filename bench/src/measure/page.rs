//! What a browser loads before the first page lives, and how long that takes.

use crate::report::{Goal, Section, Table};
use crate::stage::{PASSWORD, Scratch, USERNAME, Vault, Workshop};
use crate::stats::Samples;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::process::{Command, Stdio};

const LOADS: usize = 10;
/// Bytes.
const GOAL: u64 = 350 << 10;
/// What a page asks for.
const FILES: [&str; 3] = ["kerberos-vault.wasm", "kerberos-vault.js", "kerberos-vault.css"];

pub(super) async fn measure(workshop: &Workshop, quick: bool) -> Result<Section> {
    let package = workshop.repository.join("target/site/pkg");
    let mut sizes = Table::new(&["file", "KiB", "KiB as sent (brotli)"]);
    let mut sent = [0; FILES.len()];
    for (file, sent) in FILES.iter().zip(&mut sent) {
        let size = |name: &str| std::fs::metadata(package.join(name)).map(|about| about.len());
        let whole = size(file).with_context(|| format!("{file} is not there: cargo xtask build --release"))?;
        *sent = size(&format!("{file}.br")).unwrap_or(whole);
        sizes.row([*file, &kibibytes(whole), &format!("**{}**", kibibytes(*sent))]);
    }

    let loads = if quick { 2 } else { LOADS };
    let mut table = Table::new(&["page", "loads", "first paint, median ms", "interactive: min", "median", "max"]);
    for page in load(workshop, loads).await?.as_array().context("the browser told nothing")? {
        let samples = |name: &str| {
            let values = page[name].as_array().into_iter().flatten().filter_map(Value::as_f64);
            Samples::new(values)
        };
        let (painted, interactive) = (samples("painted"), samples("interactive"));
        table.row([
            page["page"].as_str().unwrap_or_default(),
            &interactive.len().to_string(),
            &format!("{:.0}", painted.median()),
            &format!("{:.0}", interactive.min()),
            &format!("**{:.0}**", interactive.median()),
            &format!("{:.0}", interactive.max()),
        ]);
    }
    let body = format!(
        "{}\nFrom the start of the navigation until the page reacts: on the sign-in page to a click on “Show password”, on Media to the \
         key `/`; tried every 4 ms from inside the page. Chromium, headless, a new profile for each load, so that nothing is \
         cached; vault and browser on the same machine.\n\n{}",
        sizes.finish(),
        table.finish()
    );
    let goal = Goal {
        what: "WebAssembly of the first page, as sent".into(),
        goal: "< 350 KiB",
        measured: format!("{} KiB", kibibytes(sent[0])),
        met: sent[0] < GOAL,
    };
    Ok(Section { title: "First page", goals: vec![goal], body })
}

fn kibibytes(bytes: u64) -> String {
    format!("{:.0}", bytes as f64 / 1024.0)
}

/// Lets a browser load pages of a fresh vault; see end2end/bench.
async fn load(workshop: &Workshop, loads: usize) -> Result<Value> {
    let scratch = Scratch::new(1 << 20)?;
    let vault = Vault::start(workshop, scratch.path(), "").await?;
    let result = scratch.path().join("loads.json");
    let mut browser = Command::new("npx");
    browser.args(["--no-install", "playwright", "test", "--config", "bench.config.ts"]);
    browser.current_dir(workshop.repository.join("end2end")).stdout(Stdio::null());
    browser.env("BENCH_URL", vault.url()).env("BENCH_USERNAME", USERNAME).env("BENCH_PASSWORD", PASSWORD);
    browser.env("BENCH_LOADS", loads.to_string()).env("BENCH_RESULT", &result);
    let ended = tokio::task::spawn_blocking(move || browser.status()).await??;
    ensure!(ended.success(), "the browser could not load the pages: see end2end/bench, and scripts/setup tests");
    Ok(serde_json::from_slice(&std::fs::read(result)?)?)
}
