//! Tells cargo when what the binary embeds has changed. It never builds the front end itself: `make web` does.

use std::env;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A new folder of migrations is no change of any source file, and would be overlooked.
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-env-changed=REQUIRE_WEB");
    // Only release builds embed the front end; others read web/dist while they run, and need not be built anew for it.
    if env::var("PROFILE").as_deref() == Ok("release") {
        embed_web();
    }
}

fn embed_web() {
    println!("cargo::rerun-if-changed=web/dist");
    if Path::new("web/dist/index.html").exists() {
        return;
    }
    if env::var_os("REQUIRE_WEB").is_some() {
        println!("cargo::error=web/dist/index.html is missing: run `make web` first");
    } else {
        println!(
            "cargo::warning=web/dist/index.html is missing, so this binary has no front end: run `make web` first"
        );
    }
}
