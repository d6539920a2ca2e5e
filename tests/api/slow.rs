//! Clients that take their time, over real sockets: the server ends their connections by itself.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use aftermap::http::{Deadlines, ServerOptions};

use crate::helpers::TestApp;
use crate::support::sqlite;

/// Far longer than any deadline below; a server that forgets a connection fails the test by it.
const PATIENCE: Duration = Duration::from_secs(20);
const HOUR: Duration = Duration::from_secs(3_600);
const SOON: Duration = Duration::from_millis(300);
/// No deadline: each test shortens the one it is about.
const NONE: Deadlines = Deadlines { head: HOUR, progress: HOUR, idle: HOUR };

fn app(deadlines: Deadlines) -> TestApp {
    TestApp::start_with(sqlite(), None, ServerOptions { deadlines, ..ServerOptions::default() })
}

fn connect(app: &TestApp) -> TcpStream {
    let line = TcpStream::connect(app.address.strip_prefix("http://").unwrap()).unwrap();
    line.set_read_timeout(Some(PATIENCE)).unwrap();
    line
}

/// Whether the server ended the connection, with or without a last word; what it said until then.
fn ended(line: &mut TcpStream) -> (bool, String) {
    let (mut said, mut buffer) = (Vec::new(), [0; 65_536]);
    loop {
        match line.read(&mut buffer) {
            Ok(0) => return (true, String::from_utf8_lossy(&said).into_owned()),
            Ok(read) => said.extend_from_slice(&buffer[..read]),
            Err(error) => {
                let waited = matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut);
                return (!waited, String::from_utf8_lossy(&said).into_owned());
            }
        }
    }
}

/// Sends one byte after the other until the server has enough of it.
fn drip(line: &mut TcpStream, text: &str) {
    for byte in text.bytes().cycle().take(600) {
        if line.write_all(&[byte]).is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// One whole request and its answer on a connection that is kept.
fn ask(line: &mut TcpStream) -> String {
    line.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let (mut said, mut byte) = (String::new(), [0; 1]);
    while !said.ends_with("alive\n") {
        line.read_exact(&mut byte).unwrap();
        said.push(byte[0] as char);
    }
    said
}

#[test]
fn a_head_that_drips_in_is_not_waited_for() {
    let app = app(Deadlines { head: SOON, ..NONE });
    let mut line = connect(&app);
    drip(&mut line, "GET /healthz HTTP/1.1 and so on");
    assert!(ended(&mut line).0);
}

#[test]
fn the_head_of_a_later_request_is_not_waited_for_either() {
    let app = app(Deadlines { head: SOON, ..NONE });
    let mut line = connect(&app);
    for _ in 0..3 {
        assert!(ask(&mut line).starts_with("HTTP/1.1 200"));
    }
    drip(&mut line, "GET /healthz HTTP/1.1 and so on");
    assert!(ended(&mut line).0);
}

#[test]
fn a_connection_on_which_nothing_is_sent_is_ended() {
    let app = app(Deadlines { head: SOON, ..NONE });
    assert!(ended(&mut connect(&app)).0);
}

#[test]
fn a_kept_connection_that_nobody_uses_is_ended() {
    let app = app(Deadlines { idle: SOON, ..NONE });
    let mut line = connect(&app);
    ask(&mut line);
    assert!(ended(&mut line).0);
}

#[test]
fn a_body_that_drips_in_is_refused_on_first_and_later_requests() {
    let app = app(Deadlines { progress: SOON, ..NONE });
    for later in [false, true] {
        let mut line = connect(&app);
        if later {
            ask(&mut line);
        }
        line.write_all(b"POST /api/v1/session HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n").unwrap();
        line.write_all(b"Content-Length: 100000\r\n\r\n").unwrap();
        drip(&mut line, "{\"name\": \"somebody\"}");
        assert!(ended(&mut line).0, "later: {later}");
    }
}

#[test]
fn a_body_that_never_comes_is_answered_with_408() {
    let app = app(Deadlines { progress: SOON, ..NONE });
    let mut line = connect(&app);
    line.write_all(b"POST /api/v1/session HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n").unwrap();
    line.write_all(b"Content-Length: 100000\r\n\r\n{").unwrap();
    let (ended, said) = ended(&mut line);
    assert!(ended && said.starts_with("HTTP/1.1 408"), "{said}");
}

#[test]
fn a_client_that_does_not_read_its_answers_is_left() {
    let app = app(Deadlines { progress: SOON, ..NONE });
    let mut line = connect(&app);
    line.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut asked = 0;
    // Until nothing goes out any more: the server waits for us to read.
    while asked < 2_000 && line.write_all(b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n").is_ok() {
        asked += 1;
    }
    std::thread::sleep(SOON * 4);
    let (ended, said) = ended(&mut line);
    assert!(ended, "the connection is still open");
    let answered = said.matches("HTTP/1.1 200").count();
    assert!(answered < asked, "{answered} of {asked} were answered");
}

#[test]
fn a_kept_connection_does_not_hold_up_the_end_of_the_server() {
    let app = app(NONE);
    let mut line = connect(&app);
    ask(&mut line);
    drop(app);
    assert!(ended(&mut line).0);
}
