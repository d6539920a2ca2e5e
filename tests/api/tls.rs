//! TLS by the server itself, and behind a proxy that the operator trusts.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use aftermap::http::{ServerOptions, TlsFiles};
use reqwest::header::SET_COOKIE;
use reqwest::{Certificate, Client, Response};

use crate::helpers::TestApp;
use crate::support::sqlite;

/// A certificate for the loopback address; `None` (said plainly) where there is no openssl.
fn certificate(folder: &Path, files: &TlsFiles) -> Option<()> {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(folder.join("new.key"))
        .arg("-out")
        .arg(folder.join("new.crt"))
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        eprintln!("SKIPPED: there is no openssl to make a certificate with");
        return None;
    }
    // The key first, as renewing programs do: for a moment the two do not fit.
    std::fs::rename(folder.join("new.key"), &files.key).unwrap();
    std::fs::rename(folder.join("new.crt"), &files.cert).unwrap();
    Some(())
}

/// A client that trusts this certificate and nothing else.
fn client(files: &TlsFiles) -> Client {
    let trusted = Certificate::from_pem(&std::fs::read(&files.cert).unwrap()).unwrap();
    Client::builder().tls_certs_only([trusted]).no_proxy().build().unwrap()
}

async fn guest(client: &Client, address: &str, headers: &[(&str, &str)]) -> Response {
    let request = client.post(format!("{address}/api/v1/guests")).header("content-type", "application/json").body("{}");
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
}

fn is_secure(reply: &Response) -> bool {
    let mut cookies = reply.headers().get_all(SET_COOKIE).iter().peekable();
    assert!(reply.status().is_success() && cookies.peek().is_some(), "{reply:?}");
    let secure: Vec<bool> = cookies.map(|cookie| cookie.to_str().unwrap().contains("; Secure")).collect();
    assert!(secure.iter().all(|one| *one == secure[0]), "all cookies alike");
    assert_eq!(reply.headers().contains_key("strict-transport-security"), secure[0]);
    secure[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_speaks_tls_and_takes_a_renewed_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let files = TlsFiles { cert: folder.path().join("tls.crt"), key: folder.path().join("tls.key") };
    if certificate(folder.path(), &files).is_none() {
        return;
    }
    let options = ServerOptions { tls: Some(files.clone()), ..ServerOptions::default() };
    let app = TestApp::start_with(sqlite(), None, options);
    let address = app.address.replace("http://", "https://");
    let first = client(&files);
    assert!(is_secure(&guest(&first, &address, &[]).await));
    assert!(Client::new().get(format!("{}/healthz", app.address)).send().await.is_err(), "nothing answers unencrypted");
    certificate(folder.path(), &files).unwrap();
    let renewed = client(&files);
    let mut taken = false;
    for _ in 0..300 {
        taken = renewed.get(format!("{address}/healthz")).send().await.is_ok_and(|reply| reply.status().is_success());
        if taken {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(taken, "the new certificate is in use");
    std::fs::write(&files.cert, "no certificate").unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(renewed.get(format!("{address}/healthz")).send().await.is_ok(), "the last good one stays in use");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_shake_no_hands_keep_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let files = TlsFiles { cert: folder.path().join("tls.crt"), key: folder.path().join("tls.key") };
    if certificate(folder.path(), &files).is_none() {
        return;
    }
    let options = ServerOptions { tls: Some(files.clone()), ..ServerOptions::default() };
    let app = TestApp::start_with(sqlite(), None, options);
    let place = app.address.trim_start_matches("http://").to_owned();
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(tokio::net::TcpStream::connect(&place).await.unwrap());
    }
    let reply = client(&files).get(format!("https://{place}/healthz")).send().await.unwrap();
    assert!(reply.status().is_success());
    drop(silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_trusted_proxy_can_say_that_the_line_is_encrypted() {
    let trusting = ServerOptions { proxies: vec!["127.0.0.0/8".parse().unwrap()], ..ServerOptions::default() };
    let elsewhere = ServerOptions { proxies: vec!["10.0.0.0/8".parse().unwrap()], ..ServerOptions::default() };
    let says = [("x-forwarded-proto", "https"), ("x-forwarded-for", "198.51.100.7")];
    for (options, believed) in [(trusting, true), (elsewhere, false), (ServerOptions::default(), false)] {
        let app = TestApp::start_with(sqlite(), None, options);
        assert_eq!(is_secure(&guest(&Client::new(), &app.address, &says).await), believed);
        assert!(!is_secure(&guest(&Client::new(), &app.address, &[]).await));
        assert!(!is_secure(&guest(&Client::new(), &app.address, &[("x-forwarded-proto", "http")]).await));
        let landing = Client::new().get(format!("{}/ogc", app.address)).header("x-forwarded-proto", "https");
        let links = landing.header("accept", "application/json").send().await.unwrap().text().await.unwrap();
        assert_eq!(links.contains("https://127.0.0.1"), believed, "links name the address that browsers use");
    }
}

#[test]
fn a_certificate_that_cannot_be_used_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let cert = folder.path().join("tls.crt");
    std::fs::write(&cert, "no certificate").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_aftermap"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path().join("data"))
        .arg("--tls-cert")
        .arg(&cert)
        .arg("--tls-key")
        .arg(&cert)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("tls.crt") && said.contains("certificate"), "{said}");
}
