//! The official libraries against the practice Pusher server: npm `pusher` publishes, `pusher-js` subscribes.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use secrecy::ExposeSecret as _;
use tokio::process::Command;

use crate::world::{LIMIT, World, start};

/// Where the tests' npm packages are: beside the scripts, or where `FX_INTEROP_DIR` says.
fn packages() -> PathBuf {
    let folder = std::env::var_os("FX_INTEROP_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop"),
        PathBuf::from,
    );
    for package in ["pusher", "pusher-js"] {
        let place = folder.join("node_modules").join(package);
        assert!(
            place.is_dir(),
            "the npm package {package} is not installed in {}: run `npm ci` there (tests/run does)",
            folder.display()
        );
    }
    folder
}

/// Runs one script to its end; it must exit with 0.
async fn run(world: &World, script: &str) -> String {
    let folder = packages();
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/interop")
        .join(script);
    let running = Command::new("node")
        .arg(&script)
        .env("FX_PACKAGES", folder.join("package.json"))
        .env("FX_PUSHER_PORT", world.pusher_port.to_string())
        .env("FX_APP_ID", &world.pusher_app_id)
        .env("FX_KEY", &world.pusher_key)
        .env("FX_SECRET", world.pusher_secret.expose_secret())
        .env("FX_PLATFORM", &world.platform_url)
        .env("FX_API_KEY", world.api_key.expose_secret())
        .env("FX_API_SECRET", world.api_secret.expose_secret())
        .env("FX_EXECUTOR_ID", &world.executor_id)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(3 * LIMIT, running)
        .await
        .expect("the script ends in time")
        .expect("node is installed");
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    assert!(output.status.success(), "{}: {out}{err}", script.display());
    out
}

#[tokio::test]
async fn the_official_publisher_publishes_through_it() {
    let world = start().await;
    let mut client = world.executor_client().await;
    let out = run(&world, "practice-publish.mjs").await;
    assert!(out.contains("published"), "{out}");
    let single = client.event("single").await;
    assert_eq!(single["data"], r#"{"text":"ünï → ✓"}"#);
    for number in 0..3 {
        let frame = client.event("batched").await;
        assert_eq!(frame["data"], format!(r#"{{"n":{number}}}"#));
    }
}

#[tokio::test]
async fn the_official_client_subscribes_and_receives_a_platform_command() {
    let world = start().await;
    let listening = run(&world, "practice-subscribe.mjs");
    let clicking = async {
        let subscribed = world
            .wait_for(3 * LIMIT, |world| {
                world.executor_is_subscribed().then_some(())
            })
            .await;
        assert!(subscribed.is_some(), "pusher-js subscribed");
        world.activate("practice-scalper").await.unwrap()
    };
    let (out, id) = tokio::join!(listening, clicking);
    assert!(
        out.contains(&format!("received {id} START_STRATEGY")),
        "{out}"
    );
}
