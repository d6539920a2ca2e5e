//! OGC API Features 1.0: every requirements class that is declared is tried here, clause by clause of OGC 17-069r4.

use std::collections::{BTreeMap, BTreeSet};

use aftermap::domain::campaign::{ReleaseLevel, Visibility};
use aftermap::domain::cell::Cell;
use aftermap::domain::volunteer::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{Browser, Reply, TestApp, on_each_database, on_sqlite};
use crate::town::{FIRST, HOUSE, SIDE, TILES, town};

const ITEMS: &str = "/ogc/collections/raqqa-tiles/items";

async fn public_town() -> TestApp {
    let app = on_sqlite();
    town(&app, "raqqa", Visibility::Public, ReleaseLevel::Public).await;
    app
}

/// The path of a link of this server.
fn path(app: &TestApp, href: &str) -> String {
    href.strip_prefix(&app.address).unwrap_or_else(|| panic!("{href} is not of this server")).to_owned()
}

fn link<'a>(document: &'a Value, rel: &str) -> Option<&'a Value> {
    document["links"].as_array().unwrap().iter().find(|link| link["rel"] == rel)
}

fn ids(page: &Value) -> Vec<String> {
    page["features"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

/// All features behind an address, page by page.
async fn all(app: &TestApp, browser: &Browser, address: &str) -> Vec<Value> {
    let (mut found, mut next, mut pages) = (Vec::new(), Some(address.to_owned()), 0);
    while let Some(address) = next {
        let page = browser.get(&address).await.ok();
        assert_eq!(page["numberReturned"].as_u64().unwrap() as usize, page["features"].as_array().unwrap().len());
        found.extend(page["features"].as_array().unwrap().iter().cloned());
        next = link(&page, "next").map(|link| path(app, link["href"].as_str().unwrap()));
        pages += 1;
        assert!(pages < 100, "paging ends");
    }
    found
}

async fn count(app: &TestApp, query: &str) -> usize {
    all(app, &app.browser(), &format!("{ITEMS}?limit=1000&{query}")).await.len()
}

#[tokio::test]
async fn every_link_leads_to_what_it_says_and_both_encodings_are_there() {
    let app = public_town().await;
    let browser = app.browser();
    let (mut open, mut seen) = (vec!["/ogc".to_owned()], BTreeSet::new());
    while let Some(address) = open.pop() {
        if !seen.insert(address.clone()) || seen.len() > 60 {
            continue;
        }
        let reply = browser.get(&address).await;
        let kind = reply.header("content-type").to_owned();
        assert_eq!(reply.status, 200, "{address}: {}", reply.text);
        if kind.starts_with("text/html") {
            assert!(reply.text.starts_with("<!doctype html>") && !reply.text.contains("<script"), "{address}");
            continue;
        }
        let document = reply.json();
        if document["openapi"].is_string() {
            continue;
        }
        let mut links: Vec<Value> = document["links"].as_array().into_iter().flatten().cloned().collect();
        for one in document["collections"].as_array().into_iter().flatten() {
            links.extend(one["links"].as_array().unwrap().iter().cloned());
        }
        for link in links {
            let target = path(&app, link["href"].as_str().unwrap());
            let reply = browser.get(&target).await;
            assert!(reply.header("content-type").starts_with(link["type"].as_str().unwrap()), "{target}: {link}");
            open.push(target);
        }
    }
    assert!(seen.len() > 25, "{seen:?}");
}

#[tokio::test]
async fn the_landing_page_names_all_that_core_wants() {
    let app = public_town().await;
    for address in ["/ogc", "/ogc/", "/ogc?f=json"] {
        let landing = app.browser().get(address).await.ok();
        for rel in ["self", "alternate", "service-desc", "service-doc", "conformance", "data"] {
            assert!(link(&landing, rel).is_some(), "{address}: {rel}");
        }
    }
    let declared = app.browser().get("/ogc/conformance").await.ok();
    let class = |name: &str| format!("http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{name}");
    let classes = ["core", "geojson", "html", "oas30"].map(class);
    assert_eq!(declared, json!({"conformsTo": classes}));
    app.browser().send(Method::POST, "/ogc", &[], None).await.refused(405, "method_not_allowed");
    assert_eq!(app.browser().send(Method::HEAD, ITEMS, &[], None).await.status, 200);
}

#[tokio::test]
async fn the_format_follows_the_parameter_and_else_the_accept_header() {
    let app = public_town().await;
    let asked = async |address: &str, accept: &str| {
        let reply = app.browser().send(Method::GET, address, &[("accept", accept)], None).await;
        reply.header("content-type").to_owned()
    };
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for address in ["/ogc", "/ogc/conformance", "/ogc/collections", "/ogc/collections/raqqa-tiles", ITEMS] {
        assert!(asked(address, browser).await.starts_with("text/html"), "{address}");
        assert!(asked(&format!("{address}?f=json"), browser).await.contains("json"), "{address}");
        assert!(asked(address, "application/json").await.contains("json"), "{address}");
        assert!(asked(&format!("{address}?f=html"), "application/json").await.starts_with("text/html"), "{address}");
        app.browser().get(&format!("{address}?f=xml")).await.refused(400, "invalid");
    }
    assert_eq!(asked(ITEMS, "application/geo+json").await, "application/geo+json");
    assert_eq!(asked("/ogc/api", "*/*").await, "application/vnd.oai.openapi+json;version=3.0");
}

#[tokio::test]
async fn the_description_is_openapi_3_0_and_every_path_of_it_is_served() {
    let app = public_town().await;
    let api = app.browser().get("/ogc/api").await.ok();
    assert_eq!(api["openapi"], "3.0.3");
    let server = path(&app, api["servers"][0]["url"].as_str().unwrap());
    assert_eq!(server, "/ogc");
    let parameters = &api["components"]["parameters"];
    assert_eq!(parameters["bbox"]["schema"]["oneOf"][1]["minItems"], 6);
    assert_eq!(
        (&parameters["limit"]["schema"]["maximum"], &parameters["limit"]["explode"]),
        (&json!(5000), &json!(false))
    );
    let mut names = BTreeSet::new();
    for (place, methods) in api["paths"].as_object().unwrap() {
        let operation = &methods["get"];
        assert!(names.insert(operation["operationId"].as_str().unwrap().to_owned()), "{place}");
        let feature = if place.contains("-scenes") { None } else { Some(format!("{}-{}-{}", 16, FIRST.0, FIRST.1)) };
        let Some(feature) = feature.filter(|_| !place.contains("-area/items/")) else { continue };
        let address = format!("{server}{}", place.replace("{featureId}", &feature));
        assert_eq!(app.browser().get(&address).await.status, 200, "{address}");
        for parameter in operation["parameters"].as_array().unwrap() {
            let named = parameter["$ref"].as_str().map(|named| named.rsplit('/').next().unwrap());
            assert!(named.is_none_or(|named| parameters[named].is_object()), "{parameter}");
        }
    }
    // Every parameter that is described is taken, and nothing else is.
    let path = api["paths"]["/collections/raqqa-tiles/items"]["get"]["parameters"].as_array().unwrap();
    for parameter in path.iter().filter_map(|parameter| parameter["name"].as_str()) {
        assert_eq!(app.browser().get(&format!("{ITEMS}?{parameter}=1&limit=1")).await.status, 200, "{parameter}");
    }
    let problem = app.browser().get(&format!("{ITEMS}?colour=red")).await.refused(400, "invalid");
    assert_eq!(problem["field"], "colour");
}

#[tokio::test]
async fn paging_gives_each_of_2503_tiles_once_in_a_stable_order() {
    on_each_database(async |app| {
        town(app, "raqqa", Visibility::Public, ReleaseLevel::Public).await;
        let browser = app.browser();
        let first = browser.get(&format!("{ITEMS}?limit=7")).await.ok();
        assert_eq!((&first["numberReturned"], &first["numberMatched"]), (&json!(7), &json!(TILES)));
        for limit in [1_000, 2_502, 2_503, 5_000, 999_999] {
            let found = all(app, &browser, &format!("{ITEMS}?limit={limit}")).await;
            let names: Vec<&str> = found.iter().map(|one| one["id"].as_str().unwrap()).collect();
            assert_eq!(names.len(), TILES, "limit {limit}");
            assert!(names.is_sorted() && names.iter().collect::<BTreeSet<_>>().len() == TILES, "limit {limit}");
        }
        let (small, large) = (
            all(app, &browser, &format!("{ITEMS}?limit=37&bbox=39.17,34,39.4,37")).await,
            all(app, &browser, &format!("{ITEMS}?limit=5000&bbox=39.17,34,39.4,37")).await,
        );
        assert!(small == large && small.len() > 500, "{} {}", small.len(), large.len());
        // A page past the end, or begun at an id that never was, is no fault.
        assert_eq!(ids(&browser.get(&format!("{ITEMS}?after=zzz")).await.ok()), Vec::<String>::new());
        assert_eq!(ids(&browser.get(&format!("{ITEMS}?after=16-39&limit=1")).await.ok()).len(), 1);
    })
    .await;
}

#[tokio::test]
async fn features_are_those_of_the_download() {
    on_each_database(async |app| {
        town(app, "raqqa", Visibility::Public, ReleaseLevel::Public).await;
        let researcher = app.signed_in_as(Role::Researcher, "raqqa").await;
        for browser in [app.browser(), researcher] {
            for (layer, more) in [("tiles", "&damaged_if=0.8&min_probability=0.9"), ("scenes", "")] {
                let file = format!("/api/v1/campaigns/raqqa/exports/{layer}.geojson?{}", more.trim_start_matches('&'));
                let file = browser.get(&file).await.ok();
                let paged = all(app, &browser, &format!("/ogc/collections/raqqa-{layer}/items?limit=2000{more}")).await;
                assert_eq!(&paged, file["features"].as_array().unwrap(), "{layer}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_open_tile_shows_its_state_alone_and_no_filter_tells_more() {
    let app = public_town().await;
    let researcher = app.signed_in_as(Role::Researcher, "raqqa").await;
    let open = format!("{ITEMS}/16-{}-{}", FIRST.0, FIRST.1);
    let seen = app.browser().get(&open).await.ok();
    assert_eq!((&seen["properties"]["state"], &seen["properties"]["labels"]), (&json!("open"), &Value::Null));
    assert_eq!(researcher.get(&open).await.ok()["properties"]["class"], "destroyed");
    let open = (SIDE * SIDE / 5) as usize;
    for query in ["class=destroyed", "labels=3", "probability_at_least=0.5", "p_destroyed=0.7", "labels_destroyed=3"] {
        let address = format!("{ITEMS}?limit=1000&{query}");
        let (public, full) = (all(&app, &app.browser(), &address).await, all(&app, &researcher, &address).await);
        assert!(public.iter().all(|one| one["properties"]["state"] == "settled"), "{query}");
        let hidden = full.iter().filter(|one| one["properties"]["state"] == "open").count();
        assert!(hidden > 0 && hidden <= open && full.len() == public.len() + hidden, "{query}");
    }
}

#[tokio::test]
async fn a_box_chooses_what_it_meets_also_across_the_date_line() {
    let app = public_town().await;
    let cell = Cell { z: 16, x: FIRST.0 + 10, y: FIRST.1 + 10 }.bbox();
    let (lon, lat) = cell.centre();
    let tiny = format!("bbox={},{},{},{}", lon - 1e-6, lat - 1e-6, lon + 1e-6, lat + 1e-6);
    assert_eq!(count(&app, &tiny).await, 1);
    let high = format!("bbox={},{},-5,{},{},9000", lon - 1e-6, lat - 1e-6, lon + 1e-6, lat + 1e-6);
    assert_eq!(count(&app, &high).await, 1);
    assert_eq!(count(&app, "bbox=-180,-90,180,90").await, TILES);
    assert_eq!(count(&app, "bbox=179,30,-179,40").await, 2);
    assert_eq!(count(&app, "bbox=0,0,1,1").await, 0);
    let empty = app.browser().get(&format!("{ITEMS}?bbox=0,0,1,1")).await.ok();
    assert_eq!((&empty["numberMatched"], &empty["features"]), (&json!(0), &json!([])));
    let scenes = app.browser().get("/ogc/collections/raqqa-scenes/items?bbox=39.5,35.5,39.6,35.6").await.ok();
    assert_eq!(scenes["numberReturned"], 2);
    let none = app.browser().get("/ogc/collections/raqqa-scenes/items?bbox=0,0,1,1").await.ok();
    assert_eq!(none["numberReturned"], 0);
}

#[tokio::test]
async fn a_time_chooses_what_was_going_on_then() {
    let app = public_town().await;
    // Images of 2 and 3 January 1970; damage happened between them, and only damage has a time.
    let damaged = (SIDE * SIDE / 5 * 2) as usize;
    for (time, expected) in [
        ("1970-01-02T12:00:00Z", damaged),
        ("1970-01-02", damaged),
        ("../1970-01-02", damaged),
        ("1970-01-03T00:00:00Z/..", damaged),
        ("1970-01-02T10:00:00%2B02:00/1970-01-04", damaged),
        ("1970-01-03T00:00:00.001Z/..", 0),
        ("/1970-01-01T23:59:59Z", 0),
    ] {
        assert_eq!(count(&app, &format!("datetime={time}")).await, expected, "{time}");
    }
    let scenes = async |time: &str| {
        app.browser().get(&format!("/ogc/collections/raqqa-scenes/items?datetime={time}")).await.ok()["numberReturned"]
            .clone()
    };
    assert_eq!(
        (scenes("1970-01-02").await, scenes("1970-01-02/..").await, scenes("2001-01-01").await),
        (json!(1), json!(2), json!(0))
    );
    let both = "datetime=1970-01-02/..&damaged_to=1970-01-01";
    assert_eq!(count(&app, both).await, 0, "two times must both hold");
}

#[tokio::test]
async fn properties_are_filters_and_several_must_all_hold() {
    let app = public_town().await;
    let fifth = (SIDE * SIDE / 5) as usize;
    for (query, expected) in [
        ("class=destroyed", fifth),
        ("class=destroyed,damaged", 2 * fifth),
        ("state=open", fifth + 3),
        ("state=settled&class=damaged", fifth),
        ("z=16", TILES - 1),
        ("reviewed_by_expert=false&class_code=1", fifth),
        ("closed_at=1970-01-01", 4 * fifth),
        ("closed_at=1970-01-01T00:00:01Z", 4 * fifth),
        ("tile_id=16-39900-25900", 1),
        ("closed_reason=lead&class=destroyed&probability_at_least=0.99", 83),
        ("class=&state=", TILES),
        ("x=forty", 0),
    ] {
        assert_eq!(count(&app, query).await, expected, "{query}");
    }
    let scene = app.browser().get("/ogc/collections/raqqa-scenes/items?captured_from=1970-01-02").await.ok();
    assert_eq!(scene["numberMatched"], 1);
}

#[tokio::test]
async fn a_bad_parameter_is_a_bad_request_that_names_it() {
    let app = public_town().await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=1.5", "limit"),
        ("bbox=1,2,3", "bbox"),
        ("bbox=a,b,c,d", "bbox"),
        ("bbox=0,10,1,5", "bbox"),
        ("bbox=NaN,0,1,1", "bbox"),
        ("bbox=inf,0,1,1", "bbox"),
        ("bbox=0,0,1,1,2", "bbox"),
        ("bbox=0,-91,1,1", "bbox"),
        ("bbox=0,0,1e999,1", "bbox"),
        ("datetime=yesterday", "datetime"),
        ("datetime=2025-06-16/2025-06-15", "datetime"),
        ("datetime=..", "datetime"),
        ("class=ruined", "class"),
        ("state=closed", "state"),
        ("probability_at_least=2", "probability_at_least"),
        ("damaged_if=NaN", "damaged_if"),
        ("min_probability=x", "min_probability"),
        ("damaged_to=x", "damaged_to"),
        ("area=%7B%7D", "area"),
        ("Class=damaged", "Class"),
        ("geometry=x", "geometry"),
        ("offset=5", "offset"),
        ("bbox-crs=x", "bbox-crs"),
        ("limit=1&limit=2", "limit"),
        ("x%00=1", "x\0"),
        ("%C3%A9=%22%3E%3Cscript%3E", "é"),
        ("f=", ""),
    ] {
        let reply = app.browser().get(&format!("{ITEMS}?{query}")).await;
        if field.is_empty() {
            assert_eq!(reply.status, 200, "{query}");
            continue;
        }
        assert_eq!(reply.refused(400, "invalid")["field"], field, "{query}");
    }
    for address in ["/ogc", "/ogc/conformance", "/ogc/api", "/ogc/collections", "/ogc/collections/raqqa-area"] {
        let problem = app.browser().get(&format!("{address}?bbox=0,0,1,1")).await.refused(400, "invalid");
        assert_eq!(problem["field"], "bbox", "{address}");
    }
    app.browser().get(&format!("{ITEMS}/x?limit=1")).await.refused(400, "invalid");
    let scenes = "/ogc/collections/raqqa-scenes/items?class=damaged";
    assert_eq!(app.browser().get(scenes).await.refused(400, "invalid")["field"], "class");
    // What no database can look up is not found, or finds nothing.
    let odd = app.browser().get(&format!("{ITEMS}?after=%00&tile_id=%00")).await;
    assert!(odd.status == 200 || odd.status == 400, "{}", odd.text);
    for missing in [
        "/ogc/collections/raqqa",
        "/ogc/collections/raqqa-roads",
        "/ogc/collections/atlantis-tiles",
        "/ogc/collections/atlantis-tiles/items",
        "/ogc/collections/raqqa-tiles/items/1-2-3",
        "/ogc/collections/raqqa-tiles/items/%00",
        "/ogc/collections/raqqa-scenes/items/1",
        "/ogc/nothing",
    ] {
        app.browser().get(missing).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn an_odd_name_is_found_by_the_link_that_leads_to_it() {
    let app = public_town().await;
    let reply = app.browser().get(&format!("{ITEMS}/house%2F7%20%22%C3%A9%22%20%3D1%2B1%20%3Cb%3E")).await;
    let house = reply.ok();
    assert_eq!((&house["id"], &house["type"]), (&json!(HOUSE), &json!("Feature")));
    let own = path(&app, link(&house, "self").unwrap()["href"].as_str().unwrap());
    assert_eq!(app.browser().get(&own).await.ok(), house);
    let html = path(&app, link(&house, "alternate").unwrap()["href"].as_str().unwrap());
    let page = app.browser().get(&html).await;
    assert!(page.text.contains("&lt;b&gt;") && !page.text.contains("<b>"), "{}", page.text);
    let list = app.browser().get("/ogc/collections?f=html").await;
    assert!(!list.text.contains("<i>"), "{}", list.text);
    // Every link of a page of HTML leads somewhere too.
    let page = app.browser().get(&format!("{ITEMS}?f=html&after=16-39949-25948&limit=60")).await;
    let hrefs: Vec<&str> = page.text.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(hrefs.iter().any(|href| href.contains("house%2F7")), "{hrefs:?}");
    for href in hrefs.iter().filter(|href| href.starts_with('/')) {
        let address = href.replace("&amp;", "&");
        assert_eq!(app.browser().get(address.split('#').next().unwrap()).await.status, 200, "{address}");
    }
}

#[tokio::test]
async fn the_area_and_the_extent_tell_where_and_when() {
    let app = public_town().await;
    let area = app.browser().get("/ogc/collections/raqqa-area/items").await.ok();
    assert_eq!((&area["numberMatched"], &area["features"][0]["id"]), (&json!(1), &json!("raqqa")));
    assert_eq!(area["features"][0]["properties"]["tiles"], TILES);
    let collection = app.browser().get("/ogc/collections/raqqa-tiles").await.ok();
    assert_eq!(collection["extent"]["spatial"]["bbox"], json!([[-180.0, 35.0, 180.0, 36.0]]));
    assert_eq!(collection["extent"]["temporal"]["interval"], json!([["1970-01-02T00:00:00Z", "1970-01-03T00:00:00Z"]]));
    assert_eq!(collection["crs"], json!(["http://www.opengis.net/def/crs/OGC/1.3/CRS84"]));
    assert_eq!(collection["license"], "CC-BY-4.0");
}

fn slugs(reply: &Reply) -> BTreeSet<String> {
    let all = reply.ok()["collections"].as_array().unwrap().clone();
    all.iter().map(|one| one["id"].as_str().unwrap().rsplit_once('-').unwrap().0.to_owned()).collect()
}

#[tokio::test]
async fn a_private_map_is_there_for_a_researchers_token_and_for_nobody_else() {
    on_each_database(async |app| {
        app.campaign("open-town", Visibility::Public, ReleaseLevel::Public).await;
        app.campaign("hidden", Visibility::Private, ReleaseLevel::Public).await;
        app.campaign("unreleased", Visibility::Public, ReleaseLevel::Private).await;
        let researcher = app.signed_in_as(Role::Researcher, "hidden").await;
        let stranger = app.signed_in("omar", None).await;
        let mut scripts = BTreeMap::new();
        for (name, owner, scope) in
            [("reader", &researcher, "read"), ("labeller", &researcher, "label"), ("stranger", &stranger, "read")]
        {
            let made = owner.post("/api/v1/me/tokens", json!({"name": "QGIS", "scopes": [scope]})).await.ok();
            scripts.insert(name, app.script(made["token"].as_str().unwrap()));
        }
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(slugs(&app.browser().get("/ogc/collections").await), set(&["open-town"]));
        assert_eq!(slugs(&scripts["stranger"].get("/ogc/collections").await), set(&["open-town"]));
        assert_eq!(slugs(&scripts["reader"].get("/ogc/collections").await), set(&["hidden", "open-town"]));
        let api = app.browser().get("/ogc/api").await;
        assert!(!api.text.contains("hidden") && !api.text.contains("unreleased"));
        for more in ["", "/items", "/items/13-5000-3200"] {
            let address = format!("/ogc/collections/hidden-tiles{more}");
            app.browser().get(&address).await.refused(404, "not_found");
            scripts["stranger"].get(&address).await.refused(404, "not_found");
            scripts["reader"].get(&address).await.ok();
            let known = format!("/ogc/collections/unreleased-tiles{more}");
            app.browser().get(&known).await.refused(401, "unauthorized");
            scripts["reader"].get(&known).await.refused(403, "forbidden");
        }
        // Whoever may only label sees the campaign, as a volunteer does; its map is released to those who see it.
        scripts["labeller"].get("/ogc/collections/hidden-tiles").await.ok();
        app.script("aftermap_nonsense").get("/ogc/collections").await.refused(401, "unauthorized");
    })
    .await;
}

#[tokio::test]
async fn links_name_the_address_that_the_operator_gave_and_never_a_made_up_host() {
    let app = TestApp::start(crate::support::sqlite(), Some("https://maps.example.org/"));
    app.public_campaign("raqqa").await;
    let landing = app.browser().get("/ogc").await.ok();
    assert_eq!(link(&landing, "data").unwrap()["href"], "https://maps.example.org/ogc/collections");
    let app = on_sqlite();
    let reply = app.browser().send(Method::GET, "/ogc", &[("host", "a\"><script>")], None).await;
    assert!(!reply.text.contains("<script") && !reply.text.contains("http:"), "{}", reply.text);
}

#[tokio::test]
async fn the_documentation_of_the_api_is_a_page_that_asks_nobody_else() {
    let app = public_town().await;
    for address in ["/api/v1/docs", "/ogc/api?f=html", "/ogc", ITEMS] {
        let reply = app.browser().send(Method::GET, address, &[("accept", "text/html")], None).await;
        assert!(reply.header("content-type").starts_with("text/html"), "{address}");
        assert!(reply.header("content-security-policy").contains("script-src 'self'"));
        for banned in ["<script", "style=\"", "http://", "https://", "onclick"] {
            let found = reply.text.replace("http://www.opengis.net", "");
            assert!(!found.contains(banned), "{address}: {banned}");
        }
    }
    let docs = app.browser().get("/api/v1/docs").await;
    let api = app.browser().get("/api/v1/openapi.json").await.ok();
    for path in api["paths"].as_object().unwrap().keys() {
        assert!(docs.text.contains(path.as_str()), "{path}");
    }
    let style = app.browser().get("/pages.css").await;
    assert!(style.header("content-type").starts_with("text/css") && style.text.contains("--accent"));
    let tag = style.header("etag").to_owned();
    let again = app.browser().send(Method::GET, "/pages.css", &[("if-none-match", &tag)], None).await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
}
