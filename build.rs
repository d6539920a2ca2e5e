//! Rebuilds when the front end was built anew: it is embedded in the binary.

fn main() {
    println!("cargo:rerun-if-changed=web/dist");
    println!("cargo:rerun-if-env-changed=REQUIRE_WEB");
    println!("cargo:rerun-if-changed=migrations");
    let built = std::path::Path::new("web/dist/index.html").exists();
    if !built && std::env::var_os("REQUIRE_WEB").is_some_and(|value| value == "1") {
        eprintln!("web/dist/index.html is missing: run `make web` first");
        std::process::exit(1);
    }
}
