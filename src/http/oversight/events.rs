//! Live news of a campaign: server-sent events for whoever may see its progress.

use std::time::{Duration, Instant};

use actix_web::http::header::{CACHE_CONTROL, ContentEncoding, HeaderName};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use futures::Stream;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::access::Viewer;
use crate::domain::campaign::{Campaign, CampaignState};
use crate::http::campaigns::Progress;
use crate::http::error::Error;
use crate::http::gate::{Anyone, App, CampaignVisit, InCampaign};
use crate::http::server::presence::Place;
use crate::http::server::visitors::subscriber;
use crate::http::wire::rfc3339;
use crate::services::events::{Line, Picture};
use crate::storage::jobs::Pulse;

/// Between two signs of life, at which it is also asked whether the listener may still hear this.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// The model in use has changed.
#[derive(Serialize, ToSchema)]
pub struct ModelEvent {
    number: u32,
}

/// The state has changed.
#[derive(Serialize, ToSchema)]
pub struct StateEvent {
    state: CampaignState,
}

/// Somebody answered.
#[derive(Serialize, ToSchema)]
pub struct LabelsEvent {
    /// When the newest label arrived; `null` before the first.
    #[schema(required, format = DateTime)]
    last_at: Option<String>,
}

/// Work in the background goes on, or is over.
#[derive(Serialize, ToSchema)]
pub struct JobsEvent {
    /// Jobs that wait or run.
    under_way: i64,
    /// Units that they have done.
    units_done: i64,
    /// When the last one was over; `null` before the first.
    #[schema(required, format = DateTime)]
    ended_at: Option<String>,
}

/// Live news of a campaign
///
/// A stream of the events `progress` (as in the campaign), `model` {number} and `state` {state}, and for coordinators
/// `labels` {last_at} and `jobs` {under_way, units_done, ended_at}: all at the beginning, then each when it changes, at most once a second. It ends within 10 seconds
/// of the session; clients connect again.
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/events", operation_id = "campaign_events",
    params(("slug" = String, Path, description = "Name of the campaign")),
    responses((status = 200, description = "Events", content_type = "text/event-stream")))]
pub async fn campaign_events(
    app: Data<App>,
    door: InCampaign<Anyone>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let Seen { campaign, listener: who, rights } = look(&door).await?;
    let address = app.origin(request.head()).address;
    let place = app.listeners.enter(address.map(subscriber)).ok_or_else(|| Error::too_many(10))?;
    let line = app.events.listen(campaign).ok_or_else(|| Error::busy(10))?;
    let looked = Instant::now();
    let listener = Listener { door, line, _place: place, told: None, greeted: false, who, rights, looked };
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(ContentEncoding::Identity)
        // Proxies are not to collect events before they pass them on.
        .insert_header((HeaderName::from_static("x-accel-buffering"), "no"))
        .streaming(news(listener)))
}

/// One who listens.
struct Listener {
    door: InCampaign<Anyone>,
    line: Line,
    _place: Place,
    /// What the listener knows already.
    told: Option<(Picture, Rights)>,
    greeted: bool,
    /// Who it was at the beginning; `None`: nobody who is signed in.
    who: Option<i64>,
    /// What was found when it was last asked what the listener may see, and when that was.
    rights: Rights,
    looked: Instant,
}

/// What a listener may hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rights {
    /// Every tile, and which are gold.
    open_tiles: bool,
    /// What is for those who run the campaign: that somebody answered, and how work in the background stands.
    coordinates: bool,
}

/// What a look at the database finds.
struct Seen {
    campaign: i64,
    listener: Option<i64>,
    rights: Rights,
}

/// The campaign, who listens, and what they may hear of it.
async fn look(door: &InCampaign<Anyone>) -> Result<Seen, Error> {
    let rights = |viewer: &Viewer, campaign: &Campaign| Rights {
        open_tiles: viewer.may_see_open_tiles(campaign),
        coordinates: viewer.may_coordinate(campaign),
    };
    let seen = move |visit: &CampaignVisit| Seen {
        campaign: visit.campaign.id,
        listener: visit.viewer.volunteer_id(),
        rights: rights(&visit.viewer, &visit.campaign),
    };
    door.read(move |_, visit| Ok(seen(visit))).await
}

fn news(listener: Listener) -> impl Stream<Item = Result<Bytes, Error>> {
    futures::stream::unfold(listener, |mut listener| async move {
        let text = listener.next().await?;
        Some((Ok(Bytes::from(text)), listener))
    })
}

impl Listener {
    /// What to send next; `None` at the end.
    async fn next(&mut self) -> Option<String> {
        if !self.greeted {
            self.greeted = true;
            return Some("retry: 3000\n\n".into());
        }
        loop {
            // News that came meanwhile does not put off the next look.
            let wait = HEARTBEAT.saturating_sub(self.looked.elapsed());
            let is_news = match tokio::time::timeout(wait, self.line.changed()).await {
                // The server is about to end.
                Ok(Err(_)) => return None,
                Ok(Ok(())) => true,
                Err(_) => false,
            };
            // Whoever signed out or lost the right hears no more. That is looked up once in a while only: hundreds of
            // listeners wake up at the same moment, and labels come first.
            if self.looked.elapsed() >= HEARTBEAT {
                let seen = look(&self.door).await.ok()?;
                // Also where everybody may listen: whoever is signed out is to learn of it, not to go on as a stranger.
                if seen.listener != self.who {
                    return None;
                }
                self.rights = seen.rights;
                self.looked = Instant::now();
            }
            let rights = self.rights;
            let picture = self.line.borrow_and_update().clone()?;
            let text = events(&picture, rights, self.told.as_ref());
            self.told = Some((picture, rights));
            match (is_news, text.is_empty()) {
                (_, false) => return Some(text),
                (false, true) => return Some(": still here\n\n".into()),
                (true, true) => {}
            }
        }
    }
}

/// The events that tell the difference.
fn events(picture: &Picture, rights: Rights, told: Option<&(Picture, Rights)>) -> String {
    let progress = |picture: &Picture, all: bool| if all { picture.progress_with_gold } else { picture.progress };
    let now = progress(picture, rights.open_tiles);
    let mut text = String::new();
    if told.is_none_or(|(before, then)| progress(before, then.open_tiles) != now) {
        text += &event("progress", &Progress::from(now));
    }
    let unheard = |is_news: fn(&Picture, &Picture) -> bool| {
        rights.coordinates && told.is_none_or(|(before, then)| !then.coordinates || is_news(before, picture))
    };
    if unheard(|before, now| before.last_label_at != now.last_label_at) {
        text += &event("labels", &LabelsEvent { last_at: picture.last_label_at.map(rfc3339) });
    }
    if unheard(|before, now| before.jobs != now.jobs) {
        let Pulse { under_way, units_done, ended_at } = picture.jobs;
        text += &event("jobs", &JobsEvent { under_way, units_done, ended_at: ended_at.map(rfc3339) });
    }
    if told.is_none_or(|(before, _)| before.model != picture.model) {
        text += &event("model", &ModelEvent { number: picture.model });
    }
    if told.is_none_or(|(before, _)| before.state != picture.state) {
        text += &event("state", &StateEvent { state: picture.state });
    }
    text
}

fn event(kind: &str, data: &impl Serialize) -> String {
    // Numbers and words of ours can always be written.
    format!("event: {kind}\ndata: {}\n\n", serde_json::to_string(data).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::oversight::statistics::Progress as Counted;

    const STRANGER: Rights = Rights { open_tiles: false, coordinates: false };
    const REVIEWER: Rights = Rights { open_tiles: true, coordinates: false };
    const COORDINATOR: Rights = Rights { open_tiles: true, coordinates: true };

    fn picture(closed: u64, model: u32) -> Picture {
        let counted =
            |closed: u64| Counted { tiles: 4, open: 4 - closed, closed, contested: 0, share: closed as f64 / 4.0 };
        Picture {
            state: CampaignState::Open,
            model,
            progress: counted(closed),
            progress_with_gold: counted(closed + 1),
            last_label_at: Some(1_000),
            jobs: Pulse::default(),
        }
    }

    fn kinds(text: &str) -> Vec<&str> {
        text.lines().filter_map(|line| line.strip_prefix("event: ")).collect()
    }

    #[test]
    fn the_first_picture_is_told_in_full_and_later_ones_by_what_changed() {
        assert_eq!(kinds(&events(&picture(1, 0), STRANGER, None)), ["progress", "model", "state"]);
        let told = (picture(1, 0), STRANGER);
        assert_eq!(kinds(&events(&picture(1, 0), STRANGER, Some(&told))), Vec::<&str>::new());
        assert_eq!(kinds(&events(&picture(2, 0), STRANGER, Some(&told))), ["progress"]);
        assert_eq!(kinds(&events(&picture(1, 1), STRANGER, Some(&told))), ["model"]);
    }

    #[test]
    fn gold_is_told_to_nobody_below_reviewer() {
        assert!(events(&picture(1, 0), STRANGER, None).contains("\"closed\":1"));
        assert!(events(&picture(1, 0), REVIEWER, None).contains("\"closed\":2"));
    }

    #[test]
    fn that_somebody_answered_is_told_to_coordinators_alone() {
        let all = ["progress", "labels", "jobs", "model", "state"];
        assert_eq!(kinds(&events(&picture(1, 0), COORDINATOR, None)), all);
        let answered = Picture { last_label_at: Some(2_000), ..picture(1, 0) };
        for (rights, heard) in [(STRANGER, 0), (REVIEWER, 0), (COORDINATOR, 1)] {
            assert_eq!(kinds(&events(&answered, rights, Some(&(picture(1, 0), rights)))).len(), heard);
        }
    }

    #[test]
    fn that_work_goes_on_is_told_to_coordinators_alone() {
        let jobs = Pulse { under_way: 1, units_done: 30, ended_at: None };
        let further = Picture { jobs, ..picture(1, 0) };
        for (rights, heard) in [(STRANGER, vec![]), (REVIEWER, vec![]), (COORDINATOR, vec!["jobs"])] {
            assert_eq!(kinds(&events(&further, rights, Some(&(picture(1, 0), rights)))), heard);
        }
        assert!(events(&further, COORDINATOR, None).contains("{\"under_way\":1,\"units_done\":30,\"ended_at\":null}"));
    }
}
