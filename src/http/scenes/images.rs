//! Image tiles of the scenes: as private as their campaign, and never changing, so that browsers keep those of public ones.

use std::collections::HashMap;
use std::sync::RwLock;
use std::time::{Duration, Instant};

use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, VARY};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::access::Viewer;
use crate::domain::bbox::Bbox;
use crate::domain::cell::Cell;
use crate::http::error::Error;
use crate::http::gate::{Anyone, App, By};
use crate::imagery::PictureKind;
use crate::storage::oversight::withdrawals;
use crate::storage::{campaigns, scenes};

/// How long the answer to "whose scene is this, and may everybody see it" is kept in memory.
const KEPT: Duration = Duration::from_secs(10);
/// How many scenes are kept in memory.
const SCENES: usize = 10_000;

/// What is remembered about scenes, so that images of public campaigns do not ask the database each.
#[derive(Default)]
pub struct Lookups(RwLock<Known>);

#[derive(Default)]
struct Known {
    /// How often all was forgotten: who looked before that must not remember it afterwards.
    forgotten: u64,
    scenes: HashMap<i64, (Instant, Option<SceneAccess>)>,
}

#[derive(Clone)]
struct SceneAccess {
    archive: String,
    campaign_id: i64,
    is_public: bool,
    /// Squares of tiles that were withdrawn.
    withdrawn: Vec<Bbox>,
}

impl Lookups {
    /// Asks the database again about every scene, at once: something was withdrawn, or came back.
    pub fn forget(&self) {
        let mut known = self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        known.forgotten += 1;
        known.scenes.clear();
    }

    fn known(&self, id: i64) -> (u64, Option<(Instant, Option<SceneAccess>)>) {
        let known = self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        (known.forgotten, known.scenes.get(&id).cloned())
    }

    /// Remembers what was found, unless all was forgotten since the look began.
    fn remember(&self, id: i64, forgotten: u64, scene: &Option<SceneAccess>) {
        let mut known = self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if known.forgotten != forgotten {
            return;
        }
        if known.scenes.len() >= SCENES {
            known.scenes.clear();
        }
        known.scenes.insert(id, (Instant::now(), scene.clone()));
    }

    async fn scene(&self, app: &App, id: i64) -> Result<Option<SceneAccess>, Error> {
        let (forgotten, known) = self.known(id);
        if let Some((at, scene)) = known
            && at.elapsed() < KEPT
        {
            return Ok(scene);
        }
        let look = app.read_unguarded(move |conn| {
            let Some((campaign_id, archive)) = scenes::archive(conn, id)? else { return Ok(None) };
            let campaign = campaigns::by_id(conn, campaign_id)?;
            let is_public = campaign.is_some_and(|campaign| Viewer::Nobody.may_see(&campaign));
            let withdrawn = withdrawals::squares(conn, campaign_id)?;
            Ok(Some(SceneAccess { archive, campaign_id, is_public, withdrawn }))
        });
        let scene = look.await?;
        self.remember(id, forgotten, &scene);
        Ok(scene)
    }
}

/// One image tile of a scene
#[utoipa::path(get, path = "/tiles/{scene_id}/{z}/{x}/{y}", operation_id = "get_tile_image",
    params(("scene_id" = String, Path, description = "The scene"), ("z" = u8, Path, description = "Zoom"),
        ("x" = u32, Path, description = "Column"), ("y" = u32, Path, description = "Row, from the north")),
    responses((status = 200, description = "256 px WebP; tiles that were brought may be PNG or JPEG, and larger", content_type = "image/*"), (status = 204, description = "No picture there")))]
pub async fn get_tile_image(
    app: Data<App>,
    lookups: Data<Lookups>,
    by: By<Anyone>,
    path: Path<(i64, u8, u32, u32)>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let (scene_id, z, x, y) = path.into_inner();
    let unknown =
        || Error::not_found(format!("there is no image {z}/{x}/{y} of a scene `{scene_id}` that you may see"));
    let cell = Cell::new(z, x, y).ok_or_else(unknown)?;
    let scene = lookups.scene(&app, scene_id).await?.ok_or_else(unknown)?;
    if !scene.is_public && !may_see(&by, scene.campaign_id).await? {
        return Err(unknown());
    }
    let archive = app.archives.opened(&scene.archive).await?;
    let zooms = archive.metadata();
    if !(zooms.min_zoom..=zooms.max_zoom).contains(&z) {
        return Err(unknown());
    }
    if scene.withdrawn.iter().any(|square| shows(cell, zooms.max_zoom, *square)) {
        return Err(unknown());
    }
    let tag = format!("\"{}-{z}-{x}-{y}\"", scene.archive.get(..16).unwrap_or_default());
    let mut reply = HttpResponse::Ok();
    reply.insert_header((ETAG, tag.as_str()));
    if scene.is_public {
        reply.insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"));
    } else {
        // Nothing on the disk of whoever looks: a device may be taken from them, and their right to see it may end.
        reply.insert_header((CACHE_CONTROL, "private, no-store"));
        reply.insert_header((VARY, "Cookie, Authorization"));
    }
    if is_known(&request, &tag) {
        return Ok(reply.status(actix_web::http::StatusCode::NOT_MODIFIED).finish());
    }
    Ok(match archive.picture(cell).await? {
        Some(image) => {
            // Others' tiles may be PNG or JPEG; ours are WebP.
            let kind = PictureKind::sniff(&image).unwrap_or(PictureKind::Webp);
            reply.content_type(kind.media_type()).body(image)
        }
        None => reply.status(actix_web::http::StatusCode::NO_CONTENT).finish(),
    })
}

/// Whether an image shows a withdrawn square in any detail: it is one of the two finest zooms, or the square is at least a
/// sixteenth of it. What is coarser shows the whole district.
fn shows(image: Cell, finest: u8, square: Bbox) -> bool {
    let bbox = image.bbox();
    let Some(shared) = bbox.intersection(square) else { return false };
    let area = |bbox: Bbox| (bbox.east - bbox.west) * (bbox.north - bbox.south);
    // The edges of cells are reckoned: a neighbour may share a sliver of no width.
    let share = area(shared) / area(bbox);
    share > 1e-6 && (image.z + 1 >= finest || share >= 1.0 / 16.5)
}

async fn may_see(by: &By<Anyone>, campaign_id: i64) -> Result<bool, Error> {
    by.read(move |conn, visit| {
        let campaign = campaigns::by_id(conn, campaign_id)?;
        Ok(campaign.is_some_and(|campaign| visit.viewer.may_see(&campaign)))
    })
    .await
}

/// Whether the client says that it has this very version.
pub fn is_known(request: &HttpRequest, tag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let known = request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    known.split(',').any(|one| one.trim() == "*" || bare(one) == bare(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene(withdrawn: Vec<Bbox>) -> Option<SceneAccess> {
        Some(SceneAccess { archive: "a".into(), campaign_id: 1, is_public: true, withdrawn })
    }

    #[test]
    fn a_look_that_began_before_a_withdrawal_is_not_remembered_after_it() {
        let lookups = Lookups::default();
        let (began, _) = lookups.known(7);
        lookups.forget();
        lookups.remember(7, began, &scene(Vec::new()));
        let (now, known) = lookups.known(7);
        assert!(known.is_none());
        lookups.remember(7, now, &scene(Vec::new()));
        assert!(lookups.known(7).1.is_some());
    }
}
