//! What one address may hold at a time, so that it leaves room for others.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use aftermap::domain::campaign::{ReleaseLevel, Visibility};
use aftermap::domain::network::Network;
use aftermap::domain::volunteer::Role;
use aftermap::http::{ServerOptions, Shares};

use crate::helpers::{TestApp, on_each_database};
use crate::support::sqlite;

fn trusting() -> Vec<Network> {
    vec!["127.0.0.0/8".parse().unwrap()]
}

/// Listens to a campaign as somebody behind a proxy; the status, and the line if there is one.
async fn listen(app: &TestApp, client: &str) -> (u16, reqwest::Response) {
    let address = format!("{}/api/v1/campaigns/madre/events", app.address);
    let reply = reqwest::Client::new().get(address).header("x-forwarded-for", client).send().await.unwrap();
    (reply.status().as_u16(), reply)
}

#[tokio::test]
async fn one_address_holds_its_share_of_listeners_and_others_find_room() {
    let options = ServerOptions { listeners_per_address: 2, proxies: trusting(), ..ServerOptions::default() };
    let app = TestApp::start_with(sqlite(), None, options);
    app.public_campaign("madre").await;
    let first = listen(&app, "198.51.100.1").await;
    let second = listen(&app, "198.51.100.1").await;
    let third = listen(&app, "198.51.100.1").await;
    assert_eq!((first.0, second.0, third.0), (200, 200, 429));
    assert!(third.1.headers().contains_key("retry-after"));
    assert_eq!(listen(&app, "198.51.100.2").await.0, 200);
    drop(first);
    // The server notices a line that was left when it next writes to it or the system tells it.
    for _ in 0..400 {
        if listen(&app, "198.51.100.1").await.0 == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("a place that was left is not given again");
}

/// Opens a connection and asks for something; whether there was an answer.
fn asks(app: &TestApp) -> (bool, TcpStream) {
    let mut line = TcpStream::connect(app.address.trim_start_matches("http://")).unwrap();
    line.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let _ = line.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut head = [0; 12];
    let answered = line.read_exact(&mut head).is_ok() && &head == b"HTTP/1.1 200";
    (answered, line)
}

#[tokio::test]
async fn one_address_holds_its_share_of_connections_and_a_trusted_proxy_all() {
    let options = ServerOptions { clients_per_address: 3, ..ServerOptions::default() };
    let app = TestApp::start_with(sqlite(), None, options.clone());
    let held: Vec<(bool, TcpStream)> = (0..4).map(|_| asks(&app)).collect();
    assert_eq!(held.iter().map(|(answered, _)| *answered).collect::<Vec<_>>(), [true, true, true, false]);
    drop(held);
    let again = (0..400).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        asks(&app).0
    });
    assert!(again, "a place that was left is not given again");
    let app = TestApp::start_with(sqlite(), None, ServerOptions { proxies: trusting(), ..options });
    let held: Vec<(bool, TcpStream)> = (0..8).map(|_| asks(&app)).collect();
    assert!(held.iter().all(|(answered, _)| *answered));
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_have_a_share_each_and_a_made_up_header_buys_none() {
    let shares = Shares { guests: 2, ..Shares::default() };
    for (proxies, wanted) in [(trusting(), [201, 201, 429, 201]), (Vec::new(), [201, 201, 429, 429])] {
        let options = ServerOptions { proxies, ..ServerOptions::default() };
        let app = TestApp::start_sharing_with(sqlite(), shares, options);
        let mut seen = Vec::new();
        for client in ["198.51.100.1", "198.51.100.1", "198.51.100.1", "198.51.100.2"] {
            let ask = reqwest::Client::new().post(format!("{}/api/v1/guests", app.address));
            let ask = ask.header("x-forwarded-for", client).header("content-type", "application/json").body("{}");
            seen.push(ask.send().await.unwrap().status().as_u16());
        }
        assert_eq!(seen, wanted);
    }
}

#[tokio::test]
async fn strangers_who_take_exports_leave_one_place_for_people_with_a_role() {
    on_each_database(async |app| {
        app.campaign("madre", Visibility::Public, ReleaseLevel::Public).await;
        let researcher = app.signed_in_as(Role::Researcher, "madre").await;
        // New filters each time: nothing is found in the spool.
        let path = |n: u32| format!("/api/v1/campaigns/madre/exports/tiles.csv?min_probability=0.{n:03}");
        let others: Vec<_> = (0..40)
            .map(|n| {
                let stranger = app.browser();
                async move { stranger.get(&path(100 + n)).await.status.as_u16() }
            })
            .collect();
        let ours = async {
            let mut seen = Vec::new();
            for n in 0..10 {
                seen.push(researcher.get(&path(500 + n)).await.status.as_u16());
            }
            seen
        };
        let (strangers, ours) = tokio::join!(futures::future::join_all(others), ours);
        assert_eq!(ours, [200; 10], "whatever strangers do");
        assert!(strangers.iter().all(|status| [200, 503].contains(status)), "{strangers:?}");
        assert!(strangers.contains(&200));
    })
    .await;
}
