//! The program itself, headless, against a practice world in this process.

use std::path::Path;
use std::time::Duration;

use fx_executor::practice::{self, PracticeOptions, PracticeWorld};
use jiff::{SignedDuration, Timestamp};
use tokio::process::Command;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::measure::{cpu_time, memory, nanos, percentile, since};
use crate::process::Process;
use crate::table::{Row, shown};

const PATIENCE: Duration = Duration::from_secs(20);

/// A data folder with the settings of this world.
fn data_folder(world: &PracticeWorld) -> tempfile::TempDir {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut config = practice::config_file(world);
    config["terminal"] = "paper".into();
    std::fs::write(folder.path().join("settings.json"), config.to_string()).unwrap();
    folder
}

/// Starts the program and waits until it is subscribed.
async fn started(folder: &Path) -> (Process, Duration) {
    let start = nanos();
    let mut process = Process::start(
        Command::new(env!("CARGO_BIN_EXE_fx-executor"))
            .arg("--headless")
            .arg("--data-dir")
            .arg(folder)
            .arg("--config")
            .arg(folder.join("settings.json")),
    );
    let mut heard = String::new();
    while let Some(line) = process.line(PATIENCE).await {
        if line.contains("Successfully subscribed to channel: private-executor-") {
            return (process, since(start));
        }
        heard.push_str(&line);
        heard.push('\n');
    }
    panic!("the program did not subscribe; it said:\n{heard}");
}

pub async fn start(quick: bool) -> Row {
    const GOAL: Duration = Duration::from_millis(300);
    let runs = if quick { 5 } else { 20 };
    let end = CancellationToken::new();
    let world = practice::start(PracticeOptions::default(), end.clone())
        .await
        .unwrap();
    let folder = data_folder(&world);
    let mut took = Vec::new();
    for _ in 0..=runs {
        let (process, duration) = started(folder.path()).await;
        took.push(duration);
        assert!(process.terminate().await.success(), "a clean end");
    }
    end.cancel();
    let first = took.remove(0);
    let p95 = percentile(&took, 0.95);
    Row {
        what: format!("process start → subscribed (practice, warm), p95 of {runs}"),
        must_be: "< 300 ms".to_owned(),
        ours: format!("{} (p50 {})", shown(p95), shown(percentile(&took, 0.5))),
        theirs: String::new(),
        ratio: String::new(),
        holds: p95 < GOAL,
        how: format!(
            "From before the process is made until its line \"Successfully subscribed to channel: private-executor-…\" is read from its output; journal and settings of the run before. The very first start took {}.",
            shown(first)
        ),
    }
}

pub async fn drain(quick: bool) -> Vec<Row> {
    let count = if quick { 1_000 } else { 10_000 };
    let idle = Duration::from_secs(if quick { 20 } else { 60 });
    let end = CancellationToken::new();
    let world = practice::start(PracticeOptions::default(), end.clone())
        .await
        .unwrap();
    let folder = data_folder(&world);
    let oldest = Timestamp::now() - SignedDuration::from_secs(20);
    let ids: Vec<String> = (0..count)
        .map(|number| {
            let at = oldest + SignedDuration::from_millis(number);
            world.insert_pending("PAUSE", None, "NORMAL", at).unwrap()
        })
        .collect();
    let start = nanos();
    let (mut process, _) = started(folder.path()).await;
    let pid = process.id();
    let draining = Instant::now();
    let mut samples = Vec::new();
    // Its lines are read all the time, as a console does.
    while world.pending_count() > 0 {
        assert!(
            draining.elapsed() < Duration::from_secs(900),
            "{} rows are still pending",
            world.pending_count()
        );
        let until = Instant::now() + Duration::from_millis(250);
        while let Some(_line) = process
            .line(until.saturating_duration_since(Instant::now()))
            .await
        {}
        samples.push((world.pending_count(), memory(pid, "VmRSS")));
    }
    let took = since(start);
    // The last reports' echoes and heartbeats are over.
    sleep(Duration::from_secs(5)).await;
    let rss = memory(pid, "VmRSS");
    let before = cpu_time(pid);
    sleep(idle).await;
    let share = (cpu_time(pid) - before).as_secs_f64() / idle.as_secs_f64() * 100.0;
    assert!(process.terminate().await.success(), "a clean end");
    end.cancel();
    let done = world
        .command_rows()
        .iter()
        .filter(|row| row.status == "executed")
        .count();
    let in_order = executed(folder.path()) == ids;
    let tenth = ids.len() / 10;
    let early = samples
        .iter()
        .find(|(pending, _)| *pending <= ids.len() - tenth)
        .map_or(rss, |(_, rss)| *rss);
    let peak = samples.iter().map(|(_, rss)| *rss).fold(rss, f64::max);
    vec![
        Row {
            what: format!("memory headless after {count} commands / idle CPU"),
            must_be: "< 30 MB / < 0.2 % of a core".to_owned(),
            ours: format!("{:.1} MB / {share:.3} %", rss * 1.048_576),
            theirs: String::new(),
            ratio: String::new(),
            holds: rss * 1.048_576 < 30.0 && share < 0.2,
            how: format!("Resident memory of the process of the next row after it; then the processor time of all its threads over {} s, the paper market running.", idle.as_secs()),
        },
        Row {
            what: format!("{count} pending rows at start"),
            must_be: "drained in order, flat memory".to_owned(),
            ours: format!("{} ({:.0}/s), {done} executed{}, {early:.1} MiB after a tenth, peak {peak:.1} MiB", shown(took), done as f64 / took.as_secs_f64(), if in_order { " in order" } else { ", NOT in order" }),
            theirs: String::new(),
            ratio: String::new(),
            holds: in_order && done == ids.len() && peak - early <= 6.0,
            how: "PAUSE commands in the platform's table before the program starts, ten a heartbeat; until the platform has the last final status. The order is that of the journal's records; flat means at most 6 MiB more than after the first tenth.".to_owned(),
        },
    ]
}

/// The ids in the order in which the journal says they were executed.
fn executed(folder: &Path) -> Vec<String> {
    let journal = rusqlite::Connection::open(folder.join("journal.sqlite")).unwrap();
    let mut query = journal
        .prepare("SELECT command_id FROM record WHERE body ->> 'record' = 'moved' AND body ->> 'state' = 'executed' ORDER BY seq")
        .unwrap();
    let ids = query.query_map([], |row| row.get(0)).unwrap();
    ids.collect::<Result<_, _>>().unwrap()
}
