//! `aftermap export`: the damage map and what belongs to it, as files.

use std::path::{Path, PathBuf};

use super::Refused;
use crate::config::DataOptions;
use crate::domain::damage_map::{Cuts, Sight, What};
use crate::domain::map_filter::{FilterWords, MapFilter};
use crate::services::Error;
use crate::services::campaigns::change_state;
use crate::services::clock::now_ms;
use crate::services::maps::export_compat::{self, System};
use crate::services::maps::export_map;
use crate::storage::Store;

/// Write a campaign's damage map, label log, volunteers, history or scenes to a file.
///
/// Whoever can start this program on the data folder sees everything that a researcher sees.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  aftermap export --campaign demo --format geojson --out damage.geojson")]
pub struct Export {
    /// Name of the campaign.
    #[arg(long, value_name = "SLUG")]
    pub campaign: String,
    /// What to write: tiles, labels, volunteers, history or scenes.
    #[arg(long, default_value = "tiles")]
    pub what: What,
    /// csv or parquet; of tiles and scenes also geojson, geojsons, gpkg, fgb; of tiles tif, class.tif; csv.gz, geojson.gz, geojsons.gz.
    #[arg(long, required_unless_present = "compat")]
    pub format: Option<String>,
    /// All files of another system in its own columns, mapswipe or zooniverse; --out is then a folder.
    #[arg(long, value_name = "SYSTEM", conflicts_with_all = ["format", "what"])]
    pub compat: Option<System>,
    /// The file to write; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Leave the class blank where its probability is below this.
    #[arg(long, value_name = "P")]
    pub min_probability: Option<f64>,
    /// Add a column that says whether the probability of any damage is at least this.
    #[arg(long, value_name = "P")]
    pub damaged_if: Option<f64>,
    /// Only tiles in this box: west,south,east,north in degrees.
    #[arg(long, value_name = "BOX", allow_hyphen_values = true)]
    pub bbox: Option<String>,
    /// Only tiles whose centre lies in the polygon of this GeoJSON geometry file.
    #[arg(long, value_name = "FILE")]
    pub area: Option<PathBuf>,
    /// Only these classes, separated by commas.
    #[arg(long)]
    pub class: Option<String>,
    /// Only these states, separated by commas.
    #[arg(long)]
    pub state: Option<String>,
    /// Only tiles whose class has at least this probability.
    #[arg(long, value_name = "P")]
    pub probability_at_least: Option<String>,
    /// Only damage that may have happened on this day or later.
    #[arg(long, value_name = "DAY")]
    pub damaged_from: Option<String>,
    /// Only damage that may have happened on this day or earlier.
    #[arg(long, value_name = "DAY")]
    pub damaged_to: Option<String>,
    #[command(flatten)]
    data: DataOptions,
}

/// Writes the file and says how many rows it has.
pub async fn run(args: Export) -> Result<(), Refused> {
    let store = args.data.open()?;
    if let Some(system) = args.compat {
        return Ok(tokio::task::spawn_blocking(move || args.run_compat(&store, system)).await??);
    }
    let out = args.out.clone();
    let rows = tokio::task::spawn_blocking(move || args.run(&store)).await??;
    if out.as_os_str() != "-" {
        println!("{rows} rows written to {}", out.display());
    }
    Ok(())
}

impl Export {
    /// Writes the file and returns the number of rows. Blocks.
    pub fn run(&self, store: &Store) -> Result<u64, Error> {
        let cuts = Cuts { min_probability: self.min_probability, damaged_if: self.damaged_if };
        let request =
            export_map::Request::new(self.what, self.format.as_deref().unwrap_or_default(), cuts, Sight::Researcher)?;
        let campaign = store.read_snapshot(|conn| change_state::find(conn, &self.campaign))?;
        let request = request.filtered(MapFilter::parse(&self.filter_words()?, &campaign.scale)?)?;
        if self.out.as_os_str() == "-" {
            return export_map::write(store, &campaign, &request, now_ms(), &mut std::io::stdout());
        }
        // Where there is room for the file there is room for what it is made of.
        let folder = self.out.parent().filter(|folder| folder.is_dir()).unwrap_or(Path::new("."));
        let request = request.with_scratch(folder.to_owned());
        Ok(export_map::write_file(store, &campaign, &request, now_ms(), &self.out)?.rows)
    }

    /// Writes all files of another system into a folder and says what is in them. Blocks.
    fn run_compat(&self, store: &Store, system: System) -> Result<(), Error> {
        let campaign = store.read_snapshot(|conn| change_state::find(conn, &self.campaign))?;
        for (file, rows) in export_compat::write_folder(store, &campaign, system, now_ms(), &self.out)? {
            println!("{rows} rows written to {}", self.out.join(file).display());
        }
        Ok(())
    }

    fn filter_words(&self) -> Result<FilterWords, Error> {
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path)
                .map_err(|error| Error::invalid("area", format!("{} cannot be read: {error}", path.display())))
        };
        Ok(FilterWords {
            bbox: self.bbox.clone(),
            area: self.area.as_ref().map(read).transpose()?,
            class: self.class.clone(),
            state: self.state.clone(),
            probability_at_least: self.probability_at_least.clone(),
            damaged_from: self.damaged_from.clone(),
            damaged_to: self.damaged_to.clone(),
        })
    }
}
