//! Where one request ends and the next begins: what two programs on the way could read in two ways is refused, and nothing
//! that stands behind it is answered.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::helpers::{TestApp, on_sqlite};

/// What the server answers to these very bytes before it closes, or falls silent.
fn answer(app: &TestApp, bytes: &[u8]) -> String {
    let mut line = TcpStream::connect(app.address.trim_start_matches("http://")).unwrap();
    line.set_read_timeout(Some(Duration::from_millis(1_500))).unwrap();
    let _ = line.write_all(bytes);
    let mut said = Vec::new();
    let mut part = [0; 4_096];
    while let Ok(count @ 1..) = line.read(&mut part) {
        said.extend_from_slice(&part[..count]);
    }
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn a_message_that_can_be_read_in_two_ways_is_refused_with_all_that_follows() {
    let app = on_sqlite();
    let hidden = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    for head in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Content-Length: 4\r\nContent-Length: 40",
        "Content-Length: 4, 40",
        "Content-Length: +4",
        "Content-Length: -4",
        "Content-Length: 0x4",
        "Content-Length: 99999999999999999999999",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked\r\n folded: yes",
        "X: a\rContent-Length: 4",
        "X: a\0b",
    ] {
        let whole = format!(
            "POST /api/v1/guests HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{head}\r\n\r\n0\r\n\r\n{hidden}"
        );
        let said = answer(&app, whole.as_bytes());
        assert!(said.starts_with("HTTP/1.1 400 "), "{head:?}: {said}");
        assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "{head:?}: {said}");
    }
    let twice = answer(&app, hidden.repeat(2).as_bytes());
    assert_eq!(twice.matches("HTTP/1.1 200 ").count(), 2, "two plain requests are two: {twice}");
}
