//! The JSON arrays that declare providers, integrations and accounts, turned into what `vault.toml` would declare.

use super::super::declared::{Declared, Words};
use super::super::error::{Origin, Problem};
use super::super::written::{Value, Written};
use super::kinds::{self, Kind};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// A variable that holds an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Array {
    Providers,
    Integrations,
    Accounts,
}

impl Array {
    pub(super) const ALL: [Self; 3] = [Self::Providers, Self::Integrations, Self::Accounts];

    pub(super) const fn variable(self) -> &'static str {
        match self {
            Self::Providers => "VAULT_STORAGE_PROVIDERS",
            Self::Integrations => "VAULT_INTEGRATIONS",
            Self::Accounts => "VAULT_ACCOUNTS",
        }
    }

    /// The section of `vault.toml` that declares the same.
    pub(super) const fn section(self) -> &'static str {
        match self {
            Self::Providers => "provider",
            Self::Integrations => "integration",
            Self::Accounts => "account",
        }
    }

    /// The key that names an entry's kind.
    const fn kind(self) -> &'static str {
        match self {
            Self::Providers => "provider",
            Self::Integrations => "queue",
            Self::Accounts => "",
        }
    }
}

/// Reads one of the arrays. The vault signs links for browsers, or the store does, where a provider does not say it.
pub(super) fn read(
    array: Array,
    text: &str,
    vault_signs: bool,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<String>,
) -> Vec<Declared> {
    let variable = array.variable();
    let origin = Origin::Variable(variable.to_owned());
    let entries = match serde_json::from_str::<Json>(text) {
        Ok(Json::Array(entries)) => entries,
        Ok(_) => {
            problems.push(Problem::at(&origin, "must be a JSON array of objects: [{…}, {…}]"));
            return Vec::new();
        }
        // The parser's words hold nothing of the text.
        Err(error) => {
            let usual =
                "often a shell took the quotes, or a quote inside of a text lacks its backslash (docs/replace.md)";
            problems.push(Problem::at(&origin, format!("is no valid JSON: {error}; {usual}")));
            return Vec::new();
        }
    };
    let mut declared = Vec::new();
    for (entry, value) in (1..).zip(entries) {
        let Json::Object(fields) = value else {
            problems.push(Problem::at(
                &origin,
                format!("{} {entry} of the list must be a JSON object: {{…}}", array.section()),
            ));
            continue;
        };
        let mut reading = Reading { array, vault_signs, origin: &origin, problems, warnings };
        declared.extend(reading.entry(entry, fields));
    }
    declared
}

struct Reading<'a> {
    array: Array,
    vault_signs: bool,
    origin: &'a Origin,
    problems: &'a mut Vec<Problem>,
    warnings: &'a mut Vec<String>,
}

impl Reading<'_> {
    fn entry(&mut self, entry: usize, mut fields: serde_json::Map<String, Json>) -> Option<Declared> {
        if self.array == Array::Accounts {
            return Some(self.account(entry, fields));
        }
        let words = Words { entry, kind: self.array.kind(), keys: &[] };
        let kind = match fields.remove(words.kind).and_then(written) {
            Some(Value::Scalar(name)) if self.array == Array::Providers => kinds::provider(&name),
            Some(Value::Scalar(name)) => kinds::integration(&name),
            Some(_) => Err("must be a single value".to_owned()),
            None => Err("is required".to_owned()),
        };
        match kind {
            Ok(kind) => {
                for idle in kind.idle {
                    fields.remove(*idle);
                }
                let mut declared = self.translate(Words { keys: kind.renamed, ..words }, fields);
                self.set(&mut declared, "kind", kind.ours);
                match self.array {
                    Array::Providers => self.provider(kind, &mut declared),
                    Array::Integrations => self.integration(kind, &mut declared),
                    Array::Accounts => {}
                }
                Some(declared)
            }
            Err(why) => {
                fields.retain(|field, _| field == "name");
                let nameless = self.translate(words, fields);
                self.complain(&nameless, "kind", &format!("'kind' {why}"));
                None
            }
        }
    }

    fn account(&mut self, entry: usize, fields: serde_json::Map<String, Json>) -> Declared {
        let declared = self.translate(Words { entry, kind: "", keys: kinds::ACCOUNT }, fields);
        if !declared.keys.contains_key("day_limit") {
            self.complain(&declared, "day_limit", "'day_limit' is required: the days that recordings are kept");
        }
        declared
    }

    /// Gives every field this vault's name. What is null or empty is not given, as in the original.
    fn translate(&mut self, words: Words, fields: serde_json::Map<String, Json>) -> Declared {
        let mut declared = Declared { heading: self.origin.clone(), words: Some(words), keys: BTreeMap::new() };
        let mut twice = Vec::new();
        for (field, value) in fields {
            let Some(value) = written(value) else { continue };
            let ours = words.ours(&field).to_owned();
            if declared.keys.insert(ours.clone(), self.in_variable(value)).is_some() {
                twice.push(ours);
            }
        }
        for key in twice {
            self.complain(&declared, &key, "is given twice, by its name here and by that in the original vault");
        }
        declared
    }

    /// Says what the original means by a provider that leaves it out, or has what there is not here.
    fn provider(&mut self, kind: Kind, declared: &mut Declared) {
        let says_who_signs = kind.renamed.iter().any(|(_, ours)| *ours == "signed_urls");
        if says_who_signs && !declared.keys.contains_key("signed_urls") {
            // What a role signs ends with its credentials.
            let by_role = kind.ours == "s3" && !declared.keys.contains_key("access_key");
            self.set(declared, "signed_urls", if self.vault_signs || by_role { "vault" } else { "provider" });
        }
        match declared.keys.remove("temporary") {
            Some(temporary) if temporary.value != Value::Scalar("false".into()) => self.complain(
                declared,
                "temporary",
                "'temporary' must be false: this vault has no temporary providers. Leave it out, and let the accounts' \
                 limit say how long recordings are kept",
            ),
            Some(_) | None => {}
        }
    }

    /// The same for an integration.
    fn integration(&mut self, kind: Kind, declared: &mut Declared) {
        if kind.ours == "vault" && declared.keys.remove("username").is_some() {
            let why = "'username' is not used: recordings keep their directory, which is the Hub user's name";
            let told = declared.problem(self.array.section(), "username", why);
            self.warnings.push(format!("{}: {}", self.array.variable(), told.message));
        }
        let of_kafka = if kind.ours == "kafka" { &["mechanism", "security"][..] } else { &[] };
        for key in of_kafka.iter().copied() {
            // Kafka's clients take these in any case.
            match declared.keys.get_mut(key).map(|written| &mut written.value) {
                Some(Value::Scalar(text)) if text.eq_ignore_ascii_case("none") => drop(declared.keys.remove(key)),
                Some(Value::Scalar(text)) => text.make_ascii_uppercase(),
                Some(_) | None => {}
            }
        }
    }

    fn set(&self, declared: &mut Declared, key: &str, value: &str) {
        declared.keys.insert(key.to_owned(), self.in_variable(Value::Scalar(value.to_owned())));
    }

    fn complain(&mut self, declared: &Declared, key: &str, message: &str) {
        self.problems.push(declared.problem(self.array.section(), key, message));
    }

    fn in_variable(&self, value: Value) -> Written {
        Written { value, origin: self.origin.clone() }
    }
}

/// A value as it would stand in a file; `None` for what is not given.
fn written(value: Json) -> Option<Value> {
    match value {
        Json::Null => None,
        Json::String(text) if text.is_empty() => None,
        Json::Array(items) => {
            let texts = items.into_iter().map(scalar).collect::<Option<Vec<_>>>();
            Some(texts.map_or(Value::Other("a list of lists or objects"), Value::List))
        }
        Json::Object(_) => Some(Value::Other("an object")),
        other => scalar(other).map(Value::Scalar),
    }
}

fn scalar(value: Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(yes) => Some(yes.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

#[cfg(test)]
mod tests;
