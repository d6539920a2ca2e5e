//! The imagery room: a GeoTIFF goes in, one immutable archive of map tiles comes out and is served. No database.
//!
//! ```text
//! source (GeoTIFF windows; place, bands, stretch) -> georef (pixel <-> web mercator) -> reproject (256 px tiles)
//!        -> pyramid (blocks, overviews) -> encode (WebP) -> draft -> archive (PMTiles on disk)
//!        -> serve (tiles by cell, share of valid picture)
//! ```
//!
//! [`cut_scene`] is the way in, [`Archives`] the way out. Tiles that exist already come in through [`tileset`]. Beside them stand building [`footprints`] and the
//! [`synthetic`] town that the demo and the tests draw for themselves.

pub mod align;
mod archive;
mod archives;
mod bands;
mod bilinear;
mod bucket;
pub mod change;
mod climb;
pub mod cut;
mod draft;
mod encode;
mod error;
pub mod footprints;
mod geokeys;
mod georef;
mod geotiff;
mod head;
mod open;
mod picture;
mod place;
mod pyramid;
mod reproject;
mod samples;
mod scene;
mod serve;
mod source;
mod sparse;
mod stored;
mod stretch;
pub mod synthetic;
pub mod tileset;
pub mod upkeep;
mod webp_blocks;

pub use archive::hash_file;
pub use archives::Archives;
pub use bands::Look;
pub use encode::encode as encode_tile;
pub use error::ImageryError;

pub use footprints::{
    Footprint, FootprintReport, Outline, check_length, finish_footprints, from_geopackage, outlines_of_geopackage,
    read_footprints, report, square_around,
};
pub use georef::{Crs, Georef};
pub use geotiff::GeoTiffSource;
pub use head::{HEAD_BYTES, KIND_BYTES, unwanted};
pub use picture::{PictureKind, decode as decode_tile};
pub use pyramid::draw_cell;
pub use scene::{CutRequest, CutScene, Progress, cut_scene};
pub use serve::{SceneArchive, SceneMetadata};
pub use source::{Pixels, RasterSource, RgbaImage, Shown, Window};
pub use stored::QUARANTINE;
pub use synthetic::{SyntheticScene, SyntheticTown, TownOptions};
