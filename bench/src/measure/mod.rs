//! The measurements, one file each.

mod delay;
mod forwarding;
mod integrations;
mod latency;
mod media;
mod memory;
pub(crate) mod names;
mod neighbours;
mod page;
mod pairs;
mod playing;
mod resumable;
mod retention;
mod stores;
mod throughput;
mod versions;

use crate::arguments::Arguments;
use crate::load::Account;
use crate::report::Section;
use crate::stage::{Declared, Workshop};
use anyhow::{Result, bail};
use model::field::Settings;
use std::path::Path;

pub(crate) async fn run(name: &str, workshop: &Workshop, arguments: &Arguments) -> Result<Section> {
    match name {
        "throughput" => throughput::measure(workshop, arguments.quick).await,
        "memory" => memory::measure(workshop, arguments.quick).await,
        "latency" => latency::measure(workshop, arguments.quick).await,
        "stores" => stores::measure(workshop, arguments.quick).await,
        "neighbours" => neighbours::measure(workshop, arguments.quick).await,
        "forwarding" => forwarding::measure(workshop, arguments.quick).await,
        "integrations" => integrations::measure(workshop, arguments.quick).await,
        "resumable" => resumable::measure(workshop, arguments.quick).await,
        "retention" => retention::measure(workshop, arguments.quick).await,
        "media" => media::measure(workshop, arguments.quick).await,
        "playing" => playing::measure(workshop, arguments.quick).await,
        "page" => page::measure(workshop, arguments.quick).await,
        names::VERSIONS => versions::measure(workshop, arguments).await,
        other => bail!("there is no measurement '{other}'"),
    }
}

/// Stores in the S3 server.
const BUCKET: Account = Account { name: "bucket", provider: "bucket" };
/// Stores in a folder.
const DISK: Account = Account { name: "disk", provider: "disk" };

fn filesystem_provider(path: &Path) -> Declared {
    let settings = Settings::new().with("path", path.display().to_string());
    Declared::provider(DISK.provider, "filesystem", settings)
}

fn webhook(name: &'static str, url: &str) -> Declared {
    Declared::integration(name, "webhook", Settings::new().with("url", url).with("secret", "bench"))
}
