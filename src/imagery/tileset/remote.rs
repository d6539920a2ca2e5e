//! Tiles of another server as a scene archive: fetched once for an area, at the pace that the operator allows. What
//! volunteers saw can be shown again later, whatever becomes of that server.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::domain::bbox::Bbox;
use crate::domain::cell::{Cell, MercatorBox};
use crate::domain::remote_tiles::{AllowedHost, TileAddress};

use super::super::cut::{CellRange, fitting_zoom};
use super::super::draft::Draft;
use super::super::error::ImageryError;
use super::super::picture::{glance, look};
use super::super::pyramid::Sink;
use super::super::scene::{CutScene, Progress, reuse, scene};
use super::super::upkeep::touch;
use super::asking::{Answer, Asking};
use super::{Seen, VERSION};

/// Tiles that are asked for at the same time.
const AT_ONCE: usize = 4;
/// Pause before the second try; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(500);
/// How often somebody is asked whether the work is still wanted.
const LOOK_UP: Duration = Duration::from_millis(300);

/// Which tiles to fetch.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteTiles {
    /// Where they are.
    pub address: TileAddress,
    /// What the operator allows there.
    pub host: AllowedHost,
    /// The area, degrees.
    pub area: Bbox,
    /// The deepest zoom; the coarsest is the one at which the area is about one tile.
    pub zoom: u8,
}

impl RemoteTiles {
    fn ranges(&self) -> Vec<CellRange> {
        let area = MercatorBox::from_degrees(self.area);
        let coarsest = fitting_zoom(area).min(self.zoom);
        (coarsest..=self.zoom).map(|zoom| CellRange::of(zoom, area)).collect()
    }

    fn unusable(&self, reason: String) -> ImageryError {
        ImageryError::Unusable { file: self.address.shown().to_owned(), reason }
    }

    /// The name under which a run that was killed finds what it has fetched.
    fn name(&self) -> String {
        format!("{}.pmtiles", hex(&format!("{}\n{:?}\n{}\n{VERSION}", self.address, self.area.to_array(), self.zoom)))
    }
}

fn hex(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Fetches the tiles into a scene archive. The archive's name follows from what was fetched: the same pictures give the
/// same archive again, other pictures another one.
///
/// A run that is killed or breaks off for want of an answer leaves its tiles to the next one. Places without a tile stay
/// empty; any answer that is no tile ends the run, naming the tile.
///
/// # Errors
/// [`ImageryError::Unusable`] with the reason; [`ImageryError::Stopped`] when nobody wants it any more.
pub async fn fetch_tiles(
    tiles_dir: &Path,
    wanted: &RemoteTiles,
    progress: Arc<dyn Progress + Send>,
) -> Result<CutScene, ImageryError> {
    let ranges = wanted.ranges();
    let count: u64 = ranges.iter().map(CellRange::count).sum();
    let most = wanted.host.most_tiles;
    if count > most {
        let reason = format!("the area has {count} tiles down to zoom {}, {most} are allowed: take less", wanted.zoom);
        return Err(wanted.unusable(reason));
    }
    let asking = Asking::new(&wanted.address, &wanted.host).await.map_err(|reason| wanted.unusable(reason))?;
    let draft = Draft::begin(tiles_dir, &wanted.name())?;
    progress.total(count);
    match fetch_all(wanted, &asking, &draft, ranges, &*progress).await {
        Ok(()) => {
            let (wanted, tiles_dir) = (wanted.clone(), tiles_dir.to_owned());
            let done = tokio::task::spawn_blocking(move || finish(draft, &tiles_dir, &wanted)).await;
            done.unwrap_or_else(|error| Err(ImageryError::archive(Path::new("fetched tiles"), error)))
        }
        Err(Ended::Stopped) => Err(ImageryError::Stopped),
        Err(Ended::Failed(error)) => Err(error),
        Err(Ended::Later(reason)) => {
            draft.leave();
            let reason = format!("{reason}. What was fetched is kept for a day: ask again and it goes on from there");
            Err(wanted.unusable(reason))
        }
    }
}

/// Why a run ended without all tiles.
enum Ended {
    Stopped,
    Failed(ImageryError),
    Later(String),
}

async fn fetch_all(
    wanted: &RemoteTiles,
    asking: &Asking<'_>,
    draft: &Draft,
    ranges: Vec<CellRange>,
    progress: &dyn Progress,
) -> Result<(), Ended> {
    let pace = Pace::new(wanted.host.tiles_per_second);
    let cells = ranges.iter().flat_map(|range| range.rows().flat_map(|y| range.row(y)));
    let pace = &pace;
    let one = |cell: Cell| async move {
        match draft.has(cell) {
            true => Ok(()),
            false => fetch_one(wanted, asking, draft, pace, cell).await,
        }
    };
    let mut under_way = stream::iter(cells).map(one).buffer_unordered(AT_ONCE);
    loop {
        tokio::select! {
            done = under_way.next() => match done {
                Some(done) => done.map(|()| progress.advance(1))?,
                None => return Ok(()),
            },
            () = tokio::time::sleep(LOOK_UP) => {}
        }
        if progress.is_stopped() {
            return Err(Ended::Stopped);
        }
    }
}

/// One tile, with all its tries.
async fn fetch_one(
    wanted: &RemoteTiles,
    asking: &Asking<'_>,
    draft: &Draft,
    pace: &Pace,
    cell: Cell,
) -> Result<(), Ended> {
    let failed = |reason: String| Ended::Failed(wanted.unusable(format!("tile {cell} {reason}")));
    let mut pause = PAUSE;
    let mut reason = String::new();
    for tried in 0..wanted.host.tries {
        if tried > 0 {
            tokio::time::sleep(pause).await;
        }
        pace.turn().await;
        match asking.ask(cell).await {
            Answer::Nothing => return Ok(()),
            Answer::Never(reason) => return Err(failed(reason)),
            Answer::Bytes(bytes) => return keep(draft, cell, bytes).await.map_err(failed),
            Answer::Later(why, wait) => {
                pause = wait.unwrap_or(pause * if tried > 0 { 2 } else { 1 });
                reason = why;
            }
        }
    }
    Err(Ended::Later(format!("tile {cell} {reason}, {} times", wanted.host.tries)))
}

/// Looks at a tile and puts it into the draft; decoding has threads of its own. Without a visible pixel it is left out.
async fn keep(draft: &Draft, cell: Cell, bytes: Vec<u8>) -> Result<(), String> {
    let work = move || {
        let (_, _, pixels) = look(&bytes)?;
        Ok(pixels.chunks_exact(4).any(|pixel| pixel[3] > 0).then(|| Bytes::from(bytes)))
    };
    let looked = tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err("cannot be looked at".to_owned()))?;
    // Each was asked of somebody else, perhaps slowly and within a quota: a kill costs none that has come.
    let kept = looked.map(|tile| draft.put(cell, &tile).and_then(|()| draft.hand_over())).transpose();
    kept.map(drop).map_err(|error| format!("cannot be kept: {error}"))
}

/// The archive of what was fetched.
fn finish(draft: Draft, tiles_dir: &Path, wanted: &RemoteTiles) -> Result<CutScene, ImageryError> {
    let (mut seen, mut hasher) = (Seen::default(), Sha256::new());
    draft.each(&mut |cell, tile| {
        if let Some((kind, side)) = glance(tile) {
            seen.add(cell, kind, side);
        }
        hasher.update(format!("{cell}\n"));
        hasher.update(Sha256::digest(tile));
    })?;
    let source_sha256: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let place = wanted.address.shown();
    let name = format!("{}.pmtiles", hex(&format!("{source_sha256}\n{place}\n{VERSION}\n")));
    let known = tiles_dir.join(&name);
    if let Some(about) = reuse(&known, &source_sha256) {
        touch(&known);
        return Ok(scene(name, super::super::hash_file(&known)?, about, true));
    }
    let mut about = seen.describe(source_sha256, draft.tiles()).map_err(|why| wanted.unusable(why))?;
    about.note = format!("{}, fetched from {place}", about.note);
    let archive_sha256 = draft.finish(tiles_dir, &name, &about)?;
    Ok(scene(name, archive_sha256, about, false))
}

/// Gives out turns, so many a second.
struct Pace {
    between: Duration,
    next: Mutex<Instant>,
}

impl Pace {
    fn new(per_second: f64) -> Pace {
        Pace { between: Duration::from_secs_f64(1.0 / per_second.max(1e-3)), next: Mutex::new(Instant::now()) }
    }

    async fn turn(&self) {
        let mine = {
            let mut next = self.next.lock().await;
            let mine = (*next).max(Instant::now());
            *next = mine + self.between;
            mine
        };
        tokio::time::sleep_until(mine).await;
    }
}
