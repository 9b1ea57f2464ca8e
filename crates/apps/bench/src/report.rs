//! The table a run prints.

use std::fmt;

use crate::cluster::Medium;

/// One line per thing measured, one column per cluster it was measured on.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    what: String,
    goal: &'static str,
    disk: Option<String>,
    control: Option<String>,
}

impl Report {
    /// Enters what was measured on one of the clusters. `goal` is empty where there is none.
    pub(crate) fn put(
        &mut self,
        medium: Medium,
        what: impl Into<String>,
        goal: &'static str,
        value: impl Into<String>,
    ) {
        let what = what.into();
        let index = self.rows.iter().position(|row| row.what == what).unwrap_or_else(|| {
            self.rows.push(Row { what, goal, disk: None, control: None });
            self.rows.len() - 1
        });
        let row = &mut self.rows[index];
        match medium {
            Medium::Disk => row.disk = Some(value.into()),
            Medium::Control => row.control = Some(value.into()),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| measured | on disk | control | goal |\n|---|---|---|---|")?;
        for row in &self.rows {
            let shown = |value: &Option<String>| value.clone().unwrap_or_default();
            writeln!(f, "| {} | {} | {} | {} |", row.what, shown(&row.disk), shown(&row.control), row.goal)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clusters_share_a_line() {
        let mut report = Report::default();
        report.put(Medium::Disk, "a", "1", "x");
        report.put(Medium::Disk, "b", "", "y");
        report.put(Medium::Control, "a", "1", "z");
        let lines: Vec<String> = report.to_string().lines().skip(2).map(str::to_owned).collect();
        assert_eq!(lines, ["| a | x | z | 1 |", "| b | y |  |  |"]);
    }
}
