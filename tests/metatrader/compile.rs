//! Builds the emulated terminal and modules of Expert Advisors with g++, once per content: results are kept under the target
//! folder by a hash of everything that went in. It must never run an old build of a changed source.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use sha2::{Digest, Sha256};

use crate::preprocess;

/// How an Expert Advisor is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// Address and undefined-behaviour sanitizers: any misuse of memory or numbers ends the process with a report.
    Checked,
    /// The Expert Advisor without them, in a third of the time: for the many variants with a seeded defect.
    Fast,
    /// Terminal and Expert Advisor optimized, for numbers.
    Measured,
}

const COMMON: &[&str] = &[
    "-std=c++20",
    "-g1",
    "-Wall",
    "-Wextra",
    "-Wno-unused-parameter",
    "-fno-operator-names",
    "-fPIC",
];
const SANITIZED: &[&str] = &[
    "-O1",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
];
const HANDLERS: &[&str] = &[
    "OnInit",
    "OnDeinit",
    "OnTick",
    "OnTimer",
    "OnTradeTransaction",
];

/// One build at a time: the machine is small and two tests often want the same thing.
static BUILDING: Mutex<()> = Mutex::new(());

fn emulator_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/metatrader/emulator")
}

fn cache() -> PathBuf {
    static TIDIED: std::sync::Once = std::sync::Once::new();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("metatrader");
    fs::create_dir_all(&folder).unwrap();
    TIDIED.call_once(|| drop_old(&folder));
    folder
}

/// Builds of a week ago are of sources that nobody has any more, or are quickly made again.
fn drop_old(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let age = entry
            .metadata()
            .ok()
            .and_then(|data| data.modified().ok()?.elapsed().ok());
        if age.is_some_and(|age| age > std::time::Duration::from_secs(7 * 86_400)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn sources(end: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(emulator_folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == end))
        .collect();
    found.sort();
    found
}

fn hash_of(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part);
    }
    hex::encode(&hasher.finalize()[..12])
}

fn contents(paths: &[PathBuf]) -> Vec<u8> {
    paths
        .iter()
        .flat_map(|path| fs::read(path).unwrap())
        .collect()
}

fn compiler() -> Command {
    let mut command = Command::new("g++");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn start(command: &mut Command) -> std::process::Child {
    match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            panic!("the emulated terminal needs a C++ compiler: apt install g++")
        }
        Err(error) => panic!("g++ cannot be started: {error}"),
    }
}

/// What g++ said, as an error when it failed.
fn finish(child: std::process::Child) -> Result<String, String> {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        Ok(said)
    } else {
        Err(said)
    }
}

fn flags(build: Build) -> Vec<&'static str> {
    let mut flags = COMMON.to_vec();
    match build {
        Build::Checked => flags.extend_from_slice(SANITIZED),
        Build::Fast => flags.push("-O0"),
        Build::Measured => flags.push("-O2"),
    }
    flags
}

/// The emulated terminal without an Expert Advisor.
pub fn emulator(build: Build) -> PathBuf {
    let _one = BUILDING
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let flags = flags(if build == Build::Fast {
        Build::Checked
    } else {
        build
    });
    let headers = contents(&sources("hpp"));
    let shared = flags.join(" ");
    let files = sources("cpp");
    let all = hash_of(&[&headers, &contents(&files), shared.as_bytes()]);
    let program = cache().join(format!("terminal-{all}"));
    if program.exists() {
        return program;
    }
    let mut objects = Vec::new();
    let mut missing = Vec::new();
    for file in files {
        let hash = hash_of(&[&headers, &fs::read(&file).unwrap(), shared.as_bytes()]);
        let object = cache().join(format!(
            "{}-{hash}.o",
            file.file_stem().unwrap().to_string_lossy()
        ));
        if !object.exists() {
            missing.push((file, object.clone()));
        }
        objects.push(object);
    }
    for pair in missing.chunks(2) {
        let running: Vec<_> = pair
            .iter()
            .map(|(file, object)| {
                let part = object.with_extension(format!("{}.part", std::process::id()));
                let child = start(
                    compiler()
                        .args(&flags)
                        .arg("-c")
                        .arg(file)
                        .arg("-o")
                        .arg(&part),
                );
                (child, part, object)
            })
            .collect();
        for (child, part, object) in running {
            let said = finish(child)
                .unwrap_or_else(|said| panic!("the emulated terminal does not compile:\n{said}"));
            assert!(
                said.is_empty(),
                "the emulated terminal compiles with warnings:\n{said}"
            );
            fs::rename(part, object).unwrap();
        }
    }
    let part = program.with_extension(format!("{}.part", std::process::id()));
    finish(start(
        compiler()
            .args(&flags)
            .args(&objects)
            .args(["-rdynamic", "-ldl", "-pthread", "-o"])
            .arg(&part),
    ))
    .unwrap_or_else(|said| panic!("the emulated terminal does not link:\n{said}"));
    fs::rename(part, &program).unwrap();
    program
}

/// An Expert Advisor as a module for the emulated terminal. The error is what the preprocessor or g++ said, each line
/// beginning with `shown` (the path of the `.mq5`) and its line.
pub fn module_of(source: &str, shown: &str, build: Build) -> Result<PathBuf, String> {
    let translated = preprocess::translate(source, shown).map_err(|refusals| {
        refusals
            .iter()
            .map(|refusal| format!("{shown}:{}: {}\n", refusal.line, refusal.why))
            .collect::<String>()
    })?;
    let table: String = HANDLERS
        .iter()
        .map(|name| {
            if preprocess::defines(source, name) {
                format!("mql::ea::{name}, ")
            } else {
                "nullptr, ".to_owned()
            }
        })
        .collect();
    let text = format!(
        "#include \"mql5.hpp\"\nnamespace mql {{ namespace ea {{\n{translated}\n#line 1 \"handlers\"\n}} }}\n\
         extern \"C\" __attribute__((visibility(\"default\"))) mql::Handlers fx_handlers() {{ return {{ {table} }}; }}\n"
    );
    let _one = BUILDING
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let flags = flags(build);
    let hash = hash_of(&[
        &contents(&sources("hpp")),
        text.as_bytes(),
        flags.join(" ").as_bytes(),
    ]);
    let module = cache().join(format!("expert-{hash}.so"));
    if module.exists() {
        return Ok(module);
    }
    let unit = cache().join(format!("expert-{hash}.{}.cpp", std::process::id()));
    let part = cache().join(format!("expert-{hash}.{}.part", std::process::id()));
    fs::write(&unit, text).unwrap();
    let compiled = finish(start(
        compiler()
            .args(&flags)
            .args(["-shared", "-fvisibility=hidden", "-fno-gnu-unique", "-I"])
            .arg(emulator_folder())
            .arg(&unit)
            .arg("-o")
            .arg(&part),
    ));
    fs::remove_file(&unit).unwrap();
    compiled?;
    fs::rename(part, &module).unwrap();
    Ok(module)
}
