//! The mt5 commands as a person types them, on a made-up computer with a stand-in for MetaEditor. The Windows program
//! goes through the same under Wine (tests/wine/mt5).

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

struct Computer {
    root: tempfile::TempDir,
}

impl Computer {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
        }
    }

    /// A started terminal.
    fn terminal(&self, id: &str, name: &str) -> PathBuf {
        let program = self.root.path().join(name);
        let data = self.data(id);
        fs::create_dir_all(&program).unwrap();
        fs::create_dir_all(data.join("MQL5/Experts")).unwrap();
        let stand_ins = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/setup/tests");
        symlink(
            stand_ins.join("terminal.sh"),
            program.join("terminal64.exe"),
        )
        .unwrap();
        symlink(
            stand_ins.join("metaeditor.sh"),
            program.join("metaeditor64.exe"),
        )
        .unwrap();
        fs::write(data.join("origin.txt"), program.to_str().unwrap()).unwrap();
        program
    }

    fn data(&self, id: &str) -> PathBuf {
        self.root.path().join("MetaQuotes/Terminal").join(id)
    }

    fn expert(&self, id: &str) -> PathBuf {
        self.data(id).join("MQL5/Experts/FX-Executor")
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let Output {
            status,
            stdout,
            stderr,
        } = Command::new(env!("CARGO_BIN_EXE_fx-executor"))
            .arg("mt5")
            .args(arguments)
            .env("APPDATA", self.root.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = [stdout, stderr].concat();
        (status.code(), String::from_utf8(text).unwrap())
    }
}

#[test]
fn nothing_is_written_without_consent() {
    let computer = Computer::new();
    computer.terminal("AAAA", "MetaTrader 5");
    let (code, text) = computer.run(&["install", "--dry-run"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("1. Write the Expert Advisor"), "{text}");
    assert!(
        text.contains("Not touched: the list of allowed addresses"),
        "{text}"
    );
    let (code, text) = computer.run(&["install"]);
    assert_eq!(code, Some(5), "{text}");
    assert!(text.contains("nothing was done"), "{text}");
    assert!(!computer.expert("AAAA").exists());
}

#[test]
fn installed_listed_and_taken_back() {
    let computer = Computer::new();
    computer.terminal("AAAA", "MetaTrader 5");
    let (code, text) = computer.run(&["install", "--yes"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("0 errors, a new FX-Executor.ex5"), "{text}");
    let source = fs::read(computer.expert("AAAA").join("FX-Executor.mq5")).unwrap();
    assert!(source == fs::read("assets/mql5/FX-Executor.mq5").unwrap());
    let (_, text) = computer.run(&["list"]);
    assert!(text.contains(" installed"), "{text}");
    let (code, text) = computer.run(&["uninstall", "--yes"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(!computer.expert("AAAA").exists());
    let (code, text) = computer.run(&["uninstall", "--yes"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("Nothing to do"), "{text}");
}

#[test]
fn a_failed_compilation_is_exit_code_1_with_the_compilers_words() {
    let computer = Computer::new();
    let program = computer.terminal("AAAA", "MetaTrader 5");
    fs::write(program.join("mode"), "errors").unwrap();
    let (code, text) = computer.run(&["install", "--yes"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("undeclared identifier"), "{text}");
}

#[test]
fn one_of_several_is_named_by_id_or_by_name() {
    let computer = Computer::new();
    computer.terminal("AAAA", "Broker One");
    computer.terminal("ABBB", "Broker Two");
    for (wanted, code, words) in [
        (None, 5, "several terminals were found"),
        (Some("A"), 5, "means several terminals"),
        (Some("nobody"), 5, "no terminal is called"),
        (Some("ab"), 0, "Broker Two (ABBB)"),
        (Some("broker one"), 0, "Broker One (AAAA)"),
    ] {
        let mut arguments = vec!["install", "--dry-run"];
        arguments.extend(wanted.into_iter().flat_map(|id| ["--terminal", id]));
        let (got, text) = computer.run(&arguments);
        assert_eq!(got, Some(code), "{wanted:?}: {text}");
        assert!(text.contains(words), "{wanted:?}: {text}");
    }
}

#[test]
fn a_computer_without_terminals_says_where_it_looked() {
    let computer = Computer::new();
    let (code, text) = computer.run(&["list"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("No MetaTrader 5 terminal was found"),
        "{text}"
    );
    assert!(
        text.contains(computer.root.path().to_str().unwrap()),
        "{text}"
    );
    let (code, text) = computer.run(&["install", "--yes"]);
    assert_eq!(code, Some(5), "{text}");
}
