#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::manifest::MOST_BYTES;
use super::verdict;
use super::{Address, FetchError, Kept, Offer, PackageError, PublicKey, Refusal, Verdict, Version};
use crate::net::proxy::ProxySetting;
use crate::net::tls;

const FILE: &str = "FX-Executor-0.2.0-x64.msi";
const INSTALLER: &[u8] = b"the bytes of an installer";

struct Maker(Ed25519KeyPair);

impl Maker {
    fn new(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }

    fn key(&self) -> PublicKey {
        hex::encode(self.0.public_key().as_ref()).parse().unwrap()
    }

    fn sign(&self, offer: &str) -> Vec<u8> {
        let signature = hex::encode(self.0.sign(offer.as_bytes()).as_ref());
        json!({ "offer": offer, "signature": signature })
            .to_string()
            .into_bytes()
    }
}

fn offer_of(change: impl Fn(&mut serde_json::Value)) -> String {
    let mut offer = json!({
        "version": "0.2.0",
        "file": FILE,
        "sha256": hex::encode(Sha256::digest(INSTALLER)),
        "size": INSTALLER.len(),
        "changes": ["Stops are   placed\nsooner."],
    });
    change(&mut offer);
    offer.to_string()
}

#[test]
fn a_signed_offer_is_read() {
    let maker = Maker::new(1);
    let offer = Offer::read(&maker.sign(&offer_of(|_| {})), &maker.key()).unwrap();
    assert_eq!(offer.version.to_string(), "0.2.0");
    assert_eq!(offer.file, FILE);
    assert_eq!(offer.size, INSTALLER.len() as u64);
    assert_eq!(offer.changes, ["Stops are placed sooner."]);
}

#[test]
fn what_the_makers_did_not_sign_is_not_taken() {
    let (maker, stranger) = (Maker::new(1), Maker::new(2));
    let good = offer_of(|_| {});
    let refused = |text: &[u8]| Offer::read(text, &maker.key()).unwrap_err();
    assert_eq!(refused(&stranger.sign(&good)), Refusal::NotSigned);
    // Another version under an old signature.
    let signed = String::from_utf8(maker.sign(&good)).unwrap();
    let altered = signed.replace("0.2.0", "0.3.0");
    assert_ne!(altered, signed);
    assert_eq!(refused(altered.as_bytes()), Refusal::NotSigned);
    for signature in ["", "00", "no hex", &"00".repeat(64)] {
        let text = json!({ "offer": good, "signature": signature }).to_string();
        assert_eq!(
            refused(text.as_bytes()),
            Refusal::NotSigned,
            "{signature:?}"
        );
    }
}

#[test]
fn a_signed_offer_that_makes_no_sense_is_refused_by_name() {
    let maker = Maker::new(1);
    for (key, value, why) in [
        ("version", json!("0.2"), "no version of three numbers"),
        (
            "version",
            json!("0.2.0-beta"),
            "no version of three numbers",
        ),
        ("version", json!("0.+2.0"), "no version of three numbers"),
        ("version", json!("0.02.0"), "no version of three numbers"),
        ("version", json!("256.0.0"), "no version of three numbers"),
        ("version", json!(2), "not an offer"),
        ("file", json!("../evil.msi"), "not that of an installer"),
        ("file", json!("C:\\evil.msi"), "not that of an installer"),
        ("file", json!("//host/evil.msi"), "not that of an installer"),
        ("file", json!("https:evil.msi"), "not that of an installer"),
        ("file", json!(".msi"), "not that of an installer"),
        ("file", json!("a.exe"), "not that of an installer"),
        ("sha256", json!("12"), "not 64 hex digits"),
        ("size", json!(0), "0 bytes"),
        ("size", json!(u64::MAX), "18446744073709551615 bytes"),
        ("size", json!(-1), "not an offer"),
    ] {
        let text = maker.sign(&offer_of(|offer| offer[key] = value.clone()));
        let refused = Offer::read(&text, &maker.key()).unwrap_err().to_string();
        assert!(refused.contains(why), "{key} {value}: {refused}");
    }
}

#[test]
fn hostile_texts_end_in_a_word() {
    let key = Maker::new(1).key();
    for text in [
        &b""[..],
        b"<html>not found</html>",
        b"\xff\xfe",
        b"{}",
        b"[]",
        br#"{"offer":{"version":"9.0.0"},"signature":""}"#,
        "[".repeat(50_000).as_bytes(),
        " ".repeat(MOST_BYTES + 1).as_bytes(),
    ] {
        let refused = Offer::read(text, &key).unwrap_err();
        assert!(matches!(refused, Refusal::NoOffer(_)), "{refused:?}");
        assert!(refused.to_string().len() < 300, "{refused}");
    }
}

#[test]
fn changes_are_lines_of_bounded_length() {
    let maker = Maker::new(1);
    let offer = offer_of(|offer| {
        let mut changes = vec![json!("x".repeat(5_000)), json!("a\u{1b}[31mred\u{7}")];
        changes.extend((0..100).map(|n| json!(format!("change {n}"))));
        offer["changes"] = changes.into();
    });
    let read = Offer::read(&maker.sign(&offer), &maker.key()).unwrap();
    assert_eq!(read.changes.len(), 50);
    assert_eq!(read.changes[0].len(), 400);
    assert_eq!(read.changes[1], "a[31mred");
}

#[test]
fn only_a_newer_version_is_an_update() {
    let maker = Maker::new(1);
    let of = |running: &str| {
        let offer = Offer::read(&maker.sign(&offer_of(|_| {})), &maker.key()).unwrap();
        verdict(offer, running.parse().unwrap())
    };
    assert!(matches!(of("0.1.9"), Verdict::Newer(_)));
    assert_eq!(of("0.2.0"), Verdict::Same);
    assert_eq!(of("0.10.0"), Verdict::Older("0.2.0".parse().unwrap()));
    assert!("0.9.0".parse::<Version>().unwrap() < "0.10.0".parse().unwrap());
    assert!(Version::of_this_program().is_some());
}

#[test]
fn an_address_is_encrypted_or_local() {
    let file = if cfg!(windows) {
        r"C:\fx\offer.json"
    } else {
        "/srv/fx/offer.json"
    };
    for (text, shown) in [
        (
            "https://example.com/fx/offer.json?key=1",
            "https://example.com/fx/offer.json",
        ),
        (
            "http://127.0.0.1:8080/offer.json",
            "http://127.0.0.1:8080/offer.json",
        ),
        (file, file),
    ] {
        assert_eq!(text.parse::<Address>().unwrap().to_string(), shown);
    }
    for wrong in [
        "http://example.com/offer.json",
        "ftp://example.com/x",
        "offer.json",
        "https://",
        "file:///x",
    ] {
        assert!(wrong.parse::<Address>().is_err(), "{wrong}");
    }
}

proptest! {
    /// No text without the makers' signature is an offer.
    #[test]
    fn damaged_offers_are_never_taken(at in 0_usize..400, bit in 0_u8..8) {
        let maker = Maker::new(1);
        let good = maker.sign(&offer_of(|_| {}));
        let mut damaged = good.clone();
        let at = at % damaged.len();
        damaged[at] ^= 1 << bit;
        if let Ok(read) = Offer::read(&damaged, &maker.key()) {
            // Upper and lower case of a hex digit, or another escape of the same text.
            prop_assert_eq!(read, Offer::read(&good, &maker.key()).unwrap());
        }
    }
}

/// A web server with one answer for each path.
async fn serve(files: Vec<(&'static str, Vec<u8>)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/fx/offer.json", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4_096];
            let count = stream.read(&mut request).await.unwrap_or(0);
            let line = String::from_utf8_lossy(&request[..count]).into_owned();
            let path = line
                .split_whitespace()
                .nth(1)
                .unwrap_or_default()
                .to_owned();
            let found = files.iter().find(|(name, _)| path == format!("/fx/{name}"));
            let answer = found.map_or_else(
                || {
                    b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                        .to_vec()
                },
                |(_, answer)| answer.clone(),
            );
            drop(stream.write_all(&answer).await);
        }
    });
    address
}

fn answer(announced: usize, bytes: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-length: {announced}\r\nconnection: close\r\n\r\n");
    [head.as_bytes(), bytes].concat()
}

async fn fetch(address: &str, folder: &Path) -> Result<super::Package, PackageError> {
    let maker = Maker::new(1);
    let (address, tls) = (
        address.parse::<Address>().unwrap(),
        tls::client_config().unwrap(),
    );
    let text = address.offer_text(&tls, &ProxySetting::None).await?;
    let offer = Offer::read(&text, &maker.key())?;
    let mut told = Vec::new();
    let kept = Kept::in_data_dir(folder);
    let package = kept
        .fetch(
            (&address, &offer, &text),
            &Arc::clone(&tls),
            &ProxySetting::None,
            |came| told.push(came),
        )
        .await?;
    assert_eq!(told.last(), Some(&offer.size));
    assert_eq!(kept.proved(&maker.key()).unwrap(), package);
    Ok(package)
}

#[tokio::test]
async fn an_offered_installer_is_fetched_and_proved() {
    let folder = tempfile::tempdir().unwrap();
    let offer = Maker::new(1).sign(&offer_of(|_| {}));
    let address = serve(vec![
        ("offer.json", answer(offer.len(), &offer)),
        (FILE, answer(INSTALLER.len(), INSTALLER)),
    ])
    .await;
    let package = fetch(&address, folder.path()).await.unwrap();
    assert_eq!(fs::read(package.path).unwrap(), INSTALLER);

    // The same from a folder, as on a company's share.
    let share = tempfile::tempdir().unwrap();
    fs::write(share.path().join("offer.json"), &offer).unwrap();
    fs::write(share.path().join(FILE), INSTALLER).unwrap();
    let file = share.path().join("offer.json");
    let package = fetch(file.to_str().unwrap(), folder.path()).await.unwrap();
    assert_eq!(fs::read(package.path).unwrap(), INSTALLER);
}

#[tokio::test]
async fn nothing_stays_of_what_is_not_the_signed_installer() {
    let offer = Maker::new(1).sign(&offer_of(|_| {}));
    let changed: Vec<u8> = INSTALLER.iter().map(|byte| byte ^ 1).collect();
    let longer = [INSTALLER, b"more"].concat();
    let cases: [(Vec<u8>, &str); 6] = [
        (answer(changed.len(), &changed), "SHA-256 differs"),
        (answer(longer.len(), &longer), "more than the offered"),
        (answer(5, &INSTALLER[..5]), "only 5 of 25 bytes"),
        // The connection breaks in the middle.
        (
            answer(INSTALLER.len(), &INSTALLER[..5]),
            "cannot be reached",
        ),
        (
            b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n".to_vec(),
            "status 500",
        ),
        // No redirect is followed: the answer itself must be here.
        (
            b"HTTP/1.1 302 Found\r\nlocation: /fx/offer.json\r\ncontent-length: 0\r\n\r\n".to_vec(),
            "status 302",
        ),
    ];
    for (installer, why) in cases {
        let folder = tempfile::tempdir().unwrap();
        let address = serve(vec![
            ("offer.json", answer(offer.len(), &offer)),
            (FILE, installer),
        ])
        .await;
        let failed = fetch(&address, folder.path())
            .await
            .unwrap_err()
            .to_string();
        assert!(failed.contains(why), "{why}: {failed}");
        let left: Vec<_> = fs::read_dir(folder.path().join("updates"))
            .unwrap()
            .collect();
        assert!(left.is_empty(), "{why}: {left:?}");
    }
}

#[tokio::test]
async fn what_was_changed_after_it_was_fetched_is_not_installed() {
    let folder = tempfile::tempdir().unwrap();
    let offer = Maker::new(1).sign(&offer_of(|_| {}));
    let address = serve(vec![
        ("offer.json", answer(offer.len(), &offer)),
        (FILE, answer(INSTALLER.len(), INSTALLER)),
    ])
    .await;
    let package = fetch(&address, folder.path()).await.unwrap();
    fs::write(&package.path, b"something else").unwrap();
    let kept = Kept::in_data_dir(folder.path());
    let refused = kept.proved(&Maker::new(1).key()).unwrap_err();
    assert!(matches!(refused, PackageError::NotTheSigned), "{refused}");
    let refused = kept.proved(&Maker::new(2).key()).unwrap_err();
    assert!(
        matches!(refused, PackageError::Refused(Refusal::NotSigned)),
        "{refused}"
    );
}

#[tokio::test]
async fn an_offer_without_end_is_not_read_to_its_end() {
    let long = "x".repeat(MOST_BYTES + 10);
    let address = serve(vec![("offer.json", answer(long.len(), long.as_bytes()))]).await;
    let tls = tls::client_config().unwrap();
    let address = address.parse::<Address>().unwrap();
    let failed = address
        .offer_text(&tls, &ProxySetting::None)
        .await
        .unwrap_err();
    assert!(matches!(failed, FetchError::TooLarge(..)), "{failed}");
    let nowhere = "http://127.0.0.1:1/offer.json".parse::<Address>().unwrap();
    let failed = nowhere
        .offer_text(&tls, &ProxySetting::None)
        .await
        .unwrap_err();
    assert!(matches!(failed, FetchError::Away(..)), "{failed}");
}
