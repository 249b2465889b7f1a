//! The figures of the day.

use crate::api::dashboard::{latest_recordings, read_dashboard};
use crate::components::{
    Bar, BarChart, Column, Icon, Loading, PageHead, State, Table, Time, actions, clipped, column, icon, loaded, status,
    while_watched,
};
use crate::pages::media::camera;
use crate::site::at;
use crate::text::figures::{bytes, capped, count, duration, plural};
use crate::text::time::{day_label, day_of_month};
use leptos::prelude::*;
use model::dashboard::{Dashboard, DayUsage};
use model::recording::RecordingView;

/// Figures, the last days, and what to do first.
#[component]
pub fn DashboardPage() -> impl IntoView {
    let figures = Resource::new(|| (), |()| read_dashboard());
    let latest = Resource::new(|| (), |()| latest_recordings());
    let refresh = move || {
        figures.refetch();
        latest.refetch();
    };
    while_watched(refresh);
    view! {
        <PageHead title="Dashboard" about="What arrived today, and what needs attention.">
            <a class="button" href=at("/") rel="external" on:click=move |event| {
                event.prevent_default();
                refresh();
            }>{icon(Icon::Refresh)} "Refresh"</a>
        </PageHead>
        <Transition fallback=Loading>
            {move || Suspend::new(async move { loaded(figures.await, |figures| panel(&figures)) })}
            {move || Suspend::new(async move { loaded(latest.await, latest_panel) })}
        </Transition>
    }
    .into_any()
}

fn panel(figures: &Dashboard) -> AnyView {
    let complete = figures.has_provider && figures.has_account && figures.has_recording;
    let steps = (!complete).then(|| first_steps(figures));
    let all_online = figures.cameras_online == figures.cameras_total;
    let cameras = match (figures.cameras_total, all_online) {
        (0, _) => status(State::Off, "None yet"),
        (_, true) => status(State::Good, "All online"),
        _ => status(State::Warn, "Some offline"),
    };
    let waiting = if figures.deliveries_waiting == 0 {
        status(State::Good, "Up to date")
    } else {
        status(State::Warn, "On the way")
    };
    let parked =
        if figures.deliveries_parked == 0 { status(State::Good, "None") } else { status(State::Bad, "Need attention") };
    view! {
        {steps}
        <section class="figures" aria-label="Today">
            {figure("/media", "Recordings today", count(figures.recordings_today), view! { <span class="quiet">"since midnight UTC"</span> })}
            {figure("/media", "Stored today", bytes(figures.bytes_today), view! { <span class="quiet">"since midnight UTC"</span> })}
            {figure("/cameras", "Cameras online", format!("{} / {}", count(figures.cameras_online), count(figures.cameras_total)), cameras)}
            {figure("/deliveries", "Deliveries waiting", capped(figures.deliveries_waiting), waiting)}
            {figure("/deliveries?state=parked", "Deliveries parked", capped(figures.deliveries_parked), parked)}
        </section>
        <section class="charts" aria-label="The last days">
            <BarChart title="Recordings a day" of="Recordings" bars=bars(&figures.days, |d| d.recordings, |n| plural(n, "recording"))/>
            <BarChart title="Stored a day" of="Stored" bars=bars(&figures.days, |d| d.bytes, bytes)/>
        </section>
    }
    .into_any()
}

fn figure(href: &'static str, label: &'static str, value: String, note: impl IntoView + 'static) -> AnyView {
    view! {
        <a class="figure" href=at(href)>
            <span class="figure-label">{label}</span>
            <span class="figure-value">{value}</span>
            <span class="figure-note">{note.into_any()}</span>
        </a>
    }
    .into_any()
}

fn bars(days: &[DayUsage], value: fn(&DayUsage) -> i64, text: fn(i64) -> String) -> Vec<Bar> {
    days.iter()
        .map(|day| Bar {
            label: day_label(day.day),
            short: day_of_month(day.day),
            value: value(day),
            text: text(value(day)),
        })
        .collect()
}

/// The newest recordings; nothing until there is one.
fn latest_panel(rows: Vec<RecordingView>) -> AnyView {
    if rows.is_empty() {
        return ().into_any();
    }
    view! {
        <section class="stack latest" aria-labelledby="latest-title">
            <div class="section-head">
                <h2 id="latest-title">"Latest recordings"</h2>
                <a href=at("/media")>"All recordings"</a>
            </div>
            <div class="table-wrap">
                <Table columns=columns() rows=rows/>
            </div>
        </section>
    }
    .into_any()
}

fn columns() -> Vec<Column<RecordingView>> {
    let play = |row: &RecordingView| format!("/media/{}/play", row.id);
    vec![
        column(
            "Camera",
            move |row: &RecordingView| view! { <a class="row-link" href=at(&play(row))>{camera(row)}</a> },
        )
        .heading(),
        column("Recorded", |row: &RecordingView| view! { <Time at=row.timestamp/> }),
        column("Stored", |row: &RecordingView| view! { <Time at=row.uploaded_at ago=true/> }).spare("2"),
        clipped("Account", |row: &RecordingView| row.account.clone()),
        clipped("Provider", |row: &RecordingView| row.provider.clone()).spare("2"),
        column("Size", |row: &RecordingView| bytes(row.size)).whole_class("number"),
        column("Length", |row: &RecordingView| duration(row.duration_ms)).whole_class("number"),
        actions(move |row: &RecordingView| {
            view! { <a class="icon-button" href=at(&play(row)) aria-label="Play">{icon(Icon::Play)}</a> }
        }),
    ]
}

/// What to do until the first recording is there.
fn first_steps(figures: &Dashboard) -> AnyView {
    let step = |done: bool, next: bool, href: &'static str, title: &'static str, about: &'static str| {
        let mark =
            if done { icon(Icon::Check).into_any() } else { view! { <span class="step-open"></span> }.into_any() };
        let class = if next { "button primary" } else { "button" };
        view! {
            <li data-done=done.then_some("")>
                <span class="step-mark">{mark}</span>
                <div>
                    <strong>{title}</strong>
                    <span class="sr-only">{if done { " (done)" } else { " (to do)" }}</span>
                    <p>{about}</p>
                </div>
                {(!done).then(|| view! { <a class=class href=at(href)>"Start"</a> })}
            </li>
        }
    };
    let next = [figures.has_provider, figures.has_account, figures.has_recording].iter().position(|done| !done);
    view! {
        <section class="card steps" aria-labelledby="steps-title">
            <h2 id="steps-title">"First steps"</h2>
            <ol>
                {step(figures.has_provider, next == Some(0), "/providers/new", "Add a storage provider", "Where recordings are kept: a folder on this machine, or a bucket you own.")}
                {step(figures.has_account, next == Some(1), "/accounts/new", "Add an account", "Its keys are what cameras' agents sign in with.")}
                {step(figures.has_recording, next == Some(2), "/help", "Connect an agent", "Enter the account's keys in an agent; its first recording appears in Media.")}
            </ol>
        </section>
    }
    .into_any()
}
