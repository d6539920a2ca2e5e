//! Where a GeoTIFF says that it lies, or why that is not known and what mends it.

use std::path::Path;

use geotiff_reader::GeoTiffFile;

use super::error::ImageryError;
use super::geokeys::proj_string;
use super::georef::{Crs, Georef};

/// The TIFF tag of rational polynomials (RPC).
const RPC: u16 = 50844;

/// Coordinate system and affine transform of a file. `said` is the EPSG code of its system by the word of whoever brought it:
/// it fills a gap, and contradicts no file.
pub fn find_georef(file: &GeoTiffFile, path: &Path, said: Option<u32>) -> Result<Georef, ImageryError> {
    let refuse = |reason: String| ImageryError::unusable(path, reason);
    let Some(t) = file.transform() else { return Err(refuse(unplaced(file, path))) };
    let affine = [t.origin_x, t.pixel_width, t.skew_x, t.origin_y, t.skew_y, t.pixel_height];
    let crs = match said {
        None => find_crs(file, path),
        Some(code) => said_crs(file, code),
    };
    let crs = crs.map_err(refuse)?;
    Georef::new(crs, affine).map_err(refuse)
}

/// Why a file without a transform cannot be placed.
fn unplaced(file: &GeoTiffFile, path: &Path) -> String {
    let name = path.display();
    let by_polynomials = file.tiff().ifd(file.base_ifd_index()).is_ok_and(|ifd| ifd.tag(RPC).is_some());
    if by_polynomials {
        return format!(
            "it is placed only by rational polynomials (RPC), not laid on the ground yet; lay it on a grid first, best \
             with a terrain model: gdalwarp -rpc -t_srs EPSG:3857 {name} out.tif"
        );
    }
    match file.metadata().tiepoints.len() {
        0 => format!(
            "it names a coordinate system but not where its pixels lie; if you know its corners: gdal_translate -a_ullr \
             <west> <north> <east> <south> {name} out.tif"
        ),
        points => format!(
            "it is placed only by ground control points ({points} of them); lay it on a grid first: \
             gdalwarp -t_srs EPSG:3857 {name} out.tif"
        ),
    }
}

/// The system that somebody names for a file that names none, or the same.
fn said_crs(file: &GeoTiffFile, code: u32) -> Result<Crs, String> {
    if file.crs().horizontal().is_none() {
        return Crs::from_epsg(code);
    }
    let own = own_code(file).map_or_else(|| "one of its own".to_owned(), |code| format!("EPSG:{code}"));
    match own_code(file).map(u32::from) == Some(code) {
        true => Crs::from_epsg(code),
        false => Err(format!(
            "it says itself which system it lies in ({own}), and EPSG:{code} is another one; leave the system away, or, if \
             the file is wrong: gdal_translate -a_srs EPSG:{code} in.tif out.tif"
        )),
    }
}

/// The code of the system that the file names, if it names one by its code.
fn own_code(file: &GeoTiffFile) -> Option<u16> {
    let horizontal = file.crs().horizontal().and_then(|horizontal| match file.crs().model_type {
        2 => horizontal.geodetic_epsg,
        _ => horizontal.projected_epsg,
    });
    horizontal.filter(|code| !matches!(*code, 0 | 32767))
}

fn find_crs(file: &GeoTiffFile, path: &Path) -> Result<Crs, String> {
    let name = path.display();
    if file.crs().horizontal().is_none() {
        return Err(format!(
            "it does not name its coordinate system; if you know it, say it (`crs`, --crs EPSG:<code>), or write it into the \
             file: gdal_translate -a_srs EPSG:<code> {name} out.tif"
        ));
    }
    let found = match own_code(file) {
        Some(code) => Crs::from_epsg(u32::from(code)),
        None => proj_string(file.geokeys()).and_then(|text| Crs::from_proj(text.clone(), &text)),
    };
    found.map_err(|reason| match reason.contains("planet") {
        true => reason,
        false => format!("{reason}; turn it into a system that is known: gdalwarp -t_srs EPSG:3857 {name} out.tif"),
    })
}
