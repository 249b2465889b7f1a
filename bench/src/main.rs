//! What the vault costs and how fast it is: `make bench`. Starts the release binary and the S3 test server, measures,
//! writes `docs/benchmarks.md` and stops everything.

mod arguments;
mod http;
mod load;
mod machine;
mod measure;
mod receive;
mod report;
mod stage;
mod stats;

use anyhow::Result;
use arguments::Arguments;
use stage::Workshop;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("✗ {message}\n\n{}", arguments::HELP);
            return ExitCode::from(2);
        }
    };
    // Dropping what is being measured stops the servers it started.
    let ended = tokio::select! {
        ended = run(&arguments) => ended,
        stopped = stage::told_to_stop() => stopped,
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("✗ {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<()> {
    let workshop = Workshop::find()?;
    let machine = machine::describe(&workshop);
    let mut sections = Vec::new();
    for name in &arguments.measurements {
        say(&format!("measuring: {name}"));
        let section = measure::run(name, &workshop, arguments).await?;
        println!("\n{}", section.text());
        sections.push(section);
    }
    if arguments.is_complete() {
        let document = report::document(&arguments.date, &machine, &machine::load(), &sections);
        let file = workshop.repository.join("docs/benchmarks.md");
        std::fs::write(&file, document)?;
        say("wrote docs/benchmarks.md");
    }
    Ok(())
}

/// Prints progress.
fn say(what: &str) {
    eprintln!("▸ {what}");
}
