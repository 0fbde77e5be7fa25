//! What was measured, beside what is to be reached.

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// There to be compared with.
    None,
}

#[derive(Debug)]
struct Row {
    what: String,
    value: f64,
    unit: &'static str,
    goal: Goal,
}

/// Every figure of a run.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// Adds a figure.
    pub(crate) fn add(
        &mut self,
        what: impl Into<String>,
        value: f64,
        unit: &'static str,
        goal: Goal,
    ) {
        let what = what.into();
        eprintln!("  {what}: {} {unit}", spell(value));
        self.rows.push(Row {
            what,
            value,
            unit,
            goal,
        });
    }

    /// Prints all of them under a title, if there are any.
    pub(crate) fn print(&self, title: &str) {
        if self.rows.is_empty() {
            return;
        }
        println!(
            "\n{:<66} {:>9} {:<12} {:>10} {:>7}",
            title, "measured", "", "goal", "ratio"
        );
        for row in &self.rows {
            let (goal, ratio) = match row.goal {
                Goal::AtLeast(goal) => (format!("≥ {}", spell(goal)), Some(row.value / goal)),
                Goal::AtMost(goal) => (format!("≤ {}", spell(goal)), Some(goal / row.value)),
                Goal::None => (String::new(), None),
            };
            let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
            println!(
                "{:<66} {:>9} {:<12} {:>10} {:>7}",
                row.what,
                spell(row.value),
                row.unit,
                goal,
                ratio
            );
        }
    }
}

/// Three digits that matter.
fn spell(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}
