//! The authorization matrix: every address and method that the router serves, tried by everybody there is, in campaigns
//! that are public, private and not open yet. Who may do what is said once more here, in words of its own.

use std::time::Duration;

use aftermap::domain::campaign::{CampaignState, ReleaseLevel, Visibility};
use aftermap::domain::volunteer::Role;
use aftermap::http::{Listed, listed};
use aftermap::services::clock;
use aftermap::services::people::grant_role::{Grant, grant};
use aftermap::storage::new_id;
use reqwest::Method;
use serde_json::{Value, json};

use crate::examples::{address_of, body_of};
use crate::helpers::{Browser, Reply, TestApp, on_sqlite};

/// Somebody who tries.
struct Visitor {
    what: &'static str,
    browser: Browser,
    signed_in: bool,
    /// A session of one's own, or a guest's token.
    own: bool,
    may_label: bool,
    may_act: bool,
    /// The role in the campaign, as far as the credential carries.
    role: Option<Role>,
    admin: bool,
}

/// The kinds of campaigns that make a difference.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Public,
    Private,
    Draft,
}

const KINDS: [Kind; 3] = [Kind::Public, Kind::Private, Kind::Draft];
const CREW: [(&str, Role); 4] =
    [("vera", Role::Volunteer), ("rita", Role::Reviewer), ("rosa", Role::Researcher), ("cora", Role::Coordinator)];

impl Visitor {
    fn sees(&self, kind: Kind) -> bool {
        match kind {
            Kind::Public => true,
            Kind::Private => self.role >= Some(Role::Volunteer),
            Kind::Draft => self.role >= Some(Role::Reviewer),
        }
    }

    /// Who may pass a door, from the design's list of people.
    fn passes(&self, standing: &str, kind: Kind) -> bool {
        let at_least = |role: Role| self.role >= Some(role);
        self.sees(kind)
            && match standing {
                "Anyone" => true,
                "Myself" => self.own,
                "Volunteer" => self.may_label,
                "MapReader" | "CellReader" => kind != Kind::Private || at_least(Role::Researcher),
                "Reviewer" => at_least(Role::Reviewer),
                "ActingReviewer" => at_least(Role::Reviewer) && self.may_act,
                "Researcher" => at_least(Role::Researcher),
                "ActingResearcher" => at_least(Role::Researcher) && self.may_act,
                "Coordinator" => at_least(Role::Coordinator),
                // No token gives a password.
                "ProvenCoordinator" => at_least(Role::Coordinator) && self.own,
                "Admin" => self.admin && self.may_act,
                other => panic!("say here who may pass as `{other}`"),
            }
    }

    /// The same where no campaign is concerned.
    fn passes_on_the_server(&self, standing: &str) -> bool {
        match standing {
            "Anyone" => true,
            "Myself" | "ProvenMyself" => self.own,
            "Volunteer" => self.may_label,
            "ProvenAdmin" => self.admin && self.own,
            _ => self.admin && self.may_act,
        }
    }
}

/// Everybody there is, each with the role in `slug` that is theirs.
async fn everybody(app: &TestApp) -> Vec<Visitor> {
    let nobody = app.browser();
    let guest = app.browser();
    guest.become_guest().await;
    let someone = |what, browser, role, admin| Visitor {
        what,
        browser,
        signed_in: true,
        own: true,
        may_label: true,
        may_act: true,
        role,
        admin,
    };
    let mut all = vec![
        Visitor { signed_in: false, own: false, may_label: false, ..someone("nobody", nobody, None, false) },
        someone("a guest", guest, None, false),
        someone("a stranger", app.signed_in("stranger", None).await, None, false),
    ];
    // Somebody who runs another campaign is a stranger in this one.
    app.campaign("elsewhere", Visibility::Private, ReleaseLevel::Private).await;
    let other = Grant::InCampaign { campaign: "elsewhere".into(), role: Role::Coordinator };
    all.push(someone("a coordinator of another campaign", app.signed_in("other", Some(other)).await, None, false));
    for (name, role) in CREW {
        all.push(someone(role.key(), app.signed_in(name, None).await, Some(role), false));
    }
    let boss = app.signed_in("boss", Some(Grant::Admin)).await;
    for (scope, label, act, role) in [
        ("label", true, false, Role::Volunteer),
        ("read", false, false, Role::Researcher),
        ("manage", false, true, Role::Coordinator),
    ] {
        let what: &'static str = format!("a coordinator's token to {scope}").leak();
        let owner = &all.iter().find(|visitor| visitor.what == "coordinator").unwrap().browser;
        let script = token(app, owner, scope).await;
        let script = someone(what, script, Some(role), false);
        all.push(Visitor { own: false, may_label: label, may_act: act, ..script });
        let what: &'static str = format!("an admin's token to {scope}").leak();
        // Nobody gave the admin a role in the campaign: to label is to be a volunteer like any other.
        let role = Some(role).filter(|role| *role > Role::Volunteer);
        let script = someone(what, token(app, &boss, scope).await, role, true);
        all.push(Visitor { own: false, may_label: label, may_act: act, ..script });
    }
    all.push(someone("an admin", boss, Some(Role::Coordinator), true));
    all
}

async fn token(app: &TestApp, owner: &Browser, scope: &str) -> Browser {
    let made = owner.post("/api/v1/me/tokens", json!({"name": scope, "scopes": [scope]})).await.ok();
    app.script(made["token"].as_str().unwrap())
}

/// A campaign in which the crew have their roles.
async fn campaign_of(app: &TestApp, kind: Kind) -> String {
    let slug = format!("c{:x}", new_id());
    let (visibility, level) = match kind {
        Kind::Private => (Visibility::Private, ReleaseLevel::Private),
        Kind::Public | Kind::Draft => (Visibility::Public, ReleaseLevel::Public),
    };
    app.campaign(&slug, visibility, level).await;
    let of = slug.clone();
    app.write(move |conn| {
        for (name, role) in CREW {
            grant(conn, None, name, &Grant::InCampaign { campaign: of.clone(), role }, clock::now_ms())?;
        }
        Ok(())
    })
    .await;
    if kind == Kind::Draft {
        app.set_state(&slug, CampaignState::Draft).await;
    }
    slug
}

async fn attempt(visitor: &Visitor, route: &Listed, slug: &str, api: &Value) -> Reply {
    let method: Method = route.method.parse().unwrap();
    let (kind, body) = body_of(route, api);
    let path = address_of(route, slug);
    let headers: Vec<(&str, &str)> = kind.iter().map(|kind| ("content-type", kind.as_str())).collect();
    let asked = visitor.browser.send(method, &path, &headers, body);
    tokio::time::timeout(Duration::from_secs(20), asked).await.unwrap_or_else(|_| panic!("{path} never ends"))
}

/// Whether a reply sends somebody away because of who they are.
fn is_sent_away(reply: &Reply, visitor: &Visitor) -> bool {
    match reply.status.as_u16() {
        401 => {
            assert!(!visitor.signed_in, "{} was told to sign in: {}", visitor.what, reply.text);
            true
        }
        403 => true,
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_campaign_everybody_may_do_what_their_role_allows_and_nothing_else() {
    let app = on_sqlite();
    let api: Value = serde_json::from_str(&aftermap::http::document()).unwrap();
    let visitors = everybody(&app).await;
    let routes: Vec<Listed> = listed().into_iter().filter(|route| route.in_campaign).collect();
    assert!(routes.len() > 30, "the router lists what it serves");
    let mut wrong = Vec::new();
    for route in &routes {
        let standing = route.standing.as_deref().unwrap();
        for kind in KINDS {
            // Who may pass may change the campaign, so whoever is to be sent away tries first.
            let slug = campaign_of(&app, kind).await;
            let mut order: Vec<&Visitor> = visitors.iter().collect();
            order.sort_by_key(|visitor| visitor.passes(standing, kind));
            for visitor in order {
                let campaign =
                    if visitor.passes(standing, kind) { campaign_of(&app, kind).await } else { slug.clone() };
                let reply = attempt(visitor, route, &campaign, &api).await;
                let tells_nothing = hides_the_campaign(&reply, &campaign);
                let right = match (visitor.sees(kind), visitor.passes(standing, kind)) {
                    (false, _) => tells_nothing,
                    (true, false) => is_sent_away(&reply, visitor),
                    // The scenes of these campaigns have no archives to look into.
                    (true, true) if route.path.ends_with("/preview") => !is_sent_away(&reply, visitor),
                    (true, true) => !is_sent_away(&reply, visitor) && !tells_nothing && !reply.status.is_server_error(),
                };
                if !right {
                    let Listed { method, path, .. } = route;
                    let told = reply.text.chars().take(160).collect::<String>();
                    wrong.push(format!(
                        "{method} {path} ({standing}), {kind:?}, {}: {} {told}",
                        visitor.what, reply.status
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of the matrix are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whether the reply says that there is no such campaign.
fn hides_the_campaign(reply: &Reply, slug: &str) -> bool {
    reply.status == 404 && reply.text.contains(&format!("there is no campaign `{slug}`"))
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_campaigns_everybody_may_do_what_is_theirs() {
    let app = on_sqlite();
    let api: Value = serde_json::from_str(&aftermap::http::document()).unwrap();
    let mut wrong = Vec::new();
    let routes: Vec<Listed> =
        listed().into_iter().filter(|route| route.standing.is_some() && !route.in_campaign).collect();
    assert!(routes.len() > 10, "the router lists what it serves");
    let visitors = everybody(&app).await;
    // What ends a session or an account comes last.
    let (last, first): (Vec<_>, Vec<_>) = routes.iter().partition(|route| route.method == "DELETE");
    for route in first.into_iter().chain(last) {
        let standing = route.standing.as_deref().unwrap();
        for visitor in visitors.iter().filter(|visitor| !visitor.passes_on_the_server(standing)) {
            let reply = attempt(visitor, route, "none", &api).await;
            if !is_sent_away(&reply, visitor) {
                wrong.push(format!("{} {} ({standing}), {}: {}", route.method, route.path, visitor.what, reply.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of the matrix are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// The addresses that ask nobody who they are. Whoever adds one says here why that is right.
#[test]
fn few_addresses_ask_nobody_who_they_are() {
    let open: Vec<String> = listed()
        .into_iter()
        .filter(|route| route.standing.is_none())
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    let known = [
        "GET /healthz",                  // whether the program runs
        "GET /readyz",                   // whether it wants work
        "GET /api/v1/openapi.json",      // the same for everybody
        "GET /api/v1/docs",              // likewise
        "GET /pages.css",                // likewise
        "GET /embed/{slug}",             // what everybody may know of a public campaign, the same for everybody
        "GET /ogc",                      // likewise
        "GET /ogc/",                     // likewise
        "GET /ogc/conformance",          // likewise
        "GET /ogc/api",                  // likewise
        "POST /api/v1/guests",           // whoever comes in is nobody yet
        "POST /api/v1/session",          // likewise
        "POST /api/v1/session/refresh",  // asks for a cookie of its own
        "POST /api/v1/session/recovery", // asks for the recovery code
    ];
    let unknown: Vec<&String> = open.iter().filter(|route| !known.contains(&route.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}
