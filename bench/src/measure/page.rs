//! What a browser loads before the first page is live, and how long that takes.

use crate::report::{Goal, Section, Table};
use crate::stage::{PASSWORD, Scratch, USERNAME, Vault, Workshop};
use crate::stats::Samples;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const LOADS: usize = 10;
/// Bytes.
const GOAL: u64 = 350 << 10;
/// Files that every page requests.
const FILES: [&str; 4] = ["kerberos-vault.wasm", "kerberos-vault.js", "split.js", "kerberos-vault.css"];

pub(super) async fn measure(workshop: &Workshop, quick: bool) -> Result<Section> {
    let package = Package::find(&workshop.repository.join("target/site/pkg"))?;
    let mut sizes = Table::new(&["file", "KiB", "KiB as sent (brotli)"]);
    for file in FILES {
        let (whole, sent) = package.sizes(file)?;
        sizes.row([file, &kibibytes(whole), &format!("**{}**", kibibytes(sent))]);
    }
    let (_, every_page) = package.sizes(FILES[0])?;
    let mut pages = Table::new(&["WebAssembly of", "files", "KiB as sent (brotli)", "of these its own"]);
    pages.row(["sign-in", "1", &format!("**{}**", kibibytes(every_page)), "0"]);
    let mut largest = every_page;
    for (page, files) in &package.pages {
        let mut own = 0;
        let files: Vec<_> = files.iter().filter(|file| file.ends_with(".wasm")).collect();
        for file in &files {
            own += package.sizes(file)?.1;
        }
        // a dialog is shown above its list's page, which it needs as well
        if !page.ends_with("dialogs") {
            largest = largest.max(every_page + own);
        }
        let (files, all) = ((files.len() + 1).to_string(), format!("**{}**", kibibytes(every_page + own)));
        pages.row([page, files.as_str(), &all, &kibibytes(own)]);
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
        "{}\nA page's own files are loaded once: what several pages share is in files of its own, and files with a version \
         in their address stay in the browser.\n\n{}\nFrom the start of the navigation until the page reacts: on the sign-in page to a click on “Show password”, on Media to the \
         key `/`; tried every 4 ms from inside the page. Chromium, headless, a new profile for each load, so that nothing is \
         cached; vault and browser on the same machine.\n\n{}",
        sizes.finish(),
        pages.finish(),
        table.finish()
    );
    let goal = |what: &str, sent: u64| Goal {
        what: what.into(),
        goal: "< 350 KiB",
        measured: format!("{} KiB", kibibytes(sent)),
        met: sent < GOAL,
    };
    let goals = vec![
        goal("WebAssembly of the sign-in page, as sent", every_page),
        goal("WebAssembly of the largest page, as sent", largest),
    ];
    Ok(Section { title: "First page", goals, body })
}

/// The site's files, as `cargo xtask build --release` left them.
struct Package {
    /// Common files in the first, pages' files in the second.
    folders: [PathBuf; 2],
    /// Page → names of its files.
    pages: BTreeMap<String, Vec<String>>,
}

impl Package {
    fn find(folder: &Path) -> Result<Self> {
        let missing = || format!("{} is not built: cargo xtask build --release", folder.display());
        let entries = std::fs::read_dir(folder).with_context(missing)?;
        let version = entries.flatten().map(|entry| entry.path()).find(|path| path.is_dir()).with_context(missing)?;
        let pages = serde_json::from_slice(&std::fs::read(version.join("pages.json"))?)?;
        Ok(Self { folders: [folder.to_owned(), version], pages })
    }

    /// A file's size, and what is sent of it, in bytes.
    fn sizes(&self, file: &str) -> Result<(u64, u64)> {
        let size = |name: &str| {
            self.folders.iter().find_map(|folder| std::fs::metadata(folder.join(name)).ok()).map(|about| about.len())
        };
        let whole = size(file).with_context(|| format!("{file} is not there: cargo xtask build --release"))?;
        Ok((whole, size(&format!("{file}.br")).unwrap_or(whole)))
    }
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
