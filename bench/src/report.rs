//! The results as Markdown.

use std::fmt::Write as _;

/// One line of the summary.
pub(crate) struct Goal {
    pub(crate) what: String,
    pub(crate) goal: &'static str,
    pub(crate) measured: String,
    pub(crate) met: bool,
}

/// One measurement's part of the document.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) goals: Vec<Goal>,
    /// How it was measured, then tables.
    pub(crate) body: String,
}

impl Section {
    /// The section alone, for runs of single measurements.
    pub(crate) fn text(&self) -> String {
        let goals = if self.goals.is_empty() { String::new() } else { format!("{}\n", summary(&self.goals)) };
        format!("## {}\n\n{goals}{}", self.title, self.body)
    }
}

/// The whole document.
pub(crate) fn document(date: &str, machine: &str, load: &str, sections: &[Section]) -> String {
    let goals = sections.iter().flat_map(|section| &section.goals);
    let mut text = format!(
        "# Benchmarks\n\nWritten by `make bench` on {date}; everything below comes from that one run. Single \
         measurements: `make bench ARGS=\"media\"`.\n\n{machine}\n\nLoad of the machine at the end of the run: {load}. \
         Load generator, vault, storage server and whatever else the machine does share its cores: where \
         one figure is compared with another, both were measured in turns, several times, and ratios are those of \
         neighbouring runs.\n\n{}",
        summary(goals)
    );
    for section in sections {
        let _ = write!(text, "\n## {}\n\n{}", section.title, section.body);
    }
    text
}

fn summary<'a>(goals: impl IntoIterator<Item = &'a Goal>) -> String {
    let mut table = Table::new(&["what", "goal", "measured", "met"]);
    for goal in goals {
        table.row([goal.what.as_str(), goal.goal, &goal.measured, if goal.met { "yes" } else { "**no**" }]);
    }
    table.finish()
}

/// A Markdown table.
pub(crate) struct Table(String);

impl Table {
    pub(crate) fn new(columns: &[&str]) -> Self {
        Self(format!("| {} |\n|{}\n", columns.join(" | "), "---|".repeat(columns.len())))
    }

    pub(crate) fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        let cells: Vec<&str> = cells.into_iter().collect();
        let _ = writeln!(self.0, "| {} |", cells.join(" | "));
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }
}

/// `64 KiB`, `2 MiB`.
pub(crate) fn bytes(count: usize) -> String {
    if count >= 1 << 20 { format!("{} MiB", count >> 20) } else { format!("{} KiB", count >> 10) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_come_first_and_misses_stand_out() {
        let goal = |met| Goal { what: "memory".into(), goal: "< 1 MiB", measured: "2 MiB".into(), met };
        let section = Section { title: "Memory", goals: vec![goal(true), goal(false)], body: "Details.\n".into() };
        let text = document("2026-01-31", "A machine.", "0.1", &[section]);
        assert!(text.contains("| memory | < 1 MiB | 2 MiB | yes |\n| memory | < 1 MiB | 2 MiB | **no** |\n"), "{text}");
        assert!(text.ends_with("\n## Memory\n\nDetails.\n"), "{text}");
    }
}
