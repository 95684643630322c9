//! Marked secrets: run through everything that goes wrong with keys, then read every byte that was written.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fx_executor::practice::{Call, HttpFault, PusherFault};
use fx_executor::settings::Field;
use secrecy::ExposeSecret as _;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::executor::{Executor, until};
use super::rig::{LONG, Rig, small_buy};

const WRONG_SECRET: &str = "badc0ffee0ddf00dbadc0ffee0ddf00dbadc0ffee0ddf00dbadc0ffee0ddf00d";
const PROXY_PASSWORD: &str = "pXq7MarkedProxyWord";
/// `someone:pXq7MarkedProxyWord` as it goes over the wire.
const PROXY_BASIC: &str = "c29tZW9uZTpwWHE3TWFya2VkUHJveHlXb3Jk";

fn files_under(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_under(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Where a mark stands, outside the secret store. Also says how many bytes were read.
fn hits(rig: &Rig, marks: &[&str]) -> (Vec<String>, u64) {
    let mut files = Vec::new();
    files_under(rig.everything(), &mut files);
    let store = rig.data().join("secrets");
    let (mut hits, mut bytes) = (Vec::new(), 0);
    for file in files.iter().filter(|file| !file.starts_with(&store)) {
        let content = fs::read(file).unwrap();
        bytes += content.len() as u64;
        for mark in marks {
            if content
                .windows(mark.len())
                .any(|window| window.eq_ignore_ascii_case(mark.as_bytes()))
            {
                hits.push(format!("{} in {}", mark, file.display()));
            }
        }
    }
    (hits, bytes)
}

/// Answers 407 to the first request and gives it back.
async fn refuse_as_proxy(listener: TcpListener) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let (mut request, mut part) = (Vec::new(), [0; 1024]);
    while !request.ends_with(b"\r\n\r\n") {
        let read = stream.read(&mut part).await.unwrap();
        assert!(read > 0, "the request ended early");
        request.extend_from_slice(&part[..read]);
    }
    let answer =
        b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    stream.write_all(answer).await.unwrap();
    String::from_utf8(request).unwrap()
}

/// With every line that the program and its crates can log.
fn talkative(rig: &Rig) -> Executor {
    rig.start(&["--headless"])
        .env("FX_EXECUTOR_LOG", "trace")
        .go()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marked_secrets_are_nowhere_but_in_the_store() {
    let rig = Rig::new().await;
    let secret = rig.world.api_secret.expose_secret().to_owned();
    assert!(secret.len() >= 32);

    // The right secret: commands executed, then refusals of every call, a kill, a restart.
    let mut executor = talkative(&rig);
    rig.is_subscribed().await;
    let id = rig.send("OPEN_POSITION", small_buy()).await;
    rig.is_executed(&id, LONG).await;
    // A platform that tells our own secret in a command.
    let echo = rig.send("GET_STATUS", json!({ "note": secret })).await;
    rig.final_status(&echo, LONG).await;
    for fault in [
        HttpFault::Status {
            status: 401,
            retry_after: None,
        },
        HttpFault::Status {
            status: 403,
            retry_after: None,
        },
        HttpFault::Html,
        HttpFault::Reset,
    ] {
        rig.world.faults.http(Call::Any, fault, Some(2)).unwrap();
        rig.world.close_pusher(4200, "again");
        rig.send("GET_STATUS", json!({})).await;
        let used = until(LONG, || rig.world.faults.list().is_empty().then_some(()));
        assert!(used.await.is_some(), "the fault was never met");
    }
    rig.world
        .faults
        .pusher(PusherFault::RejectSignature, Some(1))
        .unwrap();
    rig.world.close_pusher(4200, "again");
    let refused = until(LONG, || rig.world.faults.list().is_empty().then_some(()));
    assert!(refused.await.is_some(), "no subscription was refused");
    executor.kill();

    // A wrong secret: the platform refuses it.
    rig.write_settings(|draft| draft.set_secret(WRONG_SECRET));
    let mut executor = talkative(&rig);
    executor.says("401", LONG).await;
    executor.end_cleanly().await;

    // A proxy that wants another password, between us and a platform elsewhere.
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = proxy.local_addr().unwrap().port();
    let asked = tokio::spawn(refuse_as_proxy(proxy));
    rig.write_settings(|draft| {
        draft.set(Field::PlatformUrl, "https://platform.example");
        draft.set(
            Field::Proxy,
            &format!("http://someone:{PROXY_PASSWORD}@127.0.0.1:{port}"),
        );
    });
    let mut executor = talkative(&rig);
    let request = tokio::time::timeout(LONG, asked).await.unwrap().unwrap();
    assert!(request.contains(PROXY_BASIC), "{request}");
    executor.says("proxy", LONG).await;
    executor.end_cleanly().await;
    let kept = fs::read_dir(rig.data().join("secrets")).unwrap().count();
    assert_eq!(kept, 2, "secret and proxy address rest in the store");

    let marks = [&secret, WRONG_SECRET, PROXY_PASSWORD, PROXY_BASIC];
    let (found, bytes) = hits(&rig, &marks);
    println!("{bytes} bytes searched for {} marks", marks.len());
    assert_eq!(found, Vec::<String>::new());
    assert!(bytes > 50_000, "too little was written to prove much");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_settings_file_is_explained_without_its_secret() {
    let rig = Rig::without_settings(1).await;
    let file = rig.settings_file();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let text = format!(
        "{{\"platformUrl\": \"http://127.0.0.1:1\",\n \"apiSecret\": \"{WRONG_SECRET}\" oops}}"
    );
    fs::write(&file, &text).unwrap();
    let mut executor = talkative(&rig);
    let status = executor.ends(Duration::from_secs(20)).await;
    assert_eq!(status.code(), Some(4), "{}", executor.printed());
    assert!(
        executor.printed().contains("line 2"),
        "{}",
        executor.printed()
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), text, "it is the user's");
    fs::remove_file(&file).unwrap();
    let (found, _) = hits(&rig, &[WRONG_SECRET]);
    assert_eq!(found, Vec::<String>::new());
}
