//! Providers and integrations: one set of functions for both families.

#![expect(
    missing_docs,
    reason = "a server function's arguments become the fields of a struct; the function says what they are"
)]

use super::AppError;
pub use super::connection_form::{ConnectionEditor, ConnectionInput};
use leptos::prelude::*;
use model::connection::{ConnectionView, Family};
use model::probe::ProbeReport;

#[cfg(feature = "ssr")]
use super::server;
#[cfg(feature = "ssr")]
use model::connection::ConnectionForm;
#[cfg(feature = "ssr")]
use model::field::FieldError;
#[cfg(feature = "ssr")]
use serde::{Deserialize, Serialize};
#[cfg(feature = "ssr")]
use vault::deliveries::Backlog;

/// What is kept between a plain form's submission and the page that shows it again.
#[cfg(feature = "ssr")]
#[derive(Serialize, Deserialize)]
struct Draft {
    input: ConnectionInput,
    errors: Vec<FieldError>,
    report: Option<ProbeReport>,
    test: Option<ProbeReport>,
}

#[cfg(feature = "ssr")]
const DRAFT: &str = "connection_draft";

/// The connections of a family.
#[server(prefix = "/api/fn", endpoint = "list_connections")]
pub async fn list_connections(family: String) -> Result<Vec<ConnectionView>, AppError> {
    let admin = server::require_admin().await?;
    admin.vault.connections.list(parse_family(&family)?).await.map_err(server::refuse)
}

/// A stored connection.
#[server(prefix = "/api/fn", endpoint = "get_connection")]
pub async fn get_connection(id: i64) -> Result<ConnectionView, AppError> {
    let admin = server::require_admin().await?;
    admin.vault.connections.get(id).await.map_err(server::refuse)
}

/// What the dialog shows: a stored connection, or an empty form of a kind. `draft` restores the last submission of a
/// plain form.
#[server(prefix = "/api/fn", endpoint = "edit_connection")]
pub async fn edit_connection(
    family: String,
    #[server(default)] kind: String,
    #[server(default)] id: Option<i64>,
    #[server(default)] draft: bool,
) -> Result<ConnectionEditor, AppError> {
    let admin = server::require_admin().await?;
    let family = parse_family(&family)?;
    let mut editor = match id {
        Some(id) => ConnectionEditor::of_view(admin.vault.connections.get(id).await.map_err(server::refuse)?),
        None => ConnectionEditor::of_kind(family, &kind),
    };
    if editor.family != family || editor.kind().is_none() {
        server::page_not_found();
        return Err(AppError::message(format!("There is no such {family}. Go back to the list and choose one.")));
    }
    let kept = if draft { server::load::<Draft>(DRAFT).await? } else { None };
    if let Some(Draft { input, errors, report, test }) = kept
        && (input.kind == editor.kind && input.id.parse().ok() == editor.id)
    {
        if editor.provisioned {
            return Ok(ConnectionEditor { errors, report, ..editor });
        }
        editor = ConnectionEditor {
            version: input.version.parse().unwrap_or(editor.version),
            name: input.name,
            enabled: input.enabled,
            settings: input.settings,
            errors,
            report,
            test,
            ..editor
        };
    }
    Ok(editor)
}

/// Adds or changes a connection.
#[server(prefix = "/api/fn", endpoint = "save_connection")]
pub async fn save_connection(connection: ConnectionInput) -> Result<(), AppError> {
    let admin = server::require_admin_in_place().await?;
    let form = parse(&connection)?;
    // What says no version was not opened here.
    let saw = form.id.map(|_| connection.version.parse().unwrap_or_default());
    let list = list_path(form.family);
    let done = if form.id.is_some() { "saved" } else { "added" };
    let connections = admin.vault.connections.clone();
    match connections.save_unless_changed(&admin.principal(), form, saw).await.map_err(server::refuse) {
        Ok(_) => leptos_axum::redirect(&format!("{list}?done={done}")),
        Err(error) => show_again(&connection, error).await?,
    }
    Ok(())
}

/// Validates a connection without saving it; one declared in the configuration file, as stored.
#[server(prefix = "/api/fn", endpoint = "validate_connection")]
pub async fn validate_connection(connection: ConnectionInput) -> Result<ProbeReport, AppError> {
    let admin = server::require_admin().await?;
    let report = try_out(&admin, parse(&connection)?).await.map_err(server::refuse);
    tried(&connection, report, |report| (Some(report), None)).await
}

/// Sends a test event through an integration without saving it.
#[server(prefix = "/api/fn", endpoint = "send_test_event")]
pub async fn send_test_event(connection: ConnectionInput) -> Result<ProbeReport, AppError> {
    let admin = server::require_admin().await?;
    let form = parse(&connection)?;
    let report = admin.vault.connections.send_test(form).await.map_err(server::refuse);
    tried(&connection, report, |report| (None, Some(report))).await
}

/// The report of a test; a plain form gets its page back with it.
#[cfg(feature = "ssr")]
async fn tried(
    input: &ConnectionInput,
    report: Result<ProbeReport, AppError>,
    reports: fn(ProbeReport) -> (Option<ProbeReport>, Option<ProbeReport>),
) -> Result<ProbeReport, AppError> {
    match report {
        Ok(report) => {
            if server::is_plain_form() {
                keep_draft(input, Vec::new(), reports(report.clone())).await?;
            }
            Ok(report)
        }
        Err(error) => {
            show_again(input, error).await?;
            Ok(ProbeReport::default())
        }
    }
}

/// Deletes a connection; if deliveries are waiting for it, only with `with_waiting`.
#[server(prefix = "/api/fn", endpoint = "delete_connection")]
pub async fn delete_connection(family: String, id: i64, #[server(default)] with_waiting: bool) -> Result<(), AppError> {
    let admin = server::require_admin().await?;
    let list = list_path(parse_family(&family)?);
    let backlog = if with_waiting { Backlog::Drop } else { Backlog::Keep };
    admin.vault.connections.delete(&admin.principal(), id, backlog).await.map_err(server::refuse)?;
    leptos_axum::redirect(&format!("{list}?done=deleted"));
    Ok(())
}

/// URL of a family's list.
pub fn list_path(family: Family) -> &'static str {
    match family {
        Family::Provider => "/providers",
        Family::Integration => "/integrations",
    }
}

#[cfg(feature = "ssr")]
fn parse_family(name: &str) -> Result<Family, AppError> {
    let known = [Family::Provider, Family::Integration].into_iter().find(|f| f.as_str() == name);
    known.ok_or_else(|| AppError::message("There is no such page."))
}

#[cfg(feature = "ssr")]
fn parse(input: &ConnectionInput) -> Result<ConnectionForm, AppError> {
    let family = parse_family(&input.family)?;
    let kind =
        family.kind(&input.kind).ok_or_else(|| AppError::message(format!("There is no such kind of {family}.")))?;
    let id = match input.id.as_str() {
        "" => None,
        given => Some(given.parse().map_err(|_| AppError::message(format!("There is no such {family}.")))?),
    };
    Ok(ConnectionForm {
        id,
        family,
        kind: kind.name.to_owned(),
        name: input.name.trim().to_owned(),
        enabled: input.enabled,
        settings: input.settings(kind),
        cleared: input.cleared(),
    })
}

#[cfg(feature = "ssr")]
async fn try_out(admin: &server::Admin, form: ConnectionForm) -> Result<ProbeReport, vault::VaultError> {
    let connections = &admin.vault.connections;
    match form.id {
        // Its form is read-only: browsers do not send disabled fields, and nobody can type its secrets.
        Some(id) if connections.get(id).await?.provisioned => connections.validate_stored(id).await,
        _ => connections.validate(form).await,
    }
}

/// A plain form gets its page back, filled in; scripts get the error.
#[cfg(feature = "ssr")]
async fn show_again(input: &ConnectionInput, error: AppError) -> Result<(), AppError> {
    if !server::is_plain_form() {
        return Err(error);
    }
    keep_draft(input, error.into_fields(), (None, None)).await
}

#[cfg(feature = "ssr")]
async fn keep_draft(
    input: &ConnectionInput,
    errors: Vec<FieldError>,
    (report, test): (Option<ProbeReport>, Option<ProbeReport>),
) -> Result<(), AppError> {
    let family = parse_family(&input.family)?;
    let mut input = input.clone();
    if let Some(kind) = family.kind(&input.kind) {
        // The page that shows it again must not hold secrets.
        input.settings = kind.redact(&input.settings(kind)).0;
    }
    let list = list_path(family);
    let page = if input.id.is_empty() { format!("{list}/new/{}", input.kind) } else { format!("{list}/{}", input.id) };
    server::keep(DRAFT, &Draft { input, errors, report, test }).await?;
    leptos_axum::redirect(&format!("{page}?draft=true"));
    Ok(())
}
