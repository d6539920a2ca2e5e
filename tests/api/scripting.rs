//! The examples of docs/scripting.md, run as they stand; and GDAL's own driver over a town of 2,503 tiles.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

use aftermap::domain::campaign::{ReleaseLevel, Visibility};
use aftermap::domain::volunteer::Role;
use serde_json::json;

use crate::helpers::{TestApp, on_sqlite};
use crate::support::python;
use crate::town::{SIDE, TILES, class, probability, town};

/// A private town and a token of its researcher.
async fn private_town() -> (TestApp, String) {
    let app = on_sqlite();
    town(&app, "raqqa", Visibility::Private, ReleaseLevel::Private).await;
    let researcher = app.signed_in_as(Role::Researcher, "raqqa").await;
    let made = researcher.post("/api/v1/me/tokens", json!({"name": "scripts", "scopes": ["read"]})).await.ok();
    (app, made["token"].as_str().unwrap().to_owned())
}

/// An example by its name in the document, without the fence.
fn example(name: &str) -> String {
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/scripting.md")).unwrap();
    let (_, rest) = document.split_once(&format!("<!-- run: {name} -->\n```")).expect("the example is there");
    let (_, rest) = rest.split_once('\n').unwrap();
    rest.split_once("\n```").unwrap().0.to_owned() + "\n"
}

/// Runs a program in a folder as the document says, away from this thread, which must go on serving.
async fn run(app: &TestApp, token: &str, folder: &Path, program: impl AsRef<OsStr>, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    command.env("AFTERMAP", &app.address).env("CAMPAIGN", "raqqa").env("TOKEN", token);
    command.env("GDAL_HTTP_TIMEOUT", "120").env_remove("GDAL_HTTP_HEADERS").env("no_proxy", "*");
    tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap()
}

#[track_caller]
fn printed(output: &Output) -> String {
    let (out, fault) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{fault}");
    out.into_owned()
}

/// Whether a program can be started; says plainly where it cannot.
fn is_there(program: &str, arguments: &[&str]) -> bool {
    let there = Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success());
    if !there {
        eprintln!("SKIPPED: `{program} {}` does not run here", arguments.join(" "));
    }
    there
}

/// Tiles that a researcher sees as destroyed: those that are closed as such, and the open ones.
fn destroyed() -> usize {
    (SIDE * SIDE / 5 * 2) as usize
}

/// Those among them with a probability of at least 0.9.
fn surely_destroyed() -> usize {
    (0..SIDE * SIDE).filter(|&place| class(place).is_none_or(|class| class == 2) && probability(place) >= 0.9).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_for_the_shell_run_as_they_stand() {
    let (app, token) = private_town().await;
    let folder = tempfile::tempdir().unwrap();
    let text = printed(&run(&app, &token, folder.path(), "bash", &["-euc", &example("curl")]).await);
    assert!(
        text.contains(&format!("tiles: {TILES}")) && text.contains(&format!("destroyed: {}\n", surely_destroyed())),
        "{text}"
    );
    let text = printed(&run(&app, &token, folder.path(), "bash", &["-euc", &example("curl-ogc")]).await);
    assert!(text.contains(&format!("destroyed: {}", destroyed())), "{text}");
    let without = run(&app, "", folder.path(), "bash", &["-euc", &example("curl-ogc")]).await;
    assert!(!without.status.success(), "without a token there is nothing to see");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_for_gdal_runs_as_it_stands() {
    if !is_there("ogrinfo", &["--version"]) {
        return;
    }
    let (app, token) = private_town().await;
    let folder = tempfile::tempdir().unwrap();
    let text = printed(&run(&app, &token, folder.path(), "bash", &["-euc", &example("gdal")]).await);
    assert!(text.contains(&format!("Feature Count: {TILES}")), "{text}");
    assert!(text.contains(&format!("destroyed: {}", destroyed())), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_for_r_runs_as_it_stands() {
    if !is_there("Rscript", &["-e", "library(sf)"]) {
        return;
    }
    let (app, token) = private_town().await;
    let folder = tempfile::tempdir().unwrap();
    let text = printed(&run(&app, &token, folder.path(), "Rscript", &["-e", &example("r")]).await);
    assert!(text.contains(&format!("tiles: {TILES} ")), "{text}");
    assert!(text.contains(&format!("destroyed: {} ", destroyed())), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_for_python_runs_as_it_stands() {
    let Some(python) = python(&["geopandas"]) else { return };
    let (app, token) = private_town().await;
    let folder = tempfile::tempdir().unwrap();
    let text = printed(&run(&app, &token, folder.path(), &python, &["-c", &example("python")]).await);
    assert!(text.contains(&format!("tiles: {TILES}\n")), "{text}");
    assert!(text.contains(&format!("destroyed: {} of which sure: {}\n", destroyed(), surely_destroyed())), "{text}");
    assert!(text.contains("in the western half: 1\n"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn gdals_driver_reads_what_the_csv_says_through_paging_and_filters() {
    let Some(python) = python(&["pyogrio"]) else { return };
    let app = on_sqlite();
    town(&app, "raqqa", Visibility::Public, ReleaseLevel::Public).await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/oapif.py");
    let folder = tempfile::tempdir().unwrap();
    app.public_campaign("untouched").await;
    let text = printed(&run(&app, "", folder.path(), &python, &[script, "untouched"]).await);
    assert!(text.ends_with("all agree\n"), "{text}");
}
