//! Exactly what was written is taken back.

use std::fs;

use super::installing::{install, plan};
use super::*;

fn installed() -> (Computer, Terminal) {
    let computer = Computer::new();
    let terminal = computer.terminal("MetaTrader 5", "AAAA");
    install(plan(&terminal)).0.unwrap();
    (computer, terminal)
}

#[test]
fn installing_and_removing_leaves_the_computer_as_it_was() {
    let computer = Computer::new();
    let terminal = computer.terminal("MetaTrader 5", "AAAA");
    let before = tree(computer.root.path());
    install(plan(&terminal)).0.unwrap();
    let removal = Removal::of(&terminal).unwrap().unwrap();
    let removed = removal.agreed().carry_out().unwrap();
    assert_eq!(tree(computer.root.path()), before);
    assert!(!folder(&terminal).exists());
    assert_eq!(
        (removed.left.len(), removed.failed.len()),
        (0, 0),
        "{removed:?}"
    );
    assert!(
        Removal::of(&terminal).unwrap().is_none(),
        "nothing is left to remove"
    );
}

#[test]
fn a_changed_file_and_other_peoples_files_stay_and_are_told() {
    let (_computer, terminal) = installed();
    let folder = folder(&terminal);
    fs::write(folder.join("FX-Executor.mq5"), "// mine now").unwrap();
    fs::write(folder.join("notes.txt"), "by the trader").unwrap();
    let removal = Removal::of(&terminal).unwrap().unwrap();
    assert!(
        removal
            .to_string()
            .contains("leave (changed since it was written)"),
        "{removal}"
    );
    let removed = removal.agreed().carry_out().unwrap();
    assert_eq!(removed.left, [folder.join("FX-Executor.mq5")]);
    let names: Vec<_> = tree(&folder).into_iter().map(|(path, _)| path).collect();
    assert_eq!(
        names,
        [folder.join("FX-Executor.mq5"), folder.join("notes.txt")]
    );
}

#[test]
fn looking_removes_nothing() {
    let (_computer, terminal) = installed();
    let before = tree(&folder(&terminal));
    Removal::of(&terminal).unwrap().unwrap();
    assert_eq!(tree(&folder(&terminal)), before);
}

#[test]
fn a_manifest_that_points_elsewhere_is_refused() {
    let (computer, terminal) = installed();
    let victim = computer.path("important.txt");
    fs::write(&victim, "x").unwrap();
    let hash = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    for name in [
        "../../../../../../important.txt",
        "..\\\\important.txt",
        "C:important.txt",
        "/important.txt",
    ] {
        let text = format!(r#"{{"files": {{"{name}": "{hash}"}}}}"#);
        fs::write(
            folder(&terminal).join("installed-by-fx-executor.json"),
            text,
        )
        .unwrap();
        let error = Removal::of(&terminal).unwrap_err();
        assert!(
            error.to_string().contains("not a plain file name"),
            "{error}"
        );
    }
    assert!(victim.exists());
}

#[test]
fn an_interrupted_installation_is_taken_back_too() {
    let computer = Computer::new();
    let terminal = computer.terminal("MetaTrader 5", "AAAA");
    mode(&terminal, "silent");
    let before = tree(terminal.data_dir().unwrap());
    assert!(install(plan(&terminal)).0.is_err());
    let folder = folder(&terminal);
    fs::remove_file(folder.join("FX-Executor.ex5")).unwrap();
    fs::write(folder.join("FX-Executor.mq5.part"), "half").unwrap();
    let removal = Removal::of(&terminal).unwrap().unwrap();
    removal.agreed().carry_out().unwrap();
    assert_eq!(tree(terminal.data_dir().unwrap()), before);
}

/// A compilation that is not believed leaves a program all the same.
#[test]
fn a_failed_installation_is_taken_back_as_a_whole() {
    for behaviour in ["silent", "empty", "unfinished"] {
        let computer = Computer::new();
        let terminal = computer.terminal("MetaTrader 5", "AAAA");
        mode(&terminal, behaviour);
        let before = tree(computer.root.path());
        install(plan(&terminal)).0.unwrap_err();
        assert!(
            folder(&terminal).join("FX-Executor.ex5").exists(),
            "{behaviour}"
        );
        let removal = Removal::of(&terminal).unwrap().unwrap();
        removal.agreed().carry_out().unwrap();
        assert_eq!(tree(computer.root.path()), before, "{behaviour}");
    }
}

#[test]
fn a_program_of_somebody_else_is_kept_and_not_taken_away() {
    let computer = Computer::new();
    let terminal = computer.terminal("MetaTrader 5", "AAAA");
    let folder = folder(&terminal);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("FX-Executor.ex5"), "by the trader").unwrap();
    install(plan(&terminal)).0.unwrap();
    let kept = folder.join("FX-Executor.kept-1.bin");
    assert_eq!(fs::read_to_string(&kept).unwrap(), "by the trader");
    let removal = Removal::of(&terminal).unwrap().unwrap();
    removal.agreed().carry_out().unwrap();
    assert_eq!(fs::read_to_string(&kept).unwrap(), "by the trader");
    assert!(!folder.join("FX-Executor.ex5").exists());
}
