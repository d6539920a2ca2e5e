//! A coordinator asks for tiles of another server over HTTP: only from hosts that the operator allows, and no reply holds
//! the operator's key.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

use aftermap::domain::remote_tiles::{AllowedHost, AllowedHosts};
use aftermap::imagery::Archives;
use aftermap::services::jobs::worker::Worker;
use aftermap::services::people::grant_role::Grant;
use aftermap::services::scenes::upload::Intake;
use serde_json::{Value, json};

use crate::helpers::TestApp;
use crate::support::databases;

const TOWN: &str = "/api/v1/campaigns/town";
const KEY: &str = "sesame17";

/// A server that has the same picture everywhere, for whoever knows the key.
fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut tile = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(256, 256, image::Rgb([90, 120, 60]))
        .write_to(&mut tile, image::ImageFormat::Png)
        .unwrap();
    let tile = tile.into_inner();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
                head.push(byte[0]);
            }
            let knows = String::from_utf8_lossy(&head).contains(KEY);
            let status = if knows { "200 OK" } else { "403 Forbidden" };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: image/png\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                tile.len()
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&tile));
        }
    });
    address
}

fn wanted(host: &str, zoom: u8) -> Value {
    let template = format!("http://{host}/{{z}}/{{x}}/{{y}}.png?key={{key}}");
    let remote = json!({"template": template, "area": [30.001, 50.001, 30.01, 50.005], "zoom": zoom});
    json!({"kind": "ingest", "remote": remote, "captured": "2025-06-15"})
}

#[tokio::test]
async fn tiles_come_from_allowed_hosts_only_and_the_key_is_in_no_reply() {
    for database in databases() {
        let host = serve().to_string();
        let allowed = AllowedHost {
            key: Some(KEY.into()),
            attribution: Some("© Somebody".into()),
            http: true,
            networks: vec!["127.0.0.1".into()],
            tiles_per_second: 500.0,
            ..AllowedHost::new(&host)
        };
        let hosts = AllowedHosts::new(vec![allowed]).unwrap();
        let app = TestApp::start_fetching(database, hosts.clone());
        let cleo = app.signed_in("cleo", Some(Grant::Creator)).await;
        cleo.post("/api/v1/campaigns", json!({"slug": "town", "title": "A town"})).await;
        let jobs = format!("{TOWN}/jobs");
        for (host, zoom) in [("127.0.0.1:9", 16), ("169.254.169.254", 16), ("localhost", 16), (host.as_str(), 99)] {
            let refused = cleo.post(&jobs, wanted(host, zoom)).await;
            assert_eq!(refused.status, 422, "{host} {zoom}: {}", refused.text);
        }
        let told = cleo.get(&format!("{TOWN}/tile-hosts")).await.ok();
        let known =
            json!([{"host": host, "attribution": "© Somebody", "has_key": true, "http": true, "most_tiles": 100_000}]);
        assert_eq!(told["hosts"], known, "what the page offers, without the key");
        let mut both = wanted(&host, 16);
        both["file"] = json!("a.tif");
        assert_eq!(cleo.post(&jobs, both).await.status, 422);
        let asked = cleo.post(&jobs, wanted(&host, 16)).await;
        assert_eq!(asked.status, 202, "{}", asked.text);
        let mut intake = Intake::new(app.tiles.path());
        intake.remote_hosts = hosts;
        let worker = Worker::new(app.store.clone(), Archives::new(app.tiles.path()), intake);
        assert!(worker.turn().await.unwrap());
        let done = cleo.get(&jobs).await;
        assert_eq!(done.json()["jobs"][0]["state"], "done", "{}", done.text);
        assert!(done.json()["jobs"][0]["about"].as_str().unwrap().ends_with("/{z}/{x}/{y}.png"), "{}", done.text);
        let campaign = cleo.get(TOWN).await;
        assert_eq!(campaign.json()["scenes"][0]["attribution"], "© Somebody", "{}", campaign.text);
        let scenes = cleo.get(&format!("{TOWN}/scenes")).await;
        for reply in [&asked, &done, &campaign, &scenes] {
            assert!(!reply.text.contains(KEY), "{}", reply.text);
        }
    }
}
