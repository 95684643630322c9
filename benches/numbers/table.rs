//! The table, in Markdown.

use std::time::Duration;

/// One finished row.
#[derive(Debug)]
pub struct Row {
    pub what: String,
    pub must_be: String,
    pub ours: String,
    pub theirs: String,
    pub ratio: String,
    pub holds: bool,
    /// How it was measured, below the table.
    pub how: String,
}

pub fn print(rows: &[Row]) {
    println!("| what | must be | ours | beside it | ratio | |");
    println!("|---|---|---|---|---|---|");
    for (number, row) in rows.iter().enumerate() {
        let sign = if row.holds { "✓" } else { "✗" };
        println!(
            "| {} [{}] | {} | {} | {} | {} | {sign} |",
            row.what,
            number + 1,
            row.must_be,
            row.ours,
            row.theirs,
            row.ratio
        );
    }
    println!();
    for (number, row) in rows.iter().enumerate() {
        println!("[{}] {}", number + 1, row.how);
    }
}

pub fn shown(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    match micros {
        ..1_000.0 => format!("{micros:.0} µs"),
        1_000.0..1_000_000.0 => format!("{:.2} ms", micros / 1e3),
        _ => format!("{:.2} s", micros / 1e6),
    }
}

pub fn ratio(ours: Duration, theirs: Duration) -> f64 {
    ours.as_secs_f64() / theirs.as_secs_f64()
}
