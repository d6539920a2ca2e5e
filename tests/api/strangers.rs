//! Another campaign's real ids, put into the addresses of one's own: each must read like an id that is nothing.

use std::collections::{BTreeMap, BTreeSet};

use aftermap::domain::campaign::{CampaignState, ReleaseLevel, Visibility};
use aftermap::domain::volunteer::Role;
use aftermap::http::{Listed, listed};
use reqwest::Method;
use serde_json::{Value, json};

use crate::examples::{address_of, body_of};
use crate::helpers::{Browser, TestApp, on_each_database};

/// Ids by the name of the field that held them.
type Ids = BTreeMap<String, BTreeSet<String>>;

fn collect(value: &Value, found: &mut Ids) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                let id = value.as_str().map(str::to_owned).or_else(|| value.as_u64().map(|number| number.to_string()));
                match (name.as_str(), id) {
                    ("id" | "tile_id" | "number" | "version" | "scene_id", Some(id)) => {
                        let place = if name == "scene_id" { "id" } else { name };
                        found.entry(place.to_owned()).or_default().insert(id);
                    }
                    _ => collect(value, found),
                }
            }
        }
        _ => {}
    }
}

/// The places of an address beside the campaign's.
fn places(route: &Listed) -> Vec<&str> {
    let named = route.path.split('{').skip(1).filter_map(|part| part.split(['}', ':']).next());
    named.filter(|name| *name != "slug").collect()
}

/// One of everything that can be made in a campaign with few words, and all ids that its people are shown.
async fn ids_of(browser: &Browser, slug: &str) -> Ids {
    let here = format!("/api/v1/campaigns/{slug}");
    let upload = browser.post(&format!("{here}/uploads"), json!({"file_name": "gold.csv", "bytes": 3})).await.json();
    let path = format!("{here}/uploads/{}", upload["id"].as_str().unwrap());
    let headers = [("content-type", "application/offset+octet-stream"), ("upload-offset", "0")];
    browser.send_bytes(Method::PATCH, &path, &headers, b"abc".to_vec()).await.ok();
    let gold = json!({"kind": "gold", "upload": upload["id"], "gold": "check"});
    assert_eq!(browser.post(&format!("{here}/jobs"), gold).await.status, 202);
    assert!(
        browser
            .post(&format!("{here}/invitations"), json!({"role": "volunteer", "uses": 3, "days": 3}))
            .await
            .status
            .is_success()
    );
    assert!(
        browser
            .post(&format!("{here}/releases"), json!({"authors": ["Nobody"], "incomplete": true}))
            .await
            .status
            .is_success()
    );
    let mut found = Ids::new();
    for route in listed().iter().filter(|route| route.in_campaign && route.method == "GET" && places(route).is_empty())
    {
        // News never end.
        if !route.path.ends_with("/events") {
            let reply = browser.get(&address_of(route, slug)).await;
            collect(&serde_json::from_str(&reply.text).unwrap_or_default(), &mut found);
        }
    }
    found
}

/// An id of the same kind that is nobody's.
fn unlike(id: &str, taken: &BTreeSet<String>) -> String {
    let (start, last) = id.split_at(id.len() - 1);
    let others = "0123456789abcdef".chars().map(|digit| format!("{start}{digit}"));
    others.filter(|other| !other.ends_with(last)).find(|other| !taken.contains(other)).expect("a free id")
}

async fn paused(app: &TestApp, slug: &str) -> Browser {
    app.campaign(slug, Visibility::Private, ReleaseLevel::Private).await;
    app.set_state(slug, CampaignState::Paused).await;
    app.signed_in_as(Role::Coordinator, slug).await
}

#[tokio::test]
async fn an_id_of_another_campaign_reads_like_one_that_is_nothing_at_every_address() {
    on_each_database(async |app| {
        let api: Value = serde_json::from_str(&aftermap::http::document()).unwrap();
        let (mine, theirs) = (paused(app, "mine").await, paused(app, "theirs").await);
        let (own, foreign) = (ids_of(&mine, "mine").await, ids_of(&theirs, "theirs").await);
        let (mut asked, mut wrong) = (0, Vec::new());
        for route in listed().iter().filter(|route| route.in_campaign) {
            let [place] = places(route)[..] else { continue };
            let none = BTreeSet::new();
            let taken = own.get(place).unwrap_or(&none);
            for id in foreign.get(place).unwrap_or(&none).difference(taken) {
                let unknown = unlike(id, &foreign[place].union(taken).cloned().collect());
                let mut told = Vec::new();
                for id in [id, &unknown] {
                    let path = with(route, id);
                    let (kind, body) = body_of(route, &api);
                    let headers: Vec<(&str, &str)> = kind.iter().map(|kind| ("content-type", kind.as_str())).collect();
                    let reply = mine.send(route.method.parse().unwrap(), &path, &headers, body).await;
                    told.push((reply.status, reply.text.replace(id.as_str(), "*")));
                }
                asked += 1;
                if told[0] != told[1] || told[0].0.is_success() {
                    wrong.push(format!("{} {} with {id}: {told:?}", route.method, route.path));
                }
            }
        }
        println!("{asked} addresses with ids of another campaign");
        assert!(asked > 30 && wrong.is_empty(), "{asked} asked\n{}", wrong.join("\n"));
    })
    .await;
}

/// The address about `mine` with this id in its one other place.
fn with(route: &Listed, id: &str) -> String {
    let (before, after) = route.path.rsplit_once('{').unwrap();
    let after = after.split_once('}').unwrap().1;
    format!("{before}{id}{after}").replace("{slug}", "mine")
}
