//! A configuration as written: keys with their text and position, from file and environment.

use super::declared::Declared;
use super::error::{ConfigError, Origin, Problem, suggest};
use super::written::{Value, Written};
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Sections with plain keys, and those keys. Any other key is refused.
pub(super) const SECTIONS: &[(&str, &[&str])] = &[
    (
        "server",
        &[
            "listen",
            "public_url",
            "allowed_hosts",
            "cors_origins",
            "trust_proxy",
            "shutdown_timeout_s",
            "max_connections",
            "keep_alive_s",
        ],
    ),
    ("data", &["dir", "master_key"]),
    ("database", &["url"]),
    ("admin", &["username", "password"]),
    (
        "limits",
        &[
            "max_upload_bytes",
            "receive_budget_bytes",
            "idle_timeout_s",
            "min_upload_rate",
            "signed_url_ttl_s",
            "signed_url_max_ttl_s",
        ],
    ),
    ("log", &["format", "level"]),
    ("metrics", &["token", "allow_anonymous"]),
    ("traces", &["endpoint", "headers", "sample_ratio", "service_name"]),
];
/// Sections that may occur any number of times.
const LISTS: [&str; 3] = ["provider", "integration", "account"];

/// A whole configuration.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// Values by `section.key`.
    pub(super) keys: BTreeMap<String, Written>,
    pub(super) lists: BTreeMap<&'static str, Vec<Declared>>,
}

impl Document {
    /// Parses a file's text; unknown sections and keys become problems.
    pub(super) fn read(file: &str, text: &str, problems: &mut Vec<Problem>) -> Result<Self, ConfigError> {
        let line = |at: usize| text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count() + 1;
        let table = DeTable::parse(text).map_err(|error| ConfigError {
            file: file.to_owned(),
            problems: vec![Problem {
                origin: error.span().map(|s| Origin::Line(line(s.start))),
                message: error.message().to_owned(),
            }],
        })?;
        let mut document = Self::default();
        for (name, value) in table.get_ref() {
            let at = line(name.span().start);
            let name = name.get_ref().as_ref();
            if let Some((section, keys)) = SECTIONS.iter().find(|(section, _)| *section == name) {
                document.read_section(section, keys, value, at, &line, problems);
            } else if let Some(list) = LISTS.iter().find(|list| **list == name) {
                document.lists.insert(list, read_list(list, value, at, &line, problems));
            } else {
                let known = SECTIONS.iter().map(|(section, _)| *section).chain(LISTS);
                problems.push(Problem::line(at, format!("unknown section '{name}'{}", suggest(name, known))));
            }
        }
        Ok(document)
    }

    fn read_section(
        &mut self,
        section: &str,
        keys: &[&str],
        value: &Spanned<DeValue<'_>>,
        at: usize,
        line: &impl Fn(usize) -> usize,
        problems: &mut Vec<Problem>,
    ) {
        let Some(table) = value.get_ref().as_table() else {
            problems.push(Problem::line(at, format!("'{section}' must be a section: [{section}]")));
            return;
        };
        for (key, written) in read_table(table, line) {
            if keys.contains(&key.as_str()) {
                self.keys.insert(format!("{section}.{key}"), written);
            } else {
                let hint = suggest(&key, keys.iter().copied());
                problems.push(Problem::at(&written.origin, format!("[{section}]: unknown setting '{key}'{hint}")));
            }
        }
    }

    /// Applies the environment, which wins: `VAULT_<SECTION>__<KEY>`, or another name that a key has.
    pub(super) fn overlay(
        &mut self,
        variables: &BTreeMap<String, String>,
        other_names: &[(&'static str, &'static str)],
        problems: &mut Vec<Problem>,
    ) {
        for (name, key) in other_names.iter().copied() {
            if let Some(value) = variables.get(name) {
                self.keys.insert(key.to_owned(), Written::in_variable(name, Value::Scalar(value.clone())));
            }
        }
        for (name, value) in variables {
            let origin = Origin::Variable(name.clone());
            let Some(key) = key_of(name) else { continue };
            if is_known(&key) {
                self.keys.insert(key, Written { value: Value::Scalar(value.clone()), origin });
            } else {
                let known: Vec<String> =
                    SECTIONS.iter().flat_map(|(s, keys)| keys.iter().map(move |k| variable(s, k))).collect();
                let hint = suggest(name, known.iter().map(String::as_str));
                problems.push(Problem::at(&origin, format!("there is no such setting{hint}")));
            }
        }
    }
}

fn key_of(variable: &str) -> Option<String> {
    let (section, key) = variable.strip_prefix("VAULT_")?.split_once("__")?;
    Some(format!("{}.{}", section.to_ascii_lowercase(), key.to_ascii_lowercase()))
}

fn variable(section: &str, key: &str) -> String {
    format!("VAULT_{}__{}", section.to_ascii_uppercase(), key.to_ascii_uppercase())
}

fn is_known(dotted: &str) -> bool {
    let found = dotted
        .split_once('.')
        .map(|(section, key)| SECTIONS.iter().any(|(s, keys)| *s == section && keys.contains(&key)));
    found.unwrap_or(false)
}

fn read_list(
    name: &str,
    value: &Spanned<DeValue<'_>>,
    at: usize,
    line: &impl Fn(usize) -> usize,
    problems: &mut Vec<Problem>,
) -> Vec<Declared> {
    let tables = value.get_ref().as_array().map(|items| items.iter().map(|i| (i.span().start, i.get_ref().as_table())));
    let Some(tables) = tables else {
        problems.push(Problem::line(at, format!("'{name}' can be declared several times: write [[{name}]]")));
        return Vec::new();
    };
    let mut declared = Vec::new();
    for (start, table) in tables {
        match table {
            Some(table) => declared.push(Declared {
                heading: Origin::Line(line(start)),
                words: None,
                keys: read_table(table, line),
            }),
            None => problems.push(Problem::line(line(start), format!("write [[{name}]] and its keys below"))),
        }
    }
    declared
}

fn read_table(table: &DeTable<'_>, line: &impl Fn(usize) -> usize) -> BTreeMap<String, Written> {
    let read = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
        let key: &Spanned<std::borrow::Cow<'_, str>> = key;
        let written = Written { value: read_value(value.get_ref()), origin: Origin::Line(line(key.span().start)) };
        (key.get_ref().as_ref().to_owned(), written)
    };
    table.iter().map(read).collect()
}

fn read_value(value: &DeValue<'_>) -> Value {
    if let Some(text) = scalar(value) {
        return Value::Scalar(text);
    }
    match value.as_array() {
        Some(items) => match items.iter().map(|i| scalar(i.get_ref())).collect::<Option<Vec<_>>>() {
            Some(texts) => Value::List(texts),
            None => Value::Other("a list of lists or tables"),
        },
        None => Value::Other(value.type_str()),
    }
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.as_ref().to_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok().map(|n| n.to_string()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(yes) => Some(yes.to_string()),
        _ => None,
    }
}
