//! The curve through the map along which its tiles stand: cells that are near each other are near on it.

use crate::domain::cell::Cell;

/// Zoom of the cells along which the curve runs: 2.4 m at the equator.
pub(super) const CURVE_ZOOM: u8 = 24;

/// The place of a cell on the curve of its zoom (Morton, 1966): the bits of its row and column in turn. All cells inside
/// it follow one another on the curves of deeper zooms.
pub(super) fn curve(cell: Cell) -> u64 {
    spread(cell.x) | spread(cell.y) << 1
}

fn spread(bits: u32) -> u64 {
    let mut spread = u64::from(bits);
    for (shift, mask) in [
        (16, 0x0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555),
    ] {
        spread = (spread | spread << shift) & mask;
    }
    spread
}

/// The cell of a zoom that holds a place on the curve.
pub(super) fn cell_of(code: u64, zoom: u8) -> Cell {
    let code = code >> (2 * u32::from(CURVE_ZOOM - zoom));
    let gather = |code: u64| (0..u32::from(zoom)).fold(0, |bits, bit| bits | ((code >> (2 * bit)) as u32 & 1) << bit);
    Cell { z: zoom, x: gather(code), y: gather(code >> 1) }
}
