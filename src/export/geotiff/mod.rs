//! Cloud-optimised GeoTIFF in web mercator (EPSG:3857), deflated, with overviews. `tif` holds three bands: class code,
//! probability of any damage, effective redundancy. `class.tif` holds the class code alone, with a palette, because TIFF
//! knows palettes for single bands only. Map cells are a pixel each; outlines of buildings are drawn.

mod draw;
mod grid;
mod palette;

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use geotiff_writer::{
    CogBuilder, Compression, GeoTiffBuilder, NumericSample, PhotometricInterpretation, PlanarConfiguration, Resampling,
};
use ndarray::Array3;

use self::draw::Drawing;
use self::grid::Grid;
use super::{Format, Sheet, Sheets};
use crate::domain::cell::{Cell, MERCATOR_HALF};
use crate::domain::damage_map::What;

/// Class code, probability of any damage, effective redundancy.
pub struct Bands;

/// Class codes with a palette.
pub struct Classes;

/// Bands of the drawing, in the order of `Bands`.
const BANDS: usize = 3;
/// Side of a block, pixels.
const BLOCK: usize = 256;
/// What a class code is where there is none.
const NO_CLASS: u8 = 255;

impl Format for Bands {
    fn extension(&self) -> &'static str {
        "tif"
    }

    fn media_type(&self) -> &'static str {
        "image/tiff; application=geotiff; profile=cloud-optimized"
    }

    fn holds(&self, what: What) -> bool {
        what == What::Tiles
    }

    fn write(&self, sheets: &mut Sheets<'_>, out: &mut (dyn Write + Send), scratch: &Path) -> io::Result<u64> {
        draw(sheets, out, scratch, |drawing, _, file| {
            let builder = builder(&drawing.grid).bands(BANDS as u32).planar_configuration(PlanarConfiguration::Planar);
            write_blocks(builder.nodata("nan"), drawing, file, |pixel: [f32; BANDS]| pixel)
        })
    }
}

impl Format for Classes {
    fn extension(&self) -> &'static str {
        "class.tif"
    }

    fn media_type(&self) -> &'static str {
        "image/tiff; application=geotiff; profile=cloud-optimized"
    }

    fn holds(&self, what: What) -> bool {
        what == What::Tiles
    }

    fn write(&self, sheets: &mut Sheets<'_>, out: &mut (dyn Write + Send), scratch: &Path) -> io::Result<u64> {
        draw(sheets, out, scratch, |drawing, sheet, file| {
            let colours = palette::of(&sheet.map.scale)?;
            let builder = builder(&drawing.grid).nodata("255");
            let builder = builder.photometric(PhotometricInterpretation::Palette).color_map(colours);
            let code = |pixel: [f32; BANDS]| if pixel[0].is_finite() { pixel[0] as u8 } else { NO_CLASS };
            write_blocks(builder, drawing, file, |pixel| [code(pixel)])
        })
    }
}

/// Draws the sheet, lets `write` make a file of it and copies that out.
fn draw(
    sheets: &mut Sheets<'_>,
    out: &mut (dyn Write + Send),
    scratch: &Path,
    write: impl Fn(&mut Drawing, &Sheet<'_>, File) -> io::Result<File>,
) -> io::Result<u64> {
    let mut count = 0;
    sheets(&mut |sheet, records| {
        let mut drawing = draw::draw(sheet, records, scratch)?;
        count += drawing.rows;
        let mut file = write(&mut drawing, sheet, tempfile::tempfile_in(scratch)?)?;
        file.rewind()?;
        io::copy(&mut file, out)?;
        Ok(())
    })?;
    out.flush()?;
    Ok(count)
}

fn builder(grid: &Grid) -> GeoTiffBuilder {
    let side = Cell::side(grid.zoom);
    let (left, top) = (grid.left as f64 * side - MERCATOR_HALF, MERCATOR_HALF - grid.top as f64 * side);
    GeoTiffBuilder::new(grid.width, grid.height)
        .tile_size(BLOCK as u32, BLOCK as u32)
        .projected_epsg(3857)
        .pixel_scale(side, side)
        .origin(left, top)
        .compression(Compression::Deflate)
}

/// Copies the drawing into a GeoTIFF, block by block; `pixel` turns the values of a pixel into samples.
fn write_blocks<T: NumericSample + Default, const N: usize>(
    builder: GeoTiffBuilder,
    drawing: &mut Drawing,
    file: File,
    pixel: impl Fn([f32; BANDS]) -> [T; N],
) -> io::Result<File> {
    let (width, height) = (drawing.grid.width as usize, drawing.grid.height as usize);
    let levels: Vec<u32> =
        (1..16).map(|power| 1 << power).take_while(|level| width.max(height) * 2 > BLOCK * *level as usize).collect();
    let cog = CogBuilder::new(builder).resampling(Resampling::NearestNeighbor);
    let cog = if levels.is_empty() { cog.no_overviews() } else { cog.overview_levels(levels) };
    let mut writer = cog.tile_writer::<T, _>(BufWriter::new(file)).map_err(fault)?;
    let mut row = Vec::new();
    for top in (0..height).step_by(BLOCK) {
        for left in (0..width).step_by(BLOCK) {
            let (columns, rows) = (BLOCK.min(width - left), BLOCK.min(height - top));
            let mut block = Array3::<T>::default((rows, columns, N));
            for y in 0..rows {
                drawing.read_row((left, top + y), columns, &mut row)?;
                for (x, values) in row.iter().enumerate() {
                    for (band, sample) in pixel(*values).into_iter().enumerate() {
                        block[(y, x, band)] = sample;
                    }
                }
            }
            writer.write_tile_3d(left, top, &block.view()).map_err(fault)?;
        }
    }
    writer.finish().map_err(fault)?.into_inner().map_err(|error| error.into_error())
}

fn fault(error: geotiff_writer::Error) -> io::Error {
    io::Error::other(format!("the GeoTIFF could not be written: {error}"))
}

impl Drawing {
    /// Pixels of a row from a place (column, row) on.
    fn read_row(&mut self, (left, top): (usize, usize), columns: usize, to: &mut Vec<[f32; BANDS]>) -> io::Result<()> {
        let start = (top * self.grid.width as usize + left) * draw::PIXEL;
        let mut bytes = vec![0; columns * draw::PIXEL];
        self.pixels.seek(SeekFrom::Start(start as u64))?;
        self.pixels.read_exact(&mut bytes)?;
        to.clear();
        to.extend(bytes.chunks_exact(draw::PIXEL).map(draw::pixel));
        Ok(())
    }
}
