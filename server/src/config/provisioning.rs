//! Connections and accounts declared in the configuration.

use super::declared::Declared;
use super::document::Document;
use super::error::{Problem, suggest};
use super::written::Value;
use model::account::{self, AccountForm, fields};
use model::connection::{ConnectionForm, Family};
use model::field::{FieldError, Settings};
use model::name;
use std::collections::BTreeSet;
use vault::Renamed;
use vault::accounts::directories_overlap;

/// Keys every connection has.
const CONNECTION_KEYS: [&str; 4] = ["name", WAS, "kind", "enabled"];
/// The name that something had before.
const WAS: &str = "was";

const DECLARED_TWICE: &str = "is declared twice; vault.toml and the environment together may declare a name once";

/// The declarations, checked.
#[derive(Debug, Clone, Default)]
pub struct Declarations {
    /// Providers, then integrations.
    pub connections: Vec<ConnectionForm>,
    /// Accounts.
    pub accounts: Vec<AccountForm>,
    /// What had another name before.
    pub renamed: Vec<Renamed>,
}

impl Declarations {
    /// Whether nothing is declared.
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty() && self.accounts.is_empty()
    }

    fn declares(&self, family: Family, name: &str) -> bool {
        self.connections.iter().any(|c| c.family == family && c.name == name)
    }
}

pub(super) fn read(document: &Document, problems: &mut Vec<Problem>) -> Declarations {
    let mut declarations = Declarations::default();
    for family in [Family::Provider, Family::Integration] {
        for declared in document.lists.get(family.as_str()).into_iter().flatten() {
            let mut entry = Entry::new(family.as_str(), declared, problems);
            if let Some(form) = connection(family, &mut entry) {
                if declarations.declares(family, &form.name) {
                    entry.problem_at("name", DECLARED_TWICE);
                }
                declarations.renamed.extend(entry.renamed(&declarations.renamed, Some(family), &form.name));
                declarations.connections.push(form);
            }
        }
    }
    for declared in document.lists.get("account").into_iter().flatten() {
        let mut entry = Entry::new("account", declared, problems);
        if let Some(form) = account(&declarations, &mut entry) {
            if declarations.accounts.iter().any(|a| a.name == form.name) {
                entry.problem_at("name", DECLARED_TWICE);
            }
            if !form.access_key.is_empty() && declarations.accounts.iter().any(|a| a.access_key == form.access_key) {
                entry.problem_at("access_key", "is another account's access key as well");
            }
            let theirs = declarations.accounts.iter().find(|other| {
                (other.exclusive || form.exclusive) && directories_overlap(&other.directory, &form.directory)
            });
            if let Some(other) = theirs {
                let (name, directory) = (&other.name, &other.directory);
                entry.problem_at(
                    "directory",
                    &format!("overlaps with '{directory}' of account '{name}', and one of them is exclusive"),
                );
            }
            declarations.renamed.extend(entry.renamed(&declarations.renamed, None, &form.name));
            declarations.accounts.push(form);
        }
    }
    declarations
}

fn connection(family: Family, entry: &mut Entry<'_>) -> Option<ConnectionForm> {
    let name = entry.name()?;
    let kind_name = entry.required("kind")?;
    let Some(kind) = family.kind(&kind_name) else {
        let hint = suggest(&kind_name, family.kinds().iter().map(|k| k.name));
        entry.problem_at("kind", &format!("unknown kind '{kind_name}'{hint}"));
        return None;
    };
    let enabled = entry.flag("enabled", true);
    let known: Vec<&str> = kind.fields.iter().map(|f| entry.declared.called(f.name)).collect();
    let mut settings = Settings::new();
    let mut complete = true;
    let own: Vec<String> = entry.keys().filter(|k| !CONNECTION_KEYS.contains(&k.as_str())).cloned().collect();
    for key in own {
        if kind.field(&key).is_none() {
            entry.unknown(&key, known.iter().copied());
            complete = false;
        } else if let Some(value) = entry.scalar(&key) {
            settings.set(key, value);
        }
    }
    let missing_is_a_typo = !complete;
    for error in kind.check(&settings) {
        // a mistyped required setting is reported once, as the typo
        if !(missing_is_a_typo && settings.get(&error.field).is_empty()) {
            entry.problem_at(&error.field, &error.message);
        }
    }
    if kind.name == "filesystem" {
        // stored settings must not depend on where the server was started
        if let Ok(absolute) = std::path::absolute(settings.get("path")) {
            settings.set("path", absolute.to_string_lossy());
        }
    }
    Some(ConnectionForm { id: None, family, kind: kind.name.to_owned(), name, enabled, settings, cleared: Vec::new() })
}

fn account(declarations: &Declarations, entry: &mut Entry<'_>) -> Option<AccountForm> {
    let name = entry.required(fields::NAME.name)?;
    let known = fields::FIELDS.map(|field| field.name);
    let unknown: Vec<String> = entry.keys().filter(|k| !known.contains(&k.as_str()) && *k != WAS).cloned().collect();
    for key in unknown {
        entry.unknown(&key, known.map(|name| entry.declared.called(name)).into_iter());
    }
    let form = AccountForm {
        id: None,
        name,
        enabled: entry.flag(fields::ENABLED.name, true),
        provider: entry.required(fields::PROVIDER.name).unwrap_or_default(),
        secondary_providers: entry.list(fields::SECONDARY_PROVIDERS.name),
        other_providers: entry.list_if_there(fields::OTHER_PROVIDERS.name),
        integrations: entry.list(fields::INTEGRATIONS.name),
        directory: entry.required(fields::DIRECTORY.name).unwrap_or_default(),
        exclusive: entry.flag(fields::EXCLUSIVE.name, false),
        day_limit: entry.day_limit(),
        access_key: entry.required(fields::ACCESS_KEY.name).unwrap_or_default(),
        secret_key: entry.required(fields::SECRET_KEY.name).unwrap_or_default(),
        cloud_analysis: entry.flag(fields::CLOUD_ANALYSIS.name, true),
        edge_analysis: entry.flag(fields::EDGE_ANALYSIS.name, false),
    };
    for error in form.check() {
        entry.problem(&error);
    }
    if !form.provider.is_empty() {
        entry.reference(declarations, fields::PROVIDER.name, Family::Provider, &form.provider);
    }
    for provider in &form.secondary_providers {
        entry.reference(declarations, fields::SECONDARY_PROVIDERS.name, Family::Provider, provider);
    }
    for provider in form.other_providers.iter().flatten() {
        entry.reference(declarations, fields::OTHER_PROVIDERS.name, Family::Provider, provider);
    }
    for integration in &form.integrations {
        entry.reference(declarations, fields::INTEGRATIONS.name, Family::Integration, integration);
    }
    Some(form)
}

/// A declaration on its way to becoming a form.
struct Entry<'a> {
    what: &'static str,
    declared: &'a Declared,
    problems: &'a mut Vec<Problem>,
    /// Keys with a reported problem.
    told: BTreeSet<String>,
}

impl<'a> Entry<'a> {
    fn new(what: &'static str, declared: &'a Declared, problems: &'a mut Vec<Problem>) -> Self {
        Self { what, declared, problems, told: BTreeSet::new() }
    }

    fn keys(&self) -> impl Iterator<Item = &'a String> + use<'a> {
        self.declared.keys.keys()
    }

    fn problem_at(&mut self, key: &str, message: &str) {
        self.problems.push(self.declared.problem(self.what, key, message));
        self.told.insert(key.to_owned());
    }

    fn unknown<'k>(&mut self, key: &str, known: impl Iterator<Item = &'k str> + Clone) {
        let called = self.declared.called(key);
        self.problem_at(key, &format!("unknown setting '{called}'{}", suggest(called, known)));
    }

    /// Reports the model's complaint about a value, unless the value itself could not be read.
    fn problem(&mut self, error: &FieldError) {
        if !self.told.contains(&error.field) {
            self.problem_at(&error.field, &error.message);
        }
    }

    fn scalar(&mut self, key: &str) -> Option<String> {
        match &self.declared.keys.get(key)?.value {
            Value::Scalar(text) => return Some(text.clone()),
            Value::List(_) => self.problem_at(key, &format!("'{key}' must be a single value, not a list")),
            Value::Other(what) => self.problem_at(key, &format!("'{key}' must be a single value, not {what}")),
        }
        None
    }

    fn required(&mut self, key: &str) -> Option<String> {
        let given = self.scalar(key).filter(|s| !s.is_empty());
        if given.is_none()
            && !matches!(self.declared.keys.get(key).map(|w| &w.value), Some(Value::List(_) | Value::Other(_)))
        {
            self.problem_at(key, &format!("'{key}' is required"));
        }
        given
    }

    fn name(&mut self) -> Option<String> {
        let name = self.required("name")?;
        if let Err(error) = name::check(&name) {
            self.problem(&error);
        }
        Some(name)
    }

    fn renamed(&mut self, others: &[Renamed], family: Option<Family>, new: &str) -> Option<Renamed> {
        let old = self.scalar(WAS)?;
        if old == new {
            self.problem_at(WAS, "is the name that it has; leave it out, or say the one that it had");
        }
        if let Some(other) = others.iter().find(|other| other.family == family && other.old == old) {
            self.problem_at(WAS, &format!("is what '{}' was called too; only one of them can be it", other.new));
        }
        Some(Renamed { family, old, new: new.to_owned() })
    }

    fn day_limit(&mut self) -> i32 {
        let Some(text) = self.scalar(fields::DAY_LIMIT.name) else { return 0 };
        account::parse_day_limit(&text).unwrap_or_else(|error| {
            self.problem(&error);
            0
        })
    }

    fn parsed<T>(&mut self, key: &str, default: T, wanted: &str, parse: impl Fn(&str) -> Option<T>) -> T {
        match self.scalar(key).map(|text| parse(&text)) {
            Some(Some(value)) => value,
            Some(None) => {
                self.problem_at(key, &format!("'{key}' {wanted}"));
                default
            }
            None => default,
        }
    }

    fn flag(&mut self, key: &str, default: bool) -> bool {
        self.parsed(key, default, "must be true or false", |s| s.parse().ok())
    }

    fn list(&mut self, key: &str) -> Vec<String> {
        self.list_if_there(key).unwrap_or_default()
    }

    fn list_if_there(&mut self, key: &str) -> Option<Vec<String>> {
        match &self.declared.keys.get(key)?.value {
            Value::List(items) => Some(items.clone()),
            Value::Scalar(_) | Value::Other(_) => {
                self.problem_at(key, &format!("'{key}' must be a list of names, such as [\"events\"]"));
                None
            }
        }
    }

    fn reference(&mut self, declarations: &Declarations, key: &str, family: Family, name: &str) {
        if !declarations.declares(family, name) {
            let known = declarations.connections.iter().filter(|c| c.family == family).map(|c| c.name.as_str());
            self.problem_at(key, &format!("no {family} '{name}' is declared{}", suggest(name, known)));
        }
    }
}
