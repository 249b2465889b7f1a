//! What is known about a recording.

use super::{camera, file, file_name};
use crate::components::{CopyButton, Time};
use crate::site::at;
use crate::text::figures::{bytes, duration};
use leptos::prelude::*;
use model::recording::{AssetView, RecordingView};
use model::wire::CustomHeaders;

pub(super) fn details(row: RecordingView) -> AnyView {
    let camera = camera(&row);
    let length = match row.duration_ms {
        0 => "unknown".to_owned(),
        ms => duration(ms),
    };
    let format = format!(
        "{}{}",
        if row.codec.is_empty() { "unknown codec" } else { row.codec.as_str() },
        if row.fragmented { ", fragmented MP4" } else { "" }
    );
    let fact = |label: &'static str, value: AnyView| view! { <div><dt>{label}</dt><dd>{value}</dd></div> };
    let key = row.key.clone();
    let custom = (!row.custom_headers.is_empty()).then(|| custom_headers(&row.custom_headers));
    let assets = (!row.assets.is_empty()).then(|| assets(&row.assets));
    let copies = (!row.copies.is_empty()).then(|| row.copies.join(", "));
    let lock = row.lock.as_ref().map(super::lock::facts);
    view! {
        {lock}
        <dl class="facts">
            {fact("Recorded", view! { <Time at=row.timestamp/> }.into_any())}
            {fact("Stored", view! { <Time at=row.uploaded_at/> }.into_any())}
            {fact("Camera", camera.into_any())}
            {fact("Account", row.account.into_any())}
            {fact("Provider", row.provider.into_any())}
            {copies.map(|names| fact("Copies", names.into_any()))}
            {fact("Length", length.into_any())}
            {fact("Size", bytes(row.size).into_any())}
            {fact("Format", format.into_any())}
        </dl>
        <dl class="facts long">
            {fact(
                "Key",
                view! { <span class="cluster"><code class="mono break">{row.key}</code> <CopyButton text=key what="key"/></span> }
                    .into_any(),
            )}
            {fact("SHA-256", view! { <code class="mono break">{row.sha256}</code> }.into_any())}
        </dl>
        {assets}
        {custom}
    }
    .into_any()
}

/// What others have derived from it.
fn assets(assets: &[AssetView]) -> AnyView {
    let row = |asset: &AssetView| {
        let (name, address) = (file_name(&asset.key), file(asset.id, false));
        view! {
            <div>
                <dt>{bytes(asset.size)}</dt>
                <dd><a class="mono break" href=at(&address) rel="external">{name}</a></dd>
            </div>
        }
    };
    let rows = assets.iter().map(row).collect_view();
    view! {
        <section aria-label="Assets">
            <h3>"Assets"</h3>
            <dl class="facts long">{rows}</dl>
        </section>
    }
    .into_any()
}

/// What its agent's owner has added.
fn custom_headers(headers: &CustomHeaders) -> AnyView {
    let row = |(name, value): (&str, &str)| {
        let (name, value) = (name.to_owned(), value.to_owned());
        view! { <div><dt class="mono break">{name}</dt><dd class="break">{value}</dd></div> }
    };
    let rows = headers.iter().map(row).collect_view();
    view! {
        <section aria-label="Custom headers">
            <h3>"Custom headers"</h3>
            <dl class="facts long">{rows}</dl>
        </section>
    }
    .into_any()
}
