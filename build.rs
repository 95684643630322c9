//! Puts icon, version and manifest into the Windows program. Other targets need nothing.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=assets/windows");
    // What is built for, not where it is built.
    if std::env::var("CARGO_CFG_TARGET_OS")? != "windows" {
        return Ok(());
    }
    winresource::WindowsResource::new()
        .set_icon("assets/windows/fx-executor.ico")
        .set_manifest_file("assets/windows/fx-executor.manifest")
        .set("ProductName", "FX Executor")
        .set("FileDescription", "FX Executor")
        .set("OriginalFilename", "fx-executor.exe")
        .set("LegalCopyright", "MIT or Apache-2.0")
        .compile()?;
    if std::env::var("CARGO_CFG_TARGET_ENV")? == "gnu" {
        // The same sources give the same bytes.
        println!("cargo:rustc-link-arg-bins=-Wl,--no-insert-timestamp");
    }
    Ok(())
}
