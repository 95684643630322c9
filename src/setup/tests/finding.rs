//! Which terminals are found, and which are not.

use std::fs;

use super::super::encode;
use super::*;

#[test]
fn a_terminal_is_found_by_its_origin_in_every_encoding() {
    let computer = Computer::new();
    let install = computer.install("MetaTrader 5");
    let path = install.to_str().unwrap();
    computer.data("AAAA", &encode(path));
    computer.data("BBBB", path.as_bytes());
    computer.data("CCCC", format!("\u{FEFF}{path}\r\n").as_bytes());
    let found = computer.find();
    let ids: Vec<_> = found.terminals.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["AAAA", "BBBB", "CCCC"]);
    for terminal in &found.terminals {
        assert_eq!(terminal.name, "MetaTrader 5");
        assert_eq!(terminal.install_dir, install);
        assert_eq!(terminal.presence, Presence::Closed);
        assert_eq!(terminal.expert, ExpertState::Absent);
    }
    assert_eq!(found.leftovers, Vec::<String>::new());
}

#[test]
fn shared_folders_and_metatrader_4_are_no_terminals() {
    let computer = Computer::new();
    let old = computer.path("MetaTrader 4");
    fs::create_dir_all(&old).unwrap();
    fs::write(old.join("terminal.exe"), "").unwrap();
    computer.data("MT4", &encode(old.to_str().unwrap()));
    let common = computer.data_root().join("Common");
    fs::write(
        common.join("origin.txt"),
        computer.install("X").to_str().unwrap(),
    )
    .unwrap();
    fs::create_dir_all(computer.data_root().join("EMPTY")).unwrap();
    fs::write(computer.data_root().join("a file"), "x").unwrap();
    let found = computer.find();
    assert_eq!(found.terminals, []);
    assert_eq!(found.leftovers, Vec::<String>::new());
}

#[test]
fn a_removed_terminal_is_told_and_not_offered() {
    let computer = Computer::new();
    computer.data("GONE", &encode("/Program Files/Removed MT5"));
    let found = computer.find();
    assert_eq!(found.terminals, []);
    assert_eq!(found.leftovers.len(), 1);
    assert!(
        found.leftovers[0].contains("/Program Files/Removed MT5"),
        "{:?}",
        found.leftovers
    );
}

#[test]
fn a_brokers_terminal_tells_its_build_company_and_server() {
    let computer = Computer::new();
    let terminal = computer.terminal("Broker MT5 Terminal", "B1");
    let data = terminal.data_dir().unwrap();
    fs::create_dir_all(data.join("logs")).unwrap();
    fs::create_dir_all(data.join("config")).unwrap();
    let log = |day: &str, text: &str| fs::write(data.join("logs").join(day), encode(text)).unwrap();
    log(
        "20261120.log",
        "A\t0\t09:00\tTerminal\tMetaTrader 5 x64 build 5000 started for Old Ltd",
    );
    log(
        "20261123.log",
        "A\t0\t09:00\tTerminal\tBroker MetaTrader 5 x64 build 6140 started for Broker Markets Ltd",
    );
    log("20261124.log", "A\t0\t00:00\tNetwork\tonly network lines");
    fs::write(
        data.join("config/common.ini"),
        encode("[Common]\nLogin=1\nServer=Broker-Demo 2"),
    )
    .unwrap();
    let terminal = computer.one("B1");
    assert_eq!(terminal.build, Some(6140));
    assert_eq!(terminal.broker.as_deref(), Some("Broker Markets Ltd"));
    assert_eq!(terminal.server.as_deref(), Some("Broker-Demo 2"));
}

#[test]
fn a_portable_copy_is_found_when_it_runs_or_when_it_is_named() {
    for named in [false, true] {
        let mut computer = Computer::new();
        let install = computer.install("Portable MT5");
        fs::create_dir_all(install.join("config")).unwrap();
        fs::write(install.join("config/common.ini"), encode("[Common]")).unwrap();
        assert_eq!(computer.find().terminals, [], "nothing names it yet");
        if named {
            computer.places.installs.push(install.clone());
        } else {
            let program = install.join("terminal64.exe");
            computer.places.running.programs.push(program);
        }
        let found = computer.find().terminals;
        assert_eq!(found.len(), 1);
        assert!(found[0].is_portable());
        assert_eq!(found[0].data_dir(), Some(install.as_path()));
        assert!(found[0].id.starts_with("portable-"), "{}", found[0].id);
        let presence = if named {
            Presence::Closed
        } else {
            Presence::Running
        };
        assert_eq!(found[0].presence, presence);
    }
}

#[test]
fn an_installation_is_listed_once_whoever_names_it() {
    let mut computer = Computer::new();
    let terminal = computer.terminal("MetaTrader 5", "AAAA");
    let shouting = terminal.install_dir.to_str().unwrap().to_uppercase();
    computer.places.installs = vec![terminal.install_dir.clone(), terminal.install_dir.clone()];
    computer
        .places
        .running
        .programs
        .push(format!(r"{shouting}\TERMINAL64.EXE").into());
    let found = computer.find().terminals;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        found[0].presence,
        Presence::Running,
        "the case of letters does not matter"
    );
}

#[test]
fn a_terminal_that_was_never_started_has_no_place_for_the_expert_advisor() {
    let mut computer = Computer::new();
    let install = computer.install("Fresh MT5");
    computer.places.installs.push(install);
    let found = computer.find().terminals;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].data, DataFolder::None);
    let error = Plan::install(&found[0], EXPERT, &Wish::default()).unwrap_err();
    assert!(error.to_string().contains("start it once"), "{error}");
}

#[test]
fn a_terminal_that_cannot_be_looked_at_makes_the_others_doubtful() {
    let mut computer = Computer::new();
    computer.terminal("MetaTrader 5", "AAAA");
    computer.places.running.hidden = true;
    assert_eq!(computer.one("AAAA").presence, Presence::Unknown);
}

#[test]
fn the_expert_advisor_counts_only_with_a_program_newer_than_its_source() {
    let computer = Computer::new();
    let terminal = computer.terminal("MetaTrader 5", "AAAA");
    let folder = folder(&terminal);
    fs::create_dir_all(&folder).unwrap();
    let version = Some("0.10".to_owned());
    fs::write(folder.join("FX-Executor.ex5"), "old").unwrap();
    assert_eq!(computer.one("AAAA").expert, ExpertState::Absent);
    let source = folder.join("FX-Executor.mq5");
    fs::write(&source, EXPERT.text).unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
    fs::File::options()
        .write(true)
        .open(&source)
        .unwrap()
        .set_modified(later)
        .unwrap();
    let expected = ExpertState::NotCompiled {
        version: version.clone(),
    };
    assert_eq!(computer.one("AAAA").expert, expected);
    let earlier = later - std::time::Duration::from_secs(3_600);
    fs::File::options()
        .write(true)
        .open(&source)
        .unwrap()
        .set_modified(earlier)
        .unwrap();
    assert_eq!(
        computer.one("AAAA").expert,
        ExpertState::Compiled {
            version,
            current: true
        }
    );
}
