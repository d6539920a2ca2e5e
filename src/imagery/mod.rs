//! The imagery room: a GeoTIFF goes in, one immutable archive of map tiles comes out and is served. No database.
//!
//! ```text
//! source (GeoTIFF windows) -> georef (pixel <-> web mercator) -> reproject (256 px tiles) -> pyramid (overviews)
//!        -> encode (WebP) -> archive (PMTiles on disk) -> serve (tiles by cell, share of valid picture)
//! ```
//!
//! [`cut_scene`] is the way in, [`Archives`] the way out. Beside them stand building [`footprints`] and the
//! [`synthetic`] town that the demo and the tests draw for themselves.

mod archive;
mod archives;
mod bands;
mod climb;
pub mod cut;
mod draft;
mod encode;
mod error;
pub mod footprints;
mod geokeys;
mod georef;
mod geotiff;
mod place;
mod pyramid;
mod reproject;
mod samples;
mod scene;
mod serve;
mod source;
mod stretch;
pub mod synthetic;

pub use archive::hash_file;
pub use archives::Archives;
pub use bands::Look;
pub use error::ImageryError;

pub use footprints::{Footprint, read_footprints, square_around};
pub use georef::{Crs, Georef};
pub use geotiff::GeoTiffSource;
pub use scene::{CutRequest, CutScene, Progress, cut_scene};
pub use serve::{SceneArchive, SceneMetadata};
pub use source::{RasterSource, RgbaImage, Window};
pub use synthetic::{SyntheticScene, SyntheticTown, TownOptions};
