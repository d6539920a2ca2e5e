//! Does a new scene line up with the campaign's first one? Estimated before it is cut, so that it can be moved.

use super::ingest::{NewScene, blocking};
use crate::domain::alignment::{Align, Alignment};
use crate::domain::scene::Scene;
use crate::imagery::align::{ShiftEstimate, Uncut, estimate_shift};
use crate::imagery::{Archives, GeoTiffSource, Look, hash_file};
use crate::services::Error;
use crate::storage::{Conn, Store, scenes};

/// What was found, and how the scene is to be shown because of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Aligned {
    /// The estimate; `None` for the first scene, or where nobody wants it.
    pub alignment: Option<Alignment>,
    /// The same look, moved where that was asked for and the estimate can be believed.
    pub look: Look,
}

/// Compares a new scene with the one that was ingested into the campaign first.
///
/// With [`Align::Report`] nothing that goes wrong here stops an ingest: the other archive may be missing, and a file
/// that cannot be read is refused by the cut in better words.
pub async fn align_scene(
    store: &Store,
    archives: &Archives,
    campaign_id: i64,
    new: &NewScene,
) -> Result<Aligned, Error> {
    let unmoved = Aligned { alignment: None, look: new.look.clone() };
    if new.align == Align::Off || new.brings_tiles() {
        return Ok(unmoved);
    }
    let there = store.read(move |conn| Ok::<_, Error>(scenes::of_campaign(conn, campaign_id)?)).await?;
    let stays = there.into_iter().filter(|scene| Some(scene.id) != new.replaces);
    let Some(first) = stays.min_by_key(|scene| scene.id) else { return Ok(unmoved) };
    let (archives, file, look) = (archives.clone(), new.file.clone(), new.look.clone());
    let found = blocking(move || {
        if hash_file(&file)? == first.source_sha256 {
            return Ok(None);
        }
        let source = GeoTiffSource::open_with(&file, &look)?;
        let Ok(second) = Uncut::new(&source) else { return Ok(None) };
        let archive = archives.open(&first.archive)?;
        Ok(estimate_shift(&*archive, &second)?.map(|shift| (first.title, shift)))
    });
    match (found.await, new.align) {
        (Ok(Some((against, shift))), align) => Ok(decide(against, shift, unmoved.look, align)),
        (Ok(None), _) | (Err(_), Align::Report) => Ok(unmoved),
        (Err(error), _) => Err(error),
    }
}

/// Keeps an estimate with its scene, unless there is one already: a scene is measured once. Tiles that were brought are
/// measured only now. Returns what was found.
pub async fn remember_alignment(
    store: &Store,
    archives: &Archives,
    new: &NewScene,
    scene: &Scene,
    found: Option<Alignment>,
) -> Result<Option<Alignment>, Error> {
    let found = match new.align != Align::Off && new.brings_tiles() {
        true => between_archives(store, archives, scene).await,
        false => found,
    };
    let Some(found) = found else { return Ok(None) };
    let (id, kept) = (scene.id, found.clone());
    store.write(move |conn| Ok::<_, Error>(scenes::add_alignment(conn, id, &kept)?)).await?;
    Ok(Some(found))
}

/// How a scene lies on the first one of its campaign, by both archives; `None` where that cannot be told.
async fn between_archives(store: &Store, archives: &Archives, scene: &Scene) -> Option<Alignment> {
    let (id, archives, mine) = (scene.id, archives.clone(), scene.archive.clone());
    let read = move |conn: &mut Conn| {
        let Some((campaign, _)) = scenes::archive(conn, id)? else { return Ok::<_, Error>(Vec::new()) };
        Ok(scenes::of_campaign(conn, campaign)?)
    };
    let first = store.read(read).await.ok()?.into_iter().min_by_key(|scene| scene.id).filter(|first| first.id != id)?;
    let work = move || {
        let (a, b) = (archives.open(&first.archive)?, archives.open(&mine)?);
        Ok(estimate_shift(&*a, &*b)?.map(|shift| (first.title, shift)))
    };
    let (against, shift) = blocking(work).await.ok()??;
    decide(against, shift, Look::default(), Align::Report).alignment
}

fn decide(against: String, shift: ShiftEstimate, mut look: Look, align: Align) -> Aligned {
    let mut alignment = Alignment {
        against,
        east_m: shift.east * shift.ground_scale,
        north_m: shift.north * shift.ground_scale,
        pixels: shift.pixels,
        confidence: shift.agreeing as f64 / shift.windows.max(1) as f64,
        agreeing: shift.agreeing as u32,
        windows: shift.windows as u32,
        applied: false,
    };
    if align == Align::Apply && alignment.may_apply() {
        // To the millimetre, so that the archive's name does not hang on the last digit.
        let back = |metres: f64| -(metres * 1e3).round() / 1e3;
        look.moved = Some((back(shift.east), back(shift.north)));
        alignment.applied = true;
    }
    Aligned { alignment: Some(alignment), look }
}

/// What a coordinator should know about dates that do not line up, one sentence for each such scene of a campaign, in the
/// order of their dates. Where nobody compares (a scene alone), there is none.
pub fn alignment_warnings(conn: &mut Conn, campaign_id: i64) -> Result<Vec<String>, Error> {
    Ok(misaligned_scenes(conn, campaign_id)?.into_iter().map(|(_, sentence)| sentence).collect())
}

/// The same with the title of each scene before its sentence.
pub fn misaligned_scenes(conn: &mut Conn, campaign_id: i64) -> Result<Vec<(String, String)>, Error> {
    let known = scenes::alignments(conn, campaign_id)?;
    let all = scenes::of_campaign(conn, campaign_id)?;
    let warning = |(id, alignment): &(i64, Alignment)| {
        let title = &all.iter().find(|scene| scene.id == *id)?.title;
        Some((title.clone(), alignment.warning(title)?))
    };
    Ok(known.iter().filter_map(warning).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_believed_is_moved_and_to_the_millimetre() {
        let shift =
            ShiftEstimate { east: 4.123_456, north: -2.0, ground_scale: 0.5, pixels: 1.9, agreeing: 9, windows: 12 };
        let decide = |shift, align| decide("before".into(), shift, Look::default(), align);
        let applied = decide(shift, Align::Apply);
        assert_eq!(applied.look.moved, Some((-4.123, 2.0)));
        let alignment = applied.alignment.unwrap();
        assert!(alignment.applied && (alignment.east_m - 2.061_728).abs() < 1e-9 && alignment.confidence == 0.75);
        assert_eq!(decide(shift, Align::Report).look, Look::default());
        for silly in [ShiftEstimate { pixels: 80.0, ..shift }, ShiftEstimate { agreeing: 4, ..shift }] {
            let refused = decide(silly, Align::Apply);
            assert!(refused.look.moved.is_none() && !refused.alignment.unwrap().applied);
        }
    }
}
