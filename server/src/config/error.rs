//! Mistakes in a configuration: what, where, and how to correct them.

use std::fmt;

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Line of the file, counted from 1.
    Line(usize),
    /// An environment variable.
    Variable(String),
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it is; `None` if it concerns the file as a whole.
    pub origin: Option<Origin>,
    /// What is wrong, as a sentence that names the key.
    pub message: String,
}

impl Problem {
    pub(super) fn at(origin: &Origin, message: impl Into<String>) -> Self {
        Self { origin: Some(origin.clone()), message: message.into() }
    }

    pub(super) fn line(line: usize, message: impl Into<String>) -> Self {
        Self { origin: Some(Origin::Line(line)), message: message.into() }
    }
}

/// All mistakes of a configuration, so that they can be corrected in one go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The file's name as given.
    pub file: String,
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            match &problem.origin {
                Some(Origin::Line(line)) => write!(f, "{} line {line}: ", self.file)?,
                Some(Origin::Variable(name)) => write!(f, "environment variable {name}: ")?,
                None => write!(f, "{}: ", self.file)?,
            }
            f.write_str(&problem.message)?;
        }
        Ok(())
    }
}

/// `; did you mean 'x'?` if one is close, and all known ones.
pub(super) fn suggest<'a>(given: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let close = known.clone().map(|k| (strsim::levenshtein(given, k), k)).min();
    let hint = match close {
        Some((distance, name)) if distance <= 1 + name.len() / 4 => format!("; did you mean '{name}'?"),
        _ => ";".to_owned(),
    };
    format!("{hint} known are: {}", known.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_is_close() {
        let known = ["path", "name"].into_iter();
        assert_eq!(suggest("pth", known.clone()), "; did you mean 'path'? known are: path, name");
        assert_eq!(suggest("colour", known), "; known are: path, name");
    }
}
