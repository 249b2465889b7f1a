//! The measurements, one file each.

mod latency;
mod media;
mod memory;
mod page;
mod throughput;

use crate::arguments::Arguments;
use crate::load::Account;
use crate::report::Section;
use crate::stage::Workshop;
use anyhow::{Result, bail};

/// In the order of the report.
pub(crate) const NAMES: [&str; 5] = ["throughput", "memory", "latency", "media", "page"];

pub(crate) async fn run(name: &str, workshop: &Workshop, arguments: &Arguments) -> Result<Section> {
    match name {
        "throughput" => throughput::measure(workshop, arguments.quick).await,
        "memory" => memory::measure(workshop, arguments.quick).await,
        "latency" => latency::measure(workshop, arguments.quick).await,
        "media" => media::measure(workshop, arguments.quick).await,
        "page" => page::measure(workshop, arguments.quick).await,
        other => bail!("there is no measurement '{other}'"),
    }
}

/// Stores in the S3 server.
const BUCKET: Account = Account { name: "bucket", provider: "bucket" };
/// Stores in a folder.
const DISK: Account = Account { name: "disk", provider: "disk" };

fn filesystem_provider(path: &std::path::Path) -> String {
    format!("[[provider]]\nname = \"disk\"\nkind = \"filesystem\"\npath = \"{}\"\n", path.display())
}
