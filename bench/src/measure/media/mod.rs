//! Pages of Media over a million recordings: the query alone, and the page through the server.

mod fill;
mod lists;
mod pages;
mod questions;

use crate::report::{Goal, Section, Table};
use crate::say;
use crate::stage::{Scratch, Vault, Workshop};
use crate::stats::Samples;
use anyhow::{Context as _, Result};
use fill::{ACCOUNTS, DEVICES, PROVIDERS};
use questions::Question;
use std::fmt::Write as _;

const ROWS: u64 = 1_000_000;
/// Milliseconds.
const GOAL: f64 = 20.0;
/// Rows per page, the UI's default.
const LIMIT: u64 = 50;

/// What one question took, in milliseconds.
struct Timing {
    question: Question,
    /// Rows in the last answer.
    rows: usize,
    samples: Vec<f64>,
}

pub(super) async fn measure(workshop: &Workshop, quick: bool) -> Result<Section> {
    let (rows, repeat) = if quick { (20_000, 2) } else { (ROWS, 20) };
    let scratch = Scratch::new(4 << 30)?;
    let sections = fill::sections(scratch.path());
    // creates the tables, the accounts and the providers
    drop(Vault::start(workshop, scratch.path(), &sections).await?);
    say(&format!("filling a database with {rows} recordings"));
    let depths = fill::fill(scratch.path(), &workshop.repository, rows).await?;
    let questions = questions::all(&depths);

    say(&format!("{} queries", questions.len()));
    let listed = lists::time(scratch.path(), &questions, repeat).await?;
    let plan = lists::explain(scratch.path(), slowest(&listed)?).await?;
    say("the same through the server");
    let vault = Vault::start(workshop, scratch.path(), &sections).await?;
    let paged = pages::time(&vault, &listed, repeat / 2).await?;

    let size = std::fs::metadata(crate::stage::database(scratch.path()))?.len() >> 20;
    let mut body = format!(
        "{rows} recordings of one year in SQLite ({size} MiB, no ANALYZE): {ACCOUNTS} accounts, {PROVIDERS} providers, {DEVICES} cameras, \
         some busier than others. Every combination of filters (the time filter spans thirty days around the place) at the newest, \
         middle and oldest rows, towards older and towards newer ones, {LIMIT} rows a page, {repeat} times each (pages {}); nothing is \
         left out as warm-up.\n\nMilliseconds of `recordings.list`, and of the whole page `/media` as HTML over HTTP with a \
         signed-in session:\n\n",
        repeat / 2
    );
    body += &table(&listed, &paged);
    let worst = slowest(&listed)?;
    let _ = write!(
        body,
        "\nThe slowest query by its median is *{}*, {}. Its plan:\n\n```\n{plan}\n```\n",
        worst.question.filters, worst.question.place
    );
    let goals = [("query", &listed), ("page over HTTP", &paged)].map(|(what, timings)| goal(what, timings));
    Ok(Section { title: "Media pages over a million recordings", goals: goals.into(), body })
}

fn slowest(timings: &[Timing]) -> Result<&Timing> {
    let median = |timing: &Timing| Samples::new(timing.samples.iter().copied()).median();
    timings.iter().max_by(|a, b| median(a).total_cmp(&median(b))).context("there is no question")
}

/// Met if the 99th percentile of even the slowest combination is below the goal.
fn goal(what: &str, timings: &[Timing]) -> Goal {
    let combinations = by_filters(timings);
    let worst = |of: fn(&Samples) -> f64| combinations.iter().map(|(_, samples)| of(samples)).fold(0.0, f64::max);
    let (median, p99) = (worst(Samples::median), worst(|s| s.quantile(0.99)));
    Goal {
        what: format!("Media, 1,000,000 recordings, {what}, slowest filters"),
        goal: "< 20 ms",
        measured: format!("median {median:.1} ms, p99 {p99:.1} ms"),
        met: p99 < GOAL,
    }
}

fn by_filters(timings: &[Timing]) -> Vec<(&str, Samples)> {
    let mut names: Vec<&str> = Vec::new();
    for timing in timings {
        if !names.contains(&timing.question.filters.as_str()) {
            names.push(&timing.question.filters);
        }
    }
    let samples = |name: &str| {
        let of_name = timings.iter().filter(|timing| timing.question.filters == name);
        Samples::new(of_name.flat_map(|timing| timing.samples.iter().copied()))
    };
    names.into_iter().map(|name| (name, samples(name))).collect()
}

fn table(listed: &[Timing], paged: &[Timing]) -> String {
    let mut table = Table::new(&["filters", "query: median", "p99", "max", "page: median", "p99", "max"]);
    for ((name, query), (_, page)) in by_filters(listed).into_iter().zip(by_filters(paged)) {
        let figures = [&query, &page].map(|s| [s.median(), s.quantile(0.99), s.max()].map(|ms| format!("{ms:.1}")));
        table.row(std::iter::once(name).chain(figures.iter().flatten().map(String::as_str)));
    }
    table.finish()
}
