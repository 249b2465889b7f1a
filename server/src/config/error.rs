//! What is wrong with a configuration, where, and what would be right.

use std::fmt;

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A line of the file, from 1.
    Line(usize),
    /// An environment variable.
    Variable(String),
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where; `None` when it concerns the file as a whole.
    pub origin: Option<Origin>,
    /// What, as a sentence that names the key.
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

/// Everything wrong with a configuration, so that one look repairs it all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// Name of the file, as it was given.
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

/// `; did you mean 'x'?` when one is close, and all that are known.
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
