//! `kerberos-vault check`: is the configuration valid, and do its connections work?

use crate::config::Config;
use backends::{Backends, NotTaken};
use bytes::Bytes;
use model::connection::{ConnectionForm, Family};
use model::field::FieldError;
use model::ports::Connector;
use model::probe::ProbeReport;
use std::process::ExitCode;

/// An `ExportTraceServiceRequest` with nothing in it, which a collector takes as it takes others.
const NO_SPANS: Bytes = Bytes::new();

/// Probes every declared connection and the collector of traces, and prints each step; the file itself was checked when it
/// was read.
pub async fn check(config: &Config) -> ExitCode {
    let connector = Backends::new();
    let declared = &config.declarations;
    println!(
        "The configuration is valid: {} connections, {} accounts.",
        declared.connections.len(),
        declared.accounts.len()
    );
    for warning in &config.warnings {
        println!("{warning}.");
    }
    let mut failed = 0;
    for form in &declared.connections {
        if !form.enabled {
            println!("{} {} ({}): disabled, not tried", form.family, form.name, form.kind);
            continue;
        }
        let report = probe(&connector, form).await;
        print!("{}", describe(form, &report));
        failed += u32::from(!report.is_ok_and(|r| r.passed()));
    }
    let mut tried = declared.connections.len();
    if let Some(collector) = config.traces.as_ref().and_then(|traces| traces.collector(&connector)) {
        tried += 1;
        let taken = collector.take(NO_SPANS).await;
        print!("{}", describe_collector(&taken));
        failed += u32::from(taken.is_err());
    }
    if failed == 0 {
        return ExitCode::SUCCESS;
    }
    println!("{failed} of {tried} connections do not work.");
    ExitCode::FAILURE
}

async fn probe(connector: &impl Connector, form: &ConnectionForm) -> Result<ProbeReport, Vec<FieldError>> {
    Ok(match form.family {
        Family::Provider => connector.store(&form.kind, &form.settings)?.probe().await,
        Family::Integration => connector.sink(&form.kind, &form.settings)?.probe().await,
    })
}

fn describe(form: &ConnectionForm, report: &Result<ProbeReport, Vec<FieldError>>) -> String {
    let mut text = format!("{} {} ({})\n", form.family, form.name, form.kind);
    match report {
        Ok(report) => {
            for step in &report.steps {
                text += &match &step.failure {
                    None => format!("  ok      {}\n", step.name),
                    Some(failure) => {
                        format!("  FAILED  {}: {}\n          {}\n", step.name, failure.reason, failure.cure)
                    }
                };
            }
        }
        Err(errors) => errors.iter().for_each(|e| text += &format!("  FAILED  {}\n", e.message)),
    }
    text
}

fn describe_collector(taken: &Result<(), NotTaken>) -> String {
    match taken {
        Ok(()) => "traces\n  ok      send\n".to_owned(),
        Err(error) => format!(
            "traces\n  FAILED  send: {error}\n          Check traces.endpoint and traces.headers: OTLP over HTTP has port 4318, over gRPC 4317.\n"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::field::Settings;
    use model::probe::{ProbeFailure, ProbeStep};

    #[test]
    fn says_what_failed_and_what_to_try() {
        let form = ConnectionForm {
            id: None,
            family: Family::Provider,
            kind: "s3".into(),
            name: "cloud".into(),
            enabled: true,
            settings: Settings::new(),
            cleared: Vec::new(),
        };
        let steps = vec![
            ProbeStep { name: "connect".into(), failure: None },
            ProbeStep { name: "authenticate".into(), failure: Some(ProbeFailure::new("refused", "Check the key.")) },
        ];
        assert_eq!(
            describe(&form, &Ok(ProbeReport { steps })),
            "provider cloud (s3)\n  ok      connect\n  FAILED  authenticate: refused\n          Check the key.\n"
        );
    }
}
