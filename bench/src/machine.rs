//! The machine measured on, without names of hosts or folders.

use crate::stage::Workshop;
use std::fs;
use std::process::Command;

pub(crate) fn describe(workshop: &Workshop) -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown processor");
    let model = model.trim_start_matches([' ', '\t', ':']);
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes =
        memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse().ok());
    let gigabytes = kilobytes.unwrap_or(0u64).div_ceil(1 << 20);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let filesystem = output(Command::new("stat").args(["--file-system", "--format=%T"]).arg(std::env::temp_dir()));
    let versions = fs::read_to_string(workshop.repository.join("scripts/services.d/s3.txt")).unwrap_or_default();
    let seaweed = versions.split_whitespace().find_map(|word| word.split_once("==")).map_or("", |(_, version)| version);
    format!(
        "Machine: {cores} cores ({model}), {gigabytes} GiB of memory, Linux {}, data on {}. S3 server: SeaweedFS {seaweed} \
         on the same machine. {}.",
        kernel.trim(),
        filesystem.trim(),
        output(Command::new("rustc").arg("--version")).trim(),
    )
}

/// Load averages of the last one, five and fifteen minutes.
pub(crate) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_whitespace().take(3).collect::<Vec<_>>().join(", ")
}

fn output(command: &mut Command) -> String {
    command.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}
