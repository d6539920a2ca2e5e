//! The gate: the only way from a handler to the database. Who asks is found out in the transaction that does the work,
//! and the role that is needed stands in the handler's signature, so that no handler can forget it.
//!
//! ```text
//! async fn take(door: InCampaign<Volunteer>, …)      signed in, may label in the campaign of the address
//! door.write(|conn, visit| …)                        visit.viewer, visit.campaign, visit.now
//! ```

use std::future::{Future, Ready, ready};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};

use super::caller::Caller;
use super::error::Error;
use super::gone::or_gone;
pub use super::roles::{
    ActingResearcher, ActingReviewer, Admin, Anyone, CellReader, Coordinator, Creator, MapReader, Myself, ProvenAdmin,
    ProvenCoordinator, ProvenMyself, Researcher, Reviewer, Standing, Volunteer,
};
use crate::domain::access::Viewer;
use crate::domain::campaign::Campaign;
use crate::domain::network::Network;
use crate::domain::second_factor::SecondFactor;
use crate::http::maps::exports::Downloads;
use crate::http::maps::releases::Shelf;
use crate::http::server::presence::Presence;
use crate::http::server::visitors::{Errand, Shares, Visitors};
use crate::imagery::Archives;
use crate::services::events::Events;
use crate::services::maps::map_tiles::MapTiles;
use crate::services::oversight::statistics::{Boards, PublicProgress};
use crate::services::people::sign_in::{Credentials, SignIn};
use crate::services::people::throttle::Visitor;
use crate::services::scenes::upload::Intake;
use crate::services::{self, clock};
use crate::storage::{Conn, Store, campaigns};

/// Lines of live news that one address may hold, unless a setting says otherwise.
pub(super) const LISTENERS_EACH: u32 = 64;

/// What all requests share. Cheap to clone.
#[derive(Clone)]
pub struct App {
    store: Store,
    ready: Arc<AtomicBool>,
    /// News of campaigns for whoever listens.
    pub events: Events,
    /// Signing in and out.
    pub sign_in: SignIn,
    /// The images.
    pub archives: Archives,
    /// The damage maps as vector tiles, and counted.
    pub(super) map_tiles: MapTiles,
    /// What dashboards show, counted once for all.
    pub(super) boards: Boards,
    /// Where downloads are written.
    pub(super) downloads: Downloads,
    /// Where releases are.
    pub(super) shelf: Shelf,
    visitors: Arc<Visitors>,
    /// Lines of live news that one address holds.
    pub(super) listeners: Presence,
    /// Where files arrive.
    pub intake: Intake,
    /// The address by which browsers reach this server, e.g. `https://map.example.org`, if the operator said so.
    pub public_url: Option<Arc<str>>,
    /// Proxies whose word about a request is believed.
    pub(super) proxies: Arc<[Network]>,
    /// Whether the server itself speaks TLS.
    pub(super) encrypted: bool,
}

impl App {
    /// A server on this database; ready from the start. Downloads are written in the folder `spool`, which is made when
    /// it is needed; releases are in the folder `releases` beside it, files arrive in `uploads` and `inbox`.
    pub fn new(store: Store, sign_in: SignIn, archives: Archives, spool: PathBuf, public_url: Option<String>) -> App {
        let ready = Arc::new(AtomicBool::new(true));
        let events = Events::new(store.clone());
        App {
            store,
            ready,
            events,
            sign_in,
            archives,
            map_tiles: MapTiles::default(),
            boards: Boards::default(),
            shelf: Shelf::new(spool.with_file_name("releases")),
            intake: Intake::new(spool.parent().unwrap_or(Path::new("."))),
            downloads: Downloads::new(spool),
            visitors: Arc::new(Visitors::new(Shares::default())),
            listeners: Presence::new(LISTENERS_EACH),
            public_url: public_url.map(Into::into),
            proxies: Arc::new([]),
            encrypted: false,
        }
    }

    /// With other shares for each address.
    pub fn with_shares(self, shares: Shares) -> App {
        App { visitors: Arc::new(Visitors::new(shares)), ..self }
    }

    /// Counts an errand of whoever sent this request; refused where their address has used up its share. Returns a number
    /// that stands for the address.
    pub(super) fn admit(&self, request: &HttpRequest, errand: Errand) -> Result<Visitor, Error> {
        self.visitors.admit(self.origin(request.head()).address, errand, Instant::now())
    }

    /// Whether the browser that sent this request is on an encrypted line: its cookies are for such lines alone then.
    pub(super) fn is_encrypted(&self, request: &HttpRequest) -> bool {
        self.origin(request.head()).https
    }

    /// Whether browsers reach this server over encrypted connections only.
    pub fn is_https(&self) -> bool {
        self.encrypted || self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }

    /// Says whether new work is welcome: not before everything is prepared, and not while shutting down.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    /// Whether new work is welcome.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Whether the database can do its work right now.
    pub(super) async fn look(&self) -> Result<(), services::Error> {
        services::upkeep::readiness::look(&self.store).await
    }

    /// Waits until all that was begun is stored, or for a few seconds.
    pub(super) async fn drain(&self) {
        self.store.drain().await;
    }

    /// Reads what everybody may know, or what the caller guards by itself.
    pub async fn read_unguarded<T, F>(&self, run: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, services::Error> + Send + 'static,
    {
        Ok(self.store.read(run).await?)
    }

    /// What everybody may know of a campaign, for pages that know nobody.
    pub(super) async fn public_progress(&self, campaign: &Campaign) -> Result<Arc<PublicProgress>, Error> {
        Ok(self.boards.public_of(&self.store, campaign).await?)
    }
}

/// A request that is let through if its sender is an `R`.
pub struct By<R> {
    app: App,
    caller: Caller,
    standing: PhantomData<R>,
}

/// A request about the campaign in its address that is let through if its sender is an `R` there.
pub struct InCampaign<R> {
    by: By<R>,
    slug: String,
}

/// Who asks, and when.
#[derive(Debug, Clone)]
pub struct Visit {
    /// Who it is.
    pub viewer: Viewer,
    /// The server's time, milliseconds since 1970.
    pub now: i64,
}

/// Who asks about which campaign, and when.
#[derive(Debug, Clone)]
pub struct CampaignVisit {
    /// Who it is.
    pub viewer: Viewer,
    /// The campaign, which the viewer may see.
    pub campaign: Campaign,
    /// The server's time, milliseconds since 1970.
    pub now: i64,
}

/// The id of a viewer who must be signed in.
pub fn volunteer_id(viewer: &Viewer) -> Result<i64, services::Error> {
    viewer.volunteer_id().ok_or_else(not_signed_in)
}

impl<R: Standing> By<R> {
    /// What the request brought with it, unchecked by the database.
    pub fn credentials(&self) -> Credentials {
        self.caller.credentials
    }

    /// Runs a reading transaction.
    pub async fn read<T, F>(&self, run: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn, &Visit) -> Result<T, services::Error> + Send + 'static,
    {
        let caller = self.caller.clone();
        let work = move |conn: &mut Conn| {
            let visit = enter::<R>(conn, &caller)?;
            run(conn, &visit)
        };
        Ok(self.app.store.read(work).await?)
    }

    /// Runs a writing transaction; answers after it is durably stored. It may be run more than once.
    pub async fn write<T, F>(&self, run: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut Conn, &Visit) -> Result<T, services::Error> + Send + 'static,
    {
        let caller = self.caller.clone();
        let work = move |conn: &mut Conn| {
            let visit = enter::<R>(conn, &caller)?;
            may_write(&visit.viewer)?;
            run(conn, &visit)
        };
        Ok(self.app.store.write(work).await?)
    }
}

impl<R: Standing> InCampaign<R> {
    /// Runs a reading transaction.
    pub async fn read<T, F>(&self, run: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn, &CampaignVisit) -> Result<T, services::Error> + Send + 'static,
    {
        let (caller, slug) = (self.by.caller.clone(), self.slug.clone());
        let work = move |conn: &mut Conn| {
            let visit = enter_campaign::<R>(conn, &caller, &slug)?;
            run(conn, &visit)
        };
        Ok(self.by.app.store.read(work).await?)
    }

    /// Runs a writing transaction; answers after it is durably stored. It may be run more than once.
    pub async fn write<T, F>(&self, run: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut Conn, &CampaignVisit) -> Result<T, services::Error> + Send + 'static,
    {
        let (caller, slug) = (self.by.caller.clone(), self.slug.clone());
        let work = move |conn: &mut Conn| {
            let visit = enter_campaign::<R>(conn, &caller, &slug)?;
            may_write(&visit.viewer)?;
            run(conn, &visit)
        };
        let store = &self.by.app.store;
        Ok(or_gone(store, &self.slug, store.write(work).await).await?)
    }

    /// The same where something will be changed: a token that may only read does not pass.
    pub async fn serve_change<T, F, Reply>(&self, run: F) -> Result<T, Error>
    where
        F: FnOnce(Store, CampaignVisit) -> Reply,
        Reply: Future<Output = Result<T, services::Error>>,
    {
        let visit = self.read(|_, visit| may_write(&visit.viewer).map(|()| visit.clone())).await?;
        let store = &self.by.app.store;
        Ok(or_gone(store, &self.slug, run(store.clone(), visit).await).await?)
    }

    /// For services that need several transactions: lets the sender pass once, then hands over the store.
    pub async fn serve<T, F, Reply>(&self, run: F) -> Result<T, Error>
    where
        F: FnOnce(Store, CampaignVisit) -> Reply,
        Reply: Future<Output = Result<T, services::Error>>,
    {
        let visit = self.read(|_, visit| Ok(visit.clone())).await?;
        let store = &self.by.app.store;
        Ok(or_gone(store, &self.slug, run(store.clone(), visit).await).await?)
    }
}

fn enter<R: Standing>(conn: &mut Conn, caller: &Caller) -> Result<Visit, services::Error> {
    let now = clock::now_ms();
    let viewer = caller.viewer(conn, now)?;
    match R::admit(&viewer) {
        true => is_proven::<R>(&viewer, now).map(|()| Visit { viewer, now }),
        false => Err(refusal(&viewer)),
    }
}

fn enter_campaign<R: Standing>(conn: &mut Conn, caller: &Caller, slug: &str) -> Result<CampaignVisit, services::Error> {
    let now = clock::now_ms();
    let viewer = caller.viewer(conn, now)?;
    // One that this viewer may not see reads like one that does not exist.
    let unknown = || services::Error::NotFound(format!("there is no campaign `{slug}` that you may see"));
    let campaign = campaigns::find(conn, slug)?.ok_or_else(unknown)?;
    if !viewer.may_see(&campaign) {
        caller.seen.note_hidden();
        return Err(unknown());
    }
    match R::admit_to(&viewer, &campaign) {
        true => is_proven::<R>(&viewer, now).map(|()| CampaignVisit { viewer, campaign, now }),
        false => Err(refusal(&viewer)),
    }
}

fn is_proven<R: Standing>(viewer: &Viewer, now: i64) -> Result<(), services::Error> {
    if R::PROVEN { must_be_proven(viewer, now) } else { Ok(()) }
}

/// Refuses who has to give the password once more.
pub fn must_be_proven(viewer: &Viewer, now: i64) -> Result<(), services::Error> {
    match viewer.person().is_some_and(|person| person.is_proven(now)) {
        true => Ok(()),
        false => Err(services::Error::PasswordNeeded),
    }
}

/// Whatever a handler forgets to ask for: a token that may only read changes nothing.
fn may_write(viewer: &Viewer) -> Result<(), services::Error> {
    match viewer.person().is_some_and(|person| person.scopes.is_read_only()) {
        true => Err(refusal(viewer)),
        false => Ok(()),
    }
}

/// What somebody is told who may not pass.
pub fn refusal(viewer: &Viewer) -> services::Error {
    match viewer {
        Viewer::Nobody => not_signed_in(),
        Viewer::Person(person) if person.second_factor == SecondFactor::Missing => services::Error::Forbidden(
            "your roles hold on this server only with a second factor, and this may need one of them: sign in, and set one up \
             on the page of your account"
                .into(),
        ),
        Viewer::Person(person) if !person.scopes.own => {
            services::Error::Forbidden("this token, or the role of whoever made it, does not allow that".into())
        }
        Viewer::Person(_) => services::Error::Forbidden("you do not have the role that this needs".into()),
    }
}

fn not_signed_in() -> services::Error {
    services::Error::Unauthorized("sign in first, or come in as a guest".into())
}

impl<R: Standing> FromRequest for By<R> {
    type Error = Error;
    type Future = Ready<Result<By<R>, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(by(request))
    }
}

impl<R: Standing> FromRequest for InCampaign<R> {
    type Error = Error;
    type Future = Ready<Result<InCampaign<R>, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let slug = request.match_info().get("slug").unwrap_or_default().to_owned();
        ready(by(request).map(|by| InCampaign { by, slug }))
    }
}

fn by<R>(request: &HttpRequest) -> Result<By<R>, Error> {
    let app = request.app_data::<Data<App>>().ok_or_else(|| Error::internal("the server was put together wrongly"))?;
    let caller = Caller::of(request, app)?;
    Ok(By { app: App::clone(app), caller, standing: PhantomData })
}
