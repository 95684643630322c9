//! What is believed of MetaEditor, and what is not.

use std::fs;
use std::time::{Duration, Instant};

use super::super::metaeditor::{CompileError, Compiled, compile};
use super::*;

const LIMIT: Duration = Duration::from_secs(20);

struct Bench {
    computer: Computer,
    terminal: Terminal,
    source: PathBuf,
}

impl Bench {
    fn new(behaviour: &str) -> Self {
        let computer = Computer::new();
        let terminal = computer.terminal("MetaTrader 5", "AAAA");
        mode(&terminal, behaviour);
        let folder = folder(&terminal);
        fs::create_dir_all(&folder).unwrap();
        let source = folder.join("FX-Executor.mq5");
        fs::write(&source, EXPERT.text).unwrap();
        Self {
            computer,
            terminal,
            source,
        }
    }

    fn compile(&self, limit: Duration) -> Result<Compiled, CompileError> {
        let log = self.computer.path("compile.log");
        compile(&self.terminal.metaeditor(), &self.source, &log, limit)
    }

    /// A program of an earlier compilation.
    fn with_old_program(self) -> Self {
        fs::write(self.source.with_extension("ex5"), "old").unwrap();
        self
    }
}

#[test]
fn a_clean_compilation_gives_a_new_program() {
    let bench = Bench::new("good").with_old_program();
    let compiled = bench.compile(LIMIT).unwrap();
    assert_eq!(compiled.warnings, 0);
    assert!(
        fs::read_to_string(compiled.program)
            .unwrap()
            .starts_with("EX5 of")
    );
}

#[test]
fn the_exit_code_is_not_asked() {
    assert_eq!(Bench::new("warns").compile(LIMIT).unwrap().warnings, 1);
    let error = Bench::new("errors").with_old_program().compile(LIMIT);
    let CompileError::Errors { errors, lines } = error.unwrap_err() else {
        panic!("errors are errors whatever the exit code");
    };
    assert_eq!(errors, 1);
    assert_eq!(
        lines,
        ["FX-Executor.mq5(12,5): error 256: undeclared identifier 'x'"]
    );
}

#[test]
fn no_errors_without_a_new_program_is_no_success() {
    for bench in [
        Bench::new("lies"),
        Bench::new("lies").with_old_program(),
        Bench::new("empty"),
    ] {
        let error = bench.compile(LIMIT).unwrap_err();
        assert!(
            matches!(error, CompileError::NoNewProgram { .. }),
            "{error}"
        );
    }
}

#[test]
fn a_program_without_a_log_or_a_result_is_no_success() {
    let error = Bench::new("silent").compile(LIMIT).unwrap_err();
    assert!(matches!(error, CompileError::NoLog { .. }), "{error}");
    let error = Bench::new("unfinished").compile(LIMIT).unwrap_err();
    assert!(matches!(error, CompileError::NoResult { .. }), "{error}");
}

#[test]
fn an_old_log_is_not_believed() {
    let bench = Bench::new("silent");
    fs::write(
        bench.computer.path("compile.log"),
        encode("Result: 0 errors, 0 warnings"),
    )
    .unwrap();
    let error = bench.compile(LIMIT).unwrap_err();
    assert!(matches!(error, CompileError::NoLog { .. }), "{error}");
}

#[test]
fn one_that_hangs_is_ended_in_time() {
    let bench = Bench::new("hangs");
    let began = Instant::now();
    let error = bench.compile(Duration::from_millis(300)).unwrap_err();
    assert!(matches!(error, CompileError::TooSlow { .. }), "{error}");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_missing_one_is_named() {
    let bench = Bench::new("good");
    let missing = bench.computer.path("nowhere/metaeditor64.exe");
    let error = compile(&missing, &bench.source, &bench.computer.path("log"), LIMIT).unwrap_err();
    assert!(
        error.to_string().contains("nowhere/metaeditor64.exe"),
        "{error}"
    );
}
