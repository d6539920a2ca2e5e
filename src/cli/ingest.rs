//! `aftermap ingest`: one GeoTIFF, or a set of tiles, becomes one scene of a draft campaign.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::Refused;
use crate::config::{DataOptions, RemoteOptions};
use crate::domain::alignment::{Align, Alignment};
use crate::domain::scene::Captured;
use crate::imagery::{Crs, Look, Progress};
use crate::services::clock;
use crate::services::scenes::bring_remote::RemoteScene;
use crate::services::scenes::ingest::{Ingested, NewScene, ingest};

/// Cut a GeoTIFF into tiles and add it to a draft campaign; repeating it changes nothing
///
/// Example: aftermap ingest --campaign madre-fire --scene before.tif --captured 2025-06-15 --attribution "Contains …"
#[derive(Debug, Args)]
pub struct IngestArgs {
    /// Name of the campaign
    #[arg(long, value_name = "SLUG")]
    campaign: String,
    /// The GeoTIFF; or tiles that exist: a folder of z/x/y.png, PMTiles, MBTiles, or https://HOST/{z}/{x}/{y}.png of a
    /// host that --remote-hosts lists
    #[arg(long, value_name = "PATH")]
    scene: PathBuf,
    /// Tiles of another server: the area to fetch, degrees [default: the campaign's, or that of its first scene]
    #[arg(long, value_name = "W,S,E,N", value_parser = area, allow_hyphen_values = true)]
    area: Option<[f64; 4]>,
    /// Tiles of another server: the deepest zoom to fetch [default: that of the first scene]
    #[arg(long, value_name = "Z")]
    fetch_zoom: Option<u8>,
    #[command(flatten)]
    remote: RemoteOptions,
    /// How a folder of tiles counts its rows: xyz from the north, tms from the south [default: xyz]
    #[arg(long, value_name = "xyz|tms", value_parser = ["xyz", "tms"])]
    scheme: Option<String>,
    /// When it was taken: 2025-06-15, or 2025-06-15T08:30:00Z
    #[arg(long, value_name = "DATE", required_unless_present = "captured_from", conflicts_with = "captured_from")]
    captured: Option<String>,
    /// Start of the interval of a composite
    #[arg(long, value_name = "DATE", requires = "captured_to")]
    captured_from: Option<String>,
    /// End of the interval of a composite
    #[arg(long, value_name = "DATE", requires = "captured_from")]
    captured_to: Option<String>,
    /// Name on screen, if not the file's
    #[arg(long)]
    title: Option<String>,
    /// Satellite or aircraft
    #[arg(long)]
    sensor: Option<String>,
    /// Licence of the imagery
    #[arg(long)]
    licence: Option<String>,
    /// Credit line, shown wherever the picture is
    #[arg(long)]
    attribution: Option<String>,
    /// Zoom of the tiles to label; by default one that fits the imagery
    #[arg(long, value_name = "Z", conflicts_with = "footprints")]
    zoom: Option<u8>,
    /// Building footprints (GeoJSON, GeoPackage, FlatGeobuf): one tile for each, instead of grid cells
    #[arg(long, value_name = "FILE")]
    footprints: Option<PathBuf>,
    /// Bands to show, counted from 1: three for red, green, blue, or one for grey; by default what the file says
    #[arg(long, value_name = "R,G,B", value_delimiter = ',')]
    bands: Option<Vec<u16>>,
    /// Numbers that become black and white; by default bytes are taken as they are, and other samples are stretched
    /// from 2 % to 98 % of their numbers, once for the whole scene
    #[arg(long, value_name = "LOW,HIGH", value_parser = stretch, allow_hyphen_values = true)]
    stretch: Option<(f64, f64)>,
    /// Number that means "no picture", where the file does not say
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    nodata: Option<f64>,
    /// System that the file lies in, where the file does not say it, as EPSG:32637
    #[arg(long, value_name = "EPSG:CODE", value_parser = Crs::code_of)]
    crs: Option<u32>,
    /// Dates that do not line up: report says by how much, apply moves the picture where the estimate can be believed
    #[arg(long, value_name = "report|apply|off", default_value = "report", value_parser = align)]
    align: Align,
    #[command(flatten)]
    data: DataOptions,
}

fn align(text: &str) -> Result<Align, String> {
    match text {
        "report" => Ok(Align::Report),
        "apply" => Ok(Align::Apply),
        "off" => Ok(Align::Off),
        _ => Err(format!("`{text}` is none of report, apply, off")),
    }
}

fn stretch(text: &str) -> Result<(f64, f64), String> {
    let wrong = || format!("`{text}` is not two numbers like 200,3000");
    let (low, high) = text.split_once(',').ok_or_else(wrong)?;
    match (low.trim().parse(), high.trim().parse()) {
        (Ok(low), Ok(high)) => Ok((low, high)),
        _ => Err(wrong()),
    }
}

fn area(text: &str) -> Result<[f64; 4], String> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|number| number.trim().parse()).collect();
    let four = numbers.ok().and_then(|numbers| numbers.try_into().ok());
    four.ok_or_else(|| format!("`{text}` is not west,south,east,north in degrees, like 30.5,50.4,30.6,50.5"))
}

/// Ingests the scene and says what came of it.
pub async fn run(args: IngestArgs) -> Result<(), Refused> {
    let captured = match (&args.captured, &args.captured_from, &args.captured_to) {
        (Some(day), ..) => Captured::parse("captured", day)?,
        (None, Some(from), Some(to)) => {
            Captured::span(Captured::parse("captured-from", from)?, Captured::parse("captured-to", to)?)?
        }
        _ => return Err("say when the picture was taken: --captured 2025-06-15".into()),
    };
    let plain = match args.scene.to_str().filter(|scene| scene.contains("://")) {
        None => NewScene::new(&args.scene, captured),
        Some(template) => {
            let remote = RemoteScene::allowed(&args.remote.hosts()?, template, args.area, args.fetch_zoom)?;
            NewScene::fetched(remote, captured)
        }
    };
    let new = NewScene {
        tms: args.scheme.map(|scheme| scheme == "tms"),
        title: args.title.or(plain.title.clone()),
        sensor: args.sensor,
        licence: args.licence,
        attribution: args.attribution,
        zoom: args.zoom,
        footprints: args.footprints,
        look: Look { bands: args.bands, stretch: args.stretch, nodata: args.nodata, moved: None, epsg: args.crs },
        align: args.align,
        ..plain
    };
    let store = args.data.open()?;
    let done = ingest(&store, &args.data.archives()?, &args.campaign, new, watch()).await?;
    print_outcome(&args.campaign, &done);
    Ok(())
}

fn print_outcome(campaign: &str, done: &Ingested) {
    let scene = &done.scene;
    if !done.changed {
        println!("scene {} is in campaign {campaign} already; nothing changed", scene.title);
        return;
    }
    println!(
        "scene {} added to campaign {campaign}: {}, zoom {} to {}",
        scene.title, scene.crs, scene.min_zoom, scene.max_zoom
    );
    println!("{}", done.note);
    let places = match done.zoom {
        Some(zoom) => format!("cells of zoom {zoom}"),
        None => "footprints".into(),
    };
    println!("{} tiles ({places}); {} places left out for want of a picture", done.tiles, done.left_out);
    print!("{}", done.report);
    if let Some(alignment) = &done.alignment {
        print_alignment(&scene.title, alignment);
    }
    if scene.captured_from > clock::now_ms() {
        println!("warning: {} is dated in the future; check --captured", scene.title);
    }
    if scene.licence.is_none() || scene.attribution.is_none() {
        println!("warning: without --licence and --attribution nobody will know whose picture this is");
    }
}

fn print_alignment(title: &str, found: &Alignment) {
    let Alignment { against, east_m, north_m, pixels, agreeing, windows, .. } = found;
    if found.is_believed() {
        let done = if found.applied { "; the picture was moved back by that" } else { "" };
        println!(
            "against {against}: {east_m:+.1} m east, {north_m:+.1} m north ({pixels:.1} pixels; {agreeing} of {windows} places \
             agree){done}"
        );
    }
    if let Some(warning) = found.warning(title) {
        println!("warning: {warning}");
    }
}

/// A progress bar on a terminal, plain lines otherwise.
pub fn watch() -> Arc<dyn Progress + Send> {
    if std::io::stderr().is_terminal() { Arc::new(Bar(ProgressBar::hidden())) } else { Arc::new(Lines::default()) }
}

struct Bar(ProgressBar);

impl Progress for Bar {
    fn total(&self, tiles: u64) {
        let look = "{bar:40} {pos}/{len} tiles  {per_sec}  {eta} left";
        self.0.set_style(ProgressStyle::with_template(look).unwrap_or_else(|_| ProgressStyle::default_bar()));
        self.0.set_length(tiles);
        self.0.set_draw_target(indicatif::ProgressDrawTarget::stderr());
    }

    fn advance(&self, tiles: u64) {
        self.0.inc(tiles);
    }
}

/// Says how far it is at every tenth, how fast, and how long it will take.
#[derive(Default)]
struct Lines {
    total: AtomicU64,
    done: AtomicU64,
    begun: OnceLock<Instant>,
}

impl Progress for Lines {
    fn total(&self, tiles: u64) {
        self.total.store(tiles, Relaxed);
        self.begun.get_or_init(Instant::now);
    }

    fn advance(&self, tiles: u64) {
        let total = self.total.load(Relaxed).max(1);
        let before = self.done.fetch_add(tiles, Relaxed);
        let done = before + tiles;
        if done * 10 / total > before * 10 / total {
            let seconds = self.begun.get_or_init(Instant::now).elapsed().as_secs_f64();
            let rate = done as f64 / seconds.max(1e-3);
            let left = total.saturating_sub(done) as f64 / rate;
            eprintln!("cut {done} of {total} tiles, {rate:.0} a second, {left:.0} s left");
        }
    }
}
