//! What an installation writes, says and starts.

use std::fs;
use std::time::{Duration, Instant};

use super::super::install::{InstallError, Installed, Progress};
use super::*;

const LIMIT: Duration = Duration::from_secs(20);

pub fn install(plan: Plan) -> (Result<Installed, InstallError>, Vec<Progress>) {
    install_while(plan, Presence::Closed)
}

fn install_while(
    plan: Plan,
    presence: Presence,
) -> (Result<Installed, InstallError>, Vec<Progress>) {
    let mut told = Vec::new();
    let result = plan
        .agreed()
        .carry_out(LIMIT, &|| presence, &mut |progress| told.push(progress));
    (result, told)
}

pub fn plan(terminal: &Terminal) -> Plan {
    Plan::install(terminal, EXPERT, &Wish::default()).unwrap()
}

fn starting(terminal: &Terminal) -> Plan {
    let wish = Wish {
        start: true,
        symbol: None,
    };
    Plan::install(terminal, EXPERT, &wish).unwrap()
}

#[test]
fn looking_changes_nothing() {
    let computer = Computer::new();
    let terminal = computer.terminal("MetaTrader 5", "AAAA");
    let before = tree(computer.root.path());
    let text = starting(&terminal).to_string();
    assert_eq!(tree(computer.root.path()), before);
    let root = computer.root.path().to_str().unwrap();
    insta::assert_snapshot!(text.replace(root, "C:"));
}

#[test]
fn the_expert_advisor_is_written_compiled_and_known() {
    let computer = Computer::new();
    let terminal = computer.terminal("MetaTrader 5", "AAAA");
    let outside = tree(&terminal.install_dir);
    let (result, told) = install(plan(&terminal));
    assert!(!result.unwrap().started);
    let folder = folder(&terminal);
    assert_eq!(
        fs::read_to_string(folder.join("FX-Executor.mq5")).unwrap(),
        EXPERT.text
    );
    let names: Vec<_> = tree(&folder)
        .into_iter()
        .map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(
        names,
        [
            "FX-Executor.ex5",
            "FX-Executor.mq5",
            "installed-by-fx-executor.json"
        ]
    );
    assert_eq!(
        tree(&terminal.install_dir),
        outside,
        "nothing else is touched"
    );
    assert_eq!(
        computer.one("AAAA").expert,
        ExpertState::Compiled {
            version: Some("0.10".to_owned()),
            current: true
        }
    );
    assert!(
        told.iter().all(|progress| progress.ok != Some(false)),
        "{told:?}"
    );
    let by_hand = |progress: &Progress| progress.step.contains("drag");
    assert!(
        !told.iter().any(by_hand),
        "what the trader has yet to do is not told as done"
    );
    assert!(
        told.iter().any(|progress| progress
            .detail
            .starts_with("0 errors, a new FX-Executor.ex5")),
        "{told:?}"
    );
}

#[test]
fn a_failed_compilation_stops_the_installation_and_says_why() {
    let computer = Computer::new();
    let terminal = computer.terminal("MetaTrader 5", "AAAA");
    mode(&terminal, "errors");
    let (result, told) = install(starting(&terminal));
    assert!(
        matches!(result, Err(InstallError::Compile(_))),
        "{result:?}"
    );
    let last = told.last().unwrap();
    assert_eq!(last.ok, Some(false));
    assert!(
        last.detail.contains("undeclared identifier"),
        "{}",
        last.detail
    );
    assert!(!terminal.install_dir.join("started").exists());
    assert!(
        Removal::of(&terminal).unwrap().is_some(),
        "it can be taken back"
    );
}

#[test]
fn installing_twice_is_the_same_as_once() {
    let computer = Computer::new();
    let terminal = computer.terminal("MetaTrader 5", "AAAA");
    install(plan(&terminal)).0.unwrap();
    let once = tree(&folder(&terminal));
    let again = plan(&terminal);
    assert!(
        again.to_string().contains("0.10 is there already"),
        "{again}"
    );
    install(again).0.unwrap();
    assert_eq!(tree(&folder(&terminal)), once);
}

#[test]
fn replacing_one_that_runs_is_said_before() {
    let computer = Computer::new();
    let mut terminal = computer.terminal("MetaTrader 5", "AAAA");
    let words = "the link breaks for a moment";
    terminal.presence = Presence::Running;
    assert!(
        !plan(&terminal).to_string().contains(words),
        "there is none yet"
    );
    install(plan(&terminal)).0.unwrap();
    let mut terminal = computer.one("AAAA");
    assert!(!plan(&terminal).to_string().contains(words), "it is closed");
    terminal.presence = Presence::Running;
    assert!(plan(&terminal).to_string().contains(words));
}

#[test]
fn an_older_version_of_ours_is_replaced_and_an_edited_one_is_kept() {
    let computer = Computer::new();
    let terminal = computer.terminal("MetaTrader 5", "AAAA");
    let old = ExpertSource {
        text: "#property version \"0.09\"\n",
    };
    install(Plan::install(&terminal, old, &Wish::default()).unwrap())
        .0
        .unwrap();
    let replacing = plan(&terminal).to_string();
    assert!(
        replacing.contains("Replace the Expert Advisor 0.09 by 0.10"),
        "{replacing}"
    );
    assert!(
        !replacing.contains("Keep what somebody else made"),
        "{replacing}"
    );

    let source = folder(&terminal).join("FX-Executor.mq5");
    fs::write(&source, "// my own change\n").unwrap();
    let keeping = plan(&terminal);
    assert!(
        keeping.to_string().contains("Keep what somebody else made"),
        "{keeping}"
    );
    install(keeping).0.unwrap();
    assert_eq!(fs::read_to_string(&source).unwrap(), EXPERT.text);
    let kept = folder(&terminal).join("FX-Executor.kept-1.txt");
    assert_eq!(fs::read_to_string(kept).unwrap(), "// my own change\n");
}

#[test]
fn consent_holds_only_for_what_was_shown() {
    let computer = Computer::new();
    let terminal = computer.terminal("MetaTrader 5", "AAAA");
    let shown = plan(&terminal);
    fs::create_dir_all(folder(&terminal)).unwrap();
    fs::write(
        folder(&terminal).join("FX-Executor.mq5"),
        "// put there meanwhile",
    )
    .unwrap();
    let (result, _) = install(shown);
    assert!(
        matches!(result, Err(InstallError::ChangedMeanwhile)),
        "{result:?}"
    );
}

#[test]
fn a_closed_terminal_is_started_with_the_expert_advisor() {
    let computer = Computer::new();
    let terminal = computer.terminal("MetaTrader 5", "AAAA");
    let charts = terminal
        .data_dir()
        .unwrap()
        .join("MQL5/Profiles/Charts/Default");
    fs::create_dir_all(&charts).unwrap();
    fs::write(
        charts.join("chart01.chr"),
        encode("<chart>\nid=1\nsymbol=EURUSD.r\n"),
    )
    .unwrap();
    let (result, _) = install(starting(&terminal));
    assert!(result.unwrap().started);
    let ini = folder(&terminal).join("start.ini");
    let bytes = fs::read(&ini).unwrap();
    assert_eq!(
        bytes[..2],
        [0xFF, 0xFE],
        "the terminal ignores other encodings"
    );
    assert_eq!(
        decode(&bytes),
        "[StartUp]\r\nExpert=FX-Executor\\FX-Executor\r\nSymbol=EURUSD.r\r\nPeriod=H1\r\n\
         [Experts]\r\nEnabled=1\r\nAllowLiveTrading=1\r\nAllowDllImport=0\r\nAccount=0\r\nProfile=0\r\n"
    );
    let began = Instant::now();
    let started = terminal.install_dir.join("started");
    while !started.exists() {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "it is not started"
        );
        std::thread::yield_now();
    }
    assert_eq!(
        fs::read_to_string(started).unwrap(),
        format!("/config:{}\n", ini.display())
    );
}

#[test]
fn a_running_terminal_is_left_alone() {
    for presence in [Presence::Running, Presence::Unknown] {
        let computer = Computer::new();
        let mut terminal = computer.terminal("MetaTrader 5", "AAAA");
        // It runs when the plan is made: no start is offered.
        terminal.presence = presence;
        let offered = starting(&terminal);
        assert!(
            matches!(offered.steps.last(), Some(Step::DragByHand(_))),
            "{offered}"
        );
        // It was started while the question was open.
        terminal.presence = Presence::Closed;
        let (result, _) = install_while(starting(&terminal), presence);
        assert!(
            matches!(result, Err(InstallError::RunsMeanwhile)),
            "{result:?}"
        );
        assert!(!terminal.install_dir.join("started").exists());
        assert!(!folder(&terminal).join("start.ini").exists());
    }
}

#[test]
fn the_charts_symbol_is_one_that_the_terminal_has() {
    let computer = Computer::new();
    let data = computer.path("data");
    assert_eq!(
        choose_symbol(&data),
        SymbolChoice::Guessed("EURUSD".to_owned())
    );
    for symbol in ["AUDCAD", "EURUSDm", "XAUUSD"] {
        fs::create_dir_all(data.join("bases/Broker-Demo/history").join(symbol)).unwrap();
    }
    assert_eq!(
        choose_symbol(&data),
        SymbolChoice::HasHistory("EURUSDm".to_owned())
    );
    let terminal = computer.terminal("MetaTrader 5", "AAAA");
    let wish = Wish {
        start: true,
        symbol: Some("GOLD\r\n[Experts]".to_owned()),
    };
    let error = Plan::install(&terminal, EXPERT, &wish).unwrap_err();
    assert!(matches!(error, PlanError::BadSymbol(_)), "{error}");
}

#[test]
fn without_metaeditor_nothing_is_offered() {
    let computer = Computer::new();
    let terminal = computer.terminal("MetaTrader 5", "AAAA");
    fs::remove_file(terminal.metaeditor()).unwrap();
    let error = Plan::install(&terminal, EXPERT, &Wish::default()).unwrap_err();
    assert!(matches!(error, PlanError::NoMetaEditor { .. }), "{error}");
}
